/* Borders: a plain area, and the picture copied into it. */
#include "image/border.h"

#include <assert.h>
#include <string.h>

static void fill(struct pixels *out, const uint8_t background[3])
{
    uint8_t pixel[4] = {background[0], background[1], background[2], 255};
    size_t channels = (size_t)out->channels;

    for (int x = 0; x < out->width; x++)
        memcpy(out->data + (size_t)x * channels, pixel, channels);
    for (int y = 1; y < out->height; y++)
        memcpy(out->data + (size_t)y * out->stride, out->data, (size_t)out->width * channels);
}

/* One row of grey to one of four channels. */
static void spread_row(const uint8_t *from, int width, uint8_t *to)
{
    for (int x = 0; x < width; x++, to += 4) {
        to[0] = to[1] = to[2] = from[x];
        to[3] = 255;
    }
}

static void place(const struct pixels *in, int left, int top, struct pixels *out)
{
    for (int y = 0; y < in->height; y++) {
        const uint8_t *from = in->data + (size_t)y * in->stride;
        uint8_t *to =
            out->data + (size_t)(top + y) * out->stride + (size_t)left * (size_t)out->channels;
        if (in->channels == out->channels)
            memcpy(to, from, (size_t)in->width * (size_t)in->channels);
        else
            spread_row(from, in->width, to);
    }
}

int border_add(struct pixels *pixels, int width, int height, int left, int top,
               const uint8_t background[3])
{
    struct pixels out;

    assert(left >= 0 && top >= 0);
    assert(width - left >= pixels->width && height - top >= pixels->height);
    if (pixels->width == width && pixels->height == height)
        return 0;
    int rc = pixels_init(&out, width, height, border_is_grey(background) ? pixels->channels : 4);
    if (rc)
        return rc;
    out.alpha = pixels->alpha;
    fill(&out, background);
    place(pixels, left, top, &out);
    pixels_done(pixels);
    *pixels = out;
    return 0;
}
