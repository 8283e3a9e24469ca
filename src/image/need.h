/* What a picture takes of memory, before any of it is taken: the sum of what the stages behind a
 * decoder allocate, rather more than less. What the decoder allocates it says itself (codec.h). */
#ifndef IMAGE_NEED_H
#define IMAGE_NEED_H

#include <stdint.h>

#include "image/codec.h"
#include "image/geometry.h"
#include "image/spec.h"

/* The way that is planned; all borrowed. */
struct need {
    const struct image_spec *spec;
    const struct codec_header *header;
    const struct geometry_reduction *plan;
    const struct geometry_result *views; /* as many as the spec has boxes */
    int orientation;                     /* that results are turned by, 1..8 */
};

/* Bytes beside the decoder's. */
int64_t need_of_stages(const struct need *need);

#endif
