/* map: one function over many elements, in chunks, whatever happens to single ones. */
#include "support/mproc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ELEMENTS_MAX = 400 };

/* What the elements of a test share: the context of every executor here. */
struct ledger {
    struct support_gate gate;                /* first: of support_task_gated() */
    _Atomic uint32_t began[ELEMENTS_MAX];    /* runs of each element */
    _Atomic uint32_t finished[ELEMENTS_MAX]; /* of them, those that came to their end */
};

static struct ledger *ledger_open(void)
{
    return support_share(sizeof(struct ledger));
}

static void ledger_close(struct ledger *ledger)
{
    support_unshare(ledger, sizeof *ledger);
}

/* ---- Elements ------------------------------------------------------------------------------- */

enum deed {
    RETURN,     /* its index, `size` bytes of it */
    FAIL,       /* says so, with status 0 */
    CRASH,      /* dies of SIGKILL */
    CRASH_ONCE, /* the same at its first run */
    HANG,       /* until it is killed */
    WAIT,       /* for the gate */
};

struct element {
    int index;
    enum deed deed;
    size_t size; /* bytes of the result */
};

static unsigned char byte_of(int index, size_t at)
{
    return (unsigned char)(index * 29 + at * 7 + (at >> 8));
}

static int element_return(struct mp_task *task, const struct element *element)
{
    unsigned char *result = mp_task_reserve(task, element->size);
    if (!result)
        return -EMSGSIZE;
    for (size_t i = 0; i < element->size; i++)
        result[i] = byte_of(element->index, i);
    return 0;
}

static int task_element(struct mp_task *task, const void *arg, size_t size)
{
    struct ledger *ledger = mp_task_ctx(task);
    struct element element;
    if (size != sizeof element || (uintptr_t)arg % 16 != 0)
        return mp_task_fail(task, 99, "an argument of %zu bytes at %p", size, arg);
    memcpy(&element, arg, sizeof element);
    uint32_t run = ++ledger->began[element.index];
    switch (element.deed) {
    case RETURN: break;
    case FAIL: return mp_task_fail(task, 0, "element %d fails", element.index);
    case CRASH: raise(SIGKILL); break;
    case CRASH_ONCE:
        if (run == 1)
            raise(SIGKILL);
        break;
    case HANG:
        for (;;)
            pause();
    case WAIT:
        support_raise(&ledger->gate.begun);
        support_await(&ledger->gate.gate, 1);
        break;
    }
    ledger->finished[element.index]++;
    return element_return(task, &element);
}

/* A source that counts what is taken from it. */
struct source {
    struct element element; /* the last one given */
    int end;                /* elements that it has; -1: no end */
    int error_at, error;    /* what it returns in place of element error_at, where error is set */
    size_t size;            /* bytes of each result */
    const enum deed *deeds; /* of elements 0..end; NULL: all return */
    int taken;              /* elements so far */
    const int *given;       /* elements that the caller has got; NULL: not watched */
    int ahead_max;          /* the most that was taken and not given */
    int end_calls;          /* calls at the end */
};

static int source_next(void *user, const void **ret_arg, size_t *ret_size)
{
    struct source *source = user;
    if (source->error != 0 && source->taken == source->error_at)
        return source->error;
    if (source->taken == source->end) {
        source->end_calls++;
        return 0;
    }
    source->element =
        (struct element){.index = source->taken,
                         .deed = source->deeds ? source->deeds[source->taken] : RETURN,
                         .size = source->size};
    source->taken++;
    if (source->given && source->taken - *source->given > source->ahead_max)
        source->ahead_max = source->taken - *source->given;
    *ret_arg = &source->element;
    *ret_size = sizeof source->element;
    return 1;
}

static struct mp_map *map_begin(struct mp_executor *executor, struct source *source, int chunk,
                                bool unordered)
{
    struct mp_map_options options = {.chunk = chunk, .unordered = unordered};
    struct mp_map *map = NULL;
    assert_int_equal(mp_executor_map(executor, task_element, source_next, source, &options, &map),
                     0);
    return map;
}

/* The next result, or what else mp_map_next() has to say; a wait without an end is a fault. */
static int map_next(struct mp_map *map, struct mp_item *ret)
{
    return mp_map_next(map, SUPPORT_LONG_MS, ret);
}

/* Checks the bytes of a result. */
static void expect_result(const struct mp_item *item, size_t size)
{
    if (item->error != 0)
        fail_msg("element %d: %s", (int)item->index, item->fault->message);
    assert_null(item->fault);
    assert_int_equal(item->size, size);
    const unsigned char *bytes = item->data;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != byte_of((int)item->index, i))
            fail_msg("element %d: byte %zu of its result is wrong", (int)item->index, i);
}

static void expect_fault(const struct mp_item *item, int code)
{
    assert_int_equal(item->error, code);
    assert_non_null(item->fault);
    assert_int_equal(item->fault->code, code);
    assert_true(item->fault->message[0] != '\0');
    assert_non_null(item->fault->log);
}

static int code_of(enum deed deed)
{
    return deed == FAIL ? MP_ETASK : deed == CRASH ? MP_ECRASH : deed == HANG ? MP_EDEADLINE : 0;
}

/* Takes all results, in order; those that must fail do, and nothing else does. */
static void expect_all(struct mp_map *map, const struct source *source)
{
    struct mp_item item;
    for (int i = 0; i < source->end; i++) {
        assert_int_equal(map_next(map, &item), 1);
        assert_int_equal(item.index, i);
        int code = source->deeds ? code_of(source->deeds[i]) : 0;
        if (code != 0)
            expect_fault(&item, code);
        else
            expect_result(&item, source->size);
    }
    assert_int_equal(map_next(map, &item), 0);
    assert_int_equal(map_next(map, &item), 0); /* and stays at its end */
}

