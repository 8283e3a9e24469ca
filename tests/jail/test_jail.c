/* The jail from inside: children enter it and try what it forbids. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "jail/scout.h"
#include "support/mproc.h"
#include "support/refuse.h"

/* What a child tells; shared. */
struct told {
    enum jail_kind kind;
    struct jail_state state;
    struct support_flag jailed, looked;
    pid_t pid;
    int result;
};

/* There in builds with the address sanitizer. */
extern void __asan_init(void) __attribute__((weak));

static struct told *told;

static int setup(void **state)
{
    told = support_share(sizeof *told);
    return support_setup(state);
}

static int teardown(void **state)
{
    int error = support_teardown(state);
    support_unshare(told, sizeof *told);
    return error;
}

#define JAIL_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* Runs a child to its end. Returns its exit code, or minus its signal. */
static int child(int (*fn)(void *))
{
    return support_finish(support_start(fn, told));
}

static void enter(struct told *told_)
{
    const struct jail_options options = {.kind = told_->kind};
    jail_enter(&options, &told_->state);
}

/* ---- What the scout finds ------------------------------------------------------------------- */

static void expect_no_way_out(enum jail_kind kind)
{
    struct scout *scout = support_share(sizeof *scout);
    scout->options.kind = kind;
    assert_int_equal(support_finish(support_start(scout_run, scout)), 0);
    assert_true(scout->done);
    assert_true(scout->state.filter);
    assert_true(scout->state.nobody);
    for (int i = 0; scout_attack_name(i); i++)
        if (scout->got_through >> i & 1)
            fail_msg("kind %d: got through: %s", kind, scout_attack_name(i));
    support_unshare(scout, sizeof *scout);
}

static void test_jail_refuses_every_attack_of_decoders(void **state)
{
    (void)state;
    expect_no_way_out(JAIL_DECODERS);
}

static void test_jail_refuses_every_attack_of_guests_from_any_thread(void **state)
{
    (void)state;
    expect_no_way_out(JAIL_GUESTS);
}

static void test_jail_refuses_every_attack_of_drawers_but_reading(void **state)
{
    (void)state;
    expect_no_way_out(JAIL_DRAWERS);
}

/* A scout that is not jailed must find ways out, or it finds nothing. */
static int scout_outside(void *arg)
{
    struct told *out = arg;
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    int talk = socket(AF_UNIX, SOCK_STREAM, 0);
    out->result = fd >= 0 && talk >= 0;
    return 0;
}

static void test_jail_is_what_refuses(void **state)
{
    (void)state;
    assert_int_equal(child(scout_outside), 0);
    assert_int_equal(told->result, 1);
}

/* ---- What kills, and what does not ---------------------------------------------------------- */

static int talk_in_jail(void *arg)
{
    enter(arg);
    return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? 1 : 2;
}

static int fork_in_jail(void *arg)
{
    enter(arg);
    return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) < 0 ? 1 : 0;
}

static int open_in_jail(void *arg)
{
    struct told *out = arg;
    enter(arg);
    out->result = open("/etc/passwd", O_RDONLY) < 0 ? errno : 0;
    return 0;
}

static void test_jail_kills_who_breaks_out(void **state)
{
    (void)state;
    for (told->kind = JAIL_DECODERS; told->kind <= JAIL_DRAWERS; told->kind++) {
        assert_int_equal(child(talk_in_jail), -SIGSYS);
        assert_int_equal(child(fork_in_jail), -SIGSYS);
    }
}

static void test_jail_refuses_files_softly(void **state)
{
    (void)state;
    for (told->kind = JAIL_DECODERS; told->kind <= JAIL_DRAWERS; told->kind++) {
        assert_int_equal(child(open_in_jail), 0);
        assert_int_equal(told->result, EACCES);
    }
}

static int fonts_in_jail(void *arg)
{
    struct told *out = arg;
    enter(arg);
    int fd = open("/etc/fonts", O_RDONLY | O_DIRECTORY);
    out->result = fd < 0 ? errno : 0;
    return 0;
}

static void test_jail_lets_drawers_read_fonts_only(void **state)
{
    (void)state;
    told->kind = JAIL_GUESTS;
    assert_int_equal(child(fonts_in_jail), 0);
    assert_int_equal(told->result, EACCES);
    told->kind = JAIL_DRAWERS;
    assert_int_equal(child(fonts_in_jail), 0);
    assert_int_equal(told->result, access("/etc/fonts", R_OK) == 0 ? 0 : ENOENT);
}

