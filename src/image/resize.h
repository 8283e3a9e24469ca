/* Resampling. */
#ifndef IMAGE_RESIZE_H
#define IMAGE_RESIZE_H

#include "image/pixels.h"

/* Brings one box of `in` to width x height pixels, bicubic (a = -0.5). Where that is smaller than
 * the box, the filter is widened by the ratio so that nothing aliases; where it is larger, the
 * filter spans four pixels of `in`. Pixels beside the box count as far as the filter reaches.
 *   in      borrowed; alpha premultiplied
 *   box     within `in` (but for a millionth of a pixel); need not be whole
 *   width   columns of the result, pixels; height likewise
 *   ret     new picture, same channels; free with pixels_done()
 * Returns 0, -EINVAL (a size that is out of range) or -ENOMEM; ret is zeroed on failure.
 * Source: Pillow, Image.resize: one axis after the other, rounded to 8 bits between them. */
int resize(const struct pixels *in, struct pixels_box box, int width, int height,
           struct pixels *ret);

#endif
