#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "batch/output.h"
#include "support/tree.h"

static const struct output_guard nobody = {0};
static const struct output_options plainly = {0};

static int put(struct output *output, const char *name, const char *text, bool force,
               enum output_written *ret)
{
    return output_write(output, name, (const uint8_t *)text, strlen(text), nobody, force, ret);
}

static void expect_file(const char *root, const char *name, const char *text)
{
    struct test_file file = tree_read(root, name);
    assert_non_null(file.bytes);
    assert_int_equal(file.size, strlen(text));
    assert_memory_equal(file.bytes, text, file.size);
    test_file_done(&file);
}

static struct output *open_below(const char *root, const char *name)
{
    struct output *output;
    assert_int_equal(output_open(tree_path(root, name), plainly, &output), 0);
    return output;
}

static void test_output_makes_folders_and_files(void **state)
{
    enum output_written written;
    struct output *output = open_below(*state, "x/y/out");
    assert_int_equal(put(output, "a.jpg", "one", false, &written), 0);
    assert_int_equal(written, OUTPUT_NEW);
    assert_int_equal(put(output, "p/q/r/b.jpg", "two", false, &written), 0);
    output_close(output);
    expect_file(*state, "x/y/out/a.jpg", "one");
    expect_file(*state, "x/y/out/p/q/r/b.jpg", "two");
    assert_int_equal(tree_count(*state, "", NULL), 2);
}

