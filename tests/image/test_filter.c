/* The vector loop gives what the plain sum gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/filter.h"

enum { TAPS_MAX = 40, BYTES = 300 };

static void fill(uint8_t rows[TAPS_MAX][BYTES], const uint8_t **pointers)
{
    for (int t = 0; t < TAPS_MAX; t++) {
        pointers[t] = rows[t];
        for (int i = 0; i < BYTES; i++)
            rows[t][i] = (uint8_t)(i % 3 == 0 ? rand() : i % 3 == 1 ? 255 : rand() % 2 * 255);
    }
}

static void test_filter_rows_is_the_weighted_sum(void **state)
{
    (void)state;
    static uint8_t rows[TAPS_MAX][BYTES];
    const uint8_t *pointers[TAPS_MAX];
    srand(5);
    for (int round = 0; round < 300; round++) {
        int taps = 2 * (rand() % (TAPS_MAX / 2) + 1);
        size_t bytes = (size_t)(rand() % BYTES + 1);
        double exact[TAPS_MAX];
        int16_t weights[TAPS_MAX];
        uint8_t out[BYTES];
        for (int t = 0; t < taps; t++)
            exact[t] = rand() % 1000 - (taps > 4 ? 60 : 0);
        exact[0] += 1000;
        filter_weights(exact, taps, weights);
        fill(rows, pointers);
        filter_rows(pointers, weights, taps, bytes, out);
        for (size_t i = 0; i < bytes; i++) {
            int32_t sum = 0;
            for (int t = 0; t < taps; t++)
                sum += rows[t][i] * weights[t];
            double want = fmin(255, fmax(0, sum / 16384.0));
            assert_true(fabs(out[i] - want) <= 0.5 + taps / 256.0);
        }
    }
}

/* filter_rows() sample by sample, each product rounded to 128ths of a level: nothing to turn into
 * vector code. */
static uint8_t plain_sample(const uint8_t *const *rows, const int16_t *weights, int taps, size_t i)
{
    int sum = 64;
    for (int t = 0; t < taps; t++)
        sum += ((rows[t][i] - 128) * weights[t] + 64) >> 7;
    int sample = (sum >> 7) + 128;
    return (uint8_t)(sample < 0 ? 0 : sample > 255 ? 255 : sample);
}

static void test_filter_rows_gives_the_plain_loops_bytes_at_every_width(void **state)
{
    (void)state;
    static uint8_t rows[TAPS_MAX][BYTES];
    const uint8_t *pointers[TAPS_MAX];
    srand(9);
    for (size_t bytes = 1; bytes <= 70; bytes++)
        for (int taps = 2; taps <= TAPS_MAX; taps += 2) {
            double exact[TAPS_MAX];
            int16_t weights[TAPS_MAX];
            uint8_t out[BYTES];
            for (int t = 0; t < taps; t++)
                exact[t] = rand() % 1000 - (taps > 4 ? 60 : 0);
            exact[0] += 1000;
            filter_weights(exact, taps, weights);
            fill(rows, pointers);
            memset(out, 77, sizeof out);
            filter_rows(pointers, weights, taps, bytes, out);
            for (size_t i = 0; i < bytes; i++)
                assert_int_equal(out[i], plain_sample(pointers, weights, taps, i));
            assert_int_equal(out[bytes], 77);
        }
}

static void test_filter_rows_leaves_a_plain_area_as_it_is(void **state)
{
    (void)state;
    static uint8_t rows[TAPS_MAX][BYTES];
    const uint8_t *pointers[TAPS_MAX];
    fill(rows, pointers);
    srand(6);
    for (int value = 0; value < 256; value++) {
        double exact[TAPS_MAX];
        int16_t weights[TAPS_MAX];
        uint8_t out[BYTES];
        for (int t = 0; t < TAPS_MAX; t++) {
            exact[t] = rand() % 1000;
            memset(rows[t], value, BYTES);
        }
        filter_weights(exact, TAPS_MAX, weights);
        filter_rows(pointers, weights, TAPS_MAX, BYTES, out);
        for (int i = 0; i < BYTES; i++)
            assert_int_equal(out[i], value);
    }
}

static void test_filter_weights_add_up_to_one(void **state)
{
    (void)state;
    srand(8);
    for (int round = 0; round < 1000; round++) {
        int taps = rand() % TAPS_MAX + 1, sum = 0;
        double exact[TAPS_MAX];
        int16_t weights[TAPS_MAX];
        for (int t = 0; t < taps; t++)
            exact[t] = rand() % 1000 + 1;
        filter_weights(exact, taps, weights);
        for (int t = 0; t < taps; t++)
            sum += weights[t];
        assert_int_equal(sum, 1 << FILTER_WEIGHT_BITS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter_rows_is_the_weighted_sum),
        cmocka_unit_test(test_filter_rows_gives_the_plain_loops_bytes_at_every_width),
        cmocka_unit_test(test_filter_rows_leaves_a_plain_area_as_it_is),
        cmocka_unit_test(test_filter_weights_add_up_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
