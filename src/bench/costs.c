/* What threads and processes cost: to start, to keep, to hand a job to, to send an item, to lock.
 */
#include "bench/scene.h"

#include "bench/cell.h"
#include "bench/statistics.h"
#include "bench/work.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    STARTS = 60,        /* processes, and threads, started */
    WORKERS = 2,        /* for the cost of a job */
    EMPTY_JOBS = 50000, /* under way together */
    TRIPS = 3000,       /* jobs, one after the other */
    THREADS_KEPT = 8,   /* whose memory is measured together */
    QUEUE_ITEMS = 100000,
    QUEUE_CAPACITY = 1024,
    QUEUE_ITEM_BYTES = 64,
    LOCK_TURNS = 200000, /* of each of two */
};

/* ---- A thread or a process, started plainly ------------------------------------------------- */

/* What is run in one of the two: its function and argument, and the handle to wait by. */
struct runner {
    int of;
    int (*fn)(void *arg);
    void *arg;
    pthread_t thread;
    struct mp_process *process;
};

static void *runner_thread(void *arg)
{
    struct runner *runner = arg;
    return (void *)(intptr_t)runner->fn(runner->arg);
}

static int runner_start(struct runner *runner)
{
    if (runner->of == CLAIMS_THREADS)
        return -pthread_create(&runner->thread, NULL, runner_thread, runner);
    return mp_process_start(runner->fn, runner->arg, NULL, &runner->process);
}

/* Returns 0 when its function did. */
static int runner_end(struct runner *runner)
{
    void *result;
    if (runner->of == CLAIMS_PROCESSES)
        return cell_child_end(runner->process, NULL);
    pthread_join(runner->thread, &result);
    return (int)(intptr_t)result;
}

static int stamp_now(void *arg)
{
    struct board *board = arg;
    board->moment = work_now_s();
    return 0;
}

int play_start(struct scene *scene)
{
    double start[STARTS], life[STARTS];
    for (int i = 0; i < STARTS; i++) {
        struct runner runner = {.of = scene->of, .fn = stamp_now, .arg = scene->board};
        double begin = work_now_s();
        int error = runner_start(&runner);
        if (error < 0 || (error = runner_end(&runner)) != 0)
            return error;
        life[i] = work_now_s() - begin;
        start[i] = scene->board->moment - begin;
    }
    scene->board->claims.start_s[scene->of] = statistics_median(start, STARTS);
    scene->board->claims.life_s[scene->of] = statistics_median(life, STARTS);
    return 0;
}

/* ---- Memory --------------------------------------------------------------------------------- */

/* Memory of this process that nobody shares; an old kernel counts only what no file backs. */
static double private_bytes(void)
{
    char line[200];
    long pages, resident, shared;
    double bytes = 0, part;
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Private_Clean: %lf", &part) == 1 ||
            sscanf(line, "Private_Dirty: %lf", &part) == 1)
            bytes += part * 1024;
    if (file)
        fclose(file);
    if (bytes > 0 || !(file = fopen("/proc/self/statm", "re")))
        return bytes;
    if (fscanf(file, "%ld %ld %ld", &pages, &resident, &shared) == 3)
        bytes = (double)(resident - shared) * (double)sysconf(_SC_PAGESIZE);
    fclose(file);
    return bytes;
}

static int memory_job(struct mp_task *task, const void *arg, size_t size)
{
    double bytes = private_bytes();
    (void)arg;
    (void)size;
    return mp_task_return(task, &bytes, sizeof bytes);
}

static int wait_job(struct mp_task *task, const void *arg, size_t size)
{
    (void)task;
    (void)arg;
    (void)size;
    scene_pause();
    return 0;
}

/* Submits jobs without an argument and waits for all. Returns 0, or an error. */
static int jobs_do(struct mp_executor *executor, mp_task_fn *fn, int count, double *ret)
{
    struct mp_future *futures[4 * THREADS_KEPT];
    const void *data;
    size_t size;
    int error = 0;
    for (int i = 0; i < count && error == 0; i++)
        error = mp_executor_submit(executor, fn, NULL, 0, NULL, &futures[i]);
    for (int i = 0; i < count && error == 0; i++) {
        error = mp_future_result(futures[i], MP_FOREVER, &data, &size);
        if (error == 0 && ret && size == sizeof *ret)
            memcpy(ret, data, sizeof *ret);
        mp_future_free(futures[i]);
    }
    return error;
}

/* A worker process says what it has; of threads it is told by what the program has more. */
int play_memory(struct scene *scene)
{
    bool threads = scene->of == CLAIMS_THREADS;
    struct mp_executor_options options = {.kind = scene_kind(scene),
                                          .workers = threads ? THREADS_KEPT : 1};
    struct mp_executor *executor;
    double before = private_bytes(), bytes = 0;
    int error = mp_executor_create(&options, &executor);
    if (error < 0)
        return error;
    error = threads ? jobs_do(executor, wait_job, 4 * THREADS_KEPT, NULL)
                    : jobs_do(executor, memory_job, 1, &bytes);
    if (threads)
        bytes = (private_bytes() - before) / THREADS_KEPT;
    scene->board->claims.memory_bytes[scene->of] = bytes;
    mp_executor_free(executor);
    return error;
}

/* ---- Empty jobs ----------------------------------------------------------------------------- */

