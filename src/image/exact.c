/* Pillow's arithmetic. Where it computes in single precision, so does this: the last bit of a
 * weight decides about the last bit of a pixel. */
#include "image/exact.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/curve.h"
#include "image/transpose.h"

/* ---- blur ---- */

enum { PASSES = 3, BLUR_BITS = 24 /* of a weight's fraction */ };

/* An extended box: `radius` whole pixels on either side of the middle, and a part of one more. */
struct box {
    int radius;
    uint32_t whole, ends; /* weights */
};

/* The box of which three in a row have the deviation sigma. */
static struct box box_of(float sigma)
{
    float variance = sigma * sigma / PASSES;
    float length = (float)sqrt(12.0 * (double)variance + 1.0);
    float whole = (float)floor(((double)length - 1.0) / 2.0);
    float part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance) /
                 (6 * (variance - (whole + 1) * (whole + 1)));
    float radius = whole + part;
    struct box box = {.radius = (int)radius};

    box.whole = (uint32_t)((float)(1 << BLUR_BITS) / (radius * 2 + 1));
    box.ends = ((1u << BLUR_BITS) - (2 * (uint32_t)box.radius + 1) * box.whole) / 2;
    return box;
}

static inline int clamp(int at, int count)
{
    return at < 0 ? 0 : at < count ? at : count - 1;
}

/* The sum of a channel over the whole pixels of the box around the first pixel of a line. */
static uint32_t first_sum(const uint8_t *line, int count, int channels, int radius)
{
    int inside = radius < count ? radius : count - 1;
    uint32_t sum = line[0] * ((uint32_t)radius + 1);

    for (int x = 1; x <= inside; x++)
        sum += line[(ptrdiff_t)x * channels];
    return sum + line[(ptrdiff_t)(count - 1) * channels] * (uint32_t)(radius - inside);
}

/* One box along one channel of a line. */
static inline void blur_channel(const uint8_t *in, int count, int channels, struct box box,
                                uint8_t *out)
{
    uint32_t sum = first_sum(in, count, channels, box.radius);

    for (int x = 0; x < count; x++) {
        uint32_t before = in[(ptrdiff_t)clamp(x - box.radius - 1, count) * channels];
        uint32_t leaving = in[(ptrdiff_t)clamp(x - box.radius, count) * channels];
        uint32_t after = in[(ptrdiff_t)clamp(x + box.radius + 1, count) * channels];
        uint32_t value = sum * box.whole + (before + after) * box.ends;
        out[(ptrdiff_t)x * channels] = (uint8_t)((value + (1u << (BLUR_BITS - 1))) >> BLUR_BITS);
        sum += after - leaving;
    }
}

/* All boxes along one line, to and fro between it and a line to spare. */
static void blur_line(uint8_t *line, int count, int channels, struct box box, uint8_t *spare)
{
    for (int pass = 0; pass < PASSES; pass++) {
        for (int c = 0; c < channels; c++)
            blur_channel(line + c, count, channels, box, spare + c);
        memcpy(line, spare, (size_t)count * (size_t)channels);
    }
}

/* Columns are turned into lines, as many at a time as a strip holds. */
static void blur_columns(struct pixels *pixels, struct box box, uint8_t *strip, uint8_t *spare)
{
    int strip_columns = STRIP_BYTES / pixels->channels;
    size_t line_bytes = (size_t)pixels->height * (size_t)pixels->channels;

    for (int x = 0; x < pixels->width; x += strip_columns) {
        int columns = pixels->width - x < strip_columns ? pixels->width - x : strip_columns;
        uint8_t *at = pixels->data + (ptrdiff_t)x * pixels->channels;
        transpose(at, pixels->stride, columns, pixels->height, pixels->channels, strip, line_bytes);
        for (int i = 0; i < columns; i++)
            blur_line(strip + (size_t)i * line_bytes, pixels->height, pixels->channels, box, spare);
        transpose(strip, line_bytes, pixels->height, columns, pixels->channels, at, pixels->stride);
    }
}

int exact_blur(struct pixels *pixels, double sigma_px)
{
    int longest = pixels->width > pixels->height ? pixels->width : pixels->height;
    uint8_t *spare = malloc((size_t)longest * (size_t)pixels->channels);
    uint8_t *strip = malloc((size_t)pixels->height * STRIP_BYTES);
    int rc = spare && strip ? 0 : -ENOMEM;

    if (!rc && sigma_px > 0) {
        struct box box = box_of((float)sigma_px);
        for (int y = 0; y < pixels->height; y++)
            blur_line(pixels->data + (size_t)y * pixels->stride, pixels->width, pixels->channels,
                      box, spare);
        blur_columns(pixels, box, strip, spare);
    }
    free(strip);
    free(spare);
    return rc;
}

/* ---- reduction by whole numbers ---- */

