/* What a file is, by its first bytes and never by its name. */
#ifndef IMAGE_KIND_H
#define IMAGE_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum image_kind {
    IMAGE_KIND_UNKNOWN = 0,
    IMAGE_KIND_JPEG,
    IMAGE_KIND_PNG,
    IMAGE_KIND_WEBP,
    IMAGE_KIND_GIF,
    IMAGE_KIND_TIFF,
    IMAGE_KIND_HEIF,
    IMAGE_KIND_AVIF,
    IMAGE_KIND_SVG, /* by a guess: XML, or gzip, may hold anything */
    IMAGE_KIND_PDF,
    IMAGE_KIND_OTHER, /* that libvips may know: JPEG XL, JPEG 2000, PPM, EXR, BMP, … */
    IMAGE_KIND_COUNT,
};

enum { IMAGE_KIND_HEAD_BYTES = 32 }; /* what image_kind_sniff() wants to see */

/* The kind of the file that starts with head[0..size). size may be less than
 * IMAGE_KIND_HEAD_BYTES when the file is shorter. */
enum image_kind image_kind_sniff(const uint8_t *head, size_t size);

/* True for kinds whose readers were not made for files of strangers, as libvips sees it: they are
 * read only when the user asks for it. */
bool image_kind_is_untrusted(enum image_kind kind);

/* "jpeg", "png", …; "unknown" for IMAGE_KIND_UNKNOWN and anything out of range. */
const char *image_kind_name(enum image_kind kind);

/* Reads width and height, pixels, from the header of a whole encoded picture in memory. Meant for
 * checking bytes that came from an untrusted worker, so it allocates nothing and believes nothing.
 * JPEG, PNG, WebP; for the others it returns -1, as it does for a header that is not one. */
int image_kind_size(enum image_kind kind, const uint8_t *bytes, size_t size, int *ret_width,
                    int *ret_height);

#endif
