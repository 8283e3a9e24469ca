/* Blur: three boxes in a row are nearly a Gaussian, and the sum of a box moves along by adding the
 * pixel that enters and taking away the one that leaves. An extended box has whole pixels and, at
 * both ends, a fraction of one more, so that its variance comes out exactly.
 *
 * Sums are whole numbers below 2^24 and weights are floats, which hold such numbers exactly: the
 * result is the same on every machine. */
#include "image/blur.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/filter.h"
#include "image/transpose.h"
#include "image/vector.h"

enum {
    PASSES = 3,
    NARROW_RADIUS = 1,                           /* boxes up to this are one filter together */
    NARROW_REACH = PASSES * (NARROW_RADIUS + 1), /* of it to either side */
    NARROW_TAPS = 2 * NARROW_REACH + 2,          /* made even */
};

struct box {
    int radius;  /* whole pixels on either side of the middle one */
    float whole; /* weight of each of them */
    float ends;  /* weight of the two behind them */
};

/* The extended box of which three in a row have the variance sigma^2. */
static struct box box_of(double sigma)
{
    double variance = sigma * sigma / PASSES;
    int radius = (int)floor((sqrt(12 * variance + 1) - 1) / 2);
    double length = 2 * radius + 1;
    double fraction = length * (radius * (radius + 1.0) - 3 * variance) /
                      (6 * (variance - (radius + 1.0) * (radius + 1.0)));
    double weight = 1 / (length + 2 * fraction);

    return (struct box){
        .radius = radius, .whole = (float)weight, .ends = (float)(weight * fraction)};
}

static int clamp(int y, int rows)
{
    return y < 0 ? 0 : y < rows ? y : rows - 1;
}

/* A narrow blur at once: the three boxes together are one short filter. Near the edges it is
 * another one for each row. */
struct narrow {
    int reach; /* rows to either side */
    int taps;  /* even; the last weighs nothing */
    int16_t top[NARROW_REACH][NARROW_TAPS], middle[NARROW_TAPS], bottom[NARROW_REACH][NARROW_TAPS];
};

/* The weights of the rows around row y of `rows`. Every pass repeats the edges anew, so what a pass
 * would take from beyond an edge is taken from the edge. */
static void narrow_weights(const struct narrow *narrow, struct box box, int y, int rows,
                           int16_t *ret)
{
    double one[NARROW_TAPS] = {0}, two[NARROW_TAPS];
    int middle = narrow->reach, reach = box.radius + 1;

    one[middle] = 1;
    for (int pass = 0; pass < PASSES; pass++) {
        memset(two, 0, sizeof two);
        for (int i = middle - reach * pass; i <= middle + reach * pass; i++)
            for (int j = -reach; j <= reach; j++)
                two[clamp(y + i - middle + j, rows) - y + middle] +=
                    one[i] * (double)(abs(j) < reach ? box.whole : box.ends);
        memcpy(one, two, sizeof one);
    }
    filter_weights(one, narrow->taps, ret);
}

static void narrow_init(struct narrow *narrow, struct box box, int rows)
{
    narrow->reach = PASSES * (box.radius + 1);
    narrow->taps = 2 * narrow->reach + 2;
    for (int i = 0; i < narrow->reach && i < rows; i++) {
        narrow_weights(narrow, box, i, rows, narrow->top[i]);
        narrow_weights(narrow, box, rows - 1 - i, rows, narrow->bottom[i]);
    }
    if (rows > 2 * narrow->reach)
        narrow_weights(narrow, box, narrow->reach, rows, narrow->middle);
}

static const int16_t *narrow_row(const struct narrow *narrow, int y, int rows)
{
    if (y < narrow->reach)
        return narrow->top[y];
    return rows - 1 - y < narrow->reach ? narrow->bottom[rows - 1 - y] : narrow->middle;
}

static void blur_strip_narrow(const uint8_t *in, int rows, const struct narrow *narrow,
                              uint8_t *out)
{
    const uint8_t *from[NARROW_TAPS];

    for (int y = 0; y < rows; y++) {
        for (int t = 0; t < narrow->taps; t++)
            from[t] = in + (size_t)clamp(y + t - narrow->reach, rows) * STRIP_BYTES;
        filter_rows(from, narrow_row(narrow, y, rows), narrow->taps, STRIP_BYTES,
                    out + (size_t)y * STRIP_BYTES);
    }
}

/* One row of one pass: writes the means around it and moves the sums on to the next row.
 * `before` and `after` are the rows at the ends of the box, `leaving` is its first whole row.
 * (Not inlined, for the reason that filter.c gives.) */
