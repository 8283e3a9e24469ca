/* Alpha: colours premultiplied by it on the way in, and back to themselves on the way out. */
#ifndef IMAGE_ALPHA_H
#define IMAGE_ALPHA_H

#include <stdint.h>

#include "image/pixels.h"

/* Multiplies the colours of `width` pixels of four channels by their alpha, rounded. */
void alpha_multiply(uint8_t *row, int width);

/* Divides the colours by alpha. What alpha hides altogether becomes black. */
void alpha_divide(struct pixels *pixels);

/* Lays the picture, its colours divided, on a background of red, green and blue. It has no alpha
 * afterwards. */
void alpha_flatten(struct pixels *pixels, const uint8_t background[3]);

#endif
