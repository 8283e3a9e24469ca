/* What a picture is said to take of memory: enough, and not much more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <png.h>

#include "support/images.h"

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1 /* it takes its own memory besides */
#else
#define SANITIZED 0
#endif

static const int64_t mib = 1 << 20;

/* One picture, and one way to make it. */
struct scene {
    const char *name;
    struct test_file file;
    struct image_spec spec;
};

/* What it says that it needs when it may have next to nothing. */
static int64_t need_of(const struct scene *scene)
{
    struct image_spec spec = scene->spec;
    struct image_result result;
    struct image_fault fault;
    spec.max_memory = 1;
    assert_int_equal(
        test_thumbnail(scene->file.bytes, scene->file.size, &spec, NULL, &result, &fault), -1);
    assert_int_equal(fault.code, IMAGE_MEMORY);
    assert_true(fault.need_bytes > 0);
    return fault.need_bytes;
}

/* Bytes of data that this process has. */
static int64_t data_now(void)
{
    long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%*d %*d %*d %*d %*d %lld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

/* True when a process that may take so much more than it has can make it. */
static bool is_made_with(const struct scene *scene, int64_t bytes)
{
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
        struct image_spec spec = scene->spec;
        struct image_result result;
        struct image_fault fault;
        rlim_t most = (rlim_t)(data_now() + bytes);
        struct rlimit limit = {most, most};
        spec.max_memory = bytes;
        if (setrlimit(RLIMIT_DATA, &limit) != 0)
            _exit(2);
        _exit(test_thumbnail(scene->file.bytes, scene->file.size, &spec, NULL, &result, &fault) !=
              0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static struct scene scene(const char *name, struct test_file file, int side)
{
    struct scene scene = {.name = name, .file = file, .spec = image_spec_default()};
    scene.spec.boxes[0] = (struct image_box){side, side};
    return scene;
}

enum { SCENES = 12 };

static int make_scenes(void **state)
{
    static struct scene scenes[SCENES];
    struct pixels picture = test_picture(2000, 1500, 4, false);
    struct test_jpeg progressive = {.coding = TEST_PROGRESSIVE, .sample_x = 2, .sample_y = 2};
    struct test_jpeg turned = {.orientation = 6};
    struct test_png interlaced = {.type = PNG_COLOR_TYPE_RGB, .depth = 8, .interlaced = true};
    struct test_png plain = {.type = PNG_COLOR_TYPE_RGB, .depth = 8};
    int n = 0;
    scenes[n++] = scene("baseline", test_jpeg(&picture, (struct test_jpeg){0}), 256);
    scenes[n++] = scene("baseline, whole", test_jpeg(&picture, (struct test_jpeg){0}), 2000);
    scenes[n++] = scene("progressive, an eighth", test_jpeg(&picture, progressive), 100);
    scenes[n++] = scene("progressive", test_jpeg(&picture, progressive), 1000);
    scenes[n++] = scene("interlaced", test_png(&picture, interlaced), 256);
    scenes[n++] = scene("PNG", test_png(&picture, plain), 256);
    scenes[n++] = scene("exact", test_jpeg(&picture, turned), 500);
    scenes[n - 1].spec.exact = true;
    scenes[n++] = scene("neutral", test_jpeg(&picture, turned), 500);
    scenes[n - 1].spec.exact = true;
    scenes[n - 1].spec.kernel = IMAGE_LANCZOS3;
    scenes[n++] = scene("neutral, wide", test_jpeg(&picture, turned), 500);
    scenes[n - 1].spec.exact = true;
    scenes[n - 1].spec.kernel = IMAGE_LANCZOS3;
    scenes[n - 1].spec.blur_sigma_px = 60;
    scenes[n++] = scene("enlarged, to PNG", test_png(&picture, plain), 4000);
    scenes[n - 1].spec.upscale = true;
    scenes[n - 1].spec.format = IMAGE_KIND_PNG;
    scenes[n++] = scene("enlarged, progressive", test_png(&picture, plain), 4000);
    scenes[n - 1].spec.upscale = scenes[n - 1].spec.progressive = true;
    scenes[n - 1].spec.full_chroma = true;
    scenes[n++] = scene("many sizes", test_jpeg(&picture, (struct test_jpeg){0}), 1500);
    for (int i = 0; i < IMAGE_SIZES_MAX; i++)
        scenes[n - 1].spec.boxes[i] = (struct image_box){1500 - i * 50, 1500};
    scenes[n - 1].spec.box_count = IMAGE_SIZES_MAX;
    pixels_done(&picture);
    *state = scenes;
    return n == SCENES ? 0 : -1;
}

static int free_scenes(void **state)
{
    struct scene *scenes = *state;
    for (int i = 0; i < SCENES; i++)
        test_file_done(&scenes[i].file);
    return 0;
}

static void test_what_a_picture_needs_is_enough(void **state)
{
    const struct scene *scenes = *state;
    if (SANITIZED)
        skip();
    for (int i = 0; i < SCENES; i++) {
        int64_t need = need_of(&scenes[i]);
        print_message("%-24s %5.1f MiB\n", scenes[i].name, (double)need / (double)mib);
        if (!is_made_with(&scenes[i], need))
            fail_msg("%s is not made with the %lld bytes that it needs", scenes[i].name,
                     (long long)need);
    }
}

/* The coefficients of 4:2:0 are three bytes to a pixel, and the pixels of an interlaced picture
 * four. */
static void test_what_is_held_whole_is_counted(void **state)
{
    const struct scene *scenes = *state;
    const int64_t pixels = 2000 * 1500;
    assert_true(need_of(&scenes[0]) < 8 * mib);
    assert_true(need_of(&scenes[2]) < 8 * mib);
    assert_true(need_of(&scenes[3]) > 3 * pixels);
    assert_true(need_of(&scenes[4]) > 4 * pixels);
    assert_true(need_of(&scenes[6]) > 8 * pixels); /* turned: twice */
    for (int i = 0; i < SCENES; i++)
        assert_true(need_of(&scenes[i]) < 400 * mib);
}

/* By rows where it cannot be inflated whole, to the same pixels. */
static void test_png_without_room_is_read_by_rows(void **state)
{
    const struct scene *png = (const struct scene *)*state + 5;
    struct image_result whole, rows;
    struct image_fault fault;
    struct image_spec spec = png->spec;
    assert_int_equal(test_thumbnail(png->file.bytes, png->file.size, &spec, NULL, &whole, &fault),
                     0);
    spec.max_memory = need_of(png);
    assert_true(spec.max_memory < 9 * mib);
    assert_int_equal(test_thumbnail(png->file.bytes, png->file.size, &spec, NULL, &rows, &fault),
                     0);
    assert_int_equal(whole.thumbs[0].size_bytes, rows.thumbs[0].size_bytes);
    assert_memory_equal(whole.thumbs[0].bytes, rows.thumbs[0].bytes, rows.thumbs[0].size_bytes);
    image_result_done(&whole);
    image_result_done(&rows);
}

/* Read its own way it needs little; cut short, libjpeg is to say so, which holds all of it. */
static void test_progressive_that_is_odd_asks_again(void **state)
{
    const struct scene *small = (const struct scene *)*state + 2;
    struct image_spec spec = small->spec;
    struct image_result result;
    struct image_fault fault;
    size_t size = small->file.size / 2;
    spec.max_memory = need_of(small);
    assert_int_equal(test_thumbnail(small->file.bytes, size, &spec, NULL, &result, &fault), -1);
    assert_int_equal(fault.code, IMAGE_MEMORY);
    assert_true(fault.need_bytes > 3 * 2000 * 1500);
    spec.max_memory = fault.need_bytes;
    assert_int_equal(test_thumbnail(small->file.bytes, size, &spec, NULL, &result, &fault), -1);
    assert_int_equal(fault.code, IMAGE_DAMAGED);
    spec.max_memory = need_of(small);
    spec.on_damage = IMAGE_DAMAGE_ACCEPTED; /* and so where damage is put up with */
    assert_int_equal(test_thumbnail(small->file.bytes, size, &spec, NULL, &result, &fault), -1);
    assert_int_equal(fault.code, IMAGE_MEMORY);
    spec.max_memory = fault.need_bytes;
    assert_int_equal(test_thumbnail(small->file.bytes, size, &spec, NULL, &result, &fault), 0);
    image_result_done(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_picture_needs_is_enough),
        cmocka_unit_test(test_what_is_held_whole_is_counted),
        cmocka_unit_test(test_png_without_room_is_read_by_rows),
        cmocka_unit_test(test_progressive_that_is_odd_asks_again),
    };
    return cmocka_run_group_tests(tests, make_scenes, free_scenes);
}