/* That each of these elements has been run so often. */
static void expect_runs(const struct ledger *ledger, int first, int count, uint32_t runs)
{
    for (int i = first; i < first + count; i++)
        if (ledger->began[i] != runs)
            fail_msg("element %d was run %u times", i, ledger->began[i]);
}

static const int chunks[] = {1, 3, 6, 40, 50, 0};
enum { CHUNKS = sizeof chunks / sizeof *chunks, SMALL = 8 };

/* ---- Order ---------------------------------------------------------------------------------- */

static void expect_order_on(enum mp_kind kind, int workers)
{
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_create(
        &(struct mp_executor_options){.kind = kind, .workers = workers, .ctx = ledger});
    enum deed deeds[40] = {[0] = FAIL, [7] = FAIL, [8] = FAIL, [39] = FAIL};
    for (int i = 0; i < CHUNKS; i++) {
        struct source source = {.end = 40, .size = SMALL, .deeds = deeds};
        struct mp_map *map = map_begin(executor, &source, chunks[i], false);
        expect_all(map, &source);
        assert_int_equal(source.end_calls, 1);
        mp_map_free(map);
        expect_runs(ledger, 0, 40, (uint32_t)i + 1);
    }
    assert_int_equal(support_stats(executor).unsettled, 0);
    mp_executor_free(executor);
    ledger_close(ledger);
}

static void test_results_come_in_the_order_of_the_elements(void **state)
{
    (void)state;
    expect_order_on(MP_PROCESSES, 1);
    expect_order_on(MP_PROCESSES, 3);
}

static void test_threads_and_the_caller_give_the_same_results(void **state)
{
    (void)state;
    expect_order_on(MP_SEQUENTIAL, 1);
    expect_order_on(MP_THREADS, 3);
}

static void expect_each_once_on(enum mp_kind kind, int chunk)
{
    enum { COUNT = 300 };
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor =
        support_create(&(struct mp_executor_options){.kind = kind, .workers = 3, .ctx = ledger});
    struct source source = {.end = COUNT, .size = SMALL};
    struct mp_map *map = map_begin(executor, &source, chunk, true);
    bool seen[COUNT] = {false};
    struct mp_item item;
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(map_next(map, &item), 1);
        assert_false(seen[item.index]);
        seen[item.index] = true;
        expect_result(&item, SMALL);
    }
    assert_int_equal(map_next(map, &item), 0);
    mp_map_free(map);
    mp_executor_free(executor);
    ledger_close(ledger);
}

static void test_unordered_results_come_once_each(void **state)
{
    (void)state;
    for (int i = 0; i < CHUNKS; i++)
        expect_each_once_on(MP_PROCESSES, chunks[i]);
    expect_each_once_on(MP_SEQUENTIAL, 7);
    expect_each_once_on(MP_THREADS, 7);
}

/* The first element waits; without an order the others come before it. */
static void test_unordered_results_do_not_wait_for_earlier_ones(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(2, 0, ledger);
    enum deed deeds[10] = {WAIT};
    struct source source = {.end = 10, .size = SMALL, .deeds = deeds};
    struct mp_map *map = map_begin(executor, &source, 1, true);
    struct mp_item item;
    for (int i = 1; i < 10; i++) {
        assert_int_equal(map_next(map, &item), 1);
        assert_int_not_equal(item.index, 0);
    }
    support_raise(&ledger->gate.gate);
    assert_int_equal(map_next(map, &item), 1);
    assert_int_equal(item.index, 0);
    expect_result(&item, SMALL);
    mp_map_free(map);
    mp_executor_free(executor);
    ledger_close(ledger);
}

static void test_no_element_at_all_is_an_end_at_once(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(1, 0, NULL);
    for (int i = 0; i < CHUNKS; i++) {
        struct source source = {.end = 0};
        struct mp_map *map = map_begin(executor, &source, chunks[i], false);
        struct mp_item item;
        assert_int_equal(map_next(map, &item), 0);
        mp_map_free(map);
    }
    assert_int_equal(support_stats(executor).submitted, 0);
    mp_executor_free(executor);
}

/* ---- The window ----------------------------------------------------------------------------- */

static void expect_window(int window, int chunk, bool unordered)
{
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(2, 2, ledger);
    int given = 0;
    struct source source = {.end = 100, .size = SMALL, .given = &given};
    struct mp_map_options options = {.chunk = chunk, .window = window, .unordered = unordered};
    struct mp_map *map;
    assert_int_equal(mp_executor_map(executor, task_element, source_next, &source, &options, &map),
                     0);
    assert_int_equal(source.taken, 0); /* lazy from the beginning */
    struct mp_item item;
    for (; given < 100; given++)
        assert_int_equal(map_next(map, &item), 1);
    assert_int_equal(map_next(map, &item), 0);
    assert_int_equal(source.ahead_max, window); /* all of it, and never one more */
    mp_map_free(map);
    mp_executor_free(executor);
    ledger_close(ledger);
}

static void test_the_window_is_never_exceeded(void **state)
{
    (void)state;
    static const int windows[] = {1, 2, 7, 30};
    for (int i = 0; i < 4; i++)
        for (int chunk = 1; chunk <= 10; chunk += 3) {
            expect_window(windows[i], chunk, false);
            expect_window(windows[i], chunk, true);
        }
}

