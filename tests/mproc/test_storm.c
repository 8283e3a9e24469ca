/* The kill storm: while tens of thousands of small jobs run, a timer kills a worker of the test's
 * every millisecond or two. Each job must end exactly once, as what it says it is.
 *
 * The timer's handler runs in the parent, between any two of its instructions; what it kills is its
 * own child and not collected yet, so no stranger can have the number. It interrupts every wait,
 * too. STORM_KILLS sets the number of kills of each test; the long form also has 100000 jobs at
 * least, of up to 2 ms each, and 1 to 10 ms between the kills. */
#include "support/mproc.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    JOBS = 20000, /* of one round */
    WINDOW = 64,  /* under way at the same time */
    WORKERS = 4,
    SMALL_MAX = 900, /* bytes of most arguments */
    LARGE = 150000,  /* of some: more than a pipe holds, so that results are torn */
    REPEATS = 50000, /* bytes that a small job looks at: it runs for some tenths of a millisecond */
    KILLS = 200,     /* of the short form */
    LONG_JOBS = 100000, /* of the long form */
    CHUNK = 16,         /* elements of a map that go together */
};

static bool is_long;

/* What the jobs of a round have done, in shared memory. */
struct record {
    _Atomic uint32_t begun[JOBS];
    _Atomic uint32_t finished[JOBS];
};

/* ---- The storm ------------------------------------------------------------------------------ */

static volatile sig_atomic_t kills_left;
static volatile sig_atomic_t settled, settled_at_last_kill, idle_ticks;
static volatile sig_atomic_t ticks_left;
static unsigned storm_random = 1;

static unsigned random_next(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16 & 0x7fff;
}

/* Where a fork takes longer than the time between kills, no job would ever end: so some job must
 * have, or some time have passed. */
static void on_timer(int signo)
{
    enum { PATIENCE_TICKS = 60 };
    (void)signo;
    if (is_long && --ticks_left > 0)
        return;
    ticks_left = 1 + (sig_atomic_t)(random_next(&storm_random) % 8);
    int error = errno;
    pid_t pids[WORKERS];
    if (kills_left > 0 && (settled != settled_at_last_kill || ++idle_ticks > PATIENCE_TICKS)) {
        int count = support_children(pids, WORKERS);
        if (count > 0) {
            kill(pids[random_next(&storm_random) % (unsigned)count], SIGKILL);
            kills_left--;
        }
        settled_at_last_kill = settled;
        idle_ticks = 0;
    }
    errno = error;
}

/* ---- The jobs ------------------------------------------------------------------------------- */

struct job {
    uint32_t id;
    uint32_t size; /* of the result */
};

static unsigned char byte_of(uint32_t id, uint32_t index)
{
    return (unsigned char)(id * 31 + index * 7 + (index >> 8));
}

static uint32_t size_of(uint32_t id)
{
    return id % 97 == 0 ? LARGE : id % SMALL_MAX;
}

static int task_storm(struct mp_task *task, const void *arg, size_t size)
{
    struct record *record = mp_task_ctx(task);
    struct job job;
    memcpy(&job, arg, sizeof job);
    record->begun[job.id]++;
    for (int64_t end = support_now_ms() + job.id % 3; is_long && support_now_ms() < end;)
        ;
    if (size != sizeof job + job.size)
        return mp_task_fail(task, 1, "an argument of %zu bytes", size);
    unsigned char *result = mp_task_reserve(task, job.size);
    const unsigned char *bytes = (const unsigned char *)arg + sizeof job;
    /* Many times over, so that a good part of the kills finds a job that runs. */
    for (uint32_t repeat = 0; repeat < REPEATS / (job.size + 1) + 1; repeat++)
        for (uint32_t i = 0; i < job.size; i++) {
            if (bytes[i] != byte_of(job.id, i))
                return mp_task_fail(task, 2, "a wrong argument");
            result[i] = (unsigned char)~bytes[i];
        }
    record->finished[job.id]++;
    return 0;
}

/* The argument of a job; valid until the next call. */
static const void *storm_arg(uint32_t id, size_t *ret_size)
{
    static unsigned char arg[sizeof(struct job) + LARGE];
    struct job job = {.id = id, .size = size_of(id)};
    memcpy(arg, &job, sizeof job);
    for (uint32_t i = 0; i < job.size; i++)
        arg[sizeof job + i] = byte_of(id, i);
    *ret_size = sizeof job + job.size;
    return arg;
}

static struct mp_future *storm_submit(struct mp_executor *executor, uint32_t id)
{
    struct mp_future *future = NULL;
    size_t size;
    const void *arg = storm_arg(id, &size);
    int error;
    do {
        error = mp_executor_submit(executor, task_storm, arg, size, NULL, &future);
    } while (error == -EINTR);
    assert_int_equal(error, 0);
    return future;
}

static void expect_result(uint32_t id, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    assert_int_equal(size, size_of(id));
    for (uint32_t i = 0; i < size; i++)
        if (bytes[i] != (unsigned char)~byte_of(id, i))
            fail_msg("job %u: byte %u of the result is wrong", id, i);
}

static void expect_fault(const struct record *record, uint32_t id, const struct mp_fault *fault)
{
    assert_int_equal(fault->code, MP_ECRASH);
    assert_int_equal(fault->status, -SIGKILL);
    assert_int_equal(fault->attempts, 1);
    if (fault->lost_result)
        assert_int_equal(record->finished[id], 1);
    assert_true(record->begun[id] <= 1); /* blamed for its one run, and never run again */
}

