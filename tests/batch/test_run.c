#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "batch/job.h"
#include "batch/run.h"
#include "batch/task.h"
#include "support/mproc.h"
#include "support/tree.h"

enum {
    PICTURES_MAX = 200,
    LARGE_PICTURE = 34, /* one of the largest, which are taken first */
};

/* What tasks tell each other and the test; in shared memory. A picture is known by its size. */
struct shared {
    _Atomic int begun[PICTURES_MAX]; /* attempts at each picture */
    int kills[PICTURES_MAX];         /* how many of its attempts are to die */
    struct support_flag running;     /* raised by tasks that wait for the end */
    uint32_t together;               /* tasks that wait until so many have begun; 0: none do */
    _Atomic int under_way, most;     /* tasks now, and at most so far */
    char fifo[TREE_PATH_BYTES];      /* a task gives make's tokens here, once; "": none does */
    volatile sig_atomic_t stop;      /* the run's stop flag */
};

/* What an observer has heard. */
struct heard {
    size_t results;
    struct run_counts counts;
    char codes[PICTURES_MAX][16]; /* error code by input */
    int attempts[PICTURES_MAX];
    int status[PICTURES_MAX];
    char message[200]; /* of the last that failed */
    size_t ends;
};

struct fixture {
    char *root;
    char path[TREE_PATH_BYTES], output[TREE_PATH_BYTES];
    char *paths[1];
    struct image_spec spec;
    struct scan scan;
    struct plan plan;
    struct shared *shared;
    struct heard heard;
    struct run_summary summary;
    int timeout_ms;              /* of the next run */
    struct jobserver *jobserver; /* likewise; NULL: none */
    struct sandbox *sandbox;     /* likewise */
    int64_t max_memory;          /* likewise; 0: as much as they want */
};

static struct shared *shared; /* of the case that runs, for its tasks */

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    void *root;
    if (!fixture || tree_setup(&root) != 0)
        return -1;
    fixture->root = root;
    fixture->shared = shared = support_share(sizeof *shared);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *root = fixture->root;
    plan_done(&fixture->plan);
    scan_done(&fixture->scan);
    support_unshare(fixture->shared, sizeof *fixture->shared);
    free(fixture);
    return tree_teardown(&root);
}

/* Makes pictures 000.jpg, 001.jpg, …, each of its own dimensions, and plans their thumbnails. */
static void prepare(struct fixture *fixture, int pictures)
{
    const char *bad;
    for (int i = 0; i < pictures; i++) {
        char name[32];
        snprintf(name, sizeof name, "in/%03d.jpg", i);
        tree_write_jpeg(fixture->root, name, i);
    }
    snprintf(fixture->path, sizeof fixture->path, "%s/in", fixture->root);
    snprintf(fixture->output, sizeof fixture->output, "%s/out", fixture->root);
    fixture->paths[0] = fixture->path;
    fixture->spec = image_spec_default();
    fixture->spec.boxes[0] = (struct image_box){16, 16};
    struct scan_options scan = {.paths = fixture->paths, .path_count = 1};
    assert_int_equal(scan_run(&scan, &fixture->scan, &bad), 0);
    struct plan_options plan = {.spec = &fixture->spec, .output = fixture->output};
    assert_int_equal(plan_make(&plan, &fixture->scan, &fixture->plan), 0);
}

static void on_result(void *self, const struct run_record *record, const struct run_counts *counts)
{
    struct fixture *fixture = self;
    struct heard *heard = &fixture->heard;
    size_t input = (size_t)(record->input - fixture->scan.inputs);
    heard->results++;
    heard->counts = *counts;
    heard->attempts[input] = record->attempts;
    heard->status[input] = record->status;
    snprintf(heard->codes[input], sizeof heard->codes[input], "%s",
             record->code ? record->code : "");
    if (record->message)
        snprintf(heard->message, sizeof heard->message, "%s", record->message);
}

static void on_end(void *self, const struct run_summary *summary)
{
    struct fixture *fixture = self;
    (void)summary;
    fixture->heard.ends++;
}