static void test_an_endless_source_is_read_as_needed(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(2, 2, ledger);
    struct source source = {.end = -1, .size = SMALL};
    struct mp_map_options options = {.chunk = 4, .window = 24};
    struct mp_map *map;
    assert_int_equal(mp_executor_map(executor, task_element, source_next, &source, &options, &map),
                     0);
    struct mp_item item;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(map_next(map, &item), 1);
        expect_result(&item, SMALL);
    }
    assert_in_range(source.taken, 200, 224);
    mp_map_free(map);
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    mp_executor_free(executor);
    ledger_close(ledger);
}

/* ---- Sources and maps that end early -------------------------------------------------------- */

static void test_an_error_of_the_source_comes_after_the_results_before_it(void **state)
{
    (void)state;
    static const int errors_at[] = {0, 1, 5, 20};
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(2, 2, ledger);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < CHUNKS; k++) {
            struct source source = {
                .end = 40, .size = SMALL, .error_at = errors_at[i], .error = -EIO};
            struct mp_map *map = map_begin(executor, &source, chunks[k], k % 2);
            struct mp_item item;
            for (int n = 0; n < errors_at[i]; n++) {
                assert_int_equal(map_next(map, &item), 1);
                expect_result(&item, SMALL);
            }
            assert_int_equal(map_next(map, &item), -EIO);
            assert_int_equal(map_next(map, &item), -EIO);
            mp_map_free(map);
        }
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    mp_executor_free(executor);
    ledger_close(ledger);
}

/* A job may be marked with the map's handle, which makes it none of the map's. */
static void test_a_map_that_is_freed_cancels_its_own_jobs_only(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(1, 0, ledger);
    struct source source = {.end = 10, .size = SMALL};
    struct mp_future *first = support_submit(executor, support_task_gated, "first", 5), *marked;
    struct mp_map *map = map_begin(executor, &source, 1, false);
    struct mp_submit_options options = {.user = map};
    assert_int_equal(mp_executor_submit(executor, support_task_echo, "x", 1, &options, &marked), 0);
    mp_map_free(map);
    support_raise(&ledger->gate.gate);
    support_expect(first, "first", 5);
    support_expect(marked, "x", 1);
    mp_executor_free(executor);
    ledger_close(ledger);
}

static void expect_abandon_cancels(int chunk, enum mp_kind kind)
{
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_create(
        &(struct mp_executor_options){.kind = kind, .workers = 1, .prefetch = 2, .ctx = ledger});
    enum deed deeds[60] = {WAIT};
    struct source source = {.end = 60, .size = SMALL, .deeds = deeds};
    struct mp_map *map = map_begin(executor, &source, chunk, false);
    struct mp_item item;
    assert_int_equal(mp_map_next(map, 0, &item), -ETIMEDOUT);
    assert_true(support_await(&ledger->gate.begun, 1));
    mp_map_free(map);
    support_raise(&ledger->gate.gate);
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    expect_runs(ledger, 0, chunk, 1); /* what ran goes on to the end of its chunk */
    expect_runs(ledger, chunk, 60 - chunk, 0);
    struct mp_executor_stats stats = support_stats(executor);
    assert_int_equal(stats.done, 2);
    assert_int_equal(stats.cancelled, stats.submitted - 2);
    assert_true(stats.cancelled > 0);
    mp_executor_free(executor);
    ledger_close(ledger);
}

static void test_a_map_that_is_abandoned_cancels_what_has_not_begun(void **state)
{
    (void)state;
    expect_abandon_cancels(1, MP_PROCESSES);
    expect_abandon_cancels(7, MP_PROCESSES);
    expect_abandon_cancels(7, MP_THREADS);
}

static void test_a_map_with_chunks_out_may_outlive_its_executor(void **state)
{
    (void)state;
    for (int chunk = 1; chunk <= 5; chunk += 4)
        for (int freed_first = 0; freed_first < 2; freed_first++) {
            struct ledger *ledger = ledger_open();
            struct mp_executor *executor = support_executor(2, 2, ledger);
            enum deed deeds[40] = {[7] = WAIT, [13] = WAIT};
            struct source source = {.end = 40, .size = SMALL, .deeds = deeds};
            struct mp_map *map = map_begin(executor, &source, chunk, false);
            struct mp_item item;
            assert_int_equal(map_next(map, &item), 1);
            if (freed_first)
                mp_map_free(map);
            mp_executor_free(executor);
            int got = 1, error = 1;
            while (!freed_first && (error = map_next(map, &item)) == 1)
                got++;
            if (!freed_first) {
                assert_int_equal(error, 0); /* all had been taken from the source: none is left */
                assert_int_equal(got, source.taken);
                mp_map_free(map);
            }
            ledger_close(ledger);
        }
}

/* ---- Elements that fail --------------------------------------------------------------------- */

static void test_an_element_that_fails_fails_alone(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(2, 2, ledger);
    enum deed deeds[12] = {[4] = FAIL};
    struct source source = {.end = 12, .size = SMALL, .deeds = deeds};
    struct mp_map *map = map_begin(executor, &source, 12, false);
    struct mp_item item;
    for (int i = 0; i < 12; i++) {
        assert_int_equal(map_next(map, &item), 1);
        if (i != 4) {
            expect_result(&item, SMALL);
            continue;
        }
        expect_fault(&item, MP_ETASK);
        assert_null(item.data);
        assert_string_equal(item.fault->message, "element 4 fails");
        assert_int_equal(item.fault->status, 0); /* which is a failure all the same */
        assert_int_equal(item.fault->attempts, 1);
        assert_true(item.fault->worker >= 0);
    }
    mp_map_free(map);
    assert_int_equal(support_stats(executor).backend.workers_lost, 0);
    mp_executor_free(executor);
    ledger_close(ledger);
}