enum { GAP = 2 /* what boxes leave of the ratio */ };

/* The mean of `count` samples: by a reciprocal of 24 bits, which is a little small. */
static uint8_t mean(uint64_t sum, uint32_t count)
{
    if (count >= 1u << 24) /* where no bits are left of it */
        return (uint8_t)(sum / count);
    uint32_t reciprocal = (uint32_t)((float)(1u << 24) / (float)count);
    return (uint8_t)((sum + count / 2) * reciprocal >> 24);
}

/* One pixel of the result from the columns x0..x1-1 and the rows y0..y1-1. */
static void reduce_pixel(const struct pixels *in, int x0, int x1, int y0, int y1, uint8_t *to)
{
    uint64_t sum[4] = {0};

    for (int y = y0; y < y1; y++) {
        const uint8_t *from = in->data + (size_t)y * in->stride + (ptrdiff_t)x0 * in->channels;
        for (int x = x0; x < x1; x++, from += in->channels)
            for (int c = 0; c < in->channels; c++)
                sum[c] += from[c];
    }
    for (int c = 0; c < in->channels; c++)
        to[c] = mean(sum[c], (uint32_t)(x1 - x0) * (uint32_t)(y1 - y0));
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Boxes of the last column and the last row hold what is left. */
static int reduce_by(const struct pixels *in, int factor_x, int factor_y, struct pixels *ret)
{
    int rc = pixels_init(ret, (in->width - 1) / factor_x + 1, (in->height - 1) / factor_y + 1,
                         in->channels);

    for (int y = 0; !rc && y < ret->height; y++) {
        int y0 = y * factor_y, y1 = least(y0 + factor_y, in->height);
        uint8_t *to = ret->data + (size_t)y * ret->stride;
        for (int x = 0; x < ret->width; x++, to += in->channels)
            reduce_pixel(in, x * factor_x, least((x + 1) * factor_x, in->width), y0, y1, to);
    }
    return rc;
}

/* ---- the bicubic ---- */

enum { WEIGHT_BITS = 22 /* of fraction */ };

/* Which samples of the source make up each of the result, along one axis. */
struct axis {
    int target;       /* samples of the result */
    int taps;         /* room for each of them */
    int *first;       /* of the source's samples, for each */
    int *count;       /* of them, for each */
    int32_t *weights; /* taps for each */
};

static void axis_done(struct axis *axis)
{
    free(axis->first);
    free(axis->count);
    free(axis->weights);
}

/* Weights that add up to 1, each rounded on its own, halves away from 0. */
static void round_weights(const double *exact, int count, int32_t *ret)
{
    double sum = 0;

    for (int i = 0; i < count; i++)
        sum += exact[i];
    for (int i = 0; i < count; i++) {
        double weight = sum != 0 ? exact[i] / sum : exact[i];
        ret[i] = (int32_t)((weight < 0 ? -0.5 : 0.5) + weight * (1 << WEIGHT_BITS));
    }
}

static void axis_fill(struct axis *axis, int source, float start, float end, double *exact)
{
    double scale = (double)(end - start) / axis->target;
    double wide = scale < 1 ? 1 : scale, support = CURVE_BICUBIC * wide, inverse = 1 / wide;

    for (int i = 0; i < axis->target; i++) {
        double middle = (double)start + (i + 0.5) * scale;
        int first = (int)fmax(0, trunc(middle - support + 0.5));
        int last = (int)fmin(source, trunc(middle + support + 0.5));
        axis->first[i] = first;
        axis->count[i] = last - first;
        for (int j = 0; j < last - first; j++)
            exact[j] = curve_bicubic((j + first - middle + 0.5) * inverse);
        round_weights(exact, last - first, axis->weights + (size_t)i * (size_t)axis->taps);
    }
}

static int axis_init(struct axis *axis, int source, float start, float end, int target)
{
    double scale = fmax(1, (double)(end - start) / target);
    int taps = (int)ceil(CURVE_BICUBIC * scale) * 2 + 1;
    double *exact = calloc((size_t)taps, sizeof *exact);

    *axis = (struct axis){.target = target, .taps = taps};
    axis->first = calloc((size_t)target, sizeof *axis->first);
    axis->count = calloc((size_t)target, sizeof *axis->count);
    axis->weights = calloc((size_t)target, (size_t)taps * sizeof *axis->weights);
    int rc = exact && axis->first && axis->count && axis->weights ? 0 : -ENOMEM;
    if (rc)
        axis_done(axis);
    else
        axis_fill(axis, source, start, end, exact);
    free(exact);
    return rc;
}

static inline uint8_t sample_of(int32_t sum)
{
    sum >>= WEIGHT_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

/* One row of the result from one of the source. */
static void sum_columns(const struct axis *axis, const uint8_t *in, int channels, uint8_t *to)
{
    for (int x = 0; x < axis->target; x++, to += channels) {
        const int32_t *weights = axis->weights + (size_t)x * (size_t)axis->taps;
        const uint8_t *from = in + (ptrdiff_t)axis->first[x] * channels;
        int32_t sum[4] = {1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1),
                          1 << (WEIGHT_BITS - 1)};
        for (int i = 0; i < axis->count[x]; i++, from += channels)
            for (int c = 0; c < channels; c++)
                sum[c] += from[c] * weights[i];
        for (int c = 0; c < channels; c++)
            to[c] = sample_of(sum[c]);
    }
}

static int resize_rows(const struct pixels *in, float start, float end, int width,
                       struct pixels *ret)
{
    struct axis axis;
    int rc = axis_init(&axis, in->width, start, end, width);

    if (rc)
        return rc;
    rc = pixels_init(ret, width, in->height, in->channels);
    for (int y = 0; !rc && y < in->height; y++)
        sum_columns(&axis, in->data + (size_t)y * in->stride, in->channels,
                    ret->data + (size_t)y * ret->stride);
    axis_done(&axis);
    return rc;
}

/* Row y of the result from as many of the source as it takes. */
static void sum_rows(const struct axis *axis, int y, const struct pixels *in, int32_t *sums,
                     uint8_t *to)
{
    size_t bytes = (size_t)in->width * (size_t)in->channels;

    for (size_t i = 0; i < bytes; i++)
        sums[i] = 1 << (WEIGHT_BITS - 1);
    for (int t = 0; t < axis->count[y]; t++) {
        const uint8_t *from = in->data + (size_t)(axis->first[y] + t) * in->stride;
        int32_t weight = axis->weights[(size_t)y * (size_t)axis->taps + (size_t)t];
        for (size_t i = 0; i < bytes; i++)
            sums[i] += from[i] * weight;
    }
    for (size_t i = 0; i < bytes; i++)
        to[i] = sample_of(sums[i]);
}

static int resize_columns(const struct pixels *in, float start, float end, int height,
                          struct pixels *ret)
{
    struct axis axis;
    int rc = axis_init(&axis, in->height, start, end, height);

    if (rc)
        return rc;
    int32_t *sums = calloc((size_t)in->width * (size_t)in->channels, sizeof *sums);
    rc = sums ? pixels_init(ret, in->width, height, in->channels) : -ENOMEM;
    for (int y = 0; !rc && y < height; y++)
        sum_rows(&axis, y, in, sums, ret->data + (size_t)y * ret->stride);
    free(sums);
    axis_done(&axis);
    return rc;
}

static int copy(const struct pixels *in, struct pixels *ret)
{
    int rc = pixels_init(ret, in->width, in->height, in->channels);

    for (int y = 0; !rc && y < in->height; y++)
        memcpy(ret->data + (size_t)y * ret->stride, in->data + (size_t)y * in->stride,
               (size_t)in->width * (size_t)in->channels);
    return rc;
}

/* True when an axis has to be resampled. */
static bool is_changed(float start, float end, int target, int source)
{
    return target != source || start != 0 || end != (float)target;
}

int exact_resize(const struct pixels *in, struct pixels_box box, int width, int height,
                 struct pixels *ret)
{
    float left = (float)box.x, right = (float)(box.x + box.width);
    float top = (float)box.y, bottom = (float)(box.y + box.height);
    bool rows = is_changed(left, right, width, in->width);
    bool columns = is_changed(top, bottom, height, in->height);
    struct pixels middle = {0};
    int rc = 0;

    memset(ret, 0, sizeof *ret);
    if (rows)
        rc = resize_rows(in, left, right, width, columns ? &middle : ret);
    if (columns && !rc)
        rc = resize_columns(rows ? &middle : in, top, bottom, height, ret);
    if (!rows && !columns)
        rc = copy(in, ret);
    pixels_done(&middle);
    ret->alpha = !rc && in->alpha;
    return rc;
}

static int factor(int side, int target)
{
    return (int)fmax(1, trunc((double)side / target / GAP));
}

int exact_thumbnail(const struct pixels *in, int width, int height, struct pixels *ret)
{
    int factor_x = factor(in->width, width), factor_y = factor(in->height, height);
    struct pixels_box box = {0, 0, in->width, in->height};
    struct pixels reduced;

    memset(ret, 0, sizeof *ret);
    if (in->alpha || (factor_x == 1 && factor_y == 1))
        return exact_resize(in, box, width, height, ret);
    int rc = reduce_by(in, factor_x, factor_y, &reduced);
    if (rc)
        return rc;
    box.width /= factor_x;
    box.height /= factor_y;
    rc = exact_resize(&reduced, box, width, height, ret);
    pixels_done(&reduced);
    return rc;
}
