/* Resampling: each row of the result is a weighted sum of rows of the source. Columns come first,
 * because that leaves fewer rows to transpose for the other axis. */
#include "image/resize.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/filter.h"
#include "image/transpose.h"

enum { SUPPORT = 2 /* of the bicubic, in pixels of the result, or of the source when enlarging */ };

/* One axis: which rows of the source make up each row of the result, and how much of each. */
struct axis {
    int count;        /* rows of the result */
    int source;       /* rows of the source */
    int taps;         /* weights per row of the result, even; the last may be 0 */
    int *first;       /* of the source's rows, for each row of the result */
    int16_t *weights; /* taps for each */
};

static double bicubic(double x)
{
    const double a = -0.5;

    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2)
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
    return 0;
}

static void axis_done(struct axis *axis)
{
    free(axis->first);
    free(axis->weights);
}

/* The filter's pixels in pixels of the source. */
static double filter_scale(double scale)
{
    return scale < 1 ? 1 : scale;
}

/* Fills the weights of row `y`, whose middle is at `middle` in the source. */
static void axis_fill(struct axis *axis, int y, double middle, double scale, double *exact)
{
    double support = SUPPORT * scale;
    int first = (int)fmax(0, floor(middle - support + 0.5));
    int end = (int)fmin(axis->source, floor(middle + support + 0.5));

    for (int i = 0; i < axis->taps; i++)
        exact[i] = first + i < end ? bicubic((first + i - middle + 0.5) / scale) : 0;
    filter_weights(exact, axis->taps, axis->weights + (size_t)y * (size_t)axis->taps);
    axis->first[y] = first;
}

/* `count` rows from `box` rows of the source's, the first of which is `start`. */
static int axis_init(struct axis *axis, int source, double start, double box, int count)
{
    double scale = box / count, wide = filter_scale(scale);
    int taps = ((int)ceil(2 * SUPPORT * wide) + 2) & ~1; /* one more than the width, made even */
    double *exact = calloc((size_t)taps, sizeof *exact);

    *axis = (struct axis){.count = count, .source = source, .taps = taps};
    axis->first = calloc((size_t)count, sizeof *axis->first);
    axis->weights = calloc((size_t)count, (size_t)taps * sizeof *axis->weights);
    int rc = exact && axis->first && axis->weights ? 0 : -ENOMEM;
    for (int y = 0; y < count && !rc; y++)
        axis_fill(axis, y, start + (y + 0.5) * scale, wide, exact);
    if (rc)
        axis_done(axis);
    free(exact);
    return rc;
}

/* Filters `bytes` columns, not more than FILTER_BYTES_MAX, down the whole axis. */
static void axis_apply(const struct axis *axis, const uint8_t *in, size_t in_stride, size_t bytes,
                       const uint8_t **rows, uint8_t *out, size_t out_stride)
{
    for (int y = 0; y < axis->count; y++, out += out_stride) {
        const int16_t *weights = axis->weights + (size_t)y * (size_t)axis->taps;
        for (int t = 0; t < axis->taps; t++) { /* behind the last row the weights are 0 */
            int row = axis->first[y] + t;
            rows[t] = in + (size_t)(row < axis->source ? row : axis->source - 1) * in_stride;
        }
        filter_rows(rows, weights, axis->taps, bytes, out);
    }
}

static int resize_columns(const struct pixels *in, double start, double box, int height,
                          struct pixels *ret)
{
    struct axis axis = {0};
    size_t row_bytes = (size_t)in->width * (size_t)in->channels;
    int rc = axis_init(&axis, in->height, start, box, height);

    if (rc)
        return rc;
    const uint8_t **rows = calloc((size_t)axis.taps, sizeof *rows);
    rc = rows ? pixels_init(ret, in->width, height, in->channels) : -ENOMEM;
    for (size_t at = 0; at < row_bytes && !rc; at += FILTER_BYTES_MAX) {
        size_t bytes = row_bytes - at < FILTER_BYTES_MAX ? row_bytes - at : FILTER_BYTES_MAX;
        axis_apply(&axis, in->data + at, in->stride, bytes, rows, ret->data + at, ret->stride);
    }
    free(rows);
    axis_done(&axis);
    return rc;
}

/* The strips for the other axis: transposed, filtered, and transposed back. */
static void resize_strips(const struct axis *axis, const struct pixels *in, const uint8_t **rows,
                          uint8_t *strip, struct pixels *out)
{
    uint8_t *filtered = strip + (size_t)in->width * STRIP_BYTES;
    int strip_rows = STRIP_BYTES / in->channels;

    for (int y = 0; y < in->height; y += strip_rows) {
        int count = in->height - y < strip_rows ? in->height - y : strip_rows;
        transpose(in->data + (size_t)y * in->stride, in->stride, in->width, count, in->channels,
                  strip, STRIP_BYTES);
        axis_apply(axis, strip, STRIP_BYTES, STRIP_BYTES, rows, filtered, STRIP_BYTES);
        transpose(filtered, STRIP_BYTES, count, out->width, in->channels,
                  out->data + (size_t)y * out->stride, out->stride);
    }
}

static int resize_rows(const struct pixels *in, double start, double box, int width,
                       struct pixels *ret)
{
    struct axis axis = {0};
    int rc = axis_init(&axis, in->width, start, box, width);

    if (rc)
        return rc;
    const uint8_t **rows = calloc((size_t)axis.taps, sizeof *rows);
    uint8_t *strip = calloc((size_t)in->width + (size_t)width, STRIP_BYTES);
    rc = rows && strip ? pixels_init(ret, width, in->height, in->channels) : -ENOMEM;
    if (!rc)
        resize_strips(&axis, in, rows, strip, ret);
    free(strip);
    free(rows);
    axis_done(&axis);
    return rc;
}

static bool is_valid(double start, double box, int source, int target)
{
    return target >= 1 && start >= 0 && box > 0 && start + box <= source + 1e-6;
}

/* The columns of `in` that the filter reaches from the box; moves the box along. Borrows. */
static struct pixels columns_near(const struct pixels *in, struct pixels_box *box, int width)
{
    double reach = SUPPORT * filter_scale(box->width / width) + 1;
    int first = (int)fmax(0, floor(box->x - reach));
    int end = (int)fmin(in->width, ceil(box->x + box->width + reach));
    struct pixels part = *in;

    part.data += (ptrdiff_t)first * in->channels;
    part.width = end - first;
    box->x -= first;
    return part;
}

int resize(const struct pixels *in, struct pixels_box box, int width, int height,
           struct pixels *ret)
{
    struct pixels middle = {0};

    memset(ret, 0, sizeof *ret);
    if (!is_valid(box.x, box.width, in->width, width) ||
        !is_valid(box.y, box.height, in->height, height))
        return -EINVAL;
    struct pixels part = columns_near(in, &box, width);
    int rc = resize_columns(&part, box.y, box.height, height, &middle);
    if (!rc)
        rc = resize_rows(&middle, box.x, box.width, width, ret);
    pixels_done(&middle);
    if (rc)
        pixels_done(ret);
    else
        ret->alpha = in->alpha;
    return rc;
}
