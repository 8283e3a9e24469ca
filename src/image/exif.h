/* The one thing that a thumbnail wants from Exif: which way is up. */
#ifndef IMAGE_EXIF_H
#define IMAGE_EXIF_H

#include <stddef.h>
#include <stdint.h>

/* The orientation, 1..8, from an Exif block: the bytes of a TIFF header and what follows, with or
 * without "Exif" and two zero bytes before it. 1, upright, for anything that is not such a block,
 * holds no orientation, or lies. Reads nothing outside block[0..size). */
int exif_orientation(const uint8_t *block, size_t size);

#endif