static int run(struct fixture *fixture, mp_task_fn *task, enum mp_kind kind, int workers,
               int retries)
{
    struct run_observer observer = {.self = fixture, .result = on_result, .end = on_end};
    struct run_options options = {.kind = kind,
                                  .workers = workers,
                                  .retries = retries,
                                  .timeout_ms = fixture->timeout_ms,
                                  .max_bytes = 1 << 20,
                                  .max_memory = fixture->max_memory,
                                  .jobserver = fixture->jobserver,
                                  .sandbox = fixture->sandbox,
                                  .task = task,
                                  .stop = &fixture->shared->stop,
                                  .observers = {&observer, 1}};
    memset(&fixture->heard, 0, sizeof fixture->heard);
    int error = run_plan(&fixture->plan, &options, &fixture->summary);
    assert_int_equal(fixture->heard.ends, 1);
    const struct run_counts *counts = &fixture->summary.counts;
    assert_int_equal(counts->made + counts->current + counts->failed + counts->skipped,
                     fixture->heard.results);
    assert_int_equal(fixture->heard.results + counts->not_started, fixture->plan.count);
    assert_int_equal(tree_count(fixture->root, "out", ".thumbpool-"), 0);
    return error;
}

/* ---- Tasks ---------------------------------------------------------------------------------- */

/* The name behind a job's descriptor, which ends in NNN.jpg; `path` has TREE_PATH_BYTES. */
static size_t path_of(const struct mp_task *task, char *path)
{
    char self[40];
    snprintf(self, sizeof self, "/proc/self/fd/%d", mp_task_fd(task, 0));
    ssize_t length = readlink(self, path, TREE_PATH_BYTES - 1);
    length = length < 7 ? 0 : length;
    path[length] = '\0';
    return (size_t)length;
}

/* Which picture a job is about. */
static int picture_of(const struct mp_task *task)
{
    char path[TREE_PATH_BYTES];
    size_t length = path_of(task, path);
    return length ? atoi(path + length - 7) : 0;
}

/* Dies as often as the plan for that picture says, then makes it. */
static int task_dies(struct mp_task *task, const void *arg, size_t size)
{
    int picture = picture_of(task);
    if (atomic_fetch_add(&shared->begun[picture], 1) < shared->kills[picture])
        raise(SIGKILL);
    return picture_task_run(task, arg, size);
}

/* Counts those that are under way, and meets others; gives up where they do not come. */
static int task_meets(struct mp_task *task, const void *arg, size_t size)
{
    int now = atomic_fetch_add(&shared->under_way, 1) + 1, most = shared->most;
    while (now > most && !atomic_compare_exchange_weak(&shared->most, &most, now))
        ;
    int fifo = shared->fifo[0] ? open(shared->fifo, O_RDWR | O_CLOEXEC) : -1;
    if (fifo >= 0 && support_raise(&shared->running) == 1 && write(fifo, "t", 1) != 1)
        return mp_task_fail(task, errno, "cannot give a token");
    if (fifo < 0)
        support_raise(&shared->running);
    bool met = support_await(&shared->running, shared->together);
    atomic_fetch_sub(&shared->under_way, 1);
    return met ? task_dies(task, arg, size) : mp_task_fail(task, 1, "nobody came");
}

/* Makes LARGE_PICTURE another kind's file and dies of it, as somebody who saves while we read. */
static int task_dies_of_a_change(struct mp_task *task, const void *arg, size_t size)
{
    static const char webp[] = "RIFF\x16\0\0\0WEBPVP8 and more";
    char path[TREE_PATH_BYTES];
    if (picture_of(task) == LARGE_PICTURE && path_of(task, path) > 0) {
        int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        if (fd >= 0 && write(fd, webp, sizeof webp) == (ssize_t)sizeof webp)
            raise(SIGKILL);
    }
    return picture_task_run(task, arg, size);
}

static int task_lies(struct mp_task *task, const void *arg, size_t size)
{
    if (picture_of(task) % 2 == 0)
        return picture_task_run(task, arg, size);
    return mp_task_return(task, "nonsense", 8);
}

static int task_fails(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg;
    (void)size;
    return mp_task_fail(task, 3, "no way");
}

/* Every tenth picture never ends. */
static int task_hangs_at_times(struct mp_task *task, const void *arg, size_t size)
{
    while (picture_of(task) % 10 == 3)
        pause();
    return picture_task_run(task, arg, size);
}

/* Waits for ever, after having raised the stop flag. */
static int task_hangs(struct mp_task *task, const void *arg, size_t size)
{
    (void)task;
    (void)arg;
    (void)size;
    support_raise(&shared->running);
    shared->stop = SIGINT;
    while (pause() < 0)
        ;
    return 0;
}

/* ---- Cases ---------------------------------------------------------------------------------- */

