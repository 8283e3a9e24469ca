/* Arithmetic of sizes, without a pixel in sight.
 *
 * Everything starts from the original, upright dimensions: a size that was computed from the
 * rounded dimensions of a reduced decode is off by one in every tenth picture. */
#ifndef IMAGE_GEOMETRY_H
#define IMAGE_GEOMETRY_H

#include "image/pixels.h"
#include "image/spec.h"

/* How a box is met: which part of the picture is shown, how large, and where in the result. */
struct geometry_result {
    int width, height;           /* of the result, pixels, upright; never below 1 */
    struct pixels_box part;      /* of the upright original; all of it but for IMAGE_COVER */
    int part_width, part_height; /* of that part in the result; less than all with a border */
    int left, top;               /* of that part in the result; 0 without a border */
};

/* What `spec`, of which only fit, gravity and upscale count, makes of a picture of width x height
 * pixels, upright, and one box.
 *   IMAGE_INSIDE   Pillow's rule (Image.thumbnail): of the two whole numbers around the ideal side
 *                  the one whose ratio is nearer to the original's, the smaller on a tie, in double
 *                  precision. A picture that fits keeps its size; with upscale it grows by the same
 *                  rule.
 *   IMAGE_FILL     the box. Without upscale no side is longer than the picture's.
 *   IMAGE_COVER    the same size, and of the picture the largest part of its shape: one side of the
 *                  part is the picture's own, and gravity places the other. The part need not be
 *                  whole pixels: it is sampled as it is, so that nothing is scaled to be cropped.
 *                  (sharp's withoutEnlargement gives the same size.)
 *   IMAGE_CONTAIN  the box, always; in it, placed by gravity, what IMAGE_INSIDE gives. What is odd
 *                  of a border in the middle goes right and below.
 * A box with an open side is met as by IMAGE_INSIDE. Sides may come out above IMAGE_SIDE_MAX, up to
 * 10^9, where upscale meets an open side. */
struct geometry_result geometry_result(int width, int height, struct image_box box,
                                       const struct image_spec *spec);

/* The way from a picture to its largest result in three steps: what the decoder divides by, what
 * the boxes behind it divide by, and what resampling does with the rest. */
struct geometry_reduction {
    int shrink;              /* by the decoder, both axes: 1, 2, 4 or 8 */
    int factor_x, factor_y;  /* by boxes, of the shrunk picture's pixels */
    double sigma_x, sigma_y; /* of the blur that is left to do, in reduced pixels; 0 is none */
    double rest_x, rest_y;   /* variance that resizing adds, in reduced pixels; see below */
    double step_x, step_y;   /* pixels of the original to one reduced pixel */
};

/* Plans the reduction of a picture.
 *   ratio_x   pixels of the original to one of the result, at the largest scale that is needed;
 *             below 1 where it is enlarged, which needs all of them; ratio_y likewise
 *   shrinks   the sum of those that the decoder offers, 1 among them
 *   sigma_px  of the blur that was asked for, in pixels of the original
 * The shrink is the largest that leaves the target's size, or half of it where a blur of 3.75
 * shrunk pixels and more leaves nothing to be seen in between. Pillow's boxes are half the whole
 * ratio long: boxes here go up to a third of that, and resizing samples Pillow's own from them.
 * What boxes blur by counts towards the blur; what is left of a blur and too small to be worth a
 * pass of its own is left to resizing; a negative rest is none at all. */
struct geometry_reduction geometry_reduction(double ratio_x, double ratio_y, unsigned shrinks,
                                             double sigma_px);

/* The same for Lanczos-3, which wants more pixels to sample: the decoder leaves at least two of
 * them to one of the result, and boxes at least three. A negative rest is what both blurred too
 * much, above -1 / 12. */
struct geometry_reduction geometry_reduction_lanczos3(double ratio_x, double ratio_y,
                                                      unsigned shrinks, double sigma_px);

#endif
