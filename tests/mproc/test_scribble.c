/* The scribbler: now and then a worker turns hostile. It writes at random over every page that it
 * shares with its parent, sends frames that are cut, doubled, huge, forged or noise, and then
 * leaves, stops, spins, goes silent, or returns as if nothing were. Honest jobs run beside it all
 * the time. Whatever it does costs jobs that were given to it, and no others.
 *
 * SCRIBBLE_SECONDS sets how long each of the three tests goes on, SCRIBBLE_SEED where the
 * randomness begins. */
#include "support/mproc.h"
#include "support/scribbler.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    JOBS = 20000,                      /* of one round */
    HOSTILE_EVERY = 37,                /* of them one scribbles */
    WORKERS = 4,                       /* of each executor */
    WINDOW = 32,                       /* jobs under way at the same time */
    CHUNK = 8,                         /* elements of a map that go together */
    SECONDS = 1,                       /* of the short form */
    RESULT_MAX = SCRIBBLER_RESULT_MAX, /* bytes: more than a pipe holds */
    DEADLINE_MS = 1000,                /* an honest job takes a millisecond at most */
    PIDS_MAX = 1 << 22,                /* process numbers are below */
    PAGES_MAX = 8,                     /* shared mappings that a scribbler finds */
    MEMORY_MB = 200, /* that the parent may grow by, with an address sanitizer's own */
};

/* What honest workers note, where no scribbler writes: this is the test's own. */
struct record {
    uint32_t seed;
    _Atomic pid_t ran[JOBS];                        /* by which process a job ran last; 0 none */
    _Atomic unsigned char is_hostile[PIDS_MAX / 8]; /* a bit for each process */
    _Atomic uint32_t turned;                        /* scribblers so far */
};

static struct record *record;

/* ---- The scribbler -------------------------------------------------------------------------- */

/* Finds all that is shared and can be written, but for the test's record. */
static void pages_find(struct scribbler *scribbler)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512], access[5];
    unsigned long begin, end;
    while (maps && scribbler->pages < SCRIBBLER_PAGES && fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s", &begin, &end, access) == 3 && access[1] == 'w' &&
            access[3] == 's' && ((uintptr_t)record < begin || (uintptr_t)record >= end))
            scribbler->page[scribbler->pages++] =
                (struct page){(unsigned char *)begin, (size_t)(end - begin)};
    if (maps)
        fclose(maps);
    if (scribbler->pages == 0)
        _exit(98); /* the test would show nothing */
}

/* What it does then; what takes long is rare. */
static void come_to_an_end(struct scribbler *scribbler)
{
    if (scribbler_one_in(&scribbler->random, 16))
        scribbler_leave_helper(scribbler);
    if (scribbler_one_in(&scribbler->random, 32))
        scribbler_stay(scribbler);
    else if (scribbler_one_in(&scribbler->random, 32))
        scribbler_go_on(scribbler);
    else
        scribbler_leave(scribbler);
}

static void turn_hostile(const struct mp_task *task, uint32_t id)
{
    pid_t pid = getpid();
    struct scribbler scribbler = {.random = (uint64_t)record->seed << 32 | id,
                                  .result_fd = support_result_fd(task),
                                  .job_fd = support_job_fd(task)};
    atomic_fetch_or(&record->is_hostile[pid / 8 % (PIDS_MAX / 8)], (unsigned char)(1 << pid % 8));
    record->turned++;
    signal(SIGABRT, SIG_DFL); /* a sanitizer would print */
    pages_find(&scribbler);
    scribbler_look(&scribbler);
    scribbler_scribble(&scribbler);
    come_to_an_end(&scribbler);
}

/* ---- Honest jobs ---------------------------------------------------------------------------- */

static bool is_scribbler(uint32_t id)
{
    uint64_t random = (uint64_t)record->seed << 20 ^ id;
    scribbler_random(&random);
    return scribbler_one_in(&random, HOSTILE_EVERY);
}

static uint32_t size_of(uint32_t id)
{
    return id % 101 == 0 ? RESULT_MAX : 1 + id % 700;
}

static unsigned char byte_of(uint32_t id, uint32_t index)
{
    return (unsigned char)(id * 31 + index * 7 + (index >> 8));
}

static int task_any(struct mp_task *task, const void *arg, size_t size)
{
    uint32_t id;
    if (size != sizeof id)
        return mp_task_fail(task, 1, "an argument of %zu bytes", size);
    memcpy(&id, arg, sizeof id);
    record->ran[id] = getpid();
    if (is_scribbler(id))
        turn_hostile(task, id);
    unsigned char *result = mp_task_reserve(task, size_of(id));
    for (uint32_t i = 0; i < size_of(id); i++)
        result[i] = byte_of(id, i);
    return 0;
}

static bool is_hostile(pid_t pid)
{
    return record->is_hostile[pid / 8 % (PIDS_MAX / 8)] >> pid % 8 & 1;
}

static bool is_right(uint32_t id, const unsigned char *bytes, size_t size)
{
    bool right = size == size_of(id);
    for (uint32_t i = 0; right && i < size; i++)
        right = bytes[i] == byte_of(id, i);
    return right;
}

/* What has become of the jobs of a test. */
struct counts {
    uint64_t jobs, right, failed, forged;
};

/* True when whoever had the job has scribbled, or nobody ran it at all and somebody answered. `pid`
 * is who is blamed, 0 unknown. */
static bool was_with_a_scribbler(uint32_t id, pid_t pid)
{
    pid_t who = pid != 0 ? pid : record->ran[id];
    return who == 0 || is_hostile(who);
}

/* Checks the end of a job. `alone`: a worker has one job in its life, so that a scribbler can cost
 * its own job only; otherwise also those that it was given besides. */