static void test_output_replaces_and_leaves_equal_bytes_alone(void **state)
{
    enum output_written written;
    struct stat before, after;
    struct output *output = open_below(*state, "out");
    assert_int_equal(put(output, "a.jpg", "one", false, &written), 0);
    assert_int_equal(stat(tree_path(*state, "out/a.jpg"), &before), 0);
    assert_int_equal(put(output, "a.jpg", "one", false, &written), 0);
    assert_int_equal(written, OUTPUT_SAME);
    assert_int_equal(stat(tree_path(*state, "out/a.jpg"), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(put(output, "a.jpg", "two", false, &written), 0);
    assert_int_equal(written, OUTPUT_REPLACED);
    expect_file(*state, "out/a.jpg", "two");
    assert_int_equal(put(output, "a.jpg", "two", true, &written), 0);
    assert_int_equal(written, OUTPUT_REPLACED);
    output_close(output);
    assert_int_equal(tree_count(*state, "", NULL), 1);
}

static void test_output_never_writes_through_a_link(void **state)
{
    enum output_written written;
    tree_write(*state, "precious", "precious", 8);
    tree_write(*state, "elsewhere/keep", "keep", 4);
    struct output *output = open_below(*state, "out");
    assert_int_equal(symlink("../precious", tree_path(*state, "out/a.jpg")), 0);
    assert_int_equal(link(tree_path(*state, "precious"), tree_path(*state, "out/b.jpg")), 0);
    assert_int_equal(symlink("../elsewhere", tree_path(*state, "out/sub")), 0);
    assert_int_equal(put(output, "a.jpg", "new", false, &written), 0);
    assert_int_equal(put(output, "b.jpg", "newer", false, &written), 0);
    assert_int_equal(put(output, "sub/c.jpg", "new", false, &written), -ELOOP);
    output_close(output);
    expect_file(*state, "precious", "precious");
    expect_file(*state, "out/a.jpg", "new");
    expect_file(*state, "out/b.jpg", "newer");
    assert_int_equal(tree_count(*state, "elsewhere", NULL), 1);
}

static void test_output_never_replaces_the_input(void **state)
{
    enum output_written written;
    struct stat input;
    tree_write(*state, "out/a.jpg", "original", 8);
    assert_int_equal(stat(tree_path(*state, "out/a.jpg"), &input), 0);
    struct output *output = open_below(*state, "out");
    struct output_guard guard = {input.st_dev, input.st_ino};
    assert_int_equal(output_write(output, "a.jpg", (const uint8_t *)"x", 1, guard, true, &written),
                     -EEXIST);
    output_close(output);
    expect_file(*state, "out/a.jpg", "original");
}

static void test_output_refuses_a_name_that_a_folder_has(void **state)
{
    enum output_written written;
    tree_write(*state, "out/a.jpg/x", "x", 1);
    tree_write(*state, "out/b", "x", 1);
    struct output *output = open_below(*state, "out");
    assert_int_equal(put(output, "a.jpg", "new", false, &written), -EISDIR);
    assert_int_equal(put(output, "b/c.jpg", "new", false, &written), -ENOTDIR);
    output_close(output);
}

static void test_output_tells_why_it_cannot_be_opened(void **state)
{
    struct output *output;
    tree_write(*state, "file", "x", 1);
    assert_int_equal(output_open(tree_path(*state, "file"), plainly, &output), -ENOTDIR);
    assert_int_equal(output_open(tree_path(*state, "file/out"), plainly, &output), -ENOTDIR);
    assert_int_equal(output_open("", plainly, &output), -ENOENT);
}

static void test_output_keeps_what_was_there_when_the_disk_is_full(void **state)
{
    enum output_written written;
    struct rlimit before, small = {.rlim_cur = 16, .rlim_max = RLIM_INFINITY};
    struct output *output = open_below(*state, "out");
    assert_int_equal(put(output, "a.jpg", "old", false, &written), 0);
    /* A limit on the size of files stands in for the full disk: the write ends half way. */
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    int error = put(output, "a.jpg", "more than sixteen bytes of text", false, &written);
    int other = put(output, "b.jpg", "more than sixteen bytes of text", false, &written);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    assert_int_equal(error, -EFBIG);
    assert_int_equal(other, -EFBIG);
    output_close(output);
    expect_file(*state, "out/a.jpg", "old");
    assert_int_equal(tree_count(*state, "", NULL), 1);
}

static void test_output_sweeps_old_leftovers_of_other_machines_only(void **state)
{
    enum output_written written;
    static const char *const old = "out/.thumbpool-00000000-77-0.tmp";
    static const char *const fresh = "out/.thumbpool-00000000-78-0.tmp";
    static const char *const other = "out/.thumbpool-not-ours.tmp";
    struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    tree_write(*state, old, "x", 1);
    tree_write(*state, fresh, "x", 1);
    tree_write(*state, other, "x", 1);
    assert_int_equal(utimensat(AT_FDCWD, tree_path(*state, old), times, 0), 0);
    assert_int_equal(utimensat(AT_FDCWD, tree_path(*state, other), times, 0), 0);
    struct output *output = open_below(*state, "out");
    assert_int_equal(put(output, "a.jpg", "one", false, &written), 0);
    output_close(output);
    assert_int_not_equal(access(tree_path(*state, old), F_OK), 0);
    assert_int_equal(access(tree_path(*state, fresh), F_OK), 0);
    assert_int_equal(access(tree_path(*state, other), F_OK), 0);
}

enum { MAY_NOT = 77 };

/* From here on a call of this number is not found when its argument number `arg` has one of the
 * bits. Returns false where that may not be had. */
static bool forbid(int number, unsigned arg, unsigned bits)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * arg),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOENT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Linking by descriptor alone, as before Linux 6.10. */
static bool forbid_direct_links(void)
{
    return forbid(SYS_linkat, 4, AT_EMPTY_PATH);
}

/* Makes new files where neither that nor a temporary name with a rename will do. */
static int write_by_proc(const char *root)
{
    struct output *output;
    enum output_written written;
    if (!forbid_direct_links() || !forbid(SYS_renameat, 0, ~0U))
        return MAY_NOT;
    if (output_open(tree_path(root, "out"), plainly, &output) != 0)
        return 1;
    bool good = put(output, "a/new.jpg", "one", false, &written) == 0 && written == OUTPUT_NEW &&
                put(output, "b/new.jpg", "two", false, &written) == 0 && written == OUTPUT_NEW;
    output_close(output);
    return good ? 0 : 2;
}

/* In a root of its own without /proc: how the files that the child wrote there came out. */
static int write_without_proc(const char *root)
{
    struct output *output;
    enum output_written written;
    if (chroot(root) != 0 || !forbid_direct_links())
        return MAY_NOT;
    if (chdir("/") != 0 || output_open("out", plainly, &output) != 0)
        return 1;
    bool good = put(output, "a/new.jpg", "one", false, &written) == 0 && written == OUTPUT_NEW &&
                put(output, "old.jpg", "two", false, &written) == 0 && written == OUTPUT_REPLACED &&
                put(output, "old.jpg", "two", false, &written) == 0 && written == OUTPUT_SAME &&
                put(output, "folder", "x", false, &written) == -EISDIR;
    output_close(output);
    return good ? 0 : 2;
}

/* Has a child write, and expects success of it. */
static void expect_written(int (*write_some)(const char *), const char *root)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(write_some(root));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == MAY_NOT) {
        print_message("skipped: this user may not change its root folder or filter its calls\n");
        skip();
    }
    assert_int_equal(status, 0);
}

