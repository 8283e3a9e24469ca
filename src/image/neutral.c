/* Gaussian and Lanczos-3 in single precision.
 *
 * Both are sums of weighted samples, so along an axis they are one: each pixel of the result is
 * Lanczos-3 over Gaussians, and these weights (struct axis) are found first, in double precision.
 * That is many weights where the Gaussian is wide. A wide one is split into two, of half the
 * variance each: the first gives samples at the nodes of a coarse grid, and the second, together
 * with Lanczos-3, is taken over those. With COARSE nodes to the deviation of the whole this is the
 * same Gaussian to six digits, as its tails are, whatever the deviation.
 *
 * A picture goes through twice, once along each axis, in strips: as many lines side by side as make
 * LANES samples, in floats, so that the inner loops are vector code. */
#include "image/neutral.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/curve.h"

#define SPLIT_SIGMA 8.0 /* pixels, from which a Gaussian is split */
#define COARSE      2.0 /* nodes of the grid to a deviation */

enum {
    TAILS = 5, /* deviations, after which a Gaussian ends */
    LANES = 64 /* samples of a strip, side by side */
};

/* ---- weights ---- */

/* Where samples are, along one axis, in pixels of the source; its first pixel is at 0. */
struct nodes {
    double first; /* where the first is */
    double step;  /* from one to the next */
    int count;
};

/* A Gaussian over nodes. Beside them the first and the last are repeated. */
struct bell {
    struct nodes nodes;
    double sigma;  /* deviation, in nodes; 0: nothing but the nearest node */
    int reach;     /* nodes on either side */
    double *shape; /* room for one Gaussian */
};

/* One axis: which samples make up each of the result, and how much of each. */
struct axis {
    int count;      /* samples of the result */
    int taps;       /* room for each of them */
    int *first;     /* of the nodes, for each */
    int *used;      /* nodes, for each */
    float *weights; /* taps for each */
    double *exact;  /* those of one, while they are found */
};

static int bell_init(struct bell *bell, struct nodes nodes, double sigma_px)
{
    double sigma = sigma_px / nodes.step;

    *bell = (struct bell){.nodes = nodes, .sigma = sigma};
    bell->reach = sigma > 0 ? (int)(TAILS * sigma) + 1 : 0;
    bell->shape = calloc(2 * (size_t)bell->reach + 1, sizeof *bell->shape);
    return bell->shape ? 0 : -ENOMEM;
}

static double bell_node(const struct bell *bell, double at)
{
    return (at - bell->nodes.first) / bell->nodes.step;
}

/* The node `offset` after the one nearest to `at`, or the last one there is on that side. */
static int bell_clamp(const struct bell *bell, double at, int offset)
{
    double node = floor(bell_node(bell, at) + 0.5) + offset;

    return (int)fmax(0, fmin(bell->nodes.count - 1, node));
}

/* Adds `share` of the Gaussian around `at` to weights[], which begin with node `first`. */
static void bell_add(const struct bell *bell, double at, double share, int first, double *weights)
{
    double off = floor(bell_node(bell, at) + 0.5) - bell_node(bell, at), sum = 0;

    for (int i = -bell->reach; i <= bell->reach; i++) {
        double x = bell->sigma > 0 ? (i + off) / bell->sigma : 0;
        sum += bell->shape[i + bell->reach] = exp(-x * x / 2);
    }
    for (int i = -bell->reach; i <= bell->reach; i++)
        weights[bell_clamp(bell, at, i) - first] += bell->shape[i + bell->reach] * share / sum;
}

static void axis_done(struct axis *axis)
{
    free(axis->first);
    free(axis->used);
    free(axis->weights);
    free(axis->exact);
    memset(axis, 0, sizeof *axis);
}

/* Room for `count` samples of the result, each from as many neighbouring pixels, blurred, as
 * `pixels` says. */
