/* The components of a shrunk JPEG, a row of MCUs of each, and the way from there to rows of
 * pixels. Whoever decodes fills the planes' rows from top to bottom and has them written. */
#ifndef IMAGE_JPEG_PLANES_H
#define IMAGE_JPEG_PLANES_H

#include <stdbool.h>
#include <stdio.h> /* jpeglib.h wants FILE and size_t */

#include <jpeglib.h>

#include "image/jpeg_block.h"
#include "image/reduce.h"

enum { JPEG_PLANES_MAX = 3 };

struct jpeg_plane {
    int across, down;            /* blocks of an MCU */
    int scale;                   /* samples along either side of a block: 1, 2 or 4 */
    int16_t quanta[BLOCK_TERMS]; /* what a block's terms are multiplied by, in a file's order */
    size_t width;                /* samples of a row */
    size_t stride;               /* from row to row: BLOCK_LANES blocks more */
    uint8_t *rows;               /* down x scale of them; in the planes' samples */
};

struct jpeg_planes {
    struct jpeg_plane planes[JPEG_PLANES_MAX];
    int count;
    int mcus, mcu_rows; /* across and down the picture */
    J_COLOR_SPACE space;
    uint8_t *samples; /* of all rows; owned */
    int16_t *shifts;  /* six rows: what chroma adds to red, green and blue, and that before it
                        is repeated; owned */
};

/* True when the components are ones that planes are made of: grey, or three of which the second and
 * third are whole parts of the first, with a quantisation table each, and no block gives more than
 * scale_max x scale_max samples. `coarse` is that what libjpeg knows of chroma beyond the scale of
 * luma would not show. */
bool jpeg_planes_apply(const struct jpeg_decompress_struct *cinfo, bool coarse, int scale_max);

/* Prepares for the picture, with the header read, shrinking asked for, and
 * jpeg_planes_apply(). A grey picture's MCUs are single blocks. Free with jpeg_planes_done(), also
 * after a failure. Returns false when there is no memory. */
bool jpeg_planes_init(struct jpeg_planes *planes, const struct jpeg_decompress_struct *cinfo,
                      bool coarse);
void jpeg_planes_done(struct jpeg_planes *planes);

/* Hands the row of MCUs to the sink, grey or RGB as its channels say; rows that it has no room for
 * are padding. */
void jpeg_planes_write(struct jpeg_planes *planes, struct reduce *sink);

#endif
