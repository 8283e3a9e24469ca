/* Sizes, and the blur that follows from them. */
#include "image/geometry.h"

#include <math.h>

#include "image/reduce.h"
#include "image/resize.h"

enum { SIDE_LIMIT = 1000000000 /* so that a side enlarged beyond reason is still a number */ };

/* Of floor(ideal) and ceil(ideal), at least 1, the side whose picture is nearer to `aspect`;
 * `other` is its fixed side, `upright` says whether that is the height. */
static int side_near(double ideal, int other, double aspect, int upright)
{
    double down = fmin(SIDE_LIMIT, floor(ideal)), up = fmin(SIDE_LIMIT, ceil(ideal));
    double off_down = upright ? fabs(aspect - down / other) : fabs(aspect - other / down);
    double off_up = upright ? fabs(aspect - up / other) : fabs(aspect - other / up);

    if (!upright && down == 0) /* Pillow takes 0 for a perfect fit here, and 1 for 0 */
        return 1;
    int side = (int)(off_up < off_down ? up : down);
    return side < 1 ? 1 : side;
}

struct size {
    int width, height; /* pixels */
};

/* As large as fits the box. */
static struct size size_inside(int width, int height, struct image_box box, bool upscale)
{
    bool open_width = box.width == 0, open_height = box.height == 0;
    double aspect = (double)width / height;

    if (!upscale && (open_width || box.width >= width) && (open_height || box.height >= height))
        return (struct size){width, height};
    if (open_width || (!open_height && (double)box.width / box.height >= aspect))
        return (struct size){side_near(box.height * aspect, box.height, aspect, 1), box.height};
    return (struct size){box.width, side_near(box.width / aspect, box.width, aspect, 0)};
}

static int side_filled(int box, int side, bool upscale)
{
    return upscale || box < side ? box : side;
}

/* How much of the space that is left lies before what gravity places: none, half or all. */
static double share_before(int third)
{
    return third / 2.0;
}

/* The largest part of the picture that has the shape of the result. */
static struct pixels_box part_covering(int width, int height, const struct geometry_result *result,
                                       enum image_gravity gravity)
{
    double ratio_x = (double)width / result->width, ratio_y = (double)height / result->height;
    struct pixels_box part = {0, 0, width, height};

    if (ratio_x > ratio_y)
        part.width = result->width * ratio_y;
    else
        part.height = result->height * ratio_x;
    part.x = (width - part.width) * share_before(gravity % 3);
    part.y = (height - part.height) * share_before(gravity / 3);
    return part;
}

struct geometry_result geometry_result(int width, int height, struct image_box box,
                                       const struct image_spec *spec)
{
    bool open = box.width == 0 || box.height == 0;
    enum image_fit fit = open ? IMAGE_INSIDE : spec->fit;
    struct size inside = size_inside(width, height, box, spec->upscale);
    struct geometry_result result = {.width = inside.width,
                                     .height = inside.height,
                                     .part = {0, 0, width, height},
                                     .part_width = inside.width,
                                     .part_height = inside.height};

    if (fit == IMAGE_CONTAIN) {
        result.width = box.width;
        result.height = box.height;
        result.left = (int)((box.width - inside.width) * share_before(spec->gravity % 3));
        result.top = (int)((box.height - inside.height) * share_before(spec->gravity / 3));
    } else if (fit != IMAGE_INSIDE) {
        result.part_width = result.width = side_filled(box.width, width, spec->upscale);
        result.part_height = result.height = side_filled(box.height, height, spec->upscale);
    }
    if (fit == IMAGE_COVER)
        result.part = part_covering(width, height, &result, spec->gravity);
    return result;
}

/* The length of Pillow's boxes: half the ratio, rounded down. */
static double pillow_box(double ratio)
{
    return fmax(1, floor(ratio / 2));
}

/* The number of shrunk pixels that one box takes up along an axis: Pillow's own box where it is a
 * whole number of them. Where it is not, so many that two or three of ours make one of Pillow's;
 * but two already where that comes near Pillow's, because a JPEG is decoded faster then. */
static int box_factor(double ratio, int shrink)
{
    double shrunk = pillow_box(ratio) / shrink; /* Pillow's box in shrunk pixels */
    double factor =
        shrunk == floor(shrunk) ? shrunk : fmax(floor(shrunk / 3), fmin(2, round(shrunk)));

    return (int)fmin(fmax(1, factor), REDUCE_FACTOR_MAX);
}

/* The variance, in pixels of the original, of the blur that is left to do after an axis was reduced
 * by `reduced` where Pillow reduces behind the blur. Variances add, and that of a box of n pixels
 * is (n^2 - 1) / 12. Where resizing samples Pillow's boxes itself, only those edges count that fall
 * inside a pixel: each adds n^2 / 12 on average. */
