/* Sizes, and the blur that follows from them. */
#include "image/geometry.h"

#include <math.h>

#include "image/reduce.h"

/* Of floor(ideal) and ceil(ideal), at least 1, the side whose picture is nearer to `aspect`;
 * `other` is its fixed side, `upright` says whether that is the height. */
static int side_near(double ideal, int other, double aspect, int upright)
{
    double down = floor(ideal), up = ceil(ideal);
    double off_down = upright ? fabs(aspect - down / other) : fabs(aspect - other / down);
    double off_up = upright ? fabs(aspect - up / other) : fabs(aspect - other / up);

    if (!upright && down == 0) /* Pillow takes 0 for a perfect fit here, and 1 for 0 */
        return 1;
    int side = (int)(off_up < off_down ? up : down);
    return side < 1 ? 1 : side;
}

void geometry_fit(int width, int height, struct image_box box, int *ret_width, int *ret_height)
{
    int open_width = box.width == 0, open_height = box.height == 0;
    double aspect = (double)width / height;

    if ((open_width || box.width >= width) && (open_height || box.height >= height)) {
        *ret_width = width;
        *ret_height = height;
    } else if (open_width || (!open_height && (double)box.width / box.height >= aspect)) {
        *ret_height = box.height;
        *ret_width = side_near(box.height * aspect, box.height, aspect, 1);
    } else {
        *ret_width = box.width;
        *ret_height = side_near(box.width / aspect, box.width, aspect, 0);
    }
}

/* The number of shrunk pixels that one box takes up along an axis: Pillow's total factor is half
 * the ratio, rounded down; as much of it as the shrink has left, but no more than the ratio. */
static int box_factor(double ratio, int shrink)
{
    double total = fmax(1, floor(ratio / 2));
    double factor = fmin(fmax(1, round(total / shrink)), fmax(1, floor(ratio / shrink)));

    return (int)fmin(factor, REDUCE_FACTOR_MAX);
}

/* The standard deviation, in reduced pixels, of the blur that is left after an axis was reduced by
 * `reduced` where Pillow reduces by half the ratio behind the blur. Variances add, and that of a
 * box of n pixels is (n^2 - 1) / 12. A blur below a fifth of a pixel of the result cannot be
 * seen, and boxes may have blurred by more than was asked for already: 0. */
static double blur_left(double sigma_px, double ratio, double reduced)
{
    double total = fmax(1, floor(ratio / 2));
    double variance = sigma_px * sigma_px + (total * total - reduced * reduced) / 12;

    if (sigma_px <= 0 || variance <= ratio * ratio * 0.04)
        return 0;
    return sqrt(variance) / reduced;
}

struct geometry_reduction geometry_reduction(int width, int height, int target_width,
                                             int target_height, unsigned shrinks, double sigma_px)
{
    double ratio_x = (double)width / target_width, ratio_y = (double)height / target_height;
    struct geometry_reduction r = {.shrink = 1};

    for (int shrink = 2; shrink <= 8; shrink *= 2)
        if ((shrinks & (unsigned)shrink) && shrink <= ratio_x && shrink <= ratio_y)
            r.shrink = shrink;
    r.factor_x = box_factor(ratio_x, r.shrink);
    r.factor_y = box_factor(ratio_y, r.shrink);
    r.sigma_x = blur_left(sigma_px, ratio_x, (double)r.shrink * r.factor_x);
    r.sigma_y = blur_left(sigma_px, ratio_y, (double)r.shrink * r.factor_y);
    r.width = (double)width / (r.shrink * r.factor_x);
    r.height = (double)height / (r.shrink * r.factor_y);
    return r;
}
