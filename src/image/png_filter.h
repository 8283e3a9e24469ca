/* The filters of PNG, undone: each byte of a row was stored as its difference to what its
 * neighbours let expect. */
#ifndef IMAGE_PNG_FILTER_H
#define IMAGE_PNG_FILTER_H

#include <stdbool.h>
#include <stdint.h>

/* The byte before a row; another is damage. */
enum png_filter {
    PNG_FILTER_UNDO_NONE,    /* the bytes themselves */
    PNG_FILTER_UNDO_SUB,     /* less the byte to the left */
    PNG_FILTER_UNDO_UP,      /* less the byte above */
    PNG_FILTER_UNDO_AVERAGE, /* less the mean of both, rounded down */
    PNG_FILTER_UNDO_PAETH,   /* less that of left, above, and above left that is next to their
                                left + above - above left */
    PNG_FILTER_UNDO_COUNT,
};

/* Undoes the filter of one row.
 *   raw    the row as stored, without its first byte: width x step bytes, of which 7 more may be
 *          read; not changed
 *   step   bytes of a pixel: 1, 2, 3, 4, 6 or 8
 *   line   the row above, zeros above the first one, and the row afterwards: width x step bytes,
 *          but width x 4 with a step of 3, when every fourth is 255; of which 7 more may be read
 *   width  pixels, 1 or more; of depths below 8: bytes, with a step of 1 */
void png_filter_undo(enum png_filter filter, const uint8_t *raw, int step, uint8_t *line,
                     int width);

/* True when two rows of this one filter can be undone together, in little more time than one. */
bool png_filter_takes_two(enum png_filter filter, int step, int width);

/* Undoes the filter of two rows, one below the other, where png_filter_takes_two().
 *   raw, lower  both as stored, without their first bytes
 *   line        the row above, and the upper one afterwards
 *   next        the lower one afterwards; has the size of `line` */
void png_filter_undo_two(enum png_filter filter, const uint8_t *raw, const uint8_t *lower, int step,
                         uint8_t *line, uint8_t *next, int width);

#endif
