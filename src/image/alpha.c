/* Alpha. All but the first run on results, which are small, so they are plain. */
#include "image/alpha.h"

void alpha_multiply(uint8_t *row, int width)
{
    for (int x = 0; x < width; x++, row += 4) {
        unsigned alpha = row[3];
        if (alpha == 255)
            continue;
        for (int c = 0; c < 3; c++) {
            unsigned product = row[c] * alpha + 128;
            row[c] = (uint8_t)((product + (product >> 8)) >> 8);
        }
    }
}

void alpha_divide(struct pixels *pixels)
{
    for (int y = 0; y < pixels->height; y++) {
        uint8_t *pixel = pixels->data + (size_t)y * pixels->stride;
        for (int x = 0; x < pixels->width; x++, pixel += 4) {
            unsigned alpha = pixel[3];
            if (alpha == 255)
                continue;
            for (int c = 0; c < 3; c++) { /* resampling may have left a colour above its alpha */
                unsigned value = alpha ? (pixel[c] * 255u + alpha / 2) / alpha : 0;
                pixel[c] = (uint8_t)(value > 255 ? 255 : value);
            }
        }
    }
}

void alpha_flatten(struct pixels *pixels, const uint8_t background[3])
{
    for (int y = 0; y < pixels->height; y++) {
        uint8_t *pixel = pixels->data + (size_t)y * pixels->stride;
        for (int x = 0; x < pixels->width; x++, pixel += 4)
            for (int c = 0; c < 3; c++) {
                unsigned product = pixel[c] * pixel[3] + background[c] * (255u - pixel[3]) + 128;
                pixel[c] = (uint8_t)((product + (product >> 8)) >> 8);
            }
    }
    pixels->alpha = false;
}