static void test_run_makes_every_picture(void **state)
{
    struct fixture *fixture = *state;
    prepare(fixture, 20);
    assert_int_equal(run(fixture, NULL, MP_PROCESSES, 3, 1), 0);
    assert_int_equal(fixture->summary.counts.made, 20);
    assert_int_equal(tree_count(fixture->root, "out", NULL), 20);
    assert_int_equal(fixture->summary.workers_lost, 0);
}

static void test_run_gives_the_same_bytes_however_it_is_done(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        enum mp_kind kind;
        int workers;
    } ways[] = {{MP_SEQUENTIAL, 1}, {MP_PROCESSES, 1}, {MP_PROCESSES, 2}, {MP_PROCESSES, 7}};
    prepare(fixture, 15);
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        snprintf(fixture->output, sizeof fixture->output, "%s/out%zu", fixture->root, way);
        assert_int_equal(run(fixture, NULL, ways[way].kind, ways[way].workers, 1), 0);
        for (int i = 0; i < 15; i++) {
            char first[32], name[32];
            snprintf(first, sizeof first, "out0/%03d.jpg", i);
            snprintf(name, sizeof name, "out%zu/%03d.jpg", way, i);
            assert_true(tree_same(fixture->root, first, fixture->root, name));
        }
    }
}

static void test_run_fails_exactly_what_died_more_often_than_it_was_retried(void **state)
{
    struct fixture *fixture = *state;
    prepare(fixture, 120);
    for (int i = 0; i < 120; i++)
        shared->kills[i] = i % 4; /* 0 and 1 survive one retry, 2 and 3 do not */
    assert_int_equal(run(fixture, task_dies, MP_PROCESSES, 4, 1), 0);
    for (int i = 0; i < 120; i++) {
        bool survives = i % 4 < 2;
        assert_int_equal(fixture->heard.status[i], survives ? RUN_MADE : RUN_FAILED);
        assert_int_equal(fixture->heard.attempts[i], survives ? i % 4 + 1 : 2);
        assert_int_equal(shared->begun[i], fixture->heard.attempts[i]);
        assert_string_equal(fixture->heard.codes[i], survives ? "" : "crashed");
    }
    assert_int_equal(fixture->summary.counts.made, 60);
    assert_int_equal(fixture->summary.counts.failed, 60);
    assert_int_equal(fixture->summary.workers_lost, 30 + 30 * 2 + 30 * 2);
    assert_int_equal(tree_count(fixture->root, "out", NULL), 60);
}

/* Its second attempt is another engine's, of which there is none here: the counts of both must not
 * suffer, or more would be handed out than there is room for. */
static void test_run_retries_what_has_become_another_kind(void **state)
{
    struct fixture *fixture = *state;
    prepare(fixture, 60);
    assert_int_equal(run(fixture, task_dies_of_a_change, MP_PROCESSES, 1, 1), 0);
    assert_int_equal(fixture->summary.counts.made, 59);
    assert_int_equal(fixture->summary.counts.failed, 1);
    assert_string_equal(fixture->heard.codes[LARGE_PICTURE], "unsupported");
}

static void test_run_retries_as_often_as_it_is_told(void **state)
{
    struct fixture *fixture = *state;
    prepare(fixture, 10);
    for (int i = 0; i < 10; i++)
        shared->kills[i] = i;
    assert_int_equal(run(fixture, task_dies, MP_PROCESSES, 2, 9), 0);
    assert_int_equal(fixture->summary.counts.made, 10);
    memset((void *)shared, 0, sizeof *shared);
    shared->kills[4] = 1;
    assert_int_equal(run(fixture, task_dies, MP_PROCESSES, 2, 0), 0);
    assert_int_equal(fixture->summary.counts.failed, 1);
    assert_string_equal(fixture->heard.codes[4], "crashed");
}

static void test_run_gives_up_pictures_that_hang(void **state)
{
    struct fixture *fixture = *state;
    prepare(fixture, 40);
    fixture->timeout_ms = 500;
    assert_int_equal(run(fixture, task_hangs_at_times, MP_PROCESSES, 2, 1), 0);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(fixture->heard.status[i], i % 10 == 3 ? RUN_FAILED : RUN_MADE);
        assert_string_equal(fixture->heard.codes[i], i % 10 == 3 ? "timeout" : "");
    }
    assert_non_null(strstr(fixture->heard.message, "0.5 s"));
    assert_int_equal(tree_count(fixture->root, "out", NULL), 36);
}

