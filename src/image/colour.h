/* Colours as the embedded profile means them, to sRGB as a screen means it. */
#ifndef IMAGE_COLOUR_H
#define IMAGE_COLOUR_H

#include "image/codec.h"

/* Converts `pixels`, alpha not premultiplied, to sRGB in place: relative colorimetric with black
 * point compensation. Grey stays one channel; CMYK becomes RGB even without a profile, see
 * image/inks.h. A profile that is broken, or is not for this kind of colour, is as good as none.
 * Alpha stays as it is.
 *   icc  the embedded profile, or NULL
 * Returns 0 or -ENOMEM. */
int colour_to_srgb(struct pixels *pixels, enum codec_colour colour, const uint8_t *icc,
                   size_t icc_size);

/* The same with lcms doing all of it, as Pillow has it done: slower, and a level more or less here
 * and there. */
int colour_to_srgb_by_lcms(struct pixels *pixels, enum codec_colour colour, const uint8_t *icc,
                           size_t icc_size);

/* The same for a picture of grey or RGB without a profile that says how its light was coded.
 *   gamma    light to the power of it is a sample; near 1 / 2.2 it is taken for sRGB
 *   corners  x and y of white, red, green and blue, or 0 for sRGB's
 * What makes no sense changes nothing. Returns 0 or -ENOMEM. */
int colour_from_gamma(struct pixels *pixels, enum codec_colour colour, double gamma,
                      const double corners[8]);

/* True when a profile can be read, and is for pictures of this kind of colour. */
bool colour_profile_fits(enum codec_colour colour, const uint8_t *icc, size_t icc_size);

#endif
