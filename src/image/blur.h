/* Gaussian blur as Pillow does it. */
#ifndef IMAGE_BLUR_H
#define IMAGE_BLUR_H

#include "image/pixels.h"

enum { BLUR_SIGMA_MAX = 10000 }; /* pixels */

/* Blurs `pixels` in place with standard deviations sigma_x along rows and sigma_y down columns, in
 * pixels; 0 leaves that axis alone. Edges repeat. The time does not depend on the deviations.
 * Returns 0, -EINVAL (negative, not a number, above the maximum) or -ENOMEM.
 * Source: Pillow, ImageFilter.GaussianBlur: three passes of an extended box, each rounded to
 * 8 bits; P. Gwosdek et al., Theoretical Foundations of Gaussian Convolution by Extended Box
 * Filtering, 2011. */
int blur(struct pixels *pixels, double sigma_x, double sigma_y);

#endif