/* What fonts' libraries do: the file stays open for a while, and where the cache is old, they try
 * to write a new one. */
static int fonts_are_cached_in_jail(void *arg)
{
    struct told *out = arg;
    const char *folder = "/nonexistent/fonts", *inside = "/nonexistent/fonts/x";
    int fd = open("/dev/null", O_RDONLY);
    enter(arg);
    out->result = fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && mkdir(inside, 0755) < 0 &&
                  errno == EACCES && chmod(folder, 0755) < 0 && errno == EACCES &&
                  rename(folder, inside) < 0 && errno == EACCES && link(folder, inside) < 0 &&
                  errno == EACCES && symlink(folder, inside) < 0 && errno == EACCES &&
                  rmdir(folder) < 0 && errno == EACCES && utimes(folder, NULL) < 0 &&
                  errno == EACCES;
    return 0;
}

static void test_jail_refuses_drawers_a_cache_of_fonts_softly(void **state)
{
    (void)state;
    told->kind = JAIL_DRAWERS;
    assert_int_equal(child(fonts_are_cached_in_jail), 0);
    assert_int_equal(told->result, 1);
}

/* What a decoder does all day: read, compute, allocate, write, abort. */
static int work_in_jail(void *arg)
{
    struct told *out = arg;
    int pipe_fds[2];
    char byte = 'x';
    if (pipe(pipe_fds) != 0)
        return 1;
    enter(arg);
    size_t size = 64 << 20;
    char *memory = malloc(size);
    if (!memory)
        return 2;
    memset(memory, 1, size);
    memory = realloc(memory, 2 * size);
    free(memory);
    if (write(pipe_fds[1], &byte, 1) != 1 || read(pipe_fds[0], &byte, 1) != 1)
        return 3;
    out->result = 1;
    return 0;
}

static int abort_in_jail(void *arg)
{
    enter(arg);
    signal(SIGABRT, SIG_DFL);
    abort();
}

static void test_jail_lets_work_go_on(void **state)
{
    (void)state;
    for (told->kind = JAIL_DECODERS; told->kind <= JAIL_DRAWERS; told->kind++) {
        told->result = 0;
        assert_int_equal(child(work_in_jail), 0);
        assert_int_equal(told->result, 1);
        assert_int_equal(child(abort_in_jail), -SIGABRT);
    }
}

static int go_on_in_jail(void *arg)
{
    struct told *out = arg;
    enter(arg);
    out->result = syscall(SYS_tgkill, getpid(), gettid(), SIGCONT) < 0 ? errno : 0;
    return 0;
}

/* The parent takes it for a sign that the terminal had stopped all, and grants more time. */
static void test_jail_tells_nobody_that_it_went_on(void **state)
{
    (void)state;
    for (told->kind = JAIL_DECODERS; told->kind <= JAIL_DRAWERS; told->kind++) {
        assert_int_equal(child(go_on_in_jail), 0);
        assert_int_equal(told->result, EPERM);
    }
}

/* ---- Every thread --------------------------------------------------------------------------- */

/* The field "Seccomp:" of each thread of the process, as the kernel tells: true if all are 2. */
static bool all_threads_are_filtered(pid_t pid, int *ret_threads)
{
    char path[80], line[200];
    bool all = true;
    *ret_threads = 0;
    for (pid_t thread = pid; thread < pid + 40; thread++) {
        int mode = -1;
        snprintf(path, sizeof path, "/proc/%d/task/%d/status", pid, thread);
        FILE *file = fopen(path, "re");
        if (!file)
            continue;
        while (fgets(line, sizeof line, file))
            (void)sscanf(line, "Seccomp: %d", &mode);
        fclose(file);
        ++*ret_threads;
        all = all && mode == 2;
    }
    return all;
}

static void *wait_for_the_end(void *arg)
{
    struct told *out = arg;
    support_await(&out->looked, 1);
    return NULL;
}

static int enter_only(void *arg)
{
    enter(arg);
    return 0;
}

/* Enters with a thread at its side. */
static int enter_with_threads(void *arg)
{
    struct told *out = arg;
    pthread_t thread;
    out->pid = getpid();
    if (pthread_create(&thread, NULL, wait_for_the_end, out) != 0)
        return 1;
    enter(out);
    support_raise(&out->jailed);
    support_await(&out->looked, 1);
    return pthread_join(thread, NULL);
}

