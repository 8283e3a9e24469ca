/* The kill storm: while tens of thousands of small jobs run, a timer kills a worker of the test's
 * every millisecond or two. Each job must end exactly once, as what it says it is.
 *
 * The timer's handler runs in the parent, between any two of its instructions; what it kills is its
 * own child and not collected yet, so no stranger can have the number. It interrupts every wait,
 * too. STORM_KILLS sets the number of kills; the short form has 300. */
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
};

/* What the jobs of a round have done, in shared memory. */
struct record {
    _Atomic uint8_t begun[JOBS];
    _Atomic uint8_t finished[JOBS];
};

/* ---- The storm ------------------------------------------------------------------------------ */

static volatile sig_atomic_t kills_left;
static volatile sig_atomic_t settled, settled_at_last_kill, idle_ticks;
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

static struct mp_future *storm_submit(struct mp_executor *executor, uint32_t id)
{
    static unsigned char arg[sizeof(struct job) + LARGE];
    struct job job = {.id = id, .size = size_of(id)};
    memcpy(arg, &job, sizeof job);
    for (uint32_t i = 0; i < job.size; i++)
        arg[sizeof job + i] = byte_of(id, i);
    struct mp_future *future = NULL;
    int error;
    do {
        error = mp_executor_submit(executor, task_storm, arg, sizeof job + job.size, NULL, &future);
    } while (error == -EINTR);
    assert_int_equal(error, 0);
    return future;
}

/* Waits for the job and checks its end. Returns true when it succeeded. */
static bool storm_collect(const struct record *record, struct mp_future *future, uint32_t id)
{
    const void *data;
    size_t size;
    int error = support_result(future, &data, &size);
    settled++;
    if (error != 0) {
        assert_int_equal(error, MP_ECRASH);
        const struct mp_fault *fault = support_expect_fault(future, MP_ECRASH);
        assert_int_equal(fault->status, -SIGKILL);
        if (fault->lost_result)
            assert_int_equal(record->finished[id], 1);
        assert_true(record->begun[id] <= 1); /* blamed for its one run, and never run again */
    } else {
        assert_int_equal(mp_future_state(future), MP_DONE);
        assert_int_equal(size, size_of(id));
        const unsigned char *bytes = data;
        for (uint32_t i = 0; i < size; i++)
            if (bytes[i] != (unsigned char)~byte_of(id, i))
                fail_msg("job %u: byte %u of the result is wrong", id, i);
        assert_int_equal(record->begun[id], 1);
        assert_int_equal(record->finished[id], 1);
    }
    mp_future_free(future);
    return error == 0;
}

/* ---- The test ------------------------------------------------------------------------------- */

/* Runs JOBS jobs. Returns how many failed. */
static uint32_t round_run(struct mp_executor *executor, const struct record *record)
{
    struct mp_future *futures[WINDOW];
    uint32_t failed = 0;
    for (uint32_t id = 0; id < JOBS + WINDOW; id++) {
        if (id >= WINDOW)
            failed += !storm_collect(record, futures[id % WINDOW], id - WINDOW);
        if (id < JOBS)
            futures[id % WINDOW] = storm_submit(executor, id);
    }
    return failed;
}

static void test_every_job_ends_exactly_once_in_a_storm_of_kills(void **state)
{
    (void)state;
    pid_t pid;
    if (support_children(&pid, 1) < 0)
        skip(); /* this kernel does not list children */
    const char *wanted = getenv("STORM_KILLS");
    int kills = wanted ? atoi(wanted) : 300;
    struct record *record = support_share(sizeof *record);
    struct mp_executor *executor = support_executor(WORKERS, 4, record);
    uint64_t failed = 0;
    kills_left = kills;
    support_alarm_begin(on_timer, 1300);
    do {
        memset(record, 0, sizeof *record);
        failed += round_run(executor, record);
    } while (kills_left > 0);
    support_alarm_end();
    struct mp_executor_stats all;
    mp_executor_stats(executor, &all);
    struct mp_backend_stats stats = all.backend;
    print_message("%d kills, %llu workers lost, %llu jobs failed\n", kills,
                  (unsigned long long)stats.workers_lost, (unsigned long long)failed);
    assert_true(stats.workers_lost <= (uint64_t)kills);
    assert_true(failed <= stats.workers_lost); /* one job a death at most */
    assert_true(stats.workers_lost > 0);
    support_expect(support_submit(executor, support_task_echo, "calm", 4), "calm", 4);
    mp_executor_free(executor);
    support_unshare(record, sizeof *record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_every_job_ends_exactly_once_in_a_storm_of_kills),
    };
    return cmocka_run_group_tests_name("mproc/storm", tests, NULL, NULL);
}