/* One of them is a hostile file's. */
static int task_breaks_out(struct mp_task *task, const void *arg, size_t size)
{
    if (atomic_fetch_add(&shared->begun[0], 1) == 4)
        socket(AF_UNIX, SOCK_STREAM, 0);
    return picture_task_run(task, arg, size);
}

static void test_run_fails_at_once_what_breaks_out_of_the_jail(void **state)
{
    struct fixture *fixture = *state;
    struct sandbox sandbox;
    assert_int_equal(sandbox_try(SANDBOX_AUTO, false, &sandbox), 0);
    if (!sandbox.state.filter)
        skip();
    fixture->sandbox = &sandbox;
    prepare(fixture, 20);
    assert_int_equal(run(fixture, task_breaks_out, MP_PROCESSES, 2, 3), 0);
    assert_int_equal(fixture->summary.counts.made, 19);
    assert_int_equal(fixture->summary.counts.failed, 1);
    assert_non_null(strstr(fixture->heard.message, "may not do"));
    for (int i = 0; i < 20; i++)
        if (fixture->heard.status[i] == RUN_FAILED) {
            assert_string_equal(fixture->heard.codes[i], "sandbox");
            assert_int_equal(fixture->heard.attempts[i], 1);
        }
    assert_int_equal(fixture->summary.workers_lost, 1);
}

/* There in builds with the address sanitizer, whose workers take what they want. */
extern void __asan_init(void) __attribute__((weak));

