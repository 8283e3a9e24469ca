/* Exif: which way is up, and a copy for a thumbnail to keep.
 *
 * A block is the bytes of a TIFF header and what follows, with or without "Exif" and two zero bytes
 * before it. Nothing outside block[0..size) is read, whatever is in it. */
#ifndef IMAGE_EXIF_H
#define IMAGE_EXIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The orientation, 1..8, from a block. 1, upright, for anything that is not such a block, holds no
 * orientation, or lies. */
int exif_orientation(const uint8_t *block, size_t size);

/* A copy of a block, from the TIFF header on. The preview inside, which shows the whole picture as
 * it was stored, is left out: the second directory is unlinked and its JPEG cut off or cleared. All
 * else stays, the place where the picture was taken too.
 *   upright  an orientation that is there becomes 1
 *   ret      free(); NULL, and 0 bytes, for what is no Exif block
 * Returns 0 or -ENOMEM. */
int exif_copy(const uint8_t *block, size_t size, bool upright, uint8_t **ret, size_t *ret_size);

#endif
