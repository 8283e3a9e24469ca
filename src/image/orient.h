/* Turning and mirroring as EXIF's orientation says. */
#ifndef IMAGE_ORIENT_H
#define IMAGE_ORIENT_H

#include <stdbool.h>

#include "image/pixels.h"

/* True when upright width is stored height. */
static inline bool orient_swaps(int orientation)
{
    return orientation >= 5;
}

/* Where that part of the upright picture stands in the one that is stored so, which has
 * width x height pixels. */
struct pixels_box orient_box(struct pixels_box upright, int orientation, int width, int height);

/* Makes a picture that was stored with this orientation, 1..8, upright, in place. Returns 0 or
 * -ENOMEM, which leaves it as it was. */
int orient(struct pixels *pixels, int orientation);

#endif
