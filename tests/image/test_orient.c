/* Each orientation turns a picture upright. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "image/orient.h"

/* What a camera stores for the upright picture "abc/def", by EXIF's table of where the stored
 * row 0 and column 0 are in it. */
static const struct {
    int width, height;
    const char *stored;
} cases[9] = {
    [1] = {3, 2, "abcdef"}, /* top, left */
    [2] = {3, 2, "cbafed"}, /* top, right */
    [3] = {3, 2, "fedcba"}, /* bottom, right */
    [4] = {3, 2, "defabc"}, /* bottom, left */
    [5] = {2, 3, "adbecf"}, /* left, top */
    [6] = {2, 3, "cfbead"}, /* right, top */
    [7] = {2, 3, "fcebda"}, /* right, bottom */
    [8] = {2, 3, "daebfc"}, /* left, bottom */
};

static void check(int orientation, int channels)
{
    struct pixels p;
    assert_int_equal(pixels_init(&p, cases[orientation].width, cases[orientation].height, channels),
                     0);
    for (int i = 0; i < 6; i++)
        for (int c = 0; c < channels; c++)
            p.data[i * channels + c] = (uint8_t)(cases[orientation].stored[i] + c * 32);
    assert_int_equal(orient(&p, orientation), 0);
    assert_int_equal(p.width, 3);
    assert_int_equal(p.height, 2);
    for (int i = 0; i < 6; i++)
        for (int c = 0; c < channels; c++)
            assert_int_equal(p.data[i * channels + c], (uint8_t)("abcdef"[i] + c * 32));
    assert_int_equal(orient_swaps(orientation), cases[orientation].width == 2);
    pixels_done(&p);
}

static void test_orient_turns_every_orientation_upright(void **state)
{
    (void)state;
    for (int orientation = 1; orientation <= 8; orientation++) {
        check(orientation, 1);
        check(orientation, 4);
    }
}

/* Where each letter of "abc/def" is stored. */
static void test_orient_box_finds_where_a_part_is_stored(void **state)
{
    (void)state;
    for (int orientation = 1; orientation <= 8; orientation++)
        for (int i = 0; i < 6; i++) {
            int width = cases[orientation].width, height = cases[orientation].height;
            struct pixels_box upright = {i % 3, i / 3, 1, 1};
            struct pixels_box box = orient_box(upright, orientation, width, height);
            assert_true(box.width == 1 && box.height == 1);
            int at = (int)box.x + (int)box.y * width;
            assert_int_equal(cases[orientation].stored[at], "abcdef"[i]);
        }
    struct pixels_box turned = orient_box((struct pixels_box){0.5, 0.25, 2, 1.5}, 6, 2, 3);
    assert_true(turned.x == 0.25 && turned.y == 0.5 && turned.width == 1.5 && turned.height == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orient_turns_every_orientation_upright),
        cmocka_unit_test(test_orient_box_finds_where_a_part_is_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