static void end_check(uint32_t id, const void *data, size_t size, const struct mp_fault *fault,
                      bool alone, struct counts *counts)
{
    bool right = !fault && is_right(id, data, size);
    bool may_be_wrong =
        is_scribbler(id) || (!alone && was_with_a_scribbler(id, fault ? fault->pid : 0));
    counts->jobs++;
    counts->right += right;
    counts->failed += fault != NULL;
    counts->forged += !fault && !right;
    if (!right && !may_be_wrong)
        fail_msg("job %u: %s", id, fault ? fault->message : "a wrong result");
}

/* ---- Rounds --------------------------------------------------------------------------------- */

static int64_t seconds(void)
{
    const char *wanted = getenv("SCRIBBLE_SECONDS");
    return wanted ? atoi(wanted) : SECONDS;
}

static size_t memory_kb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss;
}

static struct mp_future *job_submit(struct mp_executor *executor, uint32_t id)
{
    return support_submit(executor, task_any, &id, sizeof id);
}

static void job_collect(struct mp_future *future, uint32_t id, bool alone, struct counts *counts)
{
    const void *data = NULL;
    size_t size = 0;
    int error = support_result(future, &data, &size);
    if (error == -ETIMEDOUT)
        fail_msg("job %u never ends", id);
    end_check(id, data, size, error == 0 ? NULL : mp_future_fault(future), alone, counts);
    mp_future_free(future);
}

/* Runs up to JOBS jobs, until the time is up. */
static void jobs_run(struct mp_executor *executor, bool alone, int64_t end, struct counts *counts)
{
    struct mp_future *futures[WINDOW];
    uint32_t begun = 0, ended = 0;
    while (begun < JOBS && support_now_ms() < end) {
        if (begun >= WINDOW) {
            job_collect(futures[ended % WINDOW], ended, alone, counts);
            ended++;
        }
        futures[begun % WINDOW] = job_submit(executor, begun);
        begun++;
    }
    for (; ended < begun; ended++)
        job_collect(futures[ended % WINDOW], ended, alone, counts);
}

/* Where a map takes its elements from. */
struct source {
    uint32_t next;
    int64_t end;
};

static int source_next(void *user, const void **ret_arg, size_t *ret_size)
{
    struct source *source = user;
    static uint32_t id;
    if (source->next == JOBS || support_now_ms() >= source->end)
        return 0;
    id = source->next++;
    *ret_arg = &id;
    *ret_size = sizeof id;
    return 1;
}

static void map_run(struct mp_executor *executor, bool alone, int64_t end, struct counts *counts)
{
    struct mp_map_options options = {.chunk = CHUNK, .window = WINDOW};
    struct source source = {.end = end};
    struct mp_map *map;
    struct mp_item item;
    int found;
    assert_int_equal(mp_executor_map(executor, task_any, source_next, &source, &options, &map), 0);
    uint32_t id = 0;
    for (; (found = mp_map_next(map, SUPPORT_LONG_MS, &item)) == 1; id++) {
        assert_int_equal(item.index, id);
        end_check(id, item.data, item.size, item.error == 0 ? NULL : item.fault, alone, counts);
    }
    assert_int_equal(found, 0);
    assert_int_equal(id, source.next);
    mp_map_free(map);
}

typedef void round_fn(struct mp_executor *executor, bool alone, int64_t end, struct counts *counts);

static void expect_others_unharmed(round_fn *round, bool alone)
{
    const char *wanted = getenv("SCRIBBLE_SEED");
    struct counts counts = {0};
    record = support_share(sizeof *record);
    record->seed = wanted ? (uint32_t)strtoul(wanted, NULL, 0) : (uint32_t)time(NULL);
    print_message("SCRIBBLE_SEED=%u\n", record->seed);
    struct mp_executor *executor =
        support_create(&(struct mp_executor_options){.workers = WORKERS,
                                                     .prefetch = alone ? 0 : 3,
                                                     .jobs_per_worker = alone ? 1 : 0,
                                                     .deadline_ms = DEADLINE_MS,
                                                     .result_max = RESULT_MAX});
    size_t memory = memory_kb();
    for (int64_t end = support_now_ms() + seconds() * 1000; support_now_ms() < end;
         record->seed++) {
        memset(record->ran, 0, sizeof record->ran);
        round(executor, alone, end, &counts);
    }
    print_message("%llu jobs, %u scribblers, %llu right, %llu failed, %llu forged\n",
                  (unsigned long long)counts.jobs, record->turned, (unsigned long long)counts.right,
                  (unsigned long long)counts.failed, (unsigned long long)counts.forged);
    assert_true(record->turned > 0);
    assert_true(counts.failed > 0);
    assert_true(memory_kb() - memory < (size_t)MEMORY_MB << 10);
    (void)support_stats(executor); /* the sums add up */
    mp_executor_free(executor);
    support_unshare(record, sizeof *record);
}

static void test_a_scribbler_costs_its_own_job_only(void **state)
{
    (void)state;
    expect_others_unharmed(jobs_run, true);
}

static void test_a_scribbler_costs_only_jobs_that_it_was_given(void **state)
{
    (void)state;
    expect_others_unharmed(jobs_run, false);
}

static void test_a_scribbler_in_a_map_costs_only_elements_that_it_was_given(void **state)
{
    (void)state;
    expect_others_unharmed(map_run, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_a_scribbler_costs_its_own_job_only),
        SUPPORT_TEST(test_a_scribbler_costs_only_jobs_that_it_was_given),
        SUPPORT_TEST(test_a_scribbler_in_a_map_costs_only_elements_that_it_was_given),
    };
    return cmocka_run_group_tests_name("mproc/scribble", tests, NULL, NULL);
}