/* What a job that succeeded has done: once, or with retries at least once. */
static void expect_runs(const struct record *record, uint32_t id, bool retried)
{
    if (retried) {
        assert_true(record->finished[id] >= 1);
        return;
    }
    assert_int_equal(record->begun[id], 1);
    assert_int_equal(record->finished[id], 1);
}

/* Waits for the job and checks its end. Returns true when it succeeded. */
static bool storm_collect(const struct record *record, struct mp_future *future, uint32_t id,
                          bool retried)
{
    const void *data;
    size_t size;
    int error = support_result(future, &data, &size);
    settled++;
    if (error != 0) {
        expect_fault(record, id, support_expect_fault(future, MP_ECRASH));
    } else {
        assert_int_equal(mp_future_state(future), MP_DONE);
        expect_result(id, data, size);
        expect_runs(record, id, retried);
    }
    mp_future_free(future);
    return error == 0;
}

/* ---- The tests ------------------------------------------------------------------------------ */

typedef uint32_t round_fn(struct mp_executor *executor, const struct record *record, bool retried);

/* Runs JOBS jobs. Returns how many failed. */
static uint32_t jobs_run(struct mp_executor *executor, const struct record *record, bool retried)
{
    struct mp_future *futures[WINDOW];
    uint32_t failed = 0;
    for (uint32_t id = 0; id < JOBS + WINDOW; id++) {
        if (id >= WINDOW)
            failed += !storm_collect(record, futures[id % WINDOW], id - WINDOW, retried);
        if (id < JOBS)
            futures[id % WINDOW] = storm_submit(executor, id);
    }
    return failed;
}

static int source_next(void *user, const void **ret_arg, size_t *ret_size)
{
    uint32_t *id = user;
    if (*id == JOBS)
        return 0;
    *ret_arg = storm_arg((*id)++, ret_size);
    return 1;
}

/* Maps JOBS elements in chunks. Returns how many failed. */
static uint32_t map_run(struct mp_executor *executor, const struct record *record, bool retried)
{
    struct mp_map_options options = {.chunk = CHUNK};
    struct mp_map *map;
    struct mp_item item;
    uint32_t next = 0, failed = 0;
    int found;
    assert_int_equal(mp_executor_map(executor, task_storm, source_next, &next, &options, &map), 0);
    for (uint32_t id = 0; id < JOBS; id++) {
        do {
            found = mp_map_next(map, SUPPORT_LONG_MS, &item);
        } while (found == -EINTR);
        assert_int_equal(found, 1);
        assert_int_equal(item.index, id);
        settled++;
        if (item.error == 0) {
            expect_result(id, item.data, item.size);
            expect_runs(record, id, retried);
        } else {
            expect_fault(record, id, item.fault);
            failed++;
        }
    }
    do {
        found = mp_map_next(map, SUPPORT_LONG_MS, &item);
    } while (found == -EINTR);
    assert_int_equal(found, 0);
    mp_map_free(map);
    return failed;
}

static void expect_storm(round_fn *round, int retries)
{
    pid_t pid;
    if (support_children(&pid, 1) < 0)
        skip(); /* this kernel does not list children */
    const char *wanted = getenv("STORM_KILLS");
    int kills = wanted ? atoi(wanted) : KILLS;
    is_long = wanted != NULL;
    struct record *record = support_share(sizeof *record);
    struct mp_executor *executor = support_create(&(struct mp_executor_options){
        .workers = WORKERS, .prefetch = 4, .retries = retries, .ctx = record});
    uint64_t failed = 0, jobs = 0;
    kills_left = kills;
    support_alarm_begin(on_timer, 1300);
    do {
        memset(record, 0, sizeof *record);
        failed += round(executor, record, retries > 0);
        jobs += JOBS;
    } while (kills_left > 0 || (is_long && jobs < LONG_JOBS));
    support_alarm_end();
    struct mp_backend_stats stats = support_stats(executor).backend;
    print_message("%llu jobs, %d kills, %llu workers lost, %llu jobs failed\n",
                  (unsigned long long)jobs, kills, (unsigned long long)stats.workers_lost,
                  (unsigned long long)failed);
    assert_true(stats.workers_lost <= (uint64_t)kills);
    assert_true(failed <= stats.workers_lost); /* one job a death at most */
    if (retries > 0)
        assert_int_equal(failed, 0);
    assert_true(stats.workers_lost > 0);
    support_expect(support_submit(executor, support_task_echo, "calm", 4), "calm", 4);
    mp_executor_free(executor);
    support_unshare(record, sizeof *record);
}

enum { RETRIES_MANY = 100000 };

static void test_every_job_ends_exactly_once_in_a_storm_of_kills(void **state)
{
    (void)state;
    expect_storm(jobs_run, 0);
}

static void test_with_retries_no_job_fails_in_a_storm_of_kills(void **state)
{
    (void)state;
    expect_storm(jobs_run, RETRIES_MANY);
}

static void test_every_element_ends_exactly_once_in_a_storm_of_kills(void **state)
{
    (void)state;
    expect_storm(map_run, 0);
}

static void test_with_retries_no_element_fails_in_a_storm_of_kills(void **state)
{
    (void)state;
    expect_storm(map_run, RETRIES_MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_every_job_ends_exactly_once_in_a_storm_of_kills),
        SUPPORT_TEST(test_with_retries_no_job_fails_in_a_storm_of_kills),
        SUPPORT_TEST(test_every_element_ends_exactly_once_in_a_storm_of_kills),
        SUPPORT_TEST(test_with_retries_no_element_fails_in_a_storm_of_kills),
    };
    return cmocka_run_group_tests_name("mproc/storm", tests, NULL, NULL);
}