/* Those before the one that crashes keep their results, those after it are run by another. */
static void test_a_crash_costs_one_element_wherever_it_is(void **state)
{
    (void)state;
    enum { COUNT = 10, CHUNK = 5 };
    for (int at = 0; at < COUNT; at++) {
        struct ledger *ledger = ledger_open();
        struct mp_executor *executor = support_executor(1 + at % 2, 1, ledger);
        enum deed deeds[COUNT] = {0};
        deeds[at] = CRASH;
        struct source source = {.end = COUNT, .size = SMALL, .deeds = deeds};
        struct mp_map *map = map_begin(executor, &source, CHUNK, false);
        expect_all(map, &source);
        mp_map_free(map);
        expect_runs(ledger, 0, COUNT, 1);
        struct mp_backend_stats stats = support_stats(executor).backend;
        assert_int_equal(stats.workers_lost, 1);
        mp_executor_free(executor);
        ledger_close(ledger);
    }
}

static void test_every_element_of_a_chunk_may_crash(void **state)
{
    (void)state;
    enum { COUNT = 12 };
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(2, 1, ledger);
    enum deed deeds[COUNT];
    for (int i = 0; i < COUNT; i++)
        deeds[i] = CRASH;
    struct source source = {.end = COUNT, .size = SMALL, .deeds = deeds};
    struct mp_map *map = map_begin(executor, &source, 6, false);
    expect_all(map, &source);
    mp_map_free(map);
    expect_runs(ledger, 0, COUNT, 1);
    assert_int_equal(support_stats(executor).backend.workers_lost, COUNT);
    mp_executor_free(executor);
    ledger_close(ledger);
}

static void test_a_crash_is_described_by_the_elements_fault(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(1, 0, ledger);
    enum deed deeds[3] = {[1] = CRASH};
    struct source source = {.end = 3, .size = SMALL, .deeds = deeds};
    struct mp_map *map = map_begin(executor, &source, 3, false);
    struct mp_item item;
    assert_int_equal(map_next(map, &item), 1);
    expect_result(&item, SMALL);
    assert_int_equal(map_next(map, &item), 1);
    expect_fault(&item, MP_ECRASH);
    assert_int_equal(item.fault->status, -SIGKILL);
    assert_int_equal(item.fault->attempts, 1);
    assert_int_equal(item.fault->worker, 0);
    assert_true(item.fault->pid > 0);
    assert_false(item.fault->lost_result);
    mp_map_free(map);
    mp_executor_free(executor);
    ledger_close(ledger);
}

static void test_retries_are_each_elements_own(void **state)
{
    (void)state;
    enum { COUNT = 12 };
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(2, 1, ledger);
    enum deed deeds[COUNT] = {[2] = CRASH_ONCE, [3] = CRASH, [5] = CRASH_ONCE, [11] = CRASH_ONCE};
    struct source source = {.end = COUNT, .size = SMALL, .deeds = deeds};
    struct mp_map_options options = {.chunk = 6, .retries = 2};
    struct mp_map *map;
    assert_int_equal(mp_executor_map(executor, task_element, source_next, &source, &options, &map),
                     0);
    struct mp_item item;
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(map_next(map, &item), 1);
        assert_int_equal(item.index, i);
        if (i != 3) {
            expect_result(&item, SMALL);
            continue;
        }
        expect_fault(&item, MP_ECRASH);
        assert_int_equal(item.fault->attempts, 3);
    }
    assert_int_equal(map_next(map, &item), 0);
    mp_map_free(map);
    for (int i = 0; i < COUNT; i++)
        expect_runs(ledger, i, 1, deeds[i] == CRASH ? 3 : deeds[i] == CRASH_ONCE ? 2 : 1);
    assert_int_equal(support_stats(executor).retried, 5);
    mp_executor_free(executor);
    ledger_close(ledger);
}

/* Those beside it have not begun, or have their results: none of them is run twice. */
static void test_a_deadline_in_a_chunk_kills_only_its_element(void **state)
{
    (void)state;
    enum { COUNT = 12, DEADLINE_MS = 200 };
    static const int workers[] = {1, 2, 8};
    for (int i = 0; i < 3; i++) {
        struct ledger *ledger = ledger_open();
        struct mp_executor *executor = support_executor(workers[i], 1, ledger);
        enum deed deeds[COUNT] = {[2] = HANG, [9] = HANG};
        struct source source = {.end = COUNT, .size = SMALL, .deeds = deeds};
        struct mp_map_options options = {.chunk = 4, .deadline_ms = DEADLINE_MS};
        struct mp_map *map;
        int64_t begin = support_now_ms();
        assert_int_equal(
            mp_executor_map(executor, task_element, source_next, &source, &options, &map), 0);
        expect_all(map, &source);
        assert_true(support_now_ms() - begin >= DEADLINE_MS);
        mp_map_free(map);
        expect_runs(ledger, 0, COUNT, 1);
        mp_executor_free(executor);
        ledger_close(ledger);
    }
}

/* Takes as many milliseconds as its result has bytes. */
static int task_slow(struct mp_task *task, const void *arg, size_t size)
{
    struct element element;
    memcpy(&element, arg, sizeof element);
    poll(NULL, 0, (int)element.size);
    return task_element(task, arg, size);
}

