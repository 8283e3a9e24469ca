/* The scribbler: now and then a worker turns hostile. It writes at random over every page that it
 * shares with its parent, sends frames that are cut, doubled, huge, forged or noise, and then
 * leaves, stops, spins, goes silent, or returns as if nothing were. Honest jobs run beside it all
 * the time. Whatever it does costs jobs that were given to it, and no others.
 *
 * SCRIBBLE_SECONDS sets how long each of the three tests goes on, SCRIBBLE_SEED where the randomness begins. */
#include "mproc/control.h"
#include "mproc/wire.h"
#include "support/mproc.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    JOBS = 20000,        /* of one round */
    HOSTILE_EVERY = 37,  /* of them one scribbles */
    WORKERS = 4,         /* of each executor */
    WINDOW = 32,         /* jobs under way at the same time */
    CHUNK = 8,           /* elements of a map that go together */
    SECONDS = 1,         /* of the short form */
    RESULT_MAX = 200000, /* bytes: more than a pipe holds */
    DEADLINE_MS = 1000,  /* an honest job takes a millisecond at most */
    PIDS_MAX = 1 << 22,  /* process numbers are below */
    PAGES_MAX = 8,       /* shared mappings that a scribbler finds */
    MEMORY_MB = 200,     /* that the parent may grow by, with an address sanitizer's own */
    LINGER_MS = 30,      /* a helper of the scribbler's outlives it for so long */
};

/* What honest workers note, where no scribbler writes: this is the test's own. */
struct record {
    uint32_t seed;
    _Atomic pid_t ran[JOBS];                        /* by which process a job ran last; 0 none */
    _Atomic unsigned char is_hostile[PIDS_MAX / 8]; /* a bit for each process */
    _Atomic uint32_t turned;                        /* scribblers so far */
};

static struct record *record;

/* ---- Randomness ----------------------------------------------------------------------------- */

static uint32_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static bool one_in(uint64_t *state, uint32_t n)
{
    return random_next(state) % n == 0;
}

/* ---- The scribbler -------------------------------------------------------------------------- */

struct scribbler {
    uint64_t random;
    int result_fd, job_fd;
    uint64_t seq; /* of the assignment that runs */
    unsigned pages;
    struct page {
        unsigned char *begin;
        size_t size;
    } page[PAGES_MAX];
};

/* Finds all that is shared and can be written, but for the test's record. */
static void pages_find(struct scribbler *scribbler)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512], access[5];
    unsigned long begin, end;
    while (maps && scribbler->pages < PAGES_MAX && fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s", &begin, &end, access) == 3 && access[1] == 'w' &&
            access[3] == 's' && ((uintptr_t)record < begin || (uintptr_t)record >= end))
            scribbler->page[scribbler->pages++] =
                (struct page){(unsigned char *)begin, (size_t)(end - begin)};
    if (maps)
        fclose(maps);
    if (scribbler->pages == 0)
        _exit(98); /* the test would show nothing */
}

/* The newest assignment that is said to run. */
static uint64_t running_seq(const struct scribbler *scribbler)
{
    const struct control *control = (const struct control *)scribbler->page[0].begin;
    uint64_t seq = 0;
    for (int i = 0; i < CONTROL_SLOTS; i++)
        if ((control->words[i] & 7) == CONTROL_RUNNING && control->words[i] >> 3 > seq)
            seq = control->words[i] >> 3;
    return seq;
}

/* A word that some assignment may have, from those that are in the page. */
static uint64_t word_forge(struct scribbler *scribbler, const _Atomic uint64_t *words)
{
    uint64_t *random = &scribbler->random;
    uint64_t word = words[random_next(random) % CONTROL_SLOTS];
    uint64_t seq = (word >> 3) + random_next(random) % 5 - 2;
    return one_in(random, 8) ? (uint64_t)random_next(random) << 33 | random_next(random)
                             : control_word(seq, (enum control_state)(random_next(random) & 7));
}