/* The same, but the filter is put on the calling thread alone, by the older way. */
static int enter_alone(void *arg)
{
    struct told *out = arg;
    struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {.len = 1, .filter = &all};
    pthread_t thread;
    out->pid = getpid();
    if (pthread_create(&thread, NULL, wait_for_the_end, out) != 0)
        return 1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        return 2;
    support_raise(&out->jailed);
    support_await(&out->looked, 1);
    return pthread_join(thread, NULL);
}

static bool look_at(int (*fn)(void *))
{
    int threads;
    struct mp_process *process = support_start(fn, told);
    assert_true(support_await(&told->jailed, 1));
    bool all = all_threads_are_filtered(told->pid, &threads);
    support_raise(&told->looked);
    assert_int_equal(support_finish(process), 0);
    assert_true(threads >= 2);
    return all;
}

static void test_jail_holds_threads_that_were_there_before(void **state)
{
    (void)state;
    told->kind = JAIL_GUESTS;
    assert_true(look_at(enter_with_threads));
}

/* Before its eighth version Landlock takes the calling thread alone: then it does not hold. */
static void test_jail_does_not_call_landlock_what_leaves_a_thread_out(void **state)
{
    (void)state;
    told->kind = JAIL_GUESTS;
    assert_int_equal(child(enter_only), 0);
    int version = told->state.landlock;
    look_at(enter_with_threads);
    if (version == 0)
        skip(); /* there is none here */
    assert_int_equal(told->state.landlock, version < 8 ? 0 : version);
    assert_int_equal(told->state.why_landlock, version < 8 ? EBUSY : 0);
    assert_true(told->state.filter);
}

static void test_look_at_threads_finds_one_that_is_free(void **state)
{
    (void)state;
    assert_false(look_at(enter_alone));
}

/* ---- Limits --------------------------------------------------------------------------------- */

static int write_in_jail(void *arg)
{
    struct told *out = arg;
    int fd = memfd_create("x", 0), null = -1;
    enter(arg);
    out->result = (int)write(fd, "x", 1);
    null = (int)write(STDOUT_FILENO, "this must not be seen\n", 22);
    return null == 22 ? 0 : 1;
}

static void test_jail_writes_no_file(void **state)
{
    (void)state;
    assert_int_equal(child(write_in_jail), 0);
    if (!__asan_init) /* its reports may have to go to a file */
        assert_int_equal(told->result, -1);
}

/* As in a folder that a program was shut into, without a /dev. */
static int write_without_null(void *arg)
{
    char byte;
    int ends[2];
    if (pipe(ends) != 0 || dup2(ends[1], STDOUT_FILENO) < 0 || dup2(ends[0], STDIN_FILENO) < 0 ||
        write(ends[1], "secret", 6) != 6 || refuse_call(SYS_openat, ENOENT) < 0)
        return 1;
    enter(arg);
    if (read(STDIN_FILENO, &byte, 1) > 0)
        return 2;
    return write(STDOUT_FILENO, "x", 1) > 0 ? 3 : 0;
}

static void test_jail_has_no_outputs_even_without_a_null_device(void **state)
{
    (void)state;
    assert_int_equal(child(write_without_null), 0);
}

/* ---- Systems without a part ----------------------------------------------------------------- */

enum { CALL_LANDLOCK = 444 }; /* landlock_create_ruleset, on all machines */

static long missing_call;
static int missing_error;

static int enter_without_a_part(void *arg)
{
    if (refuse_call(missing_call, missing_error) < 0)
        return 1;
    return open_in_jail(arg);
}

static void expect_level(long call, int error, const char *level)
{
    char lacks[200];
    missing_call = call;
    missing_error = error;
    told->kind = JAIL_DECODERS;
    assert_int_equal(child(enter_without_a_part), 0);
    assert_string_equal(jail_level(&told->state), level);
    assert_false(jail_is_whole(&told->state));
    jail_lacks(&told->state, lacks, sizeof lacks);
    assert_non_null(strstr(lacks, strerrordesc_np(error)));
    assert_int_equal(told->result, EACCES); /* the other part holds */
}