/* Together they take far longer than one may. */
static void test_the_deadline_is_each_elements_own(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(1, 1, ledger);
    struct source source = {.end = 20, .size = 30};
    struct mp_map_options options = {.chunk = 20, .deadline_ms = 300};
    struct mp_map *map;
    assert_int_equal(mp_executor_map(executor, task_slow, source_next, &source, &options, &map), 0);
    expect_all(map, &source);
    mp_map_free(map);
    assert_int_equal(support_stats(executor).backend.workers_lost, 0);
    mp_executor_free(executor);
    ledger_close(ledger);
}

/* ---- Large results -------------------------------------------------------------------------- */

static void expect_large_on(enum mp_kind kind, int count, size_t size, int chunk)
{
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor =
        support_create(&(struct mp_executor_options){.kind = kind, .workers = 2, .ctx = ledger});
    struct source source = {.end = count, .size = size};
    struct mp_map *map = map_begin(executor, &source, chunk, false);
    expect_all(map, &source);
    mp_map_free(map);
    expect_runs(ledger, 0, count, 1);
    mp_executor_free(executor);
    ledger_close(ledger);
}

static void test_results_larger_than_the_journal_come_whole_and_in_order(void **state)
{
    (void)state;
    static const int some[] = {1, 8, 0};
    for (int i = 0; i < 3; i++) {
        expect_large_on(MP_PROCESSES, 30, 100 << 10, some[i]);
        expect_large_on(MP_PROCESSES, 60, 5 << 10, some[i]);
    }
    expect_large_on(MP_PROCESSES, 200, 5 << 10, 100);
    expect_large_on(MP_SEQUENTIAL, 60, 5 << 10, 30);
    expect_large_on(MP_THREADS, 60, 5 << 10, 30);
}

/* The journal is 64 KB, a record has 16 bytes of its own: results that fill it to the last byte,
 * and those that miss by one. */
static void test_results_that_just_fit_and_just_do_not(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,     1,     16320, 16368, 16369, 32752,
                                   32753, 65519, 65520, 65521, 65536, 65537};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        expect_large_on(MP_PROCESSES, 10, sizes[i], 5);
}

/* The crash comes after the journal has been filled and emptied again. */
static void test_a_crash_among_large_results_costs_one_element(void **state)
{
    (void)state;
    enum { COUNT = 40 };
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(2, 1, ledger);
    enum deed deeds[COUNT] = {[5] = CRASH, [17] = CRASH, [18] = FAIL, [39] = CRASH};
    struct source source = {.end = COUNT, .size = 5 << 10, .deeds = deeds};
    struct mp_map *map = map_begin(executor, &source, 20, false);
    expect_all(map, &source);
    mp_map_free(map);
    expect_runs(ledger, 0, COUNT, 1);
    assert_int_equal(support_stats(executor).backend.workers_lost, 3);
    mp_executor_free(executor);
    ledger_close(ledger);
}

static int task_large_when_asked(struct mp_task *task, const void *arg, size_t size)
{
    struct element element;
    memcpy(&element, arg, size);
    return mp_task_return(task, (char[1001]){0}, element.index % 5 == 2 ? 1001 : 1000);
}

static void test_a_result_beyond_the_limit_fails_its_own_element(void **state)
{
    (void)state;
    struct mp_executor *executor =
        support_create(&(struct mp_executor_options){.workers = 1, .result_max = 1000});
    struct source source = {.end = 200};
    struct mp_map_options options = {.chunk = 20};
    struct mp_map *map;
    assert_int_equal(
        mp_executor_map(executor, task_large_when_asked, source_next, &source, &options, &map), 0);
    struct mp_item item;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(map_next(map, &item), 1);
        if (i % 5 == 2) {
            expect_fault(&item, MP_ETASK);
            assert_int_equal(item.fault->status, -EMSGSIZE);
        } else {
            assert_int_equal(item.error, 0);
            assert_int_equal(item.size, 1000);
        }
    }
    assert_int_equal(map_next(map, &item), 0);
    mp_map_free(map);
    assert_int_equal(support_stats(executor).backend.workers_lost, 0);
    mp_executor_free(executor);
}

/* ---- Arguments ------------------------------------------------------------------------------ */

struct sized {
    unsigned char bytes[100];
    size_t size, end;
};

static int sized_next(void *user, const void **ret_arg, size_t *ret_size)
{
    struct sized *sized = user;
    if (sized->size == sized->end)
        return 0;
    *ret_arg = sized->bytes;
    *ret_size = sized->size++;
    return 1;
}

static int task_aligned_echo(struct mp_task *task, const void *arg, size_t size)
{
    if ((uintptr_t)arg % 16 != 0)
        return mp_task_fail(task, 1, "%zu bytes at %p", size, arg);
    return mp_task_return(task, arg, size);
}

static int task_size(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg;
    return mp_task_return(task, &size, sizeof size);
}

struct sizes {
    const size_t *sizes;
    int count;
    const unsigned char *bytes;
};

static int sizes_next(void *user, const void **ret_arg, size_t *ret_size)
{
    struct sizes *left = user;
    if (left->count == 0)
        return 0;
    left->count--;
    *ret_arg = left->bytes;
    *ret_size = *left->sizes++;
    return 1;
}

