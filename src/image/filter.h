/* The one inner loop of blur and resize: a row that is a weighted sum of rows. */
#ifndef IMAGE_FILTER_H
#define IMAGE_FILTER_H

#include <stddef.h>
#include <stdint.h>

enum {
    FILTER_WEIGHT_BITS = 14, /* of a weight's fraction: the largest, 1, still fits 16 bits */
    FILTER_BYTES_MAX = 1024, /* of a row at a time, so that its sums stay in the first cache */
};

/* Rounds `taps` weights so that they add up to exactly 1, whatever `exact` adds up to: a plain
 * area must stay as it is. */
void filter_weights(const double *exact, int taps, int16_t *ret);

/* Writes out[i] = the sum of weights[t] * rows[t][i], rounded to 0..255, for i in 0..bytes-1.
 *   weights  in units of 2^-FILTER_WEIGHT_BITS; their absolute values add up to less than 1.9
 *            (the bicubic's to 1.3 or so, Lanczos-3's to 1.6, and to 1.8 where it sharpens)
 *   taps     rows and weights; even
 *   bytes    not above FILTER_BYTES_MAX
 *   out      none of the rows */
void filter_rows(const uint8_t *const *rows, const int16_t *weights, int taps, size_t bytes,
                 uint8_t *out);

#endif
