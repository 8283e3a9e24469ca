/* The output tree while somebody else turns its folders into links and back, as fast as he can:
 * nothing is made, changed or removed where the links lead. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "batch/output.h"
#include "support/tree.h"

enum {
    SECONDS = 2,
    OLD_SECONDS = 100000, /* age of what looks like a dead run's leftovers */
    FILE_BYTES = 4,
};

/* Files outside, each of which has the name or the look of something that a run replaces, removes
 * or sweeps away. */
static const char *const canaries[] = {"canary/x.jpg", "canary/deep/x.jpg",
                                       "canary/.thumbpool-00000001-1-1.tmp",
                                       "canary/deep/.thumbpool-00000001-1-1.tmp"};
enum { CANARIES = sizeof canaries / sizeof *canaries };

static void canary_make(const char *root, struct stat *ret)
{
    const struct timespec old = {.tv_sec = time(NULL) - OLD_SECONDS};
    for (int i = 0; i < CANARIES; i++) {
        tree_write(root, canaries[i], "keep", FILE_BYTES);
        assert_int_equal(
            utimensat(AT_FDCWD, tree_path(root, canaries[i]), (struct timespec[]){old, old}, 0), 0);
        assert_int_equal(stat(tree_path(root, canaries[i]), &ret[i]), 0);
    }
}

static void expect_canary(const char *root, const struct stat *before)
{
    for (int i = 0; i < CANARIES; i++) {
        struct stat after;
        assert_int_equal(lstat(tree_path(root, canaries[i]), &after), 0);
        assert_int_equal(after.st_ino, before[i].st_ino);
        assert_int_equal(after.st_ctim.tv_sec, before[i].st_ctim.tv_sec);
        assert_int_equal(after.st_ctim.tv_nsec, before[i].st_ctim.tv_nsec);
    }
    assert_int_equal(tree_count(root, "canary", NULL), CANARIES);
}

/* Folders sub and sub/deep of the output, each with a link to put in its place. */
static void folders_make(const char *root)
{
    tree_write(root, "out/sub/deep/first.jpg", "1", 1);
    assert_int_equal(symlink("../canary", tree_path(root, "out/sub.link")), 0);
    assert_int_equal(symlink("../../canary/deep", tree_path(root, "out/sub/deep.link")), 0);
}

/* The stranger: swaps until it is killed. By descriptors, so that it goes through no link of its
 * own. */
static pid_t stranger_start(const char *root)
{
    int out = open(tree_path(root, "out"), O_RDONLY | O_DIRECTORY);
    int sub = open(tree_path(root, "out/sub"), O_RDONLY | O_DIRECTORY);
    assert_true(out >= 0 && sub >= 0);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (unsigned i = 0; getppid() == parent; i++) {
            renameat2(out, "sub", out, "sub.link", RENAME_EXCHANGE);
            if (i % 3 == 0)
                renameat2(sub, "deep", sub, "deep.link", RENAME_EXCHANGE);
        }
        _exit(0);
    }
    close(out);
    close(sub);
    assert_true(pid > 0);
    return pid;
}

static void stranger_end(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* What a run does with one name. Counts what worked, and what was refused. */
static void work(struct output *output, const char *name, const char *text, unsigned *done,
                 unsigned *refused)
{
    const struct output_guard nobody = {0};
    enum output_written written;
    int error =
        output_write(output, name, (const uint8_t *)text, FILE_BYTES, nobody, true, &written);
    *done += error == 0;
    *refused += error == -ELOOP;
    (void)output_remove(output, name, FILE_BYTES);
}

static void expect_nothing_outside(const char *root, struct output_options options)
{
    struct stat before[CANARIES];
    unsigned done = 0, refused = 0;
    char text[FILE_BYTES + 8];
    canary_make(root, before);
    folders_make(root);
    pid_t stranger = stranger_start(root);
    time_t end = time(NULL) + SECONDS;
    for (unsigned i = 0; time(NULL) < end; i++) {
        struct output *output; /* anew, so that no folder is known */
        assert_int_equal(output_open(tree_path(root, "out"), options, &output), 0);
        snprintf(text, sizeof text, "%04u", i % 10000);
        work(output, "sub/x.jpg", text, &done, &refused);
        work(output, "sub/deep/x.jpg", text, &done, &refused);
        work(output, "sub/deep/y.jpg", text, &done, &refused);
        (void)output_flush(output);
        output_close(output);
    }
    stranger_end(stranger);
    expect_canary(root, before);
    assert_true(done > 0);
    assert_true(refused > 0); /* or the stranger was too slow to show anything */
}

static void test_output_stays_inside_whatever_links_do(void **state)
{
    expect_nothing_outside(*state, (struct output_options){0});
}

static void test_output_that_is_flushed_stays_inside_whatever_links_do(void **state)
{
    expect_nothing_outside(*state, (struct output_options){.durable = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_output_stays_inside_whatever_links_do),
        TREE_TEST(test_output_that_is_flushed_stays_inside_whatever_links_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
