/* Transposition in blocks of 8 x 8 pixels: a block's rows and columns share cache lines. */
#include "image/transpose.h"

#include <string.h>

enum { BLOCK = 8 };

static inline void transpose_pixels(const uint8_t *in, size_t in_stride, int width, int height,
                                    size_t pixel, uint8_t *out, size_t out_stride)
{
    for (int x = 0; x < width; x++)
        for (int y = 0; y < height; y++)
            memcpy(out + (size_t)x * out_stride + (size_t)y * pixel,
                   in + (size_t)y * in_stride + (size_t)x * pixel, pixel);
}

/* The pixel's size is a constant for the compiler wherever this is called. */
static inline void transpose_blocks(const uint8_t *in, size_t in_stride, int width, int height,
                                    size_t pixel, uint8_t *out, size_t out_stride)
{
    for (int y = 0; y < height; y += BLOCK) {
        int rows = height - y < BLOCK ? height - y : BLOCK;
        for (int x = 0; x < width; x += BLOCK) {
            int columns = width - x < BLOCK ? width - x : BLOCK;
            const uint8_t *from = in + (size_t)y * in_stride + (size_t)x * pixel;
            uint8_t *to = out + (size_t)x * out_stride + (size_t)y * pixel;
            if (rows == BLOCK && columns == BLOCK)
                transpose_pixels(from, in_stride, BLOCK, BLOCK, pixel, to, out_stride);
            else
                transpose_pixels(from, in_stride, columns, rows, pixel, to, out_stride);
        }
    }
}

void transpose(const uint8_t *in, size_t in_stride, int width, int height, int channels,
               uint8_t *out, size_t out_stride)
{
    if (channels == 1)
        transpose_blocks(in, in_stride, width, height, 1, out, out_stride);
    else
        transpose_blocks(in, in_stride, width, height, 4, out, out_stride);
}