static VECTOR_CLONES void blur_row(int32_t *restrict sums, const uint8_t *before,
                                   const uint8_t *leaving, const uint8_t *after, struct box box,
                                   uint8_t *restrict out)
{
    for (int i = 0; i < STRIP_BYTES; i++) {
        float mean = (float)sums[i] * box.whole + (float)(before[i] + after[i]) * box.ends;
        out[i] = (uint8_t)(int32_t)(mean + 0.5f);
        sums[i] += after[i] - leaving[i];
    }
}

/* One pass down a strip of `rows` rows, each STRIP_BYTES. */
static void blur_strip(const uint8_t *in, int rows, struct box box, uint8_t *out)
{
    int32_t sums[STRIP_BYTES] = {0};

    for (int y = -box.radius; y <= box.radius; y++)
        for (int i = 0; i < STRIP_BYTES; i++)
            sums[i] += in[(size_t)clamp(y, rows) * STRIP_BYTES + (size_t)i];
    for (int y = 0; y < rows; y++)
        blur_row(sums, in + (size_t)clamp(y - box.radius - 1, rows) * STRIP_BYTES,
                 in + (size_t)clamp(y - box.radius, rows) * STRIP_BYTES,
                 in + (size_t)clamp(y + box.radius + 1, rows) * STRIP_BYTES, box,
                 out + (size_t)y * STRIP_BYTES);
}

/* Room for two strips of `rows` rows, and how they are blurred. All passes go to and fro between
 * them. */
struct strips {
    uint8_t *a, *b; /* b follows a in one allocation */
    int rows;
    struct box box;
    struct narrow narrow; /* used up to NARROW_RADIUS */
};

static int strips_init(struct strips *strips, int rows, struct box box)
{
    size_t size = (size_t)rows * STRIP_BYTES;

    /* Cleared, because a strip that is narrower than most leaves columns unused but summed. */
    strips->a = calloc(2, size);
    if (!strips->a)
        return -ENOMEM;
    strips->b = strips->a + size;
    strips->rows = rows;
    strips->box = box;
    if (box.radius <= NARROW_RADIUS)
        narrow_init(&strips->narrow, box, rows);
    return 0;
}

/* Blurs what is in a; the result is in b. */
static void strips_blur(struct strips *strips)
{
    if (strips->box.radius <= NARROW_RADIUS) {
        blur_strip_narrow(strips->a, strips->rows, &strips->narrow, strips->b);
        return;
    }
    blur_strip(strips->a, strips->rows, strips->box, strips->b);
    blur_strip(strips->b, strips->rows, strips->box, strips->a);
    blur_strip(strips->a, strips->rows, strips->box, strips->b);
}

static void copy_rows(const uint8_t *in, size_t in_stride, size_t bytes, int rows, uint8_t *out,
                      size_t out_stride)
{
    for (int y = 0; y < rows; y++)
        memcpy(out + (size_t)y * out_stride, in + (size_t)y * in_stride, bytes);
}

static int blur_columns(struct pixels *pixels, struct box box)
{
    struct strips strips;
    size_t row_bytes = (size_t)pixels->width * (size_t)pixels->channels;

    if (strips_init(&strips, pixels->height, box))
        return -ENOMEM;
    for (size_t at = 0; at < row_bytes; at += STRIP_BYTES) {
        size_t bytes = row_bytes - at < STRIP_BYTES ? row_bytes - at : STRIP_BYTES;
        copy_rows(pixels->data + at, pixels->stride, bytes, pixels->height, strips.a, STRIP_BYTES);
        strips_blur(&strips);
        copy_rows(strips.b, STRIP_BYTES, bytes, pixels->height, pixels->data + at, pixels->stride);
    }
    free(strips.a);
    return 0;
}

static int blur_rows(struct pixels *pixels, struct box box)
{
    struct strips strips;
    int strip_rows = STRIP_BYTES / pixels->channels;

    if (strips_init(&strips, pixels->width, box))
        return -ENOMEM;
    for (int y = 0; y < pixels->height; y += strip_rows) {
        int rows = pixels->height - y < strip_rows ? pixels->height - y : strip_rows;
        uint8_t *at = pixels->data + (size_t)y * pixels->stride;
        transpose(at, pixels->stride, pixels->width, rows, pixels->channels, strips.a, STRIP_BYTES);
        strips_blur(&strips);
        transpose(strips.b, STRIP_BYTES, rows, pixels->width, pixels->channels, at, pixels->stride);
    }
    free(strips.a);
    return 0;
}

int blur(struct pixels *pixels, double sigma_x, double sigma_y)
{
    int rc = 0;

    if (!(sigma_x >= 0 && sigma_x <= BLUR_SIGMA_MAX && sigma_y >= 0 && sigma_y <= BLUR_SIGMA_MAX))
        return -EINVAL;
    if (sigma_x > 0)
        rc = blur_rows(pixels, box_of(sigma_x));
    if (!rc && sigma_y > 0)
        rc = blur_columns(pixels, box_of(sigma_y));
    return rc;
}
