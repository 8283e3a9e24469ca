/* What a million jobs cost the parent in memory: its resident size after the first thousands, and
 * the largest that it ever had, for jobs that are submitted and for elements of a map.
 *
 * usage: bench_memory [JOBS] */
#include <mproc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { WARM_UP = 20000, WINDOW = 128 };

static int task_index(struct mp_task *task, const void *arg, size_t size)
{
    return mp_task_return(task, arg, size);
}

/* Resident kilobytes of this process. */
static long resident_kb(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages * sysconf(_SC_PAGESIZE) / 1024;
}

static int fail(const char *what, int error)
{
    fprintf(stderr, "bench_memory: %s: %s\n", what, mp_strerror(error));
    exit(1);
}

static long value_of(struct mp_future *future)
{
    const void *data;
    size_t size;
    long value;
    int error = mp_future_result(future, MP_FOREVER, &data, &size);
    if (error < 0 || size != sizeof value)
        fail("a job", error);
    memcpy(&value, data, sizeof value);
    mp_future_free(future);
    return value;
}

/* Submits jobs with a few under way at a time. Returns the sum of their results. */
static long run_submit(struct mp_executor *executor, long jobs)
{
    struct mp_future *futures[WINDOW];
    long sum = 0;
    for (long i = 0; i < jobs + WINDOW; i++) {
        if (i >= WINDOW && i - WINDOW < jobs)
            sum += value_of(futures[i % WINDOW]);
        if (i >= jobs)
            continue;
        int error =
            mp_executor_submit(executor, task_index, &i, sizeof i, NULL, &futures[i % WINDOW]);
        if (error < 0)
            fail("submit", error);
    }
    return sum;
}

struct range {
    long next, end, current;
};

static int range_next(void *source, const void **ret_arg, size_t *ret_size)
{
    struct range *range = source;
    if (range->next == range->end)
        return 0;
    range->current = range->next++;
    *ret_arg = &range->current;
    *ret_size = sizeof range->current;
    return 1;
}

static long run_map(struct mp_executor *executor, long jobs)
{
    struct range range = {.end = jobs};
    struct mp_map *map;
    struct mp_item item;
    long sum = 0, value;
    int error = mp_executor_map(executor, task_index, range_next, &range, NULL, &map);
    while (error == 0 && mp_map_next(map, MP_FOREVER, &item) == 1) {
        memcpy(&value, item.data, sizeof value);
        sum += value;
    }
    if (error < 0)
        fail("map", error);
    mp_map_free(map);
    return sum;
}

static void measure(const char *name, struct mp_executor *executor,
                    long (*run)(struct mp_executor *, long), long jobs)
{
    run(executor, WARM_UP);
    long before = resident_kb();
    if (run(executor, jobs) != jobs * (jobs - 1) / 2)
        fail(name, 0);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%-7s %9ld jobs: %ld kB resident before, %ld kB after, %ld kB at most\n", name, jobs,
           before, resident_kb(), usage.ru_maxrss);
}

int main(int argc, char **argv)
{
    long jobs = argc > 1 ? atol(argv[1]) : 1000000;
    struct mp_executor *executor;
    int error = mp_executor_create(&(struct mp_executor_options){.workers = 2}, &executor);
    if (error < 0)
        fail("executor", error);
    measure("submit", executor, run_submit, jobs);
    measure("map", executor, run_map, jobs);
    mp_executor_free(executor);
    return 0;
}