static void test_jail_tells_what_a_system_lacks(void **state)
{
    (void)state;
    const int errors[] = {ENOSYS, EOPNOTSUPP, EPERM, EINVAL};
    assert_int_equal(child(enter_only), 0);
    if (!jail_is_whole(&told->state))
        skip(); /* this one lacks something itself */
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        expect_level(CALL_LANDLOCK, errors[i], "seccomp");
        expect_level(SYS_seccomp, errors[i], "landlock");
    }
}

static int fonts_without_landlock(void *arg)
{
    return refuse_call(CALL_LANDLOCK, ENOSYS) < 0 ? 1 : fonts_in_jail(arg);
}

/* The filter alone cannot tell a font from another file. */
static void test_jail_gives_drawers_no_fonts_where_it_would_give_them_any_file(void **state)
{
    (void)state;
    told->kind = JAIL_DRAWERS;
    assert_int_equal(child(fonts_without_landlock), 0);
    assert_int_equal(told->result, EACCES);
    assert_true(told->state.filter);
}

/* Who started the program had allowed it less than is asked for now. */
static int bound_within_a_bound(void *arg)
{
    const int64_t inherited = (int64_t)1 << 30;
    struct rlimit limit = {.rlim_cur = (rlim_t)inherited, .rlim_max = (rlim_t)inherited};
    struct jail_memory memory;
    struct told *out = arg;
    if (setrlimit(RLIMIT_DATA, &limit) != 0)
        return 1;
    jail_memory_bound(&memory, 4 * inherited, 16 << 20);
    getrlimit(RLIMIT_DATA, &limit);
    out->result = limit.rlim_max == (rlim_t)inherited && limit.rlim_cur < (rlim_t)inherited / 2;
    jail_memory_move(&memory, 8 * inherited);
    getrlimit(RLIMIT_DATA, &limit);
    out->result = out->result && limit.rlim_cur == (rlim_t)inherited;
    return 0;
}

static void test_jail_bounds_memory_within_what_was_allowed(void **state)
{
    (void)state;
    if (__asan_init)
        skip(); /* has no bound */
    assert_int_equal(child(bound_within_a_bound), 0);
    assert_int_equal(told->result, 1);
}

/* ---- Who is nobody -------------------------------------------------------------------------- */

/* Root, but one that may not send signals to others. */
static int enter_without_signals(void *arg)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct all[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, all) != 0)
        return 1;
    all[0].effective &= ~(1u << CAP_KILL);
    if (syscall(SYS_capset, &header, all) != 0)
        return 2;
    enter(arg);
    return 0;
}

static void test_jail_stays_within_reach_of_its_parent(void **state)
{
    (void)state;
    assert_int_equal(child(enter_without_signals), 0);
    assert_int_equal(told->state.nobody, geteuid() != 0);
    assert_int_equal(told->state.why_nobody, geteuid() != 0 ? 0 : EPERM);
    assert_true(told->state.filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JAIL_TEST(test_jail_refuses_every_attack_of_decoders),
        JAIL_TEST(test_jail_refuses_every_attack_of_guests_from_any_thread),
        JAIL_TEST(test_jail_refuses_every_attack_of_drawers_but_reading),
        JAIL_TEST(test_jail_is_what_refuses),
        JAIL_TEST(test_jail_kills_who_breaks_out),
        JAIL_TEST(test_jail_refuses_files_softly),
        JAIL_TEST(test_jail_lets_drawers_read_fonts_only),
        JAIL_TEST(test_jail_refuses_drawers_a_cache_of_fonts_softly),
        JAIL_TEST(test_jail_lets_work_go_on),
        JAIL_TEST(test_jail_tells_nobody_that_it_went_on),
        JAIL_TEST(test_jail_holds_threads_that_were_there_before),
        JAIL_TEST(test_jail_does_not_call_landlock_what_leaves_a_thread_out),
        JAIL_TEST(test_look_at_threads_finds_one_that_is_free),
        JAIL_TEST(test_jail_writes_no_file),
        JAIL_TEST(test_jail_has_no_outputs_even_without_a_null_device),
        JAIL_TEST(test_jail_tells_what_a_system_lacks),
        JAIL_TEST(test_jail_gives_drawers_no_fonts_where_it_would_give_them_any_file),
        JAIL_TEST(test_jail_bounds_memory_within_what_was_allowed),
        JAIL_TEST(test_jail_stays_within_reach_of_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
