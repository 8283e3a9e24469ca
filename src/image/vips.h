/* What the libvips module exports: one struct, found by its name with dlsym(). */
#ifndef IMAGE_VIPS_H
#define IMAGE_VIPS_H

#include <stddef.h>
#include <stdint.h>

#include "image/codec.h"
#include "image/metadata.h"

#define VIPS_MODULE_SYMBOL "thumbpool_vips_module"
#define VIPS_MODULE_EXPORT __attribute__((visibility("default")))

/* Raised with every change of this struct or of one that its functions take. */
enum { VIPS_MODULE_VERSION = 4 };

struct vips_module {
    int version; /* VIPS_MODULE_VERSION, first for ever */

    /* Starts libvips in this process, with its plug-ins and untrusted formats or without. Returns 0
     * or -1. May be called again, to no effect. */
    int (*start)(bool untrusted);

    /* WebP, GIF, TIFF, and HEIF and AVIF where libvips has a loader for them; if it was started so,
     * SVG, PDF and whatever else it has a loader for, but those only where the spec allows it. */
    const struct codec *codec;

    /* Encodes as spec->format, WebP or AVIF, at spec->quality; else as png_encode(), but that
     * `metadata` is not NULL. AVIF with any has Exif by libvips as well. */
    int (*encode)(const struct pixels *pixels, const struct image_spec *spec,
                  const struct metadata *metadata, uint8_t **ret, size_t *ret_size,
                  struct image_fault *fault);
};

#endif
