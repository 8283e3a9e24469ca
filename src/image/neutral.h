/* The thumbnail that nobody's habits have a part in: a true Gaussian and Lanczos-3 over the whole
 * picture, one after the other, rounded once, at the end. Slow; the way that pictures usually go is
 * blur.h and resize.h, and the one that copies Pillow's steps is exact.h. */
#ifndef IMAGE_NEUTRAL_H
#define IMAGE_NEUTRAL_H

#include "image/pixels.h"

/* Blurs `in` and brings one box of it to width x height pixels. Edges repeat for the Gaussian,
 * whose tails end at five deviations. Lanczos-3 takes what is there, pixels beside the box too, and
 * is widened by the ratio where the result is smaller. A sample is off by no more than 0.501
 * levels, or 0.51 where one pixel is made of 100,000 in a row.
 *   in       borrowed; its colours NOT premultiplied: that is done here, without rounding
 *   box      within `in`; need not be whole
 *   width    columns of the result, pixels, 1 or more; height likewise
 *   sigma_px standard deviation along both axes, pixels of `in`, 0..BLUR_SIGMA_MAX; 0 is none
 *   ret      new picture, same channels, its colours not premultiplied; what alpha hides altogether
 *            is black; free with pixels_done()
 * Needs 16 bytes for each pixel of a picture as wide as `in` and as high as the result, or the
 * other way round, whichever is less, and a few hundred for each pixel of a side. The time hardly
 * depends on sigma_px.
 * Returns 0, or as pixels_init(); ret is zeroed on failure.
 * Source: Duchon, Lanczos Filtering in One and Two Dimensions, 1979. */
int neutral_resize(const struct pixels *in, struct pixels_box box, int width, int height,
                   double sigma_px, struct pixels *ret);

#endif
