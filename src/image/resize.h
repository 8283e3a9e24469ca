/* Resampling. */
#ifndef IMAGE_RESIZE_H
#define IMAGE_RESIZE_H

#include "image/pixels.h"

/* Shrinks the box of box_width x box_height pixels at the top left of `in` to width x height
 * pixels, bicubic (a = -0.5), widened by the ratio so that nothing aliases.
 *   in      borrowed; alpha premultiplied
 *   box_…   pixels of `in`; need not be whole, and not above its sides
 *   width   columns of the result, pixels, not above the box's; height likewise
 *   ret     new picture, same channels; free with pixels_done()
 * Returns 0, -EINVAL (a size that is out of range) or -ENOMEM; ret is zeroed on failure.
 * Source: Pillow, Image.resize: one axis after the other, rounded to 8 bits between them. */
int resize(const struct pixels *in, double box_width, double box_height, int width, int height,
           struct pixels *ret);

#endif
