/* PNG, through libpng or past it. (The file is not called png.h alone when it is included: this is
 * "image/png.h", libpng's is <png.h>.) */
#ifndef IMAGE_PNG_H
#define IMAGE_PNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/codec.h"
#include "image/metadata.h"

/* All colour types and depths; 16 bits become 8, a palette becomes RGB, grey without alpha stays
 * grey. Text is never inflated. An interlaced picture is held whole while it is read;
 * so is the inflated one where that is faster, up to a size (png_inflate.h). */
extern const struct codec png_codec;

/* The same by libpng alone, row by row: what the other is compared with. */
extern const struct codec png_libpng_codec;

/* Encodes grey, RGB (a fourth channel that is not alpha is dropped) or RGB with alpha, not
 * premultiplied. The file has no channels that say nothing: colours that are grey in every pixel,
 * unless there is a profile, or an alpha that is 255 in every pixel.
 *   metadata  to embed, or NULL
 *   ret       a whole file; free()
 * Returns 0, or -1 with `fault` filled. */
int png_encode(const struct pixels *pixels, const struct metadata *metadata, uint8_t **ret,
               size_t *ret_size, struct image_fault *fault);

/* True when libpng embeds this profile, 1 byte or more: it is stricter than lcms, and what it does
 * not like is left out of the file. Any process. */
bool png_takes_profile(bool grey, const uint8_t *icc, size_t size);

#endif
