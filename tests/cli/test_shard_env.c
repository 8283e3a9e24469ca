#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/shard_env.h"

/* The environment: "NAME=VALUE NAME=VALUE". getenv() has no argument for it either. */
static char environment[2000];

static char *get(const char *name)
{
    static char value[300];
    size_t length = strlen(name);
    for (const char *word = environment; *word; word += strcspn(word, " ")) {
        word += strspn(word, " ");
        if (strncmp(word, name, length) != 0 || word[length] != '=')
            continue;
        word += length + 1;
        snprintf(value, sizeof value, "%.*s", (int)strcspn(word, " "), word);
        return value;
    }
    return NULL;
}

/* What comes of a value under an environment: "I/N", or the sentence. */
static const char *found(const char *value, const char *variables)
{
    static char text[SHARD_WHY_BYTES];
    struct shard shard = {0};
    snprintf(environment, sizeof environment, "%s", variables);
    if (shard_env_parse(value, get, &shard, text) == 0)
        snprintf(text, sizeof text, "%u/%u", shard.index, shard.count);
    return text;
}

static void expect(const char *value, const char *variables, const char *wanted)
{
    assert_string_equal(found(value, variables), wanted);
}

/* The sentence has a part. */
static void expect_refused(const char *value, const char *variables, const char *part)
{
    const char *text = found(value, variables);
    if (!strstr(text, part))
        fail_msg("\"%s\" under \"%s\" says \"%s\", nothing of \"%s\"", value, variables, text,
                 part);
}

