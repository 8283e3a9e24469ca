/* Blur by boxes: the sum of a box moves along by adding the pixel that enters and taking away the
 * one that leaves. Sums are whole numbers below 2^24 and weights are floats, which hold such
 * numbers exactly: the result is the same on every machine. */
#include "image/blur.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/boxes.h"
#include "image/filter.h"
#include "image/transpose.h"
#include "image/vector.h"

static int clamp(int y, int rows)
{
    return y < 0 ? 0 : y < rows ? y : rows - 1;
}

/* The filters of a narrow blur, with a weight of 0 behind each, so that they are even. */
struct filters {
    struct narrow narrow;
    int16_t weights[NARROW_FILTERS][NARROW_TAPS + 1];
};

static void filters_init(struct filters *filters, double sigma, int rows)
{
    double exact[NARROW_TAPS + 1] = {0};

    narrow_init(&filters->narrow, sigma, rows);
    int taps = 2 * filters->narrow.reach + 1;
    for (int i = 0; i < taps; i++) {
        if (filters->narrow.filters[i][filters->narrow.reach] <= 0) /* no row has it */
            continue;
        memcpy(exact, filters->narrow.filters[i], (size_t)taps * sizeof *exact);
        filter_weights(exact, taps + 1, filters->weights[i]);
    }
}

static void blur_strip_narrow(const uint8_t *in, int rows, const struct filters *filters,
                              uint8_t *out)
{
    const uint8_t *from[NARROW_TAPS + 1];
    int reach = filters->narrow.reach, taps = 2 * reach + 2;

    for (int y = 0; y < rows; y++) {
        for (int t = 0; t < taps; t++)
            from[t] = in + (size_t)clamp(y + t - reach, rows) * STRIP_BYTES;
        filter_rows(from, filters->weights[narrow_filter(&filters->narrow, y)], taps, STRIP_BYTES,
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
    bool narrow;
    struct filters filters; /* of a narrow blur */
};

static int strips_init(struct strips *strips, int rows, double sigma)
{
    size_t size = (size_t)rows * STRIP_BYTES;

    /* Cleared, because a strip that is narrower than most leaves columns unused but summed. */
    strips->a = calloc(2, size);
    if (!strips->a)
        return -ENOMEM;
    strips->b = strips->a + size;
    strips->rows = rows;
    strips->box = box_of(sigma);
    strips->narrow = narrow_applies(sigma);
    if (strips->narrow)
        filters_init(&strips->filters, sigma, rows);
    return 0;
}

/* Blurs what is in a; the result is in b. */
static void strips_blur(struct strips *strips)
{
    if (strips->narrow) {
        blur_strip_narrow(strips->a, strips->rows, &strips->filters, strips->b);
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

static int blur_columns(struct pixels *pixels, double sigma)
{
    struct strips strips;
    size_t row_bytes = (size_t)pixels->width * (size_t)pixels->channels;

    if (strips_init(&strips, pixels->height, sigma))
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

static int blur_rows(struct pixels *pixels, double sigma)
{
    struct strips strips;
    int strip_rows = STRIP_BYTES / pixels->channels;

    if (strips_init(&strips, pixels->width, sigma))
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
        rc = blur_rows(pixels, sigma_x);
    if (!rc && sigma_y > 0)
        rc = blur_columns(pixels, sigma_y);
    return rc;
}