static double variance_left(double sigma_px, double ratio, double reduced)
{
    double box = pillow_box(ratio);

    if (box >= RESIZE_BOX_MIN * reduced)
        return sigma_px * sigma_px - (reduced > 1 ? reduced * reduced / 6 : 0);
    return sigma_px * sigma_px + (box * box - reduced * reduced) / 12;
}

/* A blur below a fifth of a pixel of the result is not worth a pass of its own. */
static bool is_small(double variance, double ratio)
{
    return variance <= ratio * ratio * 0.04;
}

/* Shares out what is left of the blur along an axis. A small one is done in passing, by the
 * resizing; boxes may have blurred by more than was asked for already. */
static void share_blur(double sigma_px, double ratio, double reduced, double *ret_sigma,
                       double *ret_rest)
{
    double variance = sigma_px > 0 ? variance_left(sigma_px, ratio, reduced) : -1;
    bool small = is_small(variance, ratio);

    *ret_sigma = small ? 0 : sqrt(variance) / reduced;
    *ret_rest = variance < 0 ? -1 : small ? variance / (reduced * reduced) : 0;
}

/* What is blurred by so many of its pixels holds nothing that twice as many would show. */
#define BLUR_HIDES 3.75

/* The largest that leaves the target's size, or, behind a strong blur, half of it; but a picture
 * that is hardly reduced comes out as good as it can. */
static int largest_shrink(double ratio_x, double ratio_y, unsigned shrinks, double sigma_px)
{
    double ratio = fmin(ratio_x, ratio_y);
    int largest = 1;

    for (int shrink = 2; shrink <= 8; shrink *= 2) {
        double most = ratio >= 2 && BLUR_HIDES * shrink <= sigma_px ? 2 * ratio : ratio;
        if ((shrinks & (unsigned)shrink) && shrink <= most)
            largest = shrink;
    }
    return largest;
}

struct geometry_reduction geometry_reduction(double ratio_x, double ratio_y, unsigned shrinks,
                                             double sigma_px)
{
    struct geometry_reduction r = {.shrink = largest_shrink(ratio_x, ratio_y, shrinks, sigma_px)};

    r.factor_x = box_factor(ratio_x, r.shrink);
    r.factor_y = box_factor(ratio_y, r.shrink);
    r.step_x = r.shrink * r.factor_x;
    r.step_y = r.shrink * r.factor_y;
    share_blur(sigma_px, ratio_x, r.step_x, &r.sigma_x, &r.rest_x);
    share_blur(sigma_px, ratio_y, r.step_y, &r.sigma_y, &r.rest_y);
    return r;
}

/* Pixels to one of the result that the decoder leaves to Lanczos-3, and that boxes leave, at least.
 * Both were measured against a Gaussian and Lanczos-3 in floating point. With 1 from the decoder
 * cameras' pictures at 256 were at 47 dB, and with 2 they are at 55; 4 from boxes are worth 1 to 2
 * dB, at well above 50, and make a PNG take a third longer. */
enum { LANCZOS_SHRINK_LEAVES = 2, LANCZOS_BOXES_LEAVE = 3 };

static int lanczos_factor(double ratio, int shrink)
{
    return (int)fmin(fmax(1, floor(ratio / shrink / LANCZOS_BOXES_LEAVE)), REDUCE_FACTOR_MAX);
}

/* What the boxes blurred counts in full, and may be more than was asked for. */
static void lanczos_blur(double sigma_px, double ratio, double reduced, double *ret_sigma,
                         double *ret_rest)
{
    double variance = sigma_px * sigma_px - (reduced * reduced - 1) / 12;
    bool small = is_small(variance, ratio);

    *ret_sigma = small ? 0 : sqrt(variance) / reduced;
    *ret_rest = small ? variance / (reduced * reduced) : 0;
}

struct geometry_reduction geometry_reduction_lanczos3(double ratio_x, double ratio_y,
                                                      unsigned shrinks, double sigma_px)
{
    struct geometry_reduction r = {.shrink = largest_shrink(ratio_x / LANCZOS_SHRINK_LEAVES,
                                                            ratio_y / LANCZOS_SHRINK_LEAVES,
                                                            shrinks, sigma_px)};

    r.factor_x = lanczos_factor(ratio_x, r.shrink);
    r.factor_y = lanczos_factor(ratio_y, r.shrink);
    r.step_x = r.shrink * r.factor_x;
    r.step_y = r.shrink * r.factor_y;
    lanczos_blur(sigma_px, ratio_x, r.step_x, &r.sigma_x, &r.rest_x);
    lanczos_blur(sigma_px, ratio_y, r.step_y, &r.sigma_y, &r.rest_y);
    return r;
}
