/* The filters are undone as the standard says, for every step from pixel to pixel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "image/png_filter.h"

enum { LANES = 8, WIDTH_MAX = 40, SLACK = 8 };

/* Word for word. */
static int paeth(int a, int b, int c)
{
    int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    if (pa <= pb && pa <= pc)
        return a;
    return pb <= pc ? b : c;
}

static int expected(enum png_filter filter, int a, int b, int c)
{
    switch (filter) {
    case PNG_FILTER_UNDO_SUB: return a;
    case PNG_FILTER_UNDO_UP: return b;
    case PNG_FILTER_UNDO_AVERAGE: return (a + b) / 2;
    case PNG_FILTER_UNDO_PAETH: return paeth(a, b, c);
    default: return 0;
    }
}

/* Two pixels of eight channels: the first is made to be `a`, the second is what is looked at. */
static void check_lanes(int a, int b, int c)
{
    uint8_t raw[2 * LANES + SLACK] = {0}, line[2 * LANES + SLACK] = {0};
    for (int i = 0; i < LANES; i++) {
        line[i] = (uint8_t)(c + i);
        raw[i] = (uint8_t)(a - line[i]); /* nothing to its left: Paeth is what is above */
        line[LANES + i] = (uint8_t)b;
        raw[LANES + i] = 7;
    }
    png_filter_undo(PNG_FILTER_UNDO_PAETH, raw, LANES, line, 2);
    for (int i = 0; i < LANES; i++)
        if (line[LANES + i] != (uint8_t)(7 + paeth(a, b, (c + i) & 255)))
            fail_msg("left %d, above %d, above left %d: %d", a, b, (c + i) & 255, line[LANES + i]);
}

static void test_paeth_is_the_standard_s_for_all_neighbours(void **state)
{
    (void)state;
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++)
            for (int c = 0; c < 256; c += LANES)
                check_lanes(a, b, c);
}

/* A row of noise by the book, in the layout of the line. */
static void undo_by_the_book(enum png_filter filter, const uint8_t *raw, int step,
                             const uint8_t *above, uint8_t *to, int width)
{
    int size = step == 3 ? 4 : step;
    for (int x = 0; x < width; x++)
        for (int i = 0; i < size; i++) {
            int at = x * size + i, left = x > 0 ? to[at - size] : 0;
            int above_left = x > 0 ? above[at - size] : 0;
            to[at] =
                i < step
                    ? (uint8_t)(raw[x * step + i] + expected(filter, left, above[at], above_left))
                    : 255;
        }
}

static void test_every_filter_step_and_width_is_undone(void **state)
{
    (void)state;
    static const int steps[] = {1, 2, 3, 4, 6, 8};
    srand(3);
    for (int filter = 0; filter < PNG_FILTER_UNDO_COUNT; filter++)
        for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
            for (int width = 1; width <= WIDTH_MAX; width++) {
                int step = steps[s], size = (step == 3 ? 4 : step) * width;
                uint8_t raw[WIDTH_MAX * 8 + SLACK], line[WIDTH_MAX * 8 + SLACK];
                uint8_t want[WIDTH_MAX * 8];
                for (size_t i = 0; i < sizeof raw; i++) {
                    raw[i] = (uint8_t)rand();
                    line[i] = (uint8_t)rand();
                }
                undo_by_the_book((enum png_filter)filter, raw, step, line, want, width);
                png_filter_undo((enum png_filter)filter, raw, step, line, width);
                if (memcmp(line, want, (size_t)size))
                    fail_msg("filter %d, step %d, %d pixels", filter, step, width);
            }
}

static void check_two(enum png_filter filter, int step, int width)
{
    uint8_t raw[2][WIDTH_MAX * 4 + SLACK], line[WIDTH_MAX * 4 + SLACK];
    uint8_t next[WIDTH_MAX * 4 + SLACK], want[2][WIDTH_MAX * 4];
    for (size_t i = 0; i < sizeof *raw; i++) {
        raw[0][i] = (uint8_t)rand();
        raw[1][i] = (uint8_t)rand();
        line[i] = (uint8_t)rand();
        next[i] = 0xaa;
    }
    uint8_t behind = line[4 * width];
    undo_by_the_book(filter, raw[0], step, line, want[0], width);
    undo_by_the_book(filter, raw[1], step, want[0], want[1], width);
    png_filter_undo_two(filter, raw[0], raw[1], step, line, next, width);
    assert_memory_equal(line, want[0], (size_t)width * 4);
    assert_memory_equal(next, want[1], (size_t)width * 4);
    assert_int_equal(line[4 * width], behind);
    assert_int_equal(next[4 * width], 0xaa);
}

static void test_two_rows_at_once_are_those_one_after_the_other(void **state)
{
    (void)state;
    int done = 0;
    srand(4);
    for (int filter = 0; filter < PNG_FILTER_UNDO_COUNT; filter++)
        for (int step = 1; step <= 8; step++)
            for (int width = 1; width <= WIDTH_MAX; width++)
                if (png_filter_takes_two((enum png_filter)filter, step, width)) {
                    check_two((enum png_filter)filter, step, width);
                    done++;
                }
    assert_int_equal(done, 2 * 2 * (WIDTH_MAX - 1));
}

static void test_nothing_is_written_behind_the_line(void **state)
{
    (void)state;
    static const int steps[] = {1, 2, 3, 4, 6, 8};
    for (int filter = 0; filter < PNG_FILTER_UNDO_COUNT; filter++)
        for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
            uint8_t raw[WIDTH_MAX * 8 + SLACK] = {0}, line[WIDTH_MAX * 8 + SLACK];
            int size = (steps[s] == 3 ? 4 : steps[s]) * WIDTH_MAX;
            memset(line, 0xaa, sizeof line);
            png_filter_undo((enum png_filter)filter, raw, steps[s], line, WIDTH_MAX);
            for (size_t i = (size_t)size; i < sizeof line; i++)
                assert_int_equal(line[i], 0xaa);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paeth_is_the_standard_s_for_all_neighbours),
        cmocka_unit_test(test_every_filter_step_and_width_is_undone),
        cmocka_unit_test(test_two_rows_at_once_are_those_one_after_the_other),
        cmocka_unit_test(test_nothing_is_written_behind_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