/* Seconds a job, all handed in before the first is waited for. Returns below 0 on failure. */
static double many_s(struct mp_executor *executor, struct mp_future **futures, uint32_t count)
{
    int error = 0;
    double begin = work_now_s();
    for (uint32_t i = 0; i < count && error == 0; i++)
        error = mp_executor_submit(executor, scene_echo, &i, sizeof i, NULL, &futures[i]);
    for (uint32_t i = 0; i < count && error == 0; i++)
        error = scene_take(futures[i]);
    return error == 0 ? (work_now_s() - begin) / count : -1;
}

/* Seconds a job, each waited for before the next. */
static double trips_s(struct mp_executor *executor, uint32_t count)
{
    int error = 0;
    double begin = work_now_s();
    for (uint32_t i = 0; i < count && error == 0; i++) {
        struct mp_future *future;
        error = mp_executor_submit(executor, scene_echo, &i, sizeof i, NULL, &future);
        if (error == 0)
            error = scene_take(future);
    }
    return error == 0 ? (work_now_s() - begin) / count : -1;
}

/* One round of both, on workers of its own that run already: each has settled jobs before the clock
 * starts. */
static int jobs_round(enum mp_kind kind, double *ret_trip, double *ret_many)
{
    static struct mp_future *futures[EMPTY_JOBS];
    struct mp_executor_options options = {
        .kind = kind, .workers = WORKERS, .max_pending = EMPTY_JOBS};
    struct mp_executor *executor;
    int error = mp_executor_create(&options, &executor);
    if (error < 0)
        return error;
    trips_s(executor, 4 * WORKERS);
    *ret_many = many_s(executor, futures, EMPTY_JOBS);
    *ret_trip = trips_s(executor, TRIPS);
    mp_executor_free(executor);
    return *ret_many < 0 || *ret_trip < 0 ? -EIO : 0;
}

static int jobs_cost(enum mp_kind kind, double *ret_trip, double *ret_many)
{
    double trips[SCENE_ROUNDS], many[SCENE_ROUNDS];
    int error = 0;
    for (int i = 0; i < SCENE_ROUNDS && error == 0; i++)
        error = jobs_round(kind, &trips[i], &many[i]);
    if (error < 0)
        return error;
    *ret_trip = statistics_median(trips, SCENE_ROUNDS);
    *ret_many = statistics_median(many, SCENE_ROUNDS);
    return 0;
}

int play_jobs(struct scene *scene)
{
    struct claims *claims = &scene->board->claims;
    return jobs_cost(scene_kind(scene), &claims->round_trip_s[scene->of],
                     &claims->job_s[scene->of]);
}

int play_sequential_jobs(struct scene *scene)
{
    double trip;
    return jobs_cost(MP_SEQUENTIAL, &trip, &scene->board->claims.sequential_job_s);
}

/* ---- Queue and lock ------------------------------------------------------------------------- */

static int queue_produce(void *queue)
{
    char item[QUEUE_ITEM_BYTES] = {0};
    int error = 0;
    for (int i = 0; i < QUEUE_ITEMS && error == 0; i++)
        error = mp_queue_put(queue, item, sizeof item, MP_FOREVER);
    mp_queue_close(queue);
    return error != 0;
}

static int queue_consume(void *queue)
{
    char item[QUEUE_ITEM_BYTES];
    size_t size;
    int count = 0;
    while (mp_queue_get(queue, item, sizeof item, MP_FOREVER, &size) == 0)
        count++;
    return count != QUEUE_ITEMS;
}

/* Runs two functions beside each other. Returns the seconds, below 0 on failure. */
static double both_s(int of, int (*one)(void *), int (*other)(void *), void *arg)
{
    struct runner a = {.of = of, .fn = one, .arg = arg}, b = {.of = of, .fn = other, .arg = arg};
    double begin = work_now_s();
    if (runner_start(&a) < 0)
        return -1;
    bool alone = runner_start(&b) < 0;
    if (alone)
        other(arg); /* or the one would wait for it for ever */
    int failed = alone || runner_end(&b) != 0;
    failed |= runner_end(&a) != 0;
    return failed ? -1 : work_now_s() - begin;
}

int play_queue(struct scene *scene)
{
    double rounds[SCENE_ROUNDS];
    for (int i = 0; i < SCENE_ROUNDS; i++) {
        struct mp_queue *queue;
        int error = mp_queue_create(QUEUE_CAPACITY, QUEUE_ITEM_BYTES, &queue);
        if (error < 0)
            return error;
        rounds[i] = both_s(scene->of, queue_produce, queue_consume, queue) / QUEUE_ITEMS;
        mp_queue_free(queue);
        if (rounds[i] < 0)
            return -EIO;
    }
    scene->board->claims.queue_s[scene->of] = statistics_median(rounds, SCENE_ROUNDS);
    return 0;
}

static int lock_turns(void *lock)
{
    int error = 0;
    for (int i = 0; i < LOCK_TURNS && error == 0; i++) {
        error = mp_lock_acquire(lock, MP_FOREVER);
        mp_lock_release(lock);
    }
    return error != 0;
}

int play_lock(struct scene *scene)
{
    double rounds[SCENE_ROUNDS];
    for (int i = 0; i < SCENE_ROUNDS; i++) {
        struct mp_lock *lock;
        int error = mp_lock_create(false, &lock);
        if (error < 0)
            return error;
        rounds[i] = both_s(scene->of, lock_turns, lock_turns, lock) / (2 * LOCK_TURNS);
        mp_lock_free(lock);
        if (rounds[i] < 0)
            return -EIO;
    }
    scene->board->claims.lock_s[scene->of] = statistics_median(rounds, SCENE_ROUNDS);
    return 0;
}