static void test_output_names_by_proc_where_the_kernel_does_not_by_descriptor(void **state)
{
    expect_written(write_by_proc, *state);
    expect_file(*state, "out/a/new.jpg", "one");
    expect_file(*state, "out/b/new.jpg", "two");
    assert_int_equal(tree_count(*state, "out", NULL), 2);
}

static void test_output_does_without_unnamed_files(void **state)
{
    tree_write(*state, "out/old.jpg", "old and longer", 14);
    tree_write(*state, "out/folder/keep", "keep", 4);
    expect_written(write_without_proc, *state);
    expect_file(*state, "out/a/new.jpg", "one");
    expect_file(*state, "out/old.jpg", "two");
    assert_int_equal(tree_count(*state, "out", NULL), 3);
    assert_int_equal(tree_count(*state, "out", ".thumbpool"), 0);
}

static void test_output_removes_its_own_file_and_folders_left_empty(void **state)
{
    enum output_written written;
    struct output *output = open_below(*state, "out");
    assert_int_equal(put(output, "a/b/c.jpg", "one", false, &written), 0);
    assert_int_equal(put(output, "a/d.jpg", "two", false, &written), 0);
    assert_int_equal(output_remove(output, "a/b/c.jpg", 4), 0); /* of another size */
    assert_int_equal(output_remove(output, "a/b", 3), 0);
    assert_int_equal(output_remove(output, "a/x/c.jpg", 3), 0);
    assert_int_equal(tree_count(*state, "out", NULL), 2);
    assert_int_equal(output_remove(output, "a/b/c.jpg", 3), 1);
    assert_int_equal(access(tree_path(*state, "out/a/b"), F_OK), -1);
    expect_file(*state, "out/a/d.jpg", "two");
    assert_int_equal(output_remove(output, "a/d.jpg", 3), 1);
    assert_int_equal(access(tree_path(*state, "out/a"), F_OK), -1);
    assert_int_equal(access(tree_path(*state, "out"), F_OK), 0);
    output_close(output);
}

static void test_output_removes_nothing_outside(void **state)
{
    static const char *const paths[] = {"../in/a.jpg", "x/../../in/a.jpg", "link/a.jpg",
                                        "./a.jpg",     "/etc/passwd",      "",
                                        "/",           "a.jpg/",           "l.jpg"};
    tree_write(*state, "in/a.jpg", "one", 3);
    tree_write(*state, "out/x/y.jpg", "one", 3);
    assert_int_equal(symlink("../in", tree_path(*state, "out/link")), 0);
    assert_int_equal(symlink("../in/a.jpg", tree_path(*state, "out/l.jpg")), 0);
    struct output *output = open_below(*state, "out");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_true(output_remove(output, paths[i], 3) <= 0);
    output_close(output);
    expect_file(*state, "in/a.jpg", "one");
    assert_int_equal(access(tree_path(*state, "out/l.jpg"), F_OK), 0);
}

static void test_output_knows_a_name_of_dots_from_the_way_up(void **state)
{
    enum output_written written;
    struct output *output = open_below(*state, "out");
    assert_int_equal(put(output, ".../...a/..b.jpg", "one", false, &written), 0);
    assert_int_equal(output_remove(output, ".../...a/..b.jpg", 3), 1);
    assert_int_equal(access(tree_path(*state, "out/..."), F_OK), -1);
    assert_int_equal(put(output, "../up/a.jpg", "one", false, &written), -EINVAL);
    assert_int_equal(put(output, "a/../../up/a.jpg", "one", false, &written), -EINVAL);
    output_close(output);
    assert_int_equal(access(tree_path(*state, "up"), F_OK), -1);
}