static int axis_init(struct axis *axis, int count, int pixels, const struct bell *bell)
{
    double taps = ceil((pixels - 1) / bell->nodes.step) + 2.0 * bell->reach + 2;

    *axis = (struct axis){.count = count, .taps = (int)fmin(bell->nodes.count, taps)};
    axis->first = calloc((size_t)count, sizeof *axis->first);
    axis->used = calloc((size_t)count, sizeof *axis->used);
    axis->weights = calloc((size_t)count, (size_t)axis->taps * sizeof *axis->weights);
    axis->exact = calloc((size_t)axis->taps, sizeof *axis->exact);
    if (axis->first && axis->used && axis->weights && axis->exact)
        return 0;
    axis_done(axis);
    return -ENOMEM;
}

/* Sample `i` of the result is so much of each of the `count` blurred pixels at `at` and after. */
static void axis_set(struct axis *axis, int i, const struct bell *bell, double at,
                     const double *shares, int count)
{
    int first = bell_clamp(bell, at, -bell->reach);
    float *weights = axis->weights + (size_t)i * (size_t)axis->taps;

    axis->first[i] = first;
    axis->used[i] = bell_clamp(bell, at + count - 1, bell->reach) - first + 1;
    memset(axis->exact, 0, (size_t)axis->taps * sizeof *axis->exact);
    for (int p = 0; p < count; p++)
        bell_add(bell, at + p, shares[p], first, axis->exact);
    for (int t = 0; t < axis->used[i]; t++)
        weights[t] = (float)axis->exact[t];
}

/* The blurred picture at the nodes of a grid. */
static int axis_init_grid(struct axis *axis, const struct bell *bell, struct nodes grid)
{
    const double whole = 1;
    int rc = axis_init(axis, grid.count, 1, bell);

    for (int i = 0; !rc && i < grid.count; i++)
        axis_set(axis, i, bell, grid.first + i * grid.step, &whole, 1);
    return rc;
}

/* Lanczos-3 around `middle` over the pixels first..end-1; it adds up to 1. */
static void find_shares(double middle, double wide, int first, int end, double *shares)
{
    double sum = 0;

    for (int x = first; x < end; x++)
        sum += shares[x - first] = curve_lanczos3((x + 0.5 - middle) / wide);
    for (int x = first; x < end; x++)
        shares[x - first] /= sum;
}

/* `target` samples of `length` pixels from `start` on, of a picture of `source` blurred pixels. */
static int axis_init_lanczos3(struct axis *axis, const struct bell *bell, int source, double start,
                              double length, int target)
{
    double scale = length / target, wide = fmax(1, scale), support = CURVE_LANCZOS3 * wide;
    int pixels = (int)fmin(source, ceil(2 * support) + 1);
    double *shares = calloc((size_t)pixels, sizeof *shares);
    int rc = shares ? axis_init(axis, target, pixels, bell) : -ENOMEM;

    for (int i = 0; !rc && i < target; i++) {
        double middle = start + (i + 0.5) * scale;
        int first = (int)fmax(0, floor(middle - support + 0.5));
        int end = (int)fmin(source, floor(middle + support + 0.5));
        find_shares(middle, wide, first, end, shares);
        axis_set(axis, i, bell, first, shares, end - first);
    }
    free(shares);
    return rc;
}

/* ---- the way along one axis ---- */

/* What is done along one axis. */
struct filter {
    struct axis grid;   /* from pixels to nodes; of no samples where the Gaussian is narrow */
    struct axis resize; /* from there to the result */
};

static void filter_done(struct filter *filter)
{
    axis_done(&filter->grid);
    axis_done(&filter->resize);
}

/* The grid goes on beside the picture as far as its own Gaussian reaches. */
static struct nodes grid_of(int source, double sigma_px)
{
    double step = sigma_px / COARSE;
    int beside = (int)ceil(TAILS * COARSE / sqrt(2)) + 1;

    return (struct nodes){.first = -beside * step,
                          .step = step,
                          .count = (int)ceil((source - 1) / step) + 2 * beside + 1};
}

static int filter_init_grid(struct filter *filter, struct nodes pixels, double sigma_px,
                            struct nodes grid)
{
    struct bell bell;
    int rc = bell_init(&bell, pixels, sigma_px);

    rc = rc ? rc : axis_init_grid(&filter->grid, &bell, grid);
    free(bell.shape);
    return rc;
}

