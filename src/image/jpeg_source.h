/* libjpeg's input from a struct source. */
#ifndef IMAGE_JPEG_SOURCE_H
#define IMAGE_JPEG_SOURCE_H

#include <stdbool.h>
#include <stdio.h> /* jpeglib.h wants FILE and size_t */

#include <jpeglib.h>

#include "image/source.h"

struct jpeg_source {
    struct jpeg_source_mgr base; /* first: libjpeg holds a pointer to it */
    struct source *source;       /* borrowed */
    bool ended;                  /* libjpeg wanted more than there is and was given an end marker */
};

/* Makes `input` read from `source`: cinfo->src = its result. */
struct jpeg_source_mgr *jpeg_source_init(struct jpeg_source *input, struct source *source);

#endif