/* Writes where data cannot be flushed: nothing may get a name. */
static int write_unflushable_data(const char *root)
{
    const struct output_options durable = {.durable = true};
    struct output *output;
    enum output_written written;
    if (!forbid(SYS_fdatasync, 0, ~0U))
        return MAY_NOT;
    if (output_open(tree_path(root, "out"), durable, &output) != 0)
        return 1;
    bool good = put(output, "a/new.jpg", "one", false, &written) < 0 &&
                put(output, "old.jpg", "two", false, &written) < 0;
    output_close(output);
    return good ? 0 : 2;
}

static void test_output_names_nothing_whose_data_could_not_be_flushed(void **state)
{
    tree_write(*state, "out/old.jpg", "old", 3);
    expect_written(write_unflushable_data, *state);
    expect_file(*state, "out/old.jpg", "old");
    assert_int_equal(tree_count(*state, "out", NULL), 1);
}

/* Writes where folders cannot be flushed: told when it is tried, and of all that comes after. */
static int write_unflushable_names(const char *root)
{
    const struct output_options durable = {.durable = true};
    struct output *output;
    enum output_written written;
    size_t names;
    if (!forbid(SYS_fsync, 0, ~0U))
        return MAY_NOT;
    if (output_open(tree_path(root, "out"), durable, &output) != 0)
        return 1;
    bool good = put(output, "a/one.jpg", "one", false, &written) == 0 &&
                output_unflushed(output, &names) == 0 && names > 0 && output_flush(output) < 0 &&
                output_unflushed(output, &names) < 0 && names > 0 &&
                put(output, "a/two.jpg", "two", false, &written) < 0 && output_flush(output) < 0;
    output_close(output);
    return good ? 0 : 2;
}

static void test_output_tells_of_names_that_could_not_be_flushed(void **state)
{
    expect_written(write_unflushable_names, *state);
    expect_file(*state, "out/a/one.jpg", "one");
    assert_int_equal(tree_count(*state, "out", NULL), 1);
}

static void test_output_knows_what_is_flushed(void **state)
{
    const struct output_options durable = {.durable = true};
    enum output_written written;
    struct output *output;
    size_t names;
    assert_int_equal(output_open(tree_path(*state, "x/out"), durable, &output), 0);
    assert_int_equal(output_unflushed(output, &names), 0);
    assert_int_equal(names, 2); /* x in its folder, and out in x */
    assert_int_equal(put(output, "a/one.jpg", "one", false, &written), 0);
    assert_int_equal(output_unflushed(output, &names), 0);
    assert_int_equal(names, 4);
    assert_int_equal(output_flush(output), 0);
    assert_int_equal(output_unflushed(output, &names), 0);
    assert_int_equal(names, 0);
    assert_int_equal(put(output, "a/one.jpg", "one", false, &written), 0);
    assert_int_equal(written, OUTPUT_SAME); /* its name may be another's, and not on disk */
    assert_int_equal(output_unflushed(output, &names), 0);
    assert_int_equal(names, 1);
    output_close(output);
    output = open_below(*state, "y");
    assert_int_equal(put(output, "a/one.jpg", "one", false, &written), 0);
    assert_int_equal(output_unflushed(output, &names), 0);
    assert_int_equal(names, 0);
    output_close(output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_output_makes_folders_and_files),
        TREE_TEST(test_output_removes_its_own_file_and_folders_left_empty),
        TREE_TEST(test_output_removes_nothing_outside),
        TREE_TEST(test_output_knows_a_name_of_dots_from_the_way_up),
        TREE_TEST(test_output_replaces_and_leaves_equal_bytes_alone),
        TREE_TEST(test_output_never_writes_through_a_link),
        TREE_TEST(test_output_never_replaces_the_input),
        TREE_TEST(test_output_refuses_a_name_that_a_folder_has),
        TREE_TEST(test_output_tells_why_it_cannot_be_opened),
        TREE_TEST(test_output_keeps_what_was_there_when_the_disk_is_full),
        TREE_TEST(test_output_names_by_proc_where_the_kernel_does_not_by_descriptor),
        TREE_TEST(test_output_does_without_unnamed_files),
        TREE_TEST(test_output_sweeps_old_leftovers_of_other_machines_only),
        TREE_TEST(test_output_names_nothing_whose_data_could_not_be_flushed),
        TREE_TEST(test_output_tells_of_names_that_could_not_be_flushed),
        TREE_TEST(test_output_knows_what_is_flushed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
