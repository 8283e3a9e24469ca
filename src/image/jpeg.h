/* JPEG, straight through libjpeg-turbo. */
#ifndef IMAGE_JPEG_H
#define IMAGE_JPEG_H

#include <stddef.h>
#include <stdint.h>

#include "image/codec.h"
#include "image/metadata.h"

/* Baseline, progressive and arithmetic; grey stays grey, YCbCr and RGB come as RGB, CMYK and YCCK
 * as CMYK. Shrinks by 1, 2, 4 and 8, each exactly a box of that size but for rounding. */
extern const struct codec jpeg_codec;

/* Encodes grey or RGB (a fourth channel is ignored).
 *   spec      gives quality, chroma and whether it is progressive
 *   metadata  to embed, or NULL. Exif that does not fit its segment of 65533 bytes is left out
 *   ret       a whole file; free()
 * Returns 0, or -1 with `fault` filled. */
int jpeg_encode(const struct pixels *pixels, const struct image_spec *spec,
                const struct metadata *metadata, uint8_t **ret, size_t *ret_size,
                struct image_fault *fault);

#endif