static int filter_init(struct filter *filter, int source, double start, double length, int target,
                       double sigma_px)
{
    struct nodes nodes = {.step = 1, .count = source}, pixels = nodes;
    struct bell bell = {0};
    int rc = 0;

    memset(filter, 0, sizeof *filter);
    if (sigma_px >= SPLIT_SIGMA) {
        nodes = grid_of(source, sigma_px);
        sigma_px /= sqrt(2);
        rc = filter_init_grid(filter, pixels, sigma_px, nodes);
    }
    rc = rc ? rc : bell_init(&bell, nodes, sigma_px);
    rc = rc ? rc : axis_init_lanczos3(&filter->resize, &bell, source, start, length, target);
    free(bell.shape);
    if (rc)
        filter_done(filter);
    return rc;
}

/* ---- strips ---- */

/* A picture as a filter goes through it: lines, side by side. It is of bytes or of floats. */
struct view {
    uint8_t *bytes; /* the first pixel, or NULL */
    float *floats;  /* the same */
    int lines;
    int length;       /* of a line, pixels */
    ptrdiff_t along;  /* samples from a pixel to the next of its line */
    ptrdiff_t across; /* and to its neighbour in the next line */
    int channels;
    bool alpha; /* colours are premultiplied in floats, and not in bytes */
};

/* Lines of a view while they are filtered. All arrays have `lanes` samples for each pixel's place
 * in a line. */
struct strip {
    int lines; /* of the view, at most */
    int lanes; /* a sample each */
    float *in;
    float *grid; /* if the filter has one */
    float *sum;  /* one place of the result */
};

static void strip_done(struct strip *strip)
{
    free(strip->in);
    free(strip->grid);
    free(strip->sum);
}

static int strip_init(struct strip *strip, const struct view *view, const struct filter *filter)
{
    int lines = LANES / view->channels;

    *strip = (struct strip){.lines = lines < view->lines ? lines : view->lines};
    strip->lanes = strip->lines * view->channels;
    size_t place = (size_t)strip->lanes * sizeof(float);
    strip->in = calloc((size_t)view->length, place);
    strip->grid = calloc((size_t)filter->grid.count + 1, place);
    strip->sum = calloc(1, place);
    return strip->in && strip->grid && strip->sum ? 0 : -ENOMEM;
}

static void load_pixel(const uint8_t *from, int channels, bool alpha, float *to)
{
    float share = alpha ? (float)from[3] / 255 : 1;

    for (int c = 0; c < channels; c++)
        to[c] = c < 3 ? (float)from[c] * share : (float)from[c];
}

/* Takes the lines from `line` on, `count` of them. */
static void load(const struct view *in, int line, int count, struct strip *strip)
{
    for (int i = 0; i < in->length; i++) {
        float *to = strip->in + (size_t)i * (size_t)strip->lanes;
        for (int j = line; j < line + count; j++, to += in->channels) {
            ptrdiff_t at = i * in->along + j * in->across;
            if (in->bytes)
                load_pixel(in->bytes + at, in->channels, in->alpha, to);
            else
                memcpy(to, in->floats + at, (size_t)in->channels * sizeof *to);
        }
    }
}

static uint8_t rounded(float sample)
{
    return (uint8_t)(sample <= 0 ? 0 : sample >= 255 ? 255 : sample + 0.5f);
}

/* Colours are divided by the alpha before that is rounded or cut off. */
static void store_pixel(const float *from, int channels, bool alpha, uint8_t *to)
{
    uint8_t opacity = alpha ? rounded(from[3]) : 0;

    for (int c = 0; c < channels; c++)
        to[c] = rounded(!alpha ? from[c] : opacity ? from[c] * 255 / from[3] : 0);
    if (alpha)
        to[3] = opacity;
}

/* Puts place `i` of the result into `count` lines from `line` on. */
static void store(const float *sum, int i, int line, int count, const struct view *out)
{
    for (int j = line; j < line + count; j++, sum += out->channels) {
        ptrdiff_t at = i * out->along + j * out->across;
        if (out->bytes)
            store_pixel(sum, out->channels, out->alpha, out->bytes + at);
        else
            memcpy(out->floats + at, sum, (size_t)out->channels * sizeof *sum);
    }
}

