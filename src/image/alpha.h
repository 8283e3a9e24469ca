/* Alpha on the way out: colours that were premultiplied by it, back to themselves. */
#ifndef IMAGE_ALPHA_H
#define IMAGE_ALPHA_H

#include "image/pixels.h"

/* Divides the colours by alpha. What alpha hides altogether becomes black. */
void alpha_divide(struct pixels *pixels);

/* Lays the picture, its colours divided, on a background of red, green and blue. It has no alpha
 * afterwards. */
void alpha_flatten(struct pixels *pixels, const uint8_t background[3]);

#endif