/* How far a journal may be said to be good, most often that of the job that runs. */
static uint64_t progress_forge(struct scribbler *scribbler, const _Atomic uint64_t *words)
{
    uint64_t *random = &scribbler->random;
    uint64_t word = control_word(scribbler->seq, CONTROL_RUNNING);
    if (one_in(random, 4))
        word = word_forge(scribbler, words);
    return control_progress_pack(
        (struct control_progress){.frozen = one_in(random, 4),
                                  .seq = (uint32_t)(word >> 3),
                                  .count = random_next(random) % (CONTROL_COUNT_MAX + 1),
                                  .size = random_next(random) % (1 << CONTROL_SIZE_BITS)});
}

static void page_scribble(struct scribbler *scribbler, const struct page *page)
{
    uint64_t *random = &scribbler->random;
    _Atomic uint64_t *words = (_Atomic uint64_t *)page->begin;
    size_t count = page->size / sizeof *words;
    uint32_t times = 1u << random_next(random) % 12;
    switch (random_next(random) % 7) {
    case 5: /* the journal */
    case 6:
        for (size_t i = CONTROL_SLOTS + 8; i < count; i++)
            words[i] = one_in(random, 3) ? random_next(random) : random_next(random) % 64;
        words[CONTROL_SLOTS] = progress_forge(scribbler, words);
        break;
    case 0: /* everywhere */
        while (times-- > 0)
            words[random_next(random) % count] = word_forge(scribbler, words);
        break;
    case 1: /* the jobs' words, and how far the journal is good */
        while (times-- > 0)
            words[random_next(random) % (CONTROL_SLOTS + 1)] = word_forge(scribbler, words);
        break;
    case 2: memset(page->begin, (int)random_next(random), page->size); break;
    case 3: memset(page->begin, (int)random_next(random), CONTROL_SLOTS * sizeof *words); break;
    case 4: /* of the last job of all, which may be its own, only the state */
        for (int i = 0; i < CONTROL_SLOTS; i++)
            words[i] = control_word(words[i] >> 3, (enum control_state)(random_next(random) & 7));
        break;
    }
}

static void pages_scribble(struct scribbler *scribbler)
{
    for (unsigned i = 0; i < scribbler->pages; i++)
        page_scribble(scribbler, &scribbler->page[i]);
}

/* Writes some, and does not mind what becomes of it. */
static void put(int fd, const void *bytes, size_t size)
{
    if (write(fd, bytes, size) < 0 && (errno == EPIPE || errno == EBADF))
        _exit(97);
}

static struct wire_header header_forge(struct scribbler *scribbler)
{
    static const uint64_t sizes[] = {0,
                                     1,
                                     16,
                                     100,
                                     4096,
                                     RESULT_MAX,
                                     RESULT_MAX + 1,
                                     300000,
                                     1 << 30,
                                     UINT64_MAX,
                                     UINT64_MAX - 48};
    uint64_t *random = &scribbler->random;
    const _Atomic uint64_t *words = (const _Atomic uint64_t *)scribbler->page[0].begin;
    uint32_t slot = random_next(random) % (one_in(random, 9) ? 100 : 4);
    return (struct wire_header){
        .magic = one_in(random, 20) ? random_next(random) : WIRE_MAGIC,
        .kind = one_in(random, 9) ? random_next(random) % 7 : WIRE_RESULT + random_next(random) % 2,
        .seq = one_in(random, 9) ? random_next(random) : words[slot % CONTROL_SLOTS] >> 3,
        .fn = random_next(random),
        .size = sizes[random_next(random) % (one_in(random, 2) ? 4 : sizeof sizes / sizeof *sizes)],
        .slot = slot,
        .fd_count = one_in(random, 9) ? random_next(random) : 0,
        .code = (int32_t)random_next(random),
        .status = (int32_t)random_next(random)};
}

/* A frame, or some of it. */
static void frame_scribble(struct scribbler *scribbler)
{
    static unsigned char payload[RESULT_MAX + 400];
    uint64_t *random = &scribbler->random;
    struct wire_header header = header_forge(scribbler);
    size_t size = header.size < RESULT_MAX ? (size_t)header.size + wire_padding(header.size)
                                           : random_next(random) % sizeof payload;
    memset(payload, (int)random_next(random), sizeof payload);
    if (one_in(random, 4)) /* it says that it is finished, first: else nothing is believed */
        for (unsigned i = 0; i < scribbler->pages; i++)
            ((_Atomic uint64_t *)scribbler->page[i].begin)[header.slot % CONTROL_SLOTS] =
                control_word(header.seq, CONTROL_SENDING);
    put(scribbler->result_fd, &header,
        one_in(random, 9) ? random_next(random) % sizeof header : sizeof header);
    put(scribbler->result_fd, payload, one_in(random, 5) ? random_next(random) % (size + 1) : size);
    if (one_in(random, 5))
        put(scribbler->result_fd, &header, sizeof header); /* once more */
}