/* The number of lanes is a constant for the compiler wherever this is called with LANES. */
static inline void add(const float *from, const float *weights, int count, int lanes,
                       float *restrict sum)
{
    memset(sum, 0, (size_t)lanes * sizeof *sum);
    for (int t = 0; t < count; t++, from += lanes)
        for (int i = 0; i < lanes; i++)
            sum[i] += from[i] * weights[t];
}

/* One place of the result. */
static void apply(const struct axis *axis, int i, const float *in, int lanes, float *sum)
{
    const float *from = in + (size_t)axis->first[i] * (size_t)lanes;
    const float *weights = axis->weights + (size_t)i * (size_t)axis->taps;

    if (lanes == LANES)
        add(from, weights, axis->used[i], LANES, sum);
    else
        add(from, weights, axis->used[i], lanes, sum);
}

/* Filters the lines of a view. Those of `out` are as many, and as long as the filter makes them. */
static int run(const struct view *in, const struct filter *filter, const struct view *out)
{
    struct strip strip;
    int rc = strip_init(&strip, in, filter);

    for (int line = 0; !rc && line < in->lines; line += strip.lines) {
        int count = in->lines - line < strip.lines ? in->lines - line : strip.lines;
        const float *from = filter->grid.count ? strip.grid : strip.in;
        load(in, line, count, &strip);
        for (int i = 0; i < filter->grid.count; i++)
            apply(&filter->grid, i, strip.in, strip.lanes,
                  strip.grid + (size_t)i * (size_t)strip.lanes);
        for (int i = 0; i < filter->resize.count; i++) {
            apply(&filter->resize, i, from, strip.lanes, strip.sum);
            store(strip.sum, i, line, count, out);
        }
    }
    strip_done(&strip);
    return rc;
}

/* ---- both axes ---- */

/* A picture of bytes or of floats; lines are its columns or its rows. */
static struct view view_of(const struct pixels *shape, float *floats, bool columns)
{
    struct view view = {.bytes = floats ? NULL : shape->data,
                        .floats = floats,
                        .lines = columns ? shape->width : shape->height,
                        .length = columns ? shape->height : shape->width,
                        .channels = shape->channels,
                        .alpha = shape->alpha};
    ptrdiff_t row = (ptrdiff_t)shape->stride;

    view.along = columns ? row : shape->channels;
    view.across = columns ? shape->channels : row;
    return view;
}

/* One axis and then the other, whichever leaves less between them. */
static int run_both(const struct pixels *in, const struct filter *x, const struct filter *y,
                    struct pixels *ret)
{
    bool columns = (int64_t)in->width * ret->height <= (int64_t)ret->width * in->height;
    struct pixels middle = {.width = columns ? in->width : ret->width,
                            .height = columns ? ret->height : in->height,
                            .channels = in->channels,
                            .alpha = in->alpha};

    middle.stride = (size_t)middle.width * (size_t)middle.channels;
    float *floats = calloc((size_t)middle.height, middle.stride * sizeof *floats);
    if (!floats)
        return -ENOMEM;
    struct view from = view_of(in, NULL, columns), half = view_of(&middle, floats, columns);
    int rc = run(&from, columns ? y : x, &half);
    half = view_of(&middle, floats, !columns);
    struct view to = view_of(ret, NULL, !columns);
    rc = rc ? rc : run(&half, columns ? x : y, &to);
    free(floats);
    return rc;
}

int neutral_resize(const struct pixels *in, struct pixels_box box, int width, int height,
                   double sigma_px, struct pixels *ret)
{
    struct filter x = {0}, y = {0};
    int rc = pixels_init(ret, width, height, in->channels);

    ret->alpha = !rc && in->alpha;
    rc = rc ? rc : filter_init(&x, in->width, box.x, box.width, width, sigma_px);
    rc = rc ? rc : filter_init(&y, in->height, box.y, box.height, height, sigma_px);
    rc = rc ? rc : run_both(in, &x, &y, ret);
    filter_done(&x);
    filter_done(&y);
    if (rc)
        pixels_done(ret);
    return rc;
}
