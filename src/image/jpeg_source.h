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
    int64_t keeps_bytes;         /* of the file from here on, in which libjpeg may keep markers */
    bool ended;                  /* libjpeg wanted more than there is and was given an end marker */
};

/* Makes `input` read from `source`: cinfo->src = its result. */
struct jpeg_source_mgr *jpeg_source_init(struct jpeg_source *input, struct source *source);

/* Takes the next byte from whatever source manager there is, which must not run out: ours hands out
 * an end marker at the end of the file. */
static inline int jpeg_source_byte(struct jpeg_decompress_struct *cinfo)
{
    if (cinfo->src->bytes_in_buffer == 0)
        cinfo->src->fill_input_buffer(cinfo);
    cinfo->src->bytes_in_buffer--;
    return *cinfo->src->next_input_byte++;
}

#endif