/* Whether it goes is a matter of its own size, not of what happens to go with it. */
static void test_the_largest_argument_goes_after_a_small_one(void **state)
{
    (void)state;
    enum { COUNT = 4, LARGEST = MP_ARG_MAX - 32 }; /* a chunk's two heads */
    static const size_t sizes[COUNT] = {100, LARGEST, LARGEST + 1, SIZE_MAX};
    unsigned char *bytes = calloc(1, LARGEST);
    assert_non_null(bytes);
    struct mp_executor *executor = support_executor(1, 0, NULL);
    struct sizes source = {sizes, COUNT, bytes};
    struct mp_map_options options = {.chunk = COUNT};
    struct mp_map *map;
    struct mp_item item;
    assert_int_equal(mp_executor_map(executor, task_size, sizes_next, &source, &options, &map), 0);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(map_next(map, &item), 1);
        assert_int_equal(item.error, sizes[i] <= LARGEST ? 0 : -EMSGSIZE);
        if (item.error == 0)
            assert_memory_equal(item.data, &sizes[i], sizeof sizes[i]);
    }
    assert_int_equal(map_next(map, &item), 0);
    mp_map_free(map);
    mp_executor_free(executor);
    free(bytes);
}

static void test_arguments_of_any_size_are_aligned(void **state)
{
    (void)state;
    static const enum mp_kind kinds[] = {MP_PROCESSES, MP_SEQUENTIAL, MP_THREADS};
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < CHUNKS; i++) {
            struct mp_executor *executor =
                support_create(&(struct mp_executor_options){.kind = kinds[k], .workers = 2});
            struct sized sized = {.end = sizeof sized.bytes};
            struct mp_map_options options = {.chunk = chunks[i]};
            struct mp_map *map;
            struct mp_item item;
            memset(sized.bytes, 'a', sizeof sized.bytes);
            assert_int_equal(
                mp_executor_map(executor, task_aligned_echo, sized_next, &sized, &options, &map),
                0);
            for (size_t n = 0; n < sized.end; n++) {
                support_expect(support_submit(executor, task_aligned_echo, sized.bytes, n),
                               sized.bytes, n);
                assert_int_equal(map_next(map, &item), 1);
                assert_int_equal(item.error, 0);
                assert_int_equal(item.size, n);
                assert_memory_equal(item.data, sized.bytes, n);
            }
            mp_map_free(map);
            mp_executor_free(executor);
        }
}

/* ---- Beside others -------------------------------------------------------------------------- */

static void test_two_maps_and_plain_jobs_share_an_executor(void **state)
{
    (void)state;
    enum { COUNT = 150, JOBS = 50 };
    struct ledger *ledgers = support_share(2 * sizeof *ledgers);
    /* Room for ten jobs only: maps and submits wait for each other. */
    struct mp_executor *executor = support_create(
        &(struct mp_executor_options){.workers = 2, .max_pending = 10, .ctx = ledgers});
    struct source sources[2] = {{.end = COUNT, .size = SMALL}, {.end = COUNT, .size = 70000}};
    struct mp_map *maps[2];
    for (int i = 0; i < 2; i++)
        maps[i] = map_begin(executor, &sources[i], i == 0 ? 1 : 7, false);
    for (int i = 0; i < COUNT; i++) {
        struct mp_item item;
        for (int k = 0; k < 2; k++) {
            assert_int_equal(map_next(maps[k], &item), 1);
            assert_int_equal(item.index, i);
            expect_result(&item, sources[k].size);
        }
        if (i % 3 == 0)
            support_expect(support_submit(executor, support_task_echo, &i, sizeof i), &i, sizeof i);
    }
    expect_runs(ledgers, 0, COUNT, 2);
    for (int i = 0; i < 2; i++)
        mp_map_free(maps[i]);
    assert_int_equal(support_stats(executor).unsettled, 0);
    mp_executor_free(executor);
    support_unshare(ledgers, 2 * sizeof *ledgers);
}

static void test_a_map_waits_while_the_executor_is_full(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_create(
        &(struct mp_executor_options){.workers = 1, .max_pending = 2, .ctx = ledger});
    struct mp_future *jobs[2] = {support_submit(executor, support_task_gated, "a", 1),
                                 support_submit(executor, support_task_gated, "b", 1)};
    struct source source = {.end = 20, .size = SMALL};
    struct mp_map *map = map_begin(executor, &source, 3, false);
    struct mp_item item;
    assert_int_equal(mp_map_next(map, 0, &item), -ETIMEDOUT);
    assert_int_equal(source.taken, 0);
    support_raise(&ledger->gate.gate);
    expect_all(map, &source);
    mp_map_free(map);
    support_expect(jobs[0], "a", 1);
    support_expect(jobs[1], "b", 1);
    mp_executor_free(executor);
    ledger_close(ledger);
}

static void test_a_timeout_of_the_caller_is_not_one_of_the_element(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(1, 0, ledger);
    enum deed deeds[2] = {WAIT};
    struct source source = {.end = 2, .size = SMALL, .deeds = deeds};
    struct mp_map *map = map_begin(executor, &source, 1, false);
    struct mp_item item;
    int64_t begin = support_now_ms();
    assert_int_equal(mp_map_next(map, 30, &item), -ETIMEDOUT);
    assert_true(support_now_ms() - begin >= 29);
    assert_int_equal(mp_map_next(map, 0, &item), -ETIMEDOUT);
    support_raise(&ledger->gate.gate);
    expect_all(map, &source); /* nothing was lost */
    mp_map_free(map);
    expect_runs(ledger, 0, 2, 1);
    mp_executor_free(executor);
    ledger_close(ledger);
}