static void noise_scribble(struct scribbler *scribbler)
{
    unsigned char noise[512];
    int fds[] = {scribbler->result_fd, scribbler->job_fd};
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (unsigned char)random_next(&scribbler->random);
    int fd = fds[random_next(&scribbler->random) % 2];
    fcntl(fd, F_SETFL, O_NONBLOCK); /* nobody reads the socket */
    put(fd, noise, random_next(&scribbler->random) % sizeof noise);
}

/* A byte at a time, with pauses. */
static void dribble(struct scribbler *scribbler)
{
    struct wire_header header = header_forge(scribbler);
    for (size_t i = 0; i < sizeof header; i++) {
        put(scribbler->result_fd, (const char *)&header + i, 1);
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
}

static void scribble(struct scribbler *scribbler)
{
    for (uint32_t times = random_next(&scribbler->random) % 6; times > 0; times--)
        switch (random_next(&scribbler->random) % 16) {
        case 0: noise_scribble(scribbler); break;
        case 1: dribble(scribbler); break;
        case 2:
        case 3:
        case 4: frame_scribble(scribbler); break;
        default: pages_scribble(scribbler); break;
        }
}

static void *scribble_on(void *arg)
{
    for (;;) {
        pages_scribble(arg);
        nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
    }
    return NULL;
}

/* A helper that scribbles on behind the back of a worker that is gone. */
static void helper_start(struct scribbler *scribbler)
{
    if (fork() != 0)
        return;
    for (int64_t end = support_now_ms() + LINGER_MS; support_now_ms() < end;)
        pages_scribble(scribbler);
    _exit(0);
}

/* What ends it at once. */
static void leave(struct scribbler *scribbler)
{
    switch (random_next(&scribbler->random) % 4) {
    case 0: _exit(0);
    case 1: _exit((int)random_next(&scribbler->random) % 90);
    case 2: abort();
    default: raise(SIGKILL);
    }
}

/* What only a deadline ends: stopped, busy, asleep, silent, or slow. */
static void stay(struct scribbler *scribbler)
{
    uint32_t how = random_next(&scribbler->random) % 5;
    if (how == 0)
        raise(SIGSTOP);
    if (how == 1) {
        close(scribbler->result_fd);
        close(scribbler->job_fd);
    }
    for (;;)
        if (how == 2)
            pages_scribble(scribbler);
        else if (how == 3)
            dribble(scribbler);
        else
            pause();
}

/* Goes on as an honest worker would, or nearly so; with what it wrote into its page it often waits
 * to be ended. */
static void go_on(struct scribbler *scribbler)
{
    static struct scribbler behind; /* the thread's */
    pthread_t thread;
    behind = *scribbler;
    switch (random_next(&scribbler->random) % 4) {
    case 0: close(scribbler->result_fd); break;
    case 1: close(scribbler->job_fd); break;
    case 2: (void)!pthread_create(&thread, NULL, scribble_on, &behind); break;
    }
}

/* What it does then; what takes long is rare. */
static void come_to_an_end(struct scribbler *scribbler)
{
    if (one_in(&scribbler->random, 16))
        helper_start(scribbler);
    if (one_in(&scribbler->random, 32))
        stay(scribbler);
    else if (one_in(&scribbler->random, 32))
        go_on(scribbler);
    else
        leave(scribbler);
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
    scribbler.seq = running_seq(&scribbler);
    scribble(&scribbler);
    come_to_an_end(&scribbler);
}

/* ---- Honest jobs ---------------------------------------------------------------------------- */

static bool is_scribbler(uint32_t id)
{
    uint64_t random = (uint64_t)record->seed << 20 ^ id;
    random_next(&random);
    return one_in(&random, HOSTILE_EVERY);
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
