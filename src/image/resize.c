/* Resampling: each row of the result is a weighted sum of rows of the source. Columns come first,
 * because that leaves fewer rows to transpose for the other axis, unless they alone grow. */
#include "image/resize.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/boxes.h"
#include "image/curve.h"
#include "image/filter.h"
#include "image/transpose.h"

enum { NODES = 3 /* of a Gaussian in few points */ };

/* One axis: which rows of the source make up each row of the result, and how much of each. */
struct axis {
    int count;        /* rows of the result */
    int source;       /* rows of the source */
    int taps;         /* weights per row of the result, even; the last may be 0 */
    int *first;       /* of the source's rows, for each row of the result */
    int16_t *weights; /* taps for each */
};

static void axis_done(struct axis *axis)
{
    free(axis->first);
    free(axis->weights);
}

/* What holds no detail finer than a pixel of the result looks the same through a filter that is
 * wider by this, and more of what blurring rounded off is averaged out. */
#define BLURRED_WIDER 1.5

/* Between nodes that sharpen, in rows of the source. The nearer, the more they do. */
#define SHARPEN_APART 0.5

/* The filter of an axis. Lengths are in rows of the source. */
struct kernel {
    enum curve support;
    double scale; /* one pixel of the result, and 1 at least */
    double box;   /* what Pillow's reduction takes the mean of, if that is sampled; else 0 */
    double apart; /* from one node to the next; 0: there is but the middle one */
    double shares[NODES]; /* of the nodes */
    double due;           /* deviation of a narrow blur that comes before; 0 is none */
};

/* Gives a filter the nodes of a Gaussian, which have its moments up to the fifth. */
static void kernel_blur(struct kernel *kernel, double variance)
{
    kernel->apart = sqrt(NODES) * sqrt(variance);
    kernel->shares[0] = kernel->shares[2] = 1 / 6.0;
    kernel->shares[1] = 2 / 3.0;
}

/* Gives a filter nodes that take a small variance away: what they do to the fine detail of the
 * source is near the inverse of what a mean of whole pixels did to it. */
static void kernel_sharpen(struct kernel *kernel, double variance)
{
    kernel->apart = SHARPEN_APART;
    kernel->shares[0] = kernel->shares[2] = -variance / (2 * SHARPEN_APART * SHARPEN_APART);
    kernel->shares[1] = 1 - 2 * kernel->shares[0];
}

/* A picture that was reduced further than Pillow's boxes has lost nothing that shows, but what is
 * left of its finest detail stands at the wrong place: a slightly wider filter drops it. The figure
 * was measured; near a ratio of 1 it is worth 1 dB and more. */
static double widened(double scale)
{
    return scale < 1.6 ? scale * (1 + 0.2 * (1.6 - scale)) : scale;
}

/* As Pillow would have it of the original. */
static struct kernel kernel_bicubic(double scale, struct resize_past past)
{
    /* Half the ratio in whole pixels of the original; a whole ratio may have come out below. */
    double box = past.step > 0 ? fmax(1, floor(scale * past.step / 2 + 1e-9)) / past.step : 1;
    struct kernel kernel = {
        .support = CURVE_BICUBIC, .scale = scale, .shares = {0, 1, 0}, .due = past.due};

    if (box >= RESIZE_BOX_MIN)
        kernel.box = box;
    if (box < 1 && past.rest >= 0)
        kernel.scale = widened(scale);
    if (box != 1 && past.blurred >= scale) /* where it is 1, all is as Pillow does it */
        kernel.scale = scale * BLURRED_WIDER;
    if (past.rest > 0)
        kernel_blur(&kernel, past.rest);
    kernel.scale = fmax(1, kernel.scale);
    return kernel;
}

static struct kernel kernel_lanczos3(double scale, struct resize_past past)
{
    struct kernel kernel = {
        .support = CURVE_LANCZOS3, .scale = fmax(1, scale), .shares = {0, 1, 0}, .due = past.due};

    if (past.rest > 0)
        kernel_blur(&kernel, past.rest);
    else if (past.rest < 0)
        kernel_sharpen(&kernel, -past.rest);
    return kernel;
}

static double kernel_at(enum curve support, double x)
{
    return support == CURVE_LANCZOS3 ? curve_lanczos3(x) : curve_bicubic(x);
}

/* The weights of one row while they are worked out, owned. */
struct draft {
    double *plain;   /* `taps` of them, from the row `first` on */
    double *blurred; /* the same, with the blur that is due, from `reach` rows before that */
    int first, taps;
    struct narrow narrow; /* of that blur; its reach is 0 when there is none */
};

