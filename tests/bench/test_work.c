#include <errno.h>
#include <math.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "bench/work.h"
#include "support/mproc.h"

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Processor time of a count-down, the fastest of some: others can only make it slower. */
static double count_down_s(uint64_t count)
{
    double fastest = 1e9;
    for (int try = 0; try < 7; try++) {
        double begin = cpu_s();
        work_count_down(count);
        fastest = fmin(fastest, cpu_s() - begin);
    }
    return fastest;
}

/* A compiler that sees through the loop would need no time at all, or the same for each count. The
 * margins are for a neighbour on the other half of the core, who may halve the speed at any time.
 */
static void test_work_count_down_takes_time_that_grows_with_the_count(void **state)
{
    double once = count_down_s(3000000), ten = count_down_s(30000000);
    (void)state;
    assert_true(once > 1e-4);
    assert_true(ten > 4 * once);
    assert_true(ten < 25 * once);
}

static void test_work_calibrate_finds_the_count_of_a_time(void **state)
{
    double took = count_down_s(work_calibrate(0.02));
    (void)state;
    assert_true(took > 0.005);
    assert_true(took < 0.08);
}

static void test_work_find_knows_the_names(void **state)
{
    (void)state;
    for (int i = 0; i < WORK_COUNT; i++)
        assert_ptr_equal(work_find(works[i].name), &works[i]);
    assert_null(work_find("disk"));
    assert_null(work_find(""));
}

static void test_work_photos_are_jpegs_of_six_megapixels(void **state)
{
    struct photos photos;
    struct original original;
    uint8_t bytes[4096];
    int width, height;
    (void)state;
    assert_int_equal(photos_make(2, false, NULL, &photos), 0);
    assert_int_equal(photos.count, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(photos_open(&photos, i, &original), 0);
        assert_int_equal(original.kind, IMAGE_KIND_JPEG);
        assert_true(original.stat.st_size > 500000); /* noise does not compress */
        ssize_t size = pread(original.fd, bytes, sizeof bytes, 0);
        assert_int_equal(image_kind_size(IMAGE_KIND_JPEG, bytes, (size_t)size, &width, &height), 0);
        assert_int_equal(width, PHOTOS_WIDTH);
        assert_int_equal(height, PHOTOS_HEIGHT);
        original_close(&original);
    }
    photos_done(&photos);
}

static void test_work_photos_that_are_stopped_leave_nothing(void **state)
{
    struct photos photos;
    volatile sig_atomic_t stop = SIGINT;
    (void)state;
    assert_int_equal(photos_make(4, false, &stop, &photos), -EINTR);
}

static void test_work_photos_of_nothing_are_not_found(void **state)
{
    struct photos photos;
    char *paths[] = {"/dev/null"};
    (void)state;
    assert_int_equal(photos_find(paths, 1, &photos), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_count_down_takes_time_that_grows_with_the_count),
        cmocka_unit_test(test_work_calibrate_finds_the_count_of_a_time),
        cmocka_unit_test(test_work_find_knows_the_names),
        SUPPORT_TEST(test_work_photos_are_jpegs_of_six_megapixels),
        SUPPORT_TEST(test_work_photos_that_are_stopped_leave_nothing),
        SUPPORT_TEST(test_work_photos_of_nothing_are_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
