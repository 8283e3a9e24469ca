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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orient_turns_every_orientation_upright),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
