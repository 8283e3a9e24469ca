/* Inks without a profile: what libvips shows of them, asked of libvips itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/inks.h"
#include "image/module.h"
#include "support/guest.h"

enum { LEVELS = 6 };

static struct pixels inks_of(int width, int height)
{
    struct pixels inks;
    assert_int_equal(pixels_init(&inks, width, height, 4), 0);
    assert_int_equal(inks.stride, (size_t)width * 4);
    return inks;
}

/* Frees `inks`. */
static void check_inks(struct pixels inks)
{
    struct pixels want = test_guest_srgb_of_inks(&inks);
    struct pixels ours = inks_of(inks.width, inks.height);
    size_t size = inks.stride * (size_t)inks.height;
    if (!want.data) {
        print_message("this libvips was built without lcms\n");
        skip();
    }
    memcpy(ours.data, inks.data, size);
    assert_int_equal(inks_to_srgb(&ours, false), 0);
    for (size_t i = 0; i < size; i++)
        if (i % 4 != 3 && abs(ours.data[i] - want.data[i]) > LEVELS) {
            const uint8_t *ink = inks.data + i / 4 * 4;
            fail_msg("C %d M %d Y %d K %d: channel %d is %d, with libvips %d", ink[0], ink[1],
                     ink[2], ink[3], (int)(i % 4), ours.data[i], want.data[i]);
        }
    pixels_done(&ours);
    pixels_done(&want);
    pixels_done(&inks);
}

static void test_inks_of_a_grid_look_as_with_libvips(void **state)
{
    (void)state;
    enum { SIDE = 9 };
    struct pixels inks = inks_of(SIDE * SIDE, SIDE * SIDE);
    for (int i = 0, rest = 0; i < SIDE * SIDE * SIDE * SIDE * 4; i++) {
        rest = i % 4 ? rest / SIDE : i / 4;
        inks.data[i] = (uint8_t)(rest % SIDE * 255 / (SIDE - 1));
    }
    check_inks(inks);
}

/* A third of the amounts is none or all of an ink, where a fit errs most. */
static void test_inks_at_random_look_as_with_libvips(void **state)
{
    (void)state;
    struct pixels inks = inks_of(200, 100);
    srand(4);
    for (int i = 0; i < 200 * 100 * 4; i++) {
        int amount = rand() % 384 - 64;
        inks.data[i] = (uint8_t)(amount < 0 ? 0 : amount > 255 ? 255 : amount);
    }
    check_inks(inks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inks_of_a_grid_look_as_with_libvips),
        cmocka_unit_test(test_inks_at_random_look_as_with_libvips),
    };
    return cmocka_run_group_tests(tests, test_guest_set_up, test_guest_tear_down);
}
