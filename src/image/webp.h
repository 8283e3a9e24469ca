/* The container of a WebP file. */
#ifndef IMAGE_WEBP_H
#define IMAGE_WEBP_H

#include <stdbool.h>

#include "image/buffer.h"
#include "image/metadata.h"

/* What a container says of its picture. */
struct webp_canvas {
    int width, height; /* pixels, 1..16384 */
    bool alpha;
};

/* Writes a file of the picture that `file` holds, with `metadata` and no other: libvips adds Exif
 * of its own, and writes a given one anew.
 *   file  a whole WebP of one picture, as an encoder made it
 *   ret   empty; buffer_done() it, failed or not
 * Returns 0, -EINVAL (not such a file) or -ENOMEM. Source: RFC 9649. */
int webp_wrap(const uint8_t *file, size_t size, struct webp_canvas canvas,
              const struct metadata *metadata, struct buffer *ret);

#endif