static void test_an_interrupted_map_can_be_asked_again(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(2, 1, ledger);
    enum deed deeds[30] = {[10] = WAIT};
    struct source source = {.end = 30, .size = SMALL, .deeds = deeds};
    struct mp_map *map = map_begin(executor, &source, 3, false);
    struct mp_item item;
    for (int i = 0; i < 9; i++)
        assert_int_equal(map_next(map, &item), 1);
    int interruptions = 0, error = 0;
    for (int i = 9; i < 30; i++) {
        mp_executor_interrupt(executor);
        while ((error = map_next(map, &item)) == -EINTR) {
            interruptions++;
            support_raise(&ledger->gate.gate);
        }
        assert_int_equal(error, 1);
        assert_int_equal(item.index, i);
    }
    assert_true(interruptions > 0);
    mp_map_free(map);
    mp_executor_free(executor);
    ledger_close(ledger);
}

struct nested {
    struct mp_map *map;
    int error;
};

static void on_settled(struct mp_future *future, void *user)
{
    struct nested *nested = user;
    struct mp_item item;
    (void)future;
    nested->error = mp_map_next(nested->map, MP_FOREVER, &item);
}

static void test_a_map_cannot_be_waited_for_in_a_callback(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(1, 0, ledger);
    struct source source = {.end = 5, .size = SMALL};
    struct nested nested = {.map = map_begin(executor, &source, 1, false)};
    struct mp_future *future = support_submit(executor, support_task_echo, "x", 1);
    assert_int_equal(mp_future_then(future, on_settled, &nested), 0);
    support_expect(future, "x", 1);
    assert_int_equal(nested.error, -EDEADLK);
    expect_all(nested.map, &source);
    mp_map_free(nested.map);
    mp_executor_free(executor);
    ledger_close(ledger);
}

/* ---- The end of the executor ---------------------------------------------------------------- */

/* What has been taken from the source is run, also what its chunk had to leave to another because
 * the journal was full, or because its worker died; nothing more is taken. */
static void expect_finish(int chunk, size_t size, const enum deed *deeds)
{
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(2, 1, ledger);
    struct source source = {.end = -1, .size = size, .deeds = deeds};
    struct mp_map_options options = {.chunk = chunk, .window = 60};
    struct mp_map *map;
    struct mp_item item;
    assert_int_equal(mp_executor_map(executor, task_element, source_next, &source, &options, &map),
                     0);
    assert_int_equal(map_next(map, &item), 1);
    int taken = source.taken;
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    assert_int_equal(source.taken, taken);
    for (int i = 1; i < taken; i++) {
        assert_int_equal(map_next(map, &item), 1);
        assert_int_equal(item.index, i);
        if (deeds && deeds[i] != RETURN)
            expect_fault(&item, code_of(deeds[i]));
        else
            expect_result(&item, size);
    }
    assert_int_equal(map_next(map, &item), -ESHUTDOWN);
    expect_runs(ledger, 0, taken, 1);
    mp_map_free(map);
    mp_executor_free(executor);
    ledger_close(ledger);
}

static void test_a_finishing_shutdown_runs_what_was_taken(void **state)
{
    (void)state;
    enum deed deeds[ELEMENTS_MAX] = {[7] = CRASH, [22] = FAIL, [30] = CRASH, [31] = CRASH};
    expect_finish(1, SMALL, NULL);
    expect_finish(6, SMALL, NULL);
    expect_finish(20, 5 << 10, NULL);
    expect_finish(20, SMALL, deeds);
    expect_finish(20, 5 << 10, deeds);
}

/* Element 5 runs, in a chunk of so many, when the executor is shut down like this. */
static void expect_end(enum mp_how how, int chunk, bool unordered)
{
    enum { COUNT = 40, RUNS = 5 };
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(1, 1, ledger);
    enum deed deeds[COUNT] = {[RUNS] = how == MP_KILL ? HANG : WAIT};
    struct source source = {.end = COUNT, .size = SMALL, .deeds = deeds};
    struct mp_map *map = map_begin(executor, &source, chunk, unordered);
    struct mp_item item;
    for (int i = 0; i < RUNS && (chunk == 1 || i == 0); i++)
        if (chunk == 1)
            assert_int_equal(map_next(map, &item), 1);
        else
            assert_int_equal(mp_map_next(map, 0, &item), -ETIMEDOUT);
    int first = chunk == 1 ? RUNS : 0;
    while (ledger->began[RUNS] == 0)
        (void)mp_executor_pump(executor, 1);
    if (how == MP_CANCEL)
        support_raise(&ledger->gate.gate);
    assert_int_equal(mp_executor_shutdown(executor, how, SUPPORT_LONG_MS), 0);
    int counts[3] = {0}; /* results, killed, cancelled */
    for (int i = first; i < COUNT; i++) {
        assert_int_equal(map_next(map, &item), 1);
        if (!unordered)
            assert_int_equal(item.index, i);
        counts[item.error == 0 ? 0 : item.error == MP_EKILLED ? 1 : 2]++;
        if (item.error == 0)
            expect_result(&item, SMALL);
        else
            expect_fault(&item, (int)item.index == RUNS ? MP_EKILLED : -ECANCELED);
        if (item.error == -ECANCELED)
            expect_runs(ledger, (int)item.index, 1, 0);
    }
    assert_int_equal(map_next(map, &item), 0);
    assert_int_equal(counts[1], how == MP_KILL);
    assert_true(counts[2] > 0);
    assert_int_equal(counts[0] + counts[1] + counts[2], COUNT - first);
    mp_map_free(map);
    mp_executor_free(executor);
    ledger_close(ledger);
}

static void test_a_cancelling_shutdown_ends_every_element(void **state)
{
    (void)state;
    expect_end(MP_CANCEL, 1, false);
    expect_end(MP_CANCEL, 8, false);
    expect_end(MP_CANCEL, 8, true);
}