/* Adds the filter around `middle` to the weights of the rows first...first + taps - 1. */
static void add_plain(struct draft *draft, int source, double middle, struct kernel kernel,
                      double share)
{
    double scale = kernel.scale, support = kernel.support * scale;
    int first = draft->first;
    int from = (int)fmax(first, floor(middle - support + 0.5));
    int end = (int)fmin(source, floor(middle + support + 0.5));

    for (int i = from; i < end && i < first + draft->taps; i++)
        draft->plain[i - first] += share * kernel_at(kernel.support, (i - middle + 0.5) / scale);
}

/* The same where Pillow filters the means of boxes: each of them is the mean of the rows, and of
 * the parts of rows, that it covers. */
static void add_boxed(struct draft *draft, int source, double middle, struct kernel kernel,
                      double share)
{
    double scale = kernel.scale / kernel.box, at = middle / kernel.box; /* in boxes */
    int boxes = (int)ceil(source / kernel.box - 1e-9); /* a whole number may come out above */
    int from = (int)fmax(0, floor(at - CURVE_BICUBIC * scale + 0.5));
    int end = (int)fmin(boxes, floor(at + CURVE_BICUBIC * scale + 0.5));

    for (int b = from; b < end; b++) {
        double top = b * kernel.box, bottom = fmin(source, top + kernel.box);
        double weight = share * curve_bicubic((b - at + 0.5) / scale) / (bottom - top);
        int i = (int)fmax(draft->first, floor(top));
        for (; i < bottom && i < draft->first + draft->taps; i++)
            draft->plain[i - draft->first] += weight * (fmin(i + 1, bottom) - fmax(i, top));
    }
}

/* How far the filter reaches from the middle of a pixel of the result. What a spread adds to that
 * is next to nothing, and cut off. */
static double kernel_reach(struct kernel kernel)
{
    return kernel.support * kernel.scale + kernel.box / 2;
}

/* Rows that a filter needs at most. Boxes take the parts of two into the bargain, and all else only
 * rows whose middles it reaches. Even, as filter_rows() wants them. */
static int kernel_taps(struct kernel kernel)
{
    int rows = (int)ceil(2 * kernel_reach(kernel)) + (kernel.box > 0);

    return (rows + 1) & ~1;
}

static int draft_init(struct draft *draft, int source, struct kernel kernel)
{
    *draft = (struct draft){.taps = kernel_taps(kernel)};
    if (kernel.due > 0)
        narrow_init(&draft->narrow, kernel.due, source);
    size_t most = (size_t)(draft->taps + 2 * draft->narrow.reach);
    draft->plain = calloc(2 * most, sizeof *draft->plain);
    draft->blurred = draft->plain + most;
    return draft->plain ? 0 : -ENOMEM;
}

/* Fills in the plain weights of a row of the result, whose middle is at `middle` in the source. */
static void draft_fill(struct draft *draft, int source, double middle, struct kernel kernel)
{
    int first = (int)fmax(0, floor(middle - kernel_reach(kernel) + (kernel.box > 0 ? 0 : 0.5)));

    draft->first = first;
    memset(draft->plain, 0, (size_t)draft->taps * sizeof *draft->plain);
    for (int node = 0; node < NODES; node++) {
        double at = middle + (node - 1) * kernel.apart, share = kernel.shares[node];
        if (kernel.apart <= 0 && node != 1)
            continue;
        if (kernel.box > 0)
            add_boxed(draft, source, at, kernel, share);
        else
            add_plain(draft, source, at, kernel, share);
    }
}

/* What blurring each row first comes to: a row's weight goes to all that its blur takes from. */
static void draft_blur(struct draft *draft, int source)
{
    int reach = draft->narrow.reach;

    memset(draft->blurred, 0, (size_t)(draft->taps + 2 * reach) * sizeof *draft->blurred);
    for (int t = 0; t < draft->taps && draft->first + t < source; t++) {
        const double *filter =
            draft->narrow.filters[narrow_filter(&draft->narrow, draft->first + t)];
        for (int k = 0; k <= 2 * reach; k++)
            draft->blurred[t + k] += draft->plain[t] * filter[k];
    }
}

