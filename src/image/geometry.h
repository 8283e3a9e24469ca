/* Arithmetic of sizes, without a pixel in sight.
 *
 * Everything starts from the original, upright dimensions: a size that was computed from the
 * rounded dimensions of a reduced decode is off by one in every tenth picture. */
#ifndef IMAGE_GEOMETRY_H
#define IMAGE_GEOMETRY_H

#include "image/spec.h"

/* The size that fits `box` and keeps the aspect ratio of width x height; never enlarges, never
 * below 1. A picture that fits already keeps its size.
 * Source: Pillow, Image.thumbnail: of the two whole numbers around the ideal side the one whose
 * ratio is nearer to the original's, the smaller on a tie, in double precision. */
void geometry_fit(int width, int height, struct image_box box, int *ret_width, int *ret_height);

/* The way from a picture to its largest result in three steps: what the decoder divides by, what
 * the boxes behind it divide by, and what resampling does with the rest. */
struct geometry_reduction {
    int shrink;              /* by the decoder, both axes: 1, 2, 4 or 8 */
    int factor_x, factor_y;  /* by boxes, of the shrunk picture's pixels */
    double sigma_x, sigma_y; /* of the blur that is left to do, in reduced pixels; 0 is none */
    double width, height;    /* of the original in reduced pixels; not whole */
};

/* Plans the reduction of width x height pixels to target_width x target_height, none larger.
 *   shrinks   the sum of those that the decoder offers, 1 among them
 *   sigma_px  of the blur that was asked for, in pixels of the original
 * The shrink is the largest that leaves the target's size; the boxes make it up to Pillow's
 * reducing gap of 2, half the whole ratio. What boxes blur by counts towards the blur. */
struct geometry_reduction geometry_reduction(int width, int height, int target_width,
                                             int target_height, unsigned shrinks, double sigma_px);

#endif
