/* A Gaussian as three boxes in a row. An extended box has whole pixels and, at both ends, a
 * fraction of one more, so that its variance comes out exactly. Narrow ones, together, are one
 * short filter.
 *
 * Source: P. Gwosdek et al., Theoretical Foundations of Gaussian Convolution by Extended Box
 * Filtering, 2011; Pillow, ImageFilter.GaussianBlur. */
#ifndef IMAGE_BOXES_H
#define IMAGE_BOXES_H

#include <stdbool.h>

enum { BOXES = 3 };

struct box {
    int radius;  /* whole pixels on either side of the middle one */
    float whole; /* weight of each of them */
    float ends;  /* weight of the two behind them */
};

/* The extended box of which three in a row have the variance sigma^2. */
struct box box_of(double sigma);

enum {
    NARROW_RADIUS = 1,                          /* of boxes that are one filter together */
    NARROW_REACH = BOXES * (NARROW_RADIUS + 1), /* of it to either side, at most */
    NARROW_TAPS = 2 * NARROW_REACH + 1,
    NARROW_FILTERS = NARROW_TAPS, /* one for each row near an edge, and one for all others */
};

/* A narrow blur along an axis of `rows` rows. */
struct narrow {
    int rows;
    int reach;                                   /* rows to either side */
    double filters[NARROW_FILTERS][NARROW_TAPS]; /* weights of 2 * reach + 1 rows each */
};

/* True when the blur is narrow, and not 0. */
bool narrow_applies(double sigma);

/* Prepares for such a blur. Edges repeat for each of the three boxes anew, so no filter takes
 * anything from beyond an edge. */
void narrow_init(struct narrow *narrow, double sigma, int rows);

/* Which filter is row y's. Its first weight is that of row y - reach. */
static inline int narrow_filter(const struct narrow *narrow, int y)
{
    int behind = narrow->rows - 1 - y;

    if (y < narrow->reach)
        return y;
    return behind < narrow->reach ? 2 * narrow->reach - behind : narrow->reach;
}

#endif
