/* Rows become columns, and nothing beside them is touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "image/transpose.h"

enum { SIDE_MAX = 70, STRIDE = 4 * SIDE_MAX + 3, UNTOUCHED = 77 };

static uint8_t in[SIDE_MAX * STRIDE], out[SIDE_MAX * STRIDE];

static void check(int width, int height, int channels)
{
    memset(out, UNTOUCHED, sizeof out);
    transpose(in, STRIDE, width, height, channels, out, STRIDE);
    for (int y = 0; y < SIDE_MAX; y++)
        for (int x = 0; x < STRIDE; x++) {
            int column = x / channels, channel = x % channels;
            int want = y < width && column < height ? in[column * STRIDE + y * channels + channel]
                                                    : UNTOUCHED;
            if (out[y * STRIDE + x] != want)
                fail_msg("%d x %d pixels of %d bytes, row %d, byte %d: %d, and %d is right", width,
                         height, channels, y, x, out[y * STRIDE + x], want);
        }
}

static void test_transpose_is_right_at_every_width_and_height(void **state)
{
    (void)state;
    srand(4);
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)rand();
    for (int side = 1; side <= SIDE_MAX; side++)
        for (int other = 1; other <= 17; other++)
            for (int channels = 1; channels <= 4; channels += 3) {
                check(side, other, channels);
                check(other, side, channels);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transpose_is_right_at_every_width_and_height),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
