#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "batch/durable.h"
#include "support/tree.h"

static int folder_open(const char *root, const char *name, int flags)
{
    if (mkdir(tree_path(root, name), 0777) != 0)
        assert_int_equal(errno, EEXIST);
    int fd = open(tree_path(root, name), O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
    assert_true(fd >= 0);
    return fd;
}

static int descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void test_data_of_files_are_flushed_and_others_refused(void **state)
{
    int ends[2];
    int fd = open(tree_path(*state, "file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    assert_true(fd >= 0);
    assert_int_equal(durable_data(fd), 0);
    close(fd);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(durable_data(ends[1]), -EINVAL);
    close(ends[0]);
    close(ends[1]);
}

static void test_a_folder_is_flushed_once_for_many_names(void **state)
{
    struct durable durable = {0};
    int one = folder_open(*state, "a", 0), again = folder_open(*state, "a", 0);
    int other = folder_open(*state, "b", 0);
    durable_named(&durable, one);
    durable_named(&durable, again);
    durable_named(&durable, other);
    assert_int_equal(durable.count, 2);
    assert_int_equal(durable.names, 3);
    close(one); /* the folders stay open as long as they are needed */
    close(again);
    close(other);
    assert_int_equal(durable_flush(&durable), 0);
    assert_int_equal(durable.count, 0);
    assert_int_equal(durable.names, 0);
    durable_done(&durable);
}

static void test_many_folders_are_flushed_on_the_way(void **state)
{
    struct durable durable = {0};
    int before = descriptors();
    for (int i = 0; i < 2 * DURABLE_FOLDERS + 1; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        int fd = folder_open(*state, name, 0);
        durable_named(&durable, fd);
        close(fd);
    }
    assert_int_equal(durable.count, 1);
    assert_int_equal(durable.names, 1);
    durable_done(&durable);
    assert_int_equal(descriptors(), before);
}

static void test_what_cannot_be_flushed_by_nature_is_let_alone(void **state)
{
    struct durable durable = {0};
    int ends[2];
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0); /* says EINVAL, as some file systems do */
    durable_named(&durable, ends[0]);
    assert_int_equal(durable_flush(&durable), 0);
    durable_done(&durable);
    close(ends[0]);
    close(ends[1]);
}

/* A descriptor that is for its path only cannot be flushed, for another reason. */
static void test_an_error_is_kept_for_good(void **state)
{
    struct durable durable = {0};
    int bad = folder_open(*state, "a", O_PATH), good = folder_open(*state, "b", 0);
    durable_named(&durable, bad);
    durable_named(&durable, good);
    assert_int_equal(durable_flush(&durable), -EBADF);
    assert_int_equal(durable.names, 2);
    durable_named(&durable, good);
    assert_int_equal(durable_flush(&durable), -EBADF);
    assert_int_equal(durable.names, 3);
    durable_done(&durable);
    close(bad);
    close(good);
}

static void test_folders_are_not_kept_where_descriptors_are_withheld(void **state)
{
    struct durable durable = {.withheld = DURABLE_FOLDERS};
    int fd = folder_open(*state, "few", 0), before = descriptors();
    durable_named(&durable, fd);
    assert_int_equal(descriptors(), before);
    assert_int_equal(durable.count, 0);
    assert_int_equal(durable.error, 0);
    assert_int_equal(durable_flush(&durable), 0);
    assert_int_equal(durable.names, 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_data_of_files_are_flushed_and_others_refused),
        TREE_TEST(test_a_folder_is_flushed_once_for_many_names),
        TREE_TEST(test_many_folders_are_flushed_on_the_way),
        TREE_TEST(test_folders_are_not_kept_where_descriptors_are_withheld),
        TREE_TEST(test_what_cannot_be_flushed_by_nature_is_let_alone),
        TREE_TEST(test_an_error_is_kept_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
