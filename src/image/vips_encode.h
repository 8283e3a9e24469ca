/* The libvips module's encoder: a part of the module, and of nothing else. */
#ifndef IMAGE_VIPS_ENCODE_H
#define IMAGE_VIPS_ENCODE_H

#include "image/fault.h"
#include "image/metadata.h"
#include "image/pixels.h"
#include "image/spec.h"

/* As `encode` of struct vips_module. */
int vips_encode(const struct pixels *pixels, const struct image_spec *spec,
                const struct metadata *metadata, uint8_t **ret, size_t *ret_size,
                struct image_fault *fault);

#endif
