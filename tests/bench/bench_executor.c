/* What a job, a message, a lock and a process cost: prints `case<TAB>value`, one a line, the median
 * of several rounds. A value is a number per second; of an efficiency, the share of what two
 * workers could do at best. Whatever a case makes is counted, and a wrong sum ends the run.
 *
 *   bench_executor [CASE...]
 *
 * Needs nothing but the installed library: cc bench_executor.c -lmproc */
#include <mproc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 2, ROUNDS_MIN = 3, ROUNDS_MAX = 15 };

static const double case_seconds = 1.4; /* no new round once so much has gone for each case */

static double clock_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double now_s(void)
{
    return clock_s(CLOCK_MONOTONIC);
}

/* Ends the run when a call of the library failed. */
static void check(const char *what, int error)
{
    if (error >= 0)
        return;
    fprintf(stderr, "bench_executor: %s: %s\n", what, mp_strerror(error));
    exit(1);
}

/* Ends the run unless the results are the numbers 0 to count - 1, each once. */
static void check_sum(const char *what, uint64_t sum, uint64_t count)
{
    if (sum == count * (count - 1) / 2)
        return;
    fprintf(stderr, "bench_executor: %s: the sum of %llu results is wrong\n", what,
            (unsigned long long)count);
    exit(1);
}

/* ---- Jobs: each is its index, and returns it ------------------------------------------------ */

static int empty_job(struct mp_task *task, const void *arg, size_t size)
{
    return mp_task_return(task, arg, size);
}

/* Computes for as long as the executor's ctx says, by the clock of its own processor time. */
static int busy_job(struct mp_task *task, const void *arg, size_t size)
{
    double until = clock_s(CLOCK_THREAD_CPUTIME_ID) + *(const double *)mp_task_ctx(task);
    while (clock_s(CLOCK_THREAD_CPUTIME_ID) < until)
        ;
    return mp_task_return(task, arg, size);
}

static uint32_t result_take(struct mp_future *future)
{
    const void *data;
    size_t size;
    uint32_t index;
    check("result", mp_future_result(future, MP_FOREVER, &data, &size));
    memcpy(&index, data, sizeof index);
    mp_future_free(future);
    return index;
}

/* An executor whose workers run: each has settled a job before the clock starts. */
static struct mp_executor *executor_warm(int max_pending, double *ctx)
{
    struct mp_executor *executor;
    struct mp_future *futures[2 * WORKERS];
    struct mp_executor_options options = {
        .workers = WORKERS, .max_pending = max_pending, .ctx = ctx};
    check("mp_executor_create", mp_executor_create(&options, &executor));
    for (uint32_t i = 0; i < 2 * WORKERS; i++)
        check("submit", mp_executor_submit(executor, empty_job, &i, sizeof i, NULL, &futures[i]));
    for (int i = 0; i < 2 * WORKERS; i++)
        result_take(futures[i]);
    return executor;
}

/* Submits `count` jobs, then collects every future. Returns the seconds that it took. */
static double submit_all(mp_task_fn *fn, uint32_t count, double *ctx)
{
    struct mp_future **futures = malloc(count * sizeof *futures);
    struct mp_executor *executor = executor_warm((int)count, ctx);
    uint64_t sum = 0;
    double begin = now_s();
    for (uint32_t i = 0; i < count; i++)
        check("submit", mp_executor_submit(executor, fn, &i, sizeof i, NULL, &futures[i]));
    for (uint32_t i = 0; i < count; i++)
        sum += result_take(futures[i]);
    double seconds = now_s() - begin;
    check_sum("submit", sum, count);
    mp_executor_free(executor);
    free(futures);
    return seconds;
}

static double bench_submit_result(void)
{
    enum { COUNT = 100000 };
    return COUNT / submit_all(empty_job, COUNT, NULL);
}

static double bench_round_trip(void)
{
    enum { COUNT = 10000 };
    struct mp_executor *executor = executor_warm(0, NULL);
    uint64_t sum = 0;
    double begin = now_s();
    for (uint32_t i = 0; i < COUNT; i++) {
        struct mp_future *future;
        check("submit", mp_executor_submit(executor, empty_job, &i, sizeof i, NULL, &future));
        sum += result_take(future);
    }
    double seconds = now_s() - begin;
    check_sum("round_trip", sum, COUNT);
    mp_executor_free(executor);
    return COUNT / seconds;
}

/* Share of the ideal: `count` jobs of job_s each on as many processors as workers. */
static double efficiency(uint32_t count, double job_s)
{
    return count * job_s / WORKERS / submit_all(busy_job, count, &job_s);
}

