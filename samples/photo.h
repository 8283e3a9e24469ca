/* What Pillow's open, thumbnail and save are to the tutorial: one photo file to one thumbnail file.
 */
#ifndef SAMPLES_PHOTO_H
#define SAMPLES_PHOTO_H

#include "image/spec.h"

/* Makes the thumbnail of the file `from` and writes it to the file `to`. Returns 0, or -1 with a
 * sentence in why[0..200). */
int photo_thumbnail(const char *from, const char *to, const struct image_spec *spec, char *why);

#endif
