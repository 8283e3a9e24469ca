#include "cli/shard_env.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* What a scheduler tells its tasks. */
struct scheduler {
    const char *index; /* variable that numbers the tasks */
    const char *count; /* variable that tells how many there are; NULL: none does */
    const char *none;  /* what the first one is outside of an array of tasks, or NULL */
    uint32_t first;    /* number of the first task */
};

/* In this order. A job array's variables are in each of its tasks, also where srun starts them,
 * so they come before srun's. */
static const struct scheduler schedulers[] = {
    {"THUMBPOOL_SHARD_INDEX", "THUMBPOOL_SHARD_COUNT", NULL, 1},
    {"SLURM_ARRAY_TASK_ID", NULL, NULL, 1},
    {"SLURM_PROCID", "SLURM_NTASKS", NULL, 0},
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", NULL, 0},
    {"PMI_RANK", "PMI_SIZE", NULL, 0},
    {"JOB_COMPLETION_INDEX", NULL, NULL, 0},
    {"AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE", NULL, 0},
    {"BATCH_TASK_INDEX", "BATCH_TASK_COUNT", NULL, 0},
    {"CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT", NULL, 0},
    {"PBS_ARRAY_INDEX", NULL, NULL, 1},
    {"SGE_TASK_ID", NULL, "undefined", 1},
    {"LSB_JOBINDEX", NULL, "0", 1},
};

enum { OWN, SLURM_ARRAY, SCHEDULERS = sizeof schedulers / sizeof *schedulers };

/* What is being found out. */
struct search {
    shard_env_get *get;
    uint32_t given; /* N of auto/N, 0 none */
    char *why;      /* SHARD_WHY_BYTES */
};