/* Rounds the weights to those of row `y`. Before the first row of the source all are 0. */
static void axis_fill(struct axis *axis, int y, const struct draft *draft)
{
    int16_t *weights = axis->weights + (size_t)y * (size_t)axis->taps;
    int first = draft->first - draft->narrow.reach, before = first < 0 ? -first : 0;

    axis->first[y] = first + before;
    filter_weights(draft->narrow.reach ? draft->blurred + before : draft->plain,
                   axis->taps - before, weights);
}

/* `count` rows from `box` rows of the source's, the first of which is `start`. */
static int axis_init(struct axis *axis, int source, double start, double box, int count,
                     struct kernel kernel)
{
    struct draft draft;
    int rc = draft_init(&draft, source, kernel);

    *axis = (struct axis){.count = count, .taps = draft.taps + 2 * draft.narrow.reach};
    axis->source = source;
    axis->first = calloc((size_t)count, sizeof *axis->first);
    axis->weights = calloc((size_t)count, (size_t)axis->taps * sizeof *axis->weights);
    if (!axis->first || !axis->weights)
        rc = -ENOMEM;
    for (int y = 0; y < count && !rc; y++) {
        draft_fill(&draft, source, start + (y + 0.5) * (box / count), kernel);
        if (draft.narrow.reach)
            draft_blur(&draft, source);
        axis_fill(axis, y, &draft);
    }
    if (rc)
        axis_done(axis);
    free(draft.plain);
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
                          struct kernel kernel, struct pixels *ret)
{
    struct axis axis = {0};
    size_t row_bytes = (size_t)in->width * (size_t)in->channels;
    int rc = axis_init(&axis, in->height, start, box, height, kernel);

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
                       struct kernel kernel, struct pixels *ret)
{
    struct axis axis = {0};
    int rc = axis_init(&axis, in->width, start, box, width, kernel);

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

/* Within the source, but for what arithmetic with parts that are not whole is off by. */
static bool is_valid(double start, double box, int source, int target)
{
    const double off = 1e-6;

    return target >= 1 && start >= -off && box > 0 && start + box <= source + off;
}

/* The columns of `in` that the filter reaches from the box; moves the box along. Borrows. */
static struct pixels columns_near(const struct pixels *in, struct pixels_box *box,
                                  struct kernel kernel)
{
    double reach = kernel_reach(kernel) + (kernel.due > 0 ? NARROW_REACH : 0) + 1;
    int first = (int)fmax(0, floor(box->x - reach));
    int end = (int)fmin(in->width, ceil(box->x + box->width + reach));
    struct pixels part = *in;

    part.data += (ptrdiff_t)first * in->channels;
    part.width = end - first;
    box->x -= first;
    return part;
}

static int resize_by(const struct pixels *in, struct pixels_box box, int width, int height,
                     struct kernel kernel_x, struct kernel kernel_y, struct pixels *ret)
{
    struct pixels middle = {0};

    memset(ret, 0, sizeof *ret);
    if (!is_valid(box.x, box.width, in->width, width) ||
        !is_valid(box.y, box.height, in->height, height))
        return -EINVAL;
    struct pixels part = columns_near(in, &box, kernel_x);
    bool rows_first = height > box.height && width < box.width; /* lest the middle outgrow both */
    int rc = rows_first ? resize_rows(&part, box.x, box.width, width, kernel_x, &middle)
                        : resize_columns(&part, box.y, box.height, height, kernel_y, &middle);
    if (!rc)
        rc = rows_first ? resize_columns(&middle, box.y, box.height, height, kernel_y, ret)
                        : resize_rows(&middle, box.x, box.width, width, kernel_x, ret);
    pixels_done(&middle);
    if (rc)
        pixels_done(ret);
    else
        ret->alpha = in->alpha;
    return rc;
}

int resize(const struct pixels *in, struct pixels_box box, int width, int height,
           struct pixels *ret)
{
    struct resize_past none = {.rest = -1};

    return resize_reduced(in, box, width, height, none, none, ret);
}

int resize_reduced(const struct pixels *in, struct pixels_box box, int width, int height,
                   struct resize_past past_x, struct resize_past past_y, struct pixels *ret)
{
    return resize_by(in, box, width, height, kernel_bicubic(box.width / width, past_x),
                     kernel_bicubic(box.height / height, past_y), ret);
}

int resize_lanczos3(const struct pixels *in, struct pixels_box box, int width, int height,
                    struct resize_past past_x, struct resize_past past_y, struct pixels *ret)
{
    return resize_by(in, box, width, height, kernel_lanczos3(box.width / width, past_x),
                     kernel_lanczos3(box.height / height, past_y), ret);
}
