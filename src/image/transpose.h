/* Rows to columns.
 *
 * The filters here run down columns only, because that way their inner loops go along rows and
 * become vector code. What is to be filtered along rows is transposed, strip by strip. */
#ifndef IMAGE_TRANSPOSE_H
#define IMAGE_TRANSPOSE_H

#include <stddef.h>
#include <stdint.h>

/* A strip is as many bytes wide as this, so that a thousand of its rows fit a cache. */
enum { STRIP_BYTES = 256 };

/* Writes the width x height pixels of `in` as height x width pixels to `out`. Strides are bytes
 * from one row to the next; channels is 1 or 4. They must not overlap. */
void transpose(const uint8_t *in, size_t in_stride, int width, int height, int channels,
               uint8_t *out, size_t out_stride);

#endif