static int refuse(const struct search *search, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(const struct search *search, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(search->why, SHARD_WHY_BYTES, format, list);
    va_end(list);
    return -EINVAL;
}

/* ---- Variables ------------------------------------------------------------------------------ */

/* What a variable is set to; NULL also where that is nothing. */
static const char *variable(const struct search *search, const char *name)
{
    const char *text = search->get(name);
    return text && text[0] != '\0' ? text : NULL;
}

/* Reads a variable, which is set. Returns 0 or -EINVAL. */
static int variable_number(const struct search *search, const char *name, uint32_t *ret)
{
    const char *text = search->get(name), *rest = shard_number(text, ret);
    if (!rest || *rest != '\0')
        return refuse(search, "%s should be a number, not \"%.100s\"", name, text);
    return 0;
}

/* Whether the tasks were started by that scheduler. */
static bool is_set(const struct search *search, const struct scheduler *scheduler)
{
    const char *text = variable(search, scheduler->index);
    return text && !(scheduler->none && strcmp(text, scheduler->none) == 0);
}

/* ---- Schedulers ----------------------------------------------------------------------------- */

/* Finds out how many tasks there are. Returns 0 or -EINVAL. */
static int count_find(const struct search *search, const struct scheduler *scheduler, uint32_t *ret)
{
    bool told = scheduler->count && variable(search, scheduler->count);
    *ret = search->given;
    if (!told && search->given == 0 && scheduler->count)
        return refuse(search, "%s is set, and %s is not: give --shard auto/N", scheduler->index,
                      scheduler->count);
    if (!told && search->given == 0)
        return refuse(search,
                      "%s is set, and nothing tells how many tasks there are: give --shard"
                      " auto/N",
                      scheduler->index);
    if (told && variable_number(search, scheduler->count, ret) < 0)
        return -EINVAL;
    if (search->given > 0 && *ret != search->given)
        return refuse(search, "%s is %u, which is not the N of --shard auto/%u", scheduler->count,
                      *ret, search->given);
    if (*ret < 1 || *ret > SHARD_MOST)
        return refuse(search, "%s should be 1 to %d, not %u", scheduler->count, SHARD_MOST, *ret);
    return 0;
}

/* Takes a task's number, of which the first task has `first`. Returns 0 or -EINVAL. */
static int index_take(const struct search *search, const char *name, uint32_t first, uint32_t count,
                      struct shard *ret)
{
    uint32_t index;
    if (variable_number(search, name, &index) < 0)
        return -EINVAL;
    if (index < first || index - first >= count)
        return refuse(search, "%s is %u, and the numbers of %u shards go from %u to %u here", name,
                      index, count, first, first + count - 1);
    *ret = (struct shard){index - first + 1, count};
    return 0;
}

/* The ids of a Slurm array tell nothing of how many tasks there once were: when those that failed
 * are started again, MIN, MAX and COUNT are theirs. So without N the array has to be whole, and
 * with N an id means the same whichever others there are. */
static int slurm_array(const struct search *search, struct shard *ret)
{
    static const char *const names[] = {"SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX",
                                        "SLURM_ARRAY_TASK_COUNT"};
    const char *id = schedulers[SLURM_ARRAY].index;
    uint32_t range[3] = {UINT32_MAX, 0, 0};
    for (int i = 0; i < 3; i++)
        if (variable(search, names[i]) && variable_number(search, names[i], &range[i]) < 0)
            return -EINVAL;
    if (search->given > 0 && range[0] == 0)
        return refuse(search,
                      "with --shard auto/N the tasks of a Slurm array are numbered from 1,"
                      " as in --array=1-%u, not from 0",
                      search->given);
    if (search->given > 0)
        return index_take(search, id, 1, search->given, ret);
    bool whole = range[0] <= 1 && range[1] >= range[0] && range[2] == range[1] - range[0] + 1;
    if (!whole || range[2] > SHARD_MOST)
        return refuse(search,
                      "this Slurm array is not known to be whole, from 0 or 1 to its last"
                      " id, so the number of shards is not known: give --shard auto/N, with which"
                      " ids count from 1 (or, of an array that counted from 0, --shard"
                      " $((SLURM_ARRAY_TASK_ID + 1))/N)");
    return index_take(search, id, range[0], range[2], ret);
}

static int scheduler_take(const struct search *search, const struct scheduler *scheduler,
                          struct shard *ret)
{
    uint32_t count;
    if (scheduler == &schedulers[SLURM_ARRAY])
        return slurm_array(search, ret);
    int error = count_find(search, scheduler, &count);
    return error < 0 ? error : index_take(search, scheduler->index, scheduler->first, count, ret);
}

/* Says what was looked for. */
static int none_refuse(const struct search *search)
{
    size_t length = (size_t)snprintf(search->why, SHARD_WHY_BYTES,
                                     "--shard auto finds none of the variables of a scheduler:");
    for (int i = 0; i < SCHEDULERS && length < SHARD_WHY_BYTES; i++)
        length += (size_t)snprintf(search->why + length, SHARD_WHY_BYTES - length, "%s %s",
                                   i > 0 ? "," : "", schedulers[i].index);
    return -EINVAL;
}

static int search_run(const struct search *search, struct shard *ret)
{
    const struct scheduler *own = &schedulers[OWN];
    if (!variable(search, own->index) && variable(search, own->count))
        return refuse(search, "%s is set, and %s is not", own->count, own->index);
    for (int i = 0; i < SCHEDULERS; i++)
        if (is_set(search, &schedulers[i]))
            return scheduler_take(search, &schedulers[i], ret);
    return none_refuse(search);
}

int shard_env_parse(const char *text, shard_env_get *get, struct shard *ret,
                    char ret_why[SHARD_WHY_BYTES])
{
    struct search search = {.get = get, .why = ret_why};
    bool is_auto = strncmp(text, "auto", 4) == 0;
    if (is_auto && text[4] == '\0')
        return search_run(&search, ret);
    if (!is_auto && shard_parse(text, ret) == 0)
        return 0;
    const char *rest = is_auto && text[4] == '/' ? shard_number(text + 5, &search.given) : NULL;
    if (!rest || *rest != '\0' || search.given < 1 || search.given > SHARD_MOST)
        return refuse(&search,
                      "--shard takes I/N with I from 1 to N and N up to %d, auto or"
                      " auto/N, not \"%.100s\"",
                      SHARD_MOST, text);
    return search_run(&search, ret);
}
