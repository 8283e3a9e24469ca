/* A border around a picture. */
#ifndef IMAGE_BORDER_H
#define IMAGE_BORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "image/pixels.h"

/* True when a grey picture stays grey inside a border of this red, green and blue. */
static inline bool border_is_grey(const uint8_t background[3])
{
    return background[0] == background[1] && background[1] == background[2];
}

/* Puts the picture, its colours not premultiplied, at `left`, `top` of one of width x height pixels
 * that is `background` (red, green, blue) all around it, and opaque there. Grey stays one channel
 * under a grey background and becomes RGB under any other.
 *   width  not below the picture's and `left` together; height likewise with `top`
 * Returns 0, or as pixels_init(), which leaves the picture as it was. */
int border_add(struct pixels *pixels, int width, int height, int left, int top,
               const uint8_t background[3]);

#endif
