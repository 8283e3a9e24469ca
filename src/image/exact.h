/* The tutorial's own arithmetic: blur and thumbnail at full size as Pillow computes them, bit by
 * bit. Slow and plain on purpose; the way that pictures usually go is blur.h and resize.h, and
 * the one that rounds only once is neutral.h.
 * Source: Pillow 9.4, ImageFilter.GaussianBlur, Image.thumbnail, Image.resize and Image.reduce. */
#ifndef IMAGE_EXACT_H
#define IMAGE_EXACT_H

#include "image/pixels.h"

/* Blurs in place with a standard deviation of sigma_px, both axes: three extended boxes along rows
 * and then three down columns, each rounded to 8 bits. Edges repeat, before every box.
 *   sigma_px  0..BLUR_SIGMA_MAX
 * Returns 0 or -ENOMEM, which leaves the picture half done. */
int exact_blur(struct pixels *pixels, double sigma_px);

/* Brings all of `in` to width x height pixels as Image.thumbnail does: boxes of whole pixels take
 * half of the way, the bicubic the rest. A picture with alpha goes all of it by the bicubic, which
 * is Pillow's rule too.
 *   in      borrowed; alpha premultiplied
 *   width   columns of the result, pixels, 1 or more; height likewise
 *   ret     new picture, same channels; free with pixels_done()
 * Returns 0, or as pixels_init(); ret is zeroed on failure. */
int exact_thumbnail(const struct pixels *in, int width, int height, struct pixels *ret);

/* Brings one box of `in` to width x height pixels by the bicubic alone, as Image.resize does with a
 * box. All else as for exact_thumbnail().
 *   box     within `in`; need not be whole; it is rounded to single precision, as Pillow's is */
int exact_resize(const struct pixels *in, struct pixels_box box, int width, int height,
                 struct pixels *ret);

#endif
