/* Inks of which no profile says what they look like. */
#ifndef IMAGE_INKS_H
#define IMAGE_INKS_H

#include "image/pixels.h"

/* Turns cyan, magenta, yellow and black into sRGB in place, as offset printing on coated paper
 * looks. The fourth channel is worth nothing afterwards.
 *   inverted  255 is none of an ink, as Adobe writes JPEG
 * Returns 0 or -ENOMEM. */
int inks_to_srgb(struct pixels *pixels, bool inverted);

#endif