static void test_shard_is_as_given_whatever_the_environment(void **state)
{
    (void)state;
    expect("2/3", "", "2/3");
    expect("2/3", "SLURM_PROCID=0 SLURM_NTASKS=9", "2/3");
    static const char *const wrong[] = {
        "",          "0/3",      "4/3",          "auto/", "auto/0", "auto/x", "auto/3x",
        "automatic", "auto/1/3", "auto/1000001", "Auto",  "1",      "3/auto"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_refused(wrong[i], "SLURM_PROCID=0 SLURM_NTASKS=9", "--shard takes I/N");
}

static void test_shard_of_schedulers_that_tell_how_many(void **state)
{
    (void)state;
    static const struct {
        const char *index, *count;
        int first;
    } all[] = {
        {"THUMBPOOL_SHARD_INDEX", "THUMBPOOL_SHARD_COUNT", 1},
        {"SLURM_PROCID", "SLURM_NTASKS", 0},
        {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", 0},
        {"PMI_RANK", "PMI_SIZE", 0},
        {"AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE", 0},
        {"BATCH_TASK_INDEX", "BATCH_TASK_COUNT", 0},
        {"CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT", 0},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char text[200], part[100];
        for (int task = 0; task < 4; task++) {
            char wanted[20];
            snprintf(wanted, sizeof wanted, "%d/4", task + 1);
            snprintf(text, sizeof text, "%s=%d %s=4", all[i].index, task + all[i].first,
                     all[i].count);
            expect("auto", text, wanted);
            expect("auto/4", text, wanted);
            snprintf(part, sizeof part, "%s is 4, which is not the N", all[i].count);
            expect_refused("auto/5", text, part);
        }
        snprintf(part, sizeof part, "%s is %d, and", all[i].index, all[i].first + 4);
        snprintf(text, sizeof text, "%s=%d %s=4", all[i].index, all[i].first + 4, all[i].count);
        expect_refused("auto", text, part);
        snprintf(text, sizeof text, "%s=2", all[i].index);
        snprintf(part, sizeof part, "%s is not: give --shard auto/N", all[i].count);
        expect_refused("auto", text, part);
        expect("auto/9", text, all[i].first ? "2/9" : "3/9");
        snprintf(text, sizeof text, "%s=two %s=4", all[i].index, all[i].count);
        snprintf(part, sizeof part, "%s should be a number, not \"two\"", all[i].index);
        expect_refused("auto", text, part);
        snprintf(text, sizeof text, "%s=2 %s=-4", all[i].index, all[i].count);
        snprintf(part, sizeof part, "%s should be a number, not \"-4\"", all[i].count);
        expect_refused("auto", text, part);
        snprintf(text, sizeof text, "%s=2 %s=0", all[i].index, all[i].count);
        snprintf(part, sizeof part, "%s should be 1 to 1000000, not 0", all[i].count);
        expect_refused("auto", text, part);
    }
    expect_refused("auto", "THUMBPOOL_SHARD_INDEX=0 THUMBPOOL_SHARD_COUNT=4", "go from 1 to 4");
    expect_refused("auto", "THUMBPOOL_SHARD_COUNT=4", "THUMBPOOL_SHARD_INDEX is not");
    expect_refused("auto/4", "THUMBPOOL_SHARD_COUNT=4", "THUMBPOOL_SHARD_INDEX is not");
}

static void test_shard_of_schedulers_that_do_not(void **state)
{
    (void)state;
    static const struct {
        const char *index;
        int first;
    } all[] = {{"JOB_COMPLETION_INDEX", 0},
               {"PBS_ARRAY_INDEX", 1},
               {"SGE_TASK_ID", 1},
               {"LSB_JOBINDEX", 1}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char text[100];
        for (int task = 0; task < 3; task++) {
            char wanted[20];
            snprintf(text, sizeof text, "%s=%d", all[i].index, task + all[i].first);
            snprintf(wanted, sizeof wanted, "%d/3", task + 1);
            expect("auto/3", text, wanted);
            expect_refused("auto", text, "give --shard auto/N");
        }
        snprintf(text, sizeof text, "%s=%d", all[i].index, 3 + all[i].first);
        expect_refused("auto/3", text, all[i].index);
        snprintf(text, sizeof text, "%s=1.5", all[i].index);
        expect_refused("auto/3", text, "should be a number, not \"1.5\"");
    }
    /* Jobs that are no arrays have these, too. */
    expect_refused("auto/3", "SGE_TASK_ID=undefined LSB_JOBINDEX=0", "finds none");
    expect_refused("auto/3", "PBS_ARRAY_INDEX=0", "go from 1 to 3");
}

static void test_shard_of_a_slurm_array_that_is_whole(void **state)
{
    (void)state;
    expect("auto",
           "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7"
           " SLURM_ARRAY_TASK_COUNT=7",
           "3/7");
    expect("auto",
           "SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=6"
           " SLURM_ARRAY_TASK_COUNT=7",
           "1/7");
    /* It comes before what srun, or Slurm itself, sets inside of it. */
    expect("auto",
           "SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=1"
           " SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=7",
           "7/7");
    expect("auto/7",
           "SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=1"
           " SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=7",
           "7/7");
}

/* Tasks 3 and 7 of a larger array, started again: their number must not become that of the shards,
 * and each must do what it did before. */
static void test_shard_of_a_slurm_array_that_is_not(void **state)
{
    (void)state;
    static const char some[] = "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=7"
                               " SLURM_ARRAY_TASK_COUNT=2";
    expect_refused("auto", some, "give --shard auto/N");
    expect("auto/10", some, "3/10");
    expect("auto/10", "SLURM_ARRAY_TASK_ID=3", "3/10");
    expect_refused("auto/2", some, "SLURM_ARRAY_TASK_ID is 3");
    expect_refused("auto", "SLURM_ARRAY_TASK_ID=3", "give --shard auto/N");
    expect_refused("auto",
                   "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7"
                   " SLURM_ARRAY_TASK_COUNT=4",
                   "give --shard auto/N"); /* every other one */
    expect_refused("auto",
                   "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=5"
                   " SLURM_ARRAY_TASK_COUNT=3",
                   "give --shard auto/N");
    expect_refused("auto/7",
                   "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=6"
                   " SLURM_ARRAY_TASK_COUNT=7",
                   "numbered from 1");
    expect_refused("auto",
                   "SLURM_ARRAY_TASK_ID=9 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7"
                   " SLURM_ARRAY_TASK_COUNT=7",
                   "SLURM_ARRAY_TASK_ID is 9");
    expect_refused("auto",
                   "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=seven"
                   " SLURM_ARRAY_TASK_COUNT=7",
                   "SLURM_ARRAY_TASK_MAX should be a number");
    expect_refused("auto",
                   "SLURM_ARRAY_TASK_ID=x SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7"
                   " SLURM_ARRAY_TASK_COUNT=7",
                   "SLURM_ARRAY_TASK_ID should be a number");
}

static void test_shard_of_the_program_s_own_variables_comes_first(void **state)
{
    (void)state;
    expect("auto",
           "SLURM_ARRAY_TASK_ID=x JOB_COMPLETION_INDEX=1 THUMBPOOL_SHARD_COUNT=8"
           " THUMBPOOL_SHARD_INDEX=8",
           "8/8");
    expect("auto", "SLURM_PROCID=1 SLURM_NTASKS=4 PMI_RANK=2 PMI_SIZE=9", "2/4");
}

static void test_shard_without_a_scheduler_says_what_was_looked_for(void **state)
{
    (void)state;
    static const char *const names[] = {"THUMBPOOL_SHARD_INDEX",
                                        "SLURM_ARRAY_TASK_ID",
                                        "SLURM_PROCID",
                                        "OMPI_COMM_WORLD_RANK",
                                        "PMI_RANK",
                                        "JOB_COMPLETION_INDEX",
                                        "AWS_BATCH_JOB_ARRAY_INDEX",
                                        "BATCH_TASK_INDEX",
                                        "CLOUD_RUN_TASK_INDEX",
                                        "PBS_ARRAY_INDEX",
                                        "SGE_TASK_ID",
                                        "LSB_JOBINDEX"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        expect_refused("auto", "", names[i]);
        expect_refused("auto/3", "SLURM_PROCID= PATH=/bin", names[i]); /* empty is not set */
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shard_is_as_given_whatever_the_environment),
        cmocka_unit_test(test_shard_of_schedulers_that_tell_how_many),
        cmocka_unit_test(test_shard_of_schedulers_that_do_not),
        cmocka_unit_test(test_shard_of_a_slurm_array_that_is_whole),
        cmocka_unit_test(test_shard_of_a_slurm_array_that_is_not),
        cmocka_unit_test(test_shard_of_the_program_s_own_variables_comes_first),
        cmocka_unit_test(test_shard_without_a_scheduler_says_what_was_looked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