static double bench_efficiency_1ms(void)
{
    return efficiency(500, 1e-3);
}

static double bench_efficiency_100us(void)
{
    return efficiency(5000, 1e-4);
}

/* ---- The same round trip without the library ------------------------------------------------ */

struct frame {
    char header[48];
    uint32_t index;
};

/* Sends back what comes, until the end. */
static void echo(int from, int to)
{
    struct frame frame;
    while (read(from, &frame, sizeof frame) == sizeof frame)
        if (write(to, &frame, sizeof frame) != sizeof frame)
            break;
}

static double bench_raw_round_trip(void)
{
    enum { COUNT = 10000 };
    int down[2], up[2];
    struct frame frame = {0};
    uint64_t sum = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, down) != 0 || pipe(up) != 0)
        exit(1);
    pid_t child = fork();
    if (child == 0) {
        close(down[0]);
        echo(down[1], up[1]);
        _exit(0);
    }
    close(down[1]);
    close(up[1]);
    double begin = now_s();
    for (uint32_t i = 0; i < COUNT; i++) {
        frame.index = i;
        if (write(down[0], &frame, sizeof frame) != sizeof frame ||
            read(up[0], &frame, sizeof frame) != sizeof frame)
            exit(1);
        sum += frame.index;
    }
    double seconds = now_s() - begin;
    check_sum("raw_round_trip", sum, COUNT);
    close(down[0]);
    close(up[0]);
    waitpid(child, NULL, 0);
    return COUNT / seconds;
}

/* ---- Map ------------------------------------------------------------------------------------ */

struct numbers {
    uint32_t next, count;
    uint32_t element; /* what the map was given last */
};

static int numbers_next(void *source, const void **ret_arg, size_t *ret_size)
{
    struct numbers *numbers = source;
    if (numbers->next == numbers->count)
        return 0;
    numbers->element = numbers->next++;
    *ret_arg = &numbers->element;
    *ret_size = sizeof numbers->element;
    return 1;
}

static double map_all(uint32_t count, const struct mp_map_options *options)
{
    struct mp_executor *executor = executor_warm(0, NULL);
    struct numbers numbers = {.count = count};
    struct mp_map *map;
    struct mp_item item;
    uint64_t sum = 0;
    int more;
    double begin = now_s();
    check("map", mp_executor_map(executor, empty_job, numbers_next, &numbers, options, &map));
    while ((more = mp_map_next(map, MP_FOREVER, &item)) == 1) {
        uint32_t index;
        check("map", item.error);
        memcpy(&index, item.data, sizeof index);
        sum += index;
    }
    check("map", more);
    double seconds = now_s() - begin;
    check_sum("map", sum, count);
    mp_map_free(map);
    mp_executor_free(executor);
    return count / seconds;
}

static double bench_map(void)
{
    return map_all(100000, &(struct mp_map_options){.unordered = true, .chunk = 1});
}

static double bench_map_auto(void)
{
    return map_all(1000000, NULL);
}

/* ---- Processes, queue and lock -------------------------------------------------------------- */

static struct mp_process *process_start(int (*fn)(void *), void *arg)
{
    struct mp_process *process;
    check("mp_process_start", mp_process_start(fn, arg, NULL, &process));
    return process;
}

/* Waits for its end, which must be a good one. */
static int process_end(struct mp_process *process)
{
    check("join", mp_process_join(process, MP_FOREVER));
    int code = mp_process_exit_code(process);
    check("close", mp_process_close(process));
    return code;
}

static int start_job(void *arg)
{
    return *(const int *)arg;
}

static double bench_process_start(void)
{
    enum { COUNT = 250 };
    uint64_t sum = 0;
    double begin = now_s();
    for (int i = 0; i < COUNT; i++)
        sum += (uint64_t)process_end(process_start(start_job, &i));
    double seconds = now_s() - begin;
    check_sum("process_start", sum, COUNT);
    return COUNT / seconds;
}

enum { QUEUE_COUNT = 1000000, QUEUE_CAPACITY = 1024, QUEUE_ITEM = 64 };

static int queue_produce(void *queue)
{
    char item[QUEUE_ITEM] = {0};
    for (uint32_t i = 0; i < QUEUE_COUNT; i++) {
        memcpy(item, &i, sizeof i);
        if (mp_queue_put(queue, item, sizeof item, MP_FOREVER) < 0)
            return 1;
    }
    mp_queue_close(queue);
    return 0;
}

