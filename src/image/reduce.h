/* Rows in, a picture reduced by whole numbers out: the sink of every decoder.
 *
 * Each pixel of the result is the mean of a box of factor_x x factor_y pixels; the boxes of the
 * last column and the last row hold what is left. Rows are added up as they come, so that a
 * picture is never held at its full size. Alpha is premultiplied on the way in, because a mean of
 * colours that are not would let invisible ones show. Source: Pillow, Image.reduce. */
#ifndef IMAGE_REDUCE_H
#define IMAGE_REDUCE_H

#include <stdbool.h>
#include <stdint.h>

#include "image/pixels.h"

enum { REDUCE_FACTOR_MAX = 256 }; /* so that a column's sum fits 16 bits */

struct reduce {
    struct pixels out; /* the result, filled from the top; owned */
    int width, height; /* of what comes in, pixels */
    int channels;      /* of both: 1 or 4 */
    bool alpha;        /* the fourth channel is alpha */
    int factor_x;      /* columns of a box, 1..REDUCE_FACTOR_MAX */
    int factor_y;      /* rows of a box, likewise */
    int rows;          /* that came in so far */
    uint8_t *row;      /* room for one row to come in; unused when both factors are 1; owned */
    uint16_t *sums;    /* of the columns of the boxes under way; likewise */
};

/* Prepares for width x height pixels. Free with reduce_done(), which also takes a zeroed struct.
 * Returns 0, or as pixels_init(). */
int reduce_init(struct reduce *reduce, int width, int height, int channels, bool alpha,
                int factor_x, int factor_y);
void reduce_done(struct reduce *reduce);

/* Where the decoder writes the next row: width x channels bytes, alpha not premultiplied. After
 * that it calls reduce_commit(). Not more than `height` times. */
uint8_t *reduce_row(struct reduce *reduce);
void reduce_commit(struct reduce *reduce);

#endif
