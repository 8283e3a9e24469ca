/* One picture in, its thumbnails out. No processes, no paths: an open input, and buffers. */
#ifndef IMAGE_THUMBNAIL_H
#define IMAGE_THUMBNAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/fault.h"
#include "image/kind.h"
#include "image/spec.h"

struct image_module; /* libvips, image/module.h; NULL where it is not loaded */

/* The picture to read. The descriptor is borrowed; it is read with pread() only, so its file
 * offset neither matters nor moves. */
struct image_input {
    int fd;               /* a regular file, open for reading */
    int64_t size_bytes;   /* of the file */
    enum image_kind kind; /* by its first bytes */
    bool watch;           /* tell the fingerprint of what is read */
};

/* What was read of a file: all that the outcome depends on, beside the spec and the file's size. */
struct image_fingerprint {
    int64_t reach; /* bytes from its start; 0: it is not known */
    uint64_t hash; /* of those, XXH3 of 64 bits */
};

/* One finished thumbnail. */
struct image_thumb {
    uint8_t *bytes;    /* a whole encoded file; owned by the result */
    size_t size_bytes; /* of it */
    int width, height; /* pixels, upright */
};

/* Where the time went, milliseconds of wall clock. */
struct image_times {
    double read;   /* waiting for the input's bytes */
    double decode; /* decoding, reading apart, with any reduction on the fly */
    double blur;
    double resize; /* with colour conversion and orientation */
    double encode;
};

struct image_result {
    int width, height; /* of the original, pixels, orientation applied */
    int shrink;        /* what the decoder itself reduced by: 1, 2, 4 or 8 */
    int thumb_count;   /* as many as the spec has boxes */
    struct image_thumb thumbs[IMAGE_SIZES_MAX];
    struct image_times ms;
    struct image_fault damage; /* what is missing or wrong; its code is IMAGE_OK when nothing is */
    struct image_fingerprint
        fingerprint; /* of an input that was watched; of one that failed, too */
};

/* Makes the thumbnails of `input` that `spec` asks for, from one decode.
 *   input   borrowed
 *   module  libvips, started in this process; NULL refuses what needs it: every input but JPEG
 *           and PNG, every output but JPEG and PNG
 *   ret     filled on success; free with image_result_done(). On failure only its fingerprint is
 *           filled, and there is nothing to free
 *   fault   filled on failure
 * A damaged picture fails, unless the spec says otherwise and its header can be read: then it is
 * made of what the decoder gives, the rest being grey, black or transparent. One that would take
 * more memory than the spec allows fails with IMAGE_MEMORY, and what it would take.
 * Blocks for as long as it takes. Any process and any thread, as long as `module` is not shared by
 * two threads at once. Returns 0, or -1 with `fault` filled. */
int image_thumbnail(const struct image_input *input, const struct image_spec *spec,
                    const struct image_module *module, struct image_result *ret,
                    struct image_fault *fault);

/* True when the file begins with the bytes that a fingerprint was taken of. Reads as many. */
bool image_fingerprint_fits(const struct image_input *input,
                            const struct image_fingerprint *fingerprint);

/* Frees what a result holds; takes a zeroed or half-built one. */
void image_result_done(struct image_result *result);

/* Refuses a kind that the spec does not allow to be read, with a sentence that names the option.
 * Returns 0, or -1 with `fault` filled. */
int image_check_trust(enum image_kind kind, const struct image_spec *spec,
                      struct image_fault *fault);

/* True when making `format` from a picture of kind `input` needs the libvips module. */
int image_needs_module(enum image_kind input, enum image_kind format);

#endif