static int queue_consume(void *queue)
{
    char item[QUEUE_ITEM];
    size_t size;
    uint64_t sum = 0, count = 0;
    int error;
    for (; (error = mp_queue_get(queue, item, sizeof item, MP_FOREVER, &size)) == 0; count++) {
        uint32_t index;
        memcpy(&index, item, sizeof index);
        sum += index;
    }
    check_sum("queue", sum, QUEUE_COUNT);
    return count != QUEUE_COUNT;
}

static double bench_queue(void)
{
    struct mp_queue *queue;
    check("mp_queue_create", mp_queue_create(QUEUE_CAPACITY, QUEUE_ITEM, &queue));
    double begin = now_s();
    struct mp_process *producer = process_start(queue_produce, queue);
    struct mp_process *consumer = process_start(queue_consume, queue);
    int bad = process_end(producer) | process_end(consumer);
    double seconds = now_s() - begin;
    mp_queue_free(queue);
    if (bad)
        exit(1);
    return QUEUE_COUNT / seconds;
}

enum { LOCK_COUNT = 3000000 }; /* of each of two processes */

struct counter {
    struct mp_lock *lock;
    uint64_t *count; /* shared */
};

static int lock_count(void *arg)
{
    struct counter *counter = arg;
    for (int i = 0; i < LOCK_COUNT; i++) {
        if (mp_lock_acquire(counter->lock, MP_FOREVER) != 0)
            return 1;
        ++*counter->count;
        mp_lock_release(counter->lock);
    }
    return 0;
}

static double bench_lock(void)
{
    struct counter counter = {.count = mp_shared_alloc(sizeof *counter.count)};
    check("mp_lock_create", counter.count ? mp_lock_create(false, &counter.lock) : -1);
    double begin = now_s();
    struct mp_process *one = process_start(lock_count, &counter);
    struct mp_process *other = process_start(lock_count, &counter);
    int bad = process_end(one) | process_end(other);
    double seconds = now_s() - begin;
    if (bad || *counter.count != 2 * LOCK_COUNT) {
        fprintf(stderr, "bench_executor: lock: the count is wrong\n");
        exit(1);
    }
    mp_lock_free(counter.lock);
    mp_shared_free(counter.count, sizeof *counter.count);
    return 2 * LOCK_COUNT / seconds;
}

/* ---- Cases ---------------------------------------------------------------------------------- */

static const struct bench_case {
    const char *name;
    double (*round)(void); /* one round: its value */
} cases[] = {
    {"submit_result", bench_submit_result},
    {"round_trip", bench_round_trip},
    {"raw_round_trip", bench_raw_round_trip},
    {"map", bench_map},
    {"map_auto", bench_map_auto},
    {"queue", bench_queue},
    {"lock", bench_lock},
    {"process_start", bench_process_start},
    {"efficiency_1ms", bench_efficiency_1ms},
    {"efficiency_100us", bench_efficiency_100us},
};

enum { CASE_COUNT = sizeof cases / sizeof *cases };

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static const struct bench_case *case_find(const char *name)
{
    for (int i = 0; i < CASE_COUNT; i++)
        if (strcmp(cases[i].name, name) == 0)
            return &cases[i];
    fprintf(stderr, "bench_executor: no case \"%s\"; there are:", name);
    for (int i = 0; i < CASE_COUNT; i++)
        fprintf(stderr, " %s", cases[i].name);
    fprintf(stderr, "\n");
    exit(2);
}

/* All cases, then all again: a machine that is slower for a while is so for each of them. */
static void rounds_run(const struct bench_case *const *chosen, int count)
{
    static double values[CASE_COUNT][ROUNDS_MAX];
    int rounds = 0;
    double begin = now_s();
    do {
        for (int i = 0; i < count; i++)
            values[i][rounds] = chosen[i]->round();
        rounds++;
    } while (rounds < ROUNDS_MIN ||
             (rounds < ROUNDS_MAX && now_s() - begin < count * case_seconds));
    for (int i = 0; i < count; i++) {
        qsort(values[i], (size_t)rounds, sizeof *values[i], ascending);
        printf("%s\t%.4g\n", chosen[i]->name, values[i][rounds / 2]);
    }
}

int main(int argc, char **argv)
{
    const struct bench_case *chosen[CASE_COUNT];
    int count = argc == 1 ? CASE_COUNT : argc - 1;
    if (count > CASE_COUNT) {
        fprintf(stderr, "usage: bench_executor [CASE...]\n");
        return 2;
    }
    for (int i = 0; i < count; i++)
        chosen[i] = argc == 1 ? &cases[i] : case_find(argv[i + 1]);
    rounds_run(chosen, count);
    return 0;
}