static void test_a_killing_shutdown_ends_every_element(void **state)
{
    (void)state;
    expect_end(MP_KILL, 1, false);
    expect_end(MP_KILL, 8, false);
    expect_end(MP_KILL, 8, true);
}

static void test_a_map_ends_after_a_shutdown(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_executor(1, 1, ledger);
    struct source source = {.end = 5, .size = SMALL};
    struct mp_map *map = map_begin(executor, &source, 1, false);
    struct mp_item item;
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    assert_int_equal(map_next(map, &item), -ESHUTDOWN);
    assert_int_equal(source.taken, 0);
    mp_executor_free(executor);
    assert_int_equal(map_next(map, &item), -ESHUTDOWN);
    mp_map_free(map);
    ledger_close(ledger);
}

static int hook_refuse(void *ctx, int worker)
{
    (void)ctx, (void)worker;
    return 1;
}

static void test_a_broken_executor_ends_its_maps(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_open();
    struct mp_executor *executor = support_create(
        &(struct mp_executor_options){.workers = 2, .start = hook_refuse, .ctx = ledger});
    struct source source = {.end = -1, .size = SMALL};
    struct mp_map_options options = {.chunk = 4, .window = 16};
    struct mp_map *map;
    struct mp_item item;
    assert_int_equal(mp_executor_map(executor, task_element, source_next, &source, &options, &map),
                     0);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(map_next(map, &item), 1);
        expect_fault(&item, MP_EBROKEN);
    }
    assert_int_equal(map_next(map, &item), MP_EBROKEN);
    assert_int_equal(source.taken, 16);
    mp_map_free(map);
    mp_executor_free(executor);
    ledger_close(ledger);
}

static void test_map_options_are_checked(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(1, 0, NULL);
    const struct mp_map_options wrong[] = {{.chunk = -1}, {.chunk = 1 << 20}, {.window = -1}};
    struct source source = {.end = 1};
    struct mp_map *map = NULL;
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            mp_executor_map(executor, task_element, source_next, &source, &wrong[i], &map),
            -EINVAL);
    mp_executor_free(executor);
    executor = support_create(&(struct mp_executor_options){.kind = MP_SEQUENTIAL});
    assert_int_equal(mp_executor_map(executor, task_element, source_next, &source,
                                     &(struct mp_map_options){.deadline_ms = 5}, &map),
                     MP_ENOKILL);
    mp_executor_free(executor);
    assert_null(map);
    mp_map_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_results_come_in_the_order_of_the_elements),
        SUPPORT_TEST(test_threads_and_the_caller_give_the_same_results),
        SUPPORT_TEST(test_unordered_results_come_once_each),
        SUPPORT_TEST(test_unordered_results_do_not_wait_for_earlier_ones),
        SUPPORT_TEST(test_no_element_at_all_is_an_end_at_once),
        SUPPORT_TEST(test_the_window_is_never_exceeded),
        SUPPORT_TEST(test_an_endless_source_is_read_as_needed),
        SUPPORT_TEST(test_an_error_of_the_source_comes_after_the_results_before_it),
        SUPPORT_TEST(test_a_map_that_is_freed_cancels_its_own_jobs_only),
        SUPPORT_TEST(test_a_map_that_is_abandoned_cancels_what_has_not_begun),
        SUPPORT_TEST(test_a_map_with_chunks_out_may_outlive_its_executor),
        SUPPORT_TEST(test_an_element_that_fails_fails_alone),
        SUPPORT_TEST(test_a_crash_costs_one_element_wherever_it_is),
        SUPPORT_TEST(test_every_element_of_a_chunk_may_crash),
        SUPPORT_TEST(test_a_crash_is_described_by_the_elements_fault),
        SUPPORT_TEST(test_retries_are_each_elements_own),
        SUPPORT_TEST(test_a_deadline_in_a_chunk_kills_only_its_element),
        SUPPORT_TEST(test_the_deadline_is_each_elements_own),
        SUPPORT_TEST(test_results_larger_than_the_journal_come_whole_and_in_order),
        SUPPORT_TEST(test_results_that_just_fit_and_just_do_not),
        SUPPORT_TEST(test_a_crash_among_large_results_costs_one_element),
        SUPPORT_TEST(test_a_result_beyond_the_limit_fails_its_own_element),
        SUPPORT_TEST(test_the_largest_argument_goes_after_a_small_one),
        SUPPORT_TEST(test_arguments_of_any_size_are_aligned),
        SUPPORT_TEST(test_two_maps_and_plain_jobs_share_an_executor),
        SUPPORT_TEST(test_a_map_waits_while_the_executor_is_full),
        SUPPORT_TEST(test_a_timeout_of_the_caller_is_not_one_of_the_element),
        SUPPORT_TEST(test_an_interrupted_map_can_be_asked_again),
        SUPPORT_TEST(test_a_map_cannot_be_waited_for_in_a_callback),
        SUPPORT_TEST(test_a_finishing_shutdown_runs_what_was_taken),
        SUPPORT_TEST(test_a_cancelling_shutdown_ends_every_element),
        SUPPORT_TEST(test_a_killing_shutdown_ends_every_element),
        SUPPORT_TEST(test_a_map_ends_after_a_shutdown),
        SUPPORT_TEST(test_a_broken_executor_ends_its_maps),
        SUPPORT_TEST(test_map_options_are_checked),
    };
    return cmocka_run_group_tests_name("mproc/map", tests, NULL, NULL);
}
