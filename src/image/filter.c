/* Weighted sums of rows, in a form that gcc and clang both turn into vector code for any machine.
 */
#include "image/filter.h"
#include "image/vector.h"

#include <math.h>

enum {
    SUM_BITS = 7,        /* of a sum's fraction */
    TAPS_SHORT_MAX = 64, /* so that what rounding adds up to stays below a quarter of a level */
};

/* Rounding the running sum, not each weight, leaves no weight off by more than one unit, and their
 * sum exact. */
void filter_weights(const double *exact, int taps, int16_t *ret)
{
    double sum = 0, so_far = 0;
    long given = 0;

    for (int i = 0; i < taps; i++)
        sum += exact[i];
    for (int i = 0; i < taps; i++) {
        so_far += exact[i];
        long due = lround(so_far / sum * (1 << FILTER_WEIGHT_BITS));
        ret[i] = (int16_t)(due - given);
        given = due;
    }
}

/* A sample less 128, times a weight, in units of 1 / 128, rounded. Processors have an instruction
 * for just this product, which compilers know by this form. */
static inline int16_t weighted(uint8_t sample, int16_t weight)
{
    int16_t value = (int16_t)((sample - 128) * 256);
    return (int16_t)((((value * weight) >> 14) + 1) >> 1);
}

/* Adds two weighted rows. The sums fit: the weights' absolute values add up to less than 1.9.
 * (Inlined, gcc forgets what `restrict` says, and that costs half of the time of all resizing.) */
static VECTOR_CLONES void add_rows(const uint8_t *restrict a, int16_t weight_a,
                                   const uint8_t *restrict b, int16_t weight_b, size_t bytes,
                                   int16_t *restrict sums)
{
    for (size_t i = 0; i < bytes; i++)
        sums[i] = (int16_t)(sums[i] + weighted(a[i], weight_a) + weighted(b[i], weight_b));
}

/* Rounds the sums to samples. */
static VECTOR_CLONES void write_samples(const int16_t *restrict sums, size_t bytes,
                                        uint8_t *restrict out)
{
    for (size_t i = 0; i < bytes; i++) {
        int16_t value = (int16_t)((sums[i] >> SUM_BITS) + 128);
        value = value < 0 ? 0 : value;
        out[i] = (uint8_t)(value > 255 ? 255 : value);
    }
}

/* Many rows, which only a size far below the largest of several takes: products are not rounded,
 * because that would add up to levels. */
static void filter_many_rows(const uint8_t *const *rows, const int16_t *weights, int taps,
                             size_t bytes, uint8_t *out)
{
    int32_t sums[FILTER_BYTES_MAX];

    for (size_t i = 0; i < bytes; i++)
        sums[i] = 1 << (FILTER_WEIGHT_BITS - 1);
    for (int t = 0; t < taps; t++)
        for (size_t i = 0; weights[t] && i < bytes; i++)
            sums[i] += rows[t][i] * weights[t];
    for (size_t i = 0; i < bytes; i++) {
        int32_t value = sums[i] >> FILTER_WEIGHT_BITS;
        out[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

static void filter_few_rows(const uint8_t *const *rows, const int16_t *weights, int taps,
                            size_t bytes, uint8_t *out)
{
    int16_t sums[FILTER_BYTES_MAX];

    for (size_t i = 0; i < bytes; i++)
        sums[i] = 1 << (SUM_BITS - 1); /* one half, for rounding */
    for (int t = 0; t < taps; t += 2)
        add_rows(rows[t], weights[t], rows[t + 1], weights[t + 1], bytes, sums);
    write_samples(sums, bytes, out);
}

void filter_rows(const uint8_t *const *rows, const int16_t *weights, int taps, size_t bytes,
                 uint8_t *out)
{
    if (taps > TAPS_SHORT_MAX)
        filter_many_rows(rows, weights, taps, bytes, out);
    else
        filter_few_rows(rows, weights, taps, bytes, out);
}