/* Whether a process's own memory can be bounded where this test runs; under valgrind it cannot. */
static bool memory_can_be_bounded(void)
{
    if (__asan_init)
        return false;
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit bound = {.rlim_cur = 256 << 20, .rlim_max = 256 << 20};
        setrlimit(RLIMIT_DATA, &bound);
        void *volatile bytes = malloc((size_t)1 << 29);
        _exit(bytes ? 1 : 0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Takes memory that nobody granted. */
static int task_takes_too_much(struct mp_task *task, const void *arg, size_t size)
{
    const size_t much = (size_t)1 << 29;
    volatile char *bytes = picture_of(task) % 2 ? malloc(much) : NULL;
    if (bytes)
        bytes[much / 2] = 1;
    else if (picture_of(task) % 2)
        return mp_task_fail(task, ENOMEM, "there is a bound");
    free((void *)bytes);
    return picture_task_run(task, arg, size);
}

static void test_run_keeps_workers_to_their_memory(void **state)
{
    struct fixture *fixture = *state;
    prepare(fixture, 10);
    fixture->max_memory = 256 << 20;
    assert_int_equal(run(fixture, task_takes_too_much, MP_PROCESSES, 2, 1), 0);
    if (!memory_can_be_bounded()) {
        assert_int_equal(fixture->summary.counts.made, 10);
        return;
    }
    assert_int_equal(fixture->summary.counts.made, 5);
    assert_int_equal(fixture->summary.counts.failed, 5);
    assert_string_equal(fixture->heard.message, "there is a bound");
}

/* Says each time that it needs more, up to all there is. */
static int task_wants_more(struct mp_task *task, const void *arg, size_t size)
{
    struct job job;
    struct job_result result = {.fault = {.code = IMAGE_MEMORY, .message = "more"}};
    memcpy(&job, arg, size < sizeof job ? size : sizeof job);
    atomic_fetch_add(&shared->begun[picture_of(task)], 1);
    result.fault.need_bytes = job.spec.max_memory + 1;
    uint8_t *room = mp_task_reserve(task, job_result_size(&result));
    if (!room)
        return -1;
    job_result_encode(&result, room);
    return 0;
}

static void test_run_gives_up_a_worker_that_always_wants_more(void **state)
{
    struct fixture *fixture = *state;
    prepare(fixture, 20);
    fixture->max_memory = 256 << 20;
    assert_int_equal(run(fixture, task_wants_more, MP_PROCESSES, 2, 1), 0);
    assert_int_equal(fixture->summary.counts.failed, 20);
    for (int i = 0; i < 20; i++) {
        assert_string_equal(fixture->heard.codes[i], "memory");
        assert_int_equal(fixture->heard.attempts[i], 1);
        assert_in_range(shared->begun[i], 2, 5);
    }
}

static void test_run_believes_no_worker(void **state)
{
    struct fixture *fixture = *state;
    prepare(fixture, 10);
    assert_int_equal(run(fixture, task_lies, MP_PROCESSES, 2, 1), 0);
    assert_int_equal(fixture->summary.counts.made, 5);
    assert_int_equal(fixture->summary.counts.failed, 5);
    assert_string_equal(fixture->heard.codes[3], "crashed");
    assert_int_equal(tree_count(fixture->root, "out", NULL), 5);
}

static void test_run_tells_of_a_task_that_fails(void **state)
{
    struct fixture *fixture = *state;
    prepare(fixture, 3);
    assert_int_equal(run(fixture, task_fails, MP_PROCESSES, 2, 1), 0);
    assert_int_equal(fixture->summary.counts.failed, 3);
    assert_int_equal(fixture->summary.workers_lost, 0);
}

static void test_run_that_is_stopped_kills_what_hangs(void **state)
{
    struct fixture *fixture = *state;
    prepare(fixture, 50);
    assert_int_equal(run(fixture, task_hangs, MP_PROCESSES, 2, 1), 0);
    assert_true(fixture->summary.interrupted);
    assert_int_equal(fixture->summary.counts.not_started, 50);
    assert_int_equal(tree_count(fixture->root, "out", NULL), 0);
}

static void test_run_cannot_go_on_without_its_folder(void **state)
{
    struct fixture *fixture = *state;
    prepare(fixture, 3);
    tree_write(fixture->root, "out", "a file", 6);
    assert_int_equal(run(fixture, NULL, MP_PROCESSES, 2, 1), -ENOTDIR);
    assert_int_equal(fixture->summary.counts.not_started, 3);
    assert_int_not_equal(fixture->summary.fatal[0], '\0');
}

/* Gives up the rights of root, which may write everywhere, until it is called with 0. */
static void become(uid_t uid)
{
    if (getuid() == 0)
        assert_int_equal(seteuid(uid), 0);
}

static void test_run_cannot_go_on_where_it_may_not_write(void **state)
{
    struct fixture *fixture = *state;
    prepare(fixture, 50);
    assert_int_equal(chmod(fixture->root, 0755), 0);
    assert_int_equal(mkdir(fixture->output, 0555), 0);
    become(65534);
    int error = run(fixture, NULL, MP_PROCESSES, 2, 1);
    become(0);
    assert_int_equal(error, -EACCES);
    assert_true(fixture->summary.counts.not_started > 30);
    assert_non_null(strstr(fixture->summary.fatal, "Permission denied"));
}

/* The folder's own path is short enough for the system, and with a name it is not. */
static void test_run_fails_what_has_too_long_an_output(void **state)
{
    struct fixture *fixture = *state;
    prepare(fixture, 1);
    for (size_t at = strlen(fixture->output); at < PATH_MAX - 5; at++)
        fixture->output[at] = at % 100 == 0 ? '/' : 'x';
    fixture->output[PATH_MAX - 5] = '\0';
    assert_int_equal(run(fixture, NULL, MP_PROCESSES, 1, 1), 0);
    assert_int_equal(fixture->summary.counts.failed, 1);
    assert_string_equal(fixture->heard.message, "cannot write 000.jpg: File name too long");
}

static void test_run_over_a_tree_writes_only_what_changed(void **state)
{
    struct fixture *fixture = *state;
    struct stat before, after;
    prepare(fixture, 2);
    assert_int_equal(run(fixture, NULL, MP_PROCESSES, 2, 1), 0);
    tree_write(fixture->root, "out/000.jpg", "something else", 14);
    assert_int_equal(stat(tree_path(fixture->root, "out/001.jpg"), &before), 0);
    assert_int_equal(run(fixture, NULL, MP_PROCESSES, 2, 1), 0);
    assert_int_equal(stat(tree_path(fixture->root, "out/001.jpg"), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_false(tree_same(fixture->root, "out/000.jpg", fixture->root, "out/001.jpg"));
    struct test_file file = tree_read(fixture->root, "out/000.jpg");
    assert_int_equal(image_kind_sniff(file.bytes, file.size), IMAGE_KIND_JPEG);
    test_file_done(&file);
}

static void test_run_leaves_no_process_and_no_descriptor(void **state)
{
    struct fixture *fixture = *state;
    prepare(fixture, 30);
    int before = support_fd_count();
    for (int i = 0; i < 30; i++)
        shared->kills[i] = i % 3;
    assert_int_equal(run(fixture, task_dies, MP_PROCESSES, 3, 1), 0);
    assert_int_equal(support_fd_count(), before);
    assert_false(support_has_child());
}

/* A fifo with tokens, and a client of it for so many jobs. Returns the descriptor of make. */
static int jobserver_begin(struct fixture *fixture, const char *tokens, int jobs)
{
    static struct jobserver jobserver;
    char path[TREE_PATH_BYTES], flags[TREE_PATH_BYTES + 40];
    snprintf(path, sizeof path, "%s", tree_path(fixture->root, "fifo"));
    assert_int_equal(mkfifo(path, 0600), 0);
    int fifo = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_int_equal(write(fifo, tokens, strlen(tokens)), (ssize_t)strlen(tokens));
    snprintf(flags, sizeof flags, " -j --jobserver-auth=fifo:%s", path);
    assert_int_equal(jobserver_open(flags, jobs, &jobserver), 1);
    fixture->jobserver = &jobserver;
    return fifo;
}

/* The run must have given all of them back by itself. */
static void jobserver_end(struct fixture *fixture, int fifo, size_t tokens)
{
    char found[20];
    assert_int_equal(read(fifo, found, sizeof found), tokens);
    jobserver_close(fixture->jobserver);
    close(fifo);
}

static void test_run_has_as_many_pictures_under_way_as_make_grants(void **state)
{
    struct fixture *fixture = *state;
    int fifo = jobserver_begin(fixture, "ab", 6);
    prepare(fixture, 30);
    shared->together = 3;
    shared->kills[3] = shared->kills[9] = shared->kills[20] = 1;
    assert_int_equal(run(fixture, task_meets, MP_PROCESSES, 6, 1), 0);
    assert_int_equal(fixture->summary.counts.made, 30);
    assert_int_equal(shared->most, 3);
    jobserver_end(fixture, fifo, 2);
}

static void test_run_takes_a_token_that_comes_late(void **state)
{
    struct fixture *fixture = *state;
    int fifo = jobserver_begin(fixture, "", 6);
    prepare(fixture, 10);
    shared->together = 2;
    snprintf(shared->fifo, sizeof shared->fifo, "%s", tree_path(fixture->root, "fifo"));
    assert_int_equal(run(fixture, task_meets, MP_PROCESSES, 6, 1), 0);
    assert_int_equal(fixture->summary.counts.made, 10);
    assert_int_equal(shared->most, 2);
    jobserver_end(fixture, fifo, 1);
}

static void test_run_that_is_stopped_gives_back_what_make_granted(void **state)
{
    struct fixture *fixture = *state;
    int fifo = jobserver_begin(fixture, "abc", 4);
    prepare(fixture, 30);
    assert_int_equal(run(fixture, task_hangs, MP_PROCESSES, 4, 1), 0);
    assert_true(fixture->summary.interrupted);
    jobserver_end(fixture, fifo, 3);
}

#define RUN_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(test_run_makes_every_picture),
        RUN_TEST(test_run_gives_the_same_bytes_however_it_is_done),
        RUN_TEST(test_run_fails_exactly_what_died_more_often_than_it_was_retried),
        RUN_TEST(test_run_retries_what_has_become_another_kind),
        RUN_TEST(test_run_retries_as_often_as_it_is_told),
        RUN_TEST(test_run_keeps_workers_to_their_memory),
        RUN_TEST(test_run_gives_up_a_worker_that_always_wants_more),
        RUN_TEST(test_run_believes_no_worker),
        RUN_TEST(test_run_gives_up_pictures_that_hang),
        RUN_TEST(test_run_fails_at_once_what_breaks_out_of_the_jail),
        RUN_TEST(test_run_tells_of_a_task_that_fails),
        RUN_TEST(test_run_that_is_stopped_kills_what_hangs),
        RUN_TEST(test_run_cannot_go_on_without_its_folder),
        RUN_TEST(test_run_cannot_go_on_where_it_may_not_write),
        RUN_TEST(test_run_fails_what_has_too_long_an_output),
        RUN_TEST(test_run_over_a_tree_writes_only_what_changed),
        RUN_TEST(test_run_leaves_no_process_and_no_descriptor),
        RUN_TEST(test_run_has_as_many_pictures_under_way_as_make_grants),
        RUN_TEST(test_run_takes_a_token_that_comes_late),
        RUN_TEST(test_run_that_is_stopped_gives_back_what_make_granted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
