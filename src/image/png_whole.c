/* From inflated bytes to rows of the sink. */
#include "image/png_whole.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/png_filter.h"
#include "image/png_inflate.h"

/* How a row of the file becomes one of the sink. */
enum way {
    WAY_COPY,   /* it is one */
    WAY_TABLE,  /* each sample has its pixel: palettes, and grey up to 8 bits */
    WAY_KEY,    /* RGB, one colour of which is transparent */
    WAY_SPREAD, /* some channels are missing, or are narrowed from 16 bits */
};

struct png_whole {
    int width, height;     /* pixels */
    int depth;             /* bits of a sample */
    int samples;           /* of a pixel: 1..4 */
    int channels;          /* of the sink: 1 or 4 */
    enum way way;          /* to the sink */
    uint8_t table[256][4]; /* with WAY_TABLE: what a sample stands for */
    uint8_t key[3];        /* with WAY_KEY: the transparent colour */
    size_t row_bytes;      /* of the file, without the filter's */
    uint8_t *bytes;        /* height x (1 + row_bytes); owned */
    uint8_t *line;         /* a row, unfiltered; owned */
    uint8_t *next;         /* room for another; owned */
};

/* ---- the header ---- */

/* Grey samples, their bits repeated to 8. One of them may be transparent. */
static void make_grey_table(struct png_whole *whole, const png_color_16 *key)
{
    int most = (1 << whole->depth) - 1;

    for (int i = 0; i <= most; i++) {
        uint8_t grey = (uint8_t)(i * 255 / most);
        bool hidden = key && i == (key->gray & most);
        memcpy(whole->table[i], (uint8_t[]){grey, grey, grey, hidden ? 0 : 255}, 4);
    }
}

/* Entries that the file does not have are black, as libpng has it. */
static void make_palette_table(struct png_whole *whole, png_structp png, png_infop info,
                               const uint8_t *alpha, int alphas)
{
    png_colorp palette = NULL;
    int count = 0;

    png_get_PLTE(png, info, &palette, &count);
    for (int i = 0; i < 256; i++) {
        png_color colour = i < count ? palette[i] : (png_color){0};
        uint8_t opacity = i < alphas ? alpha[i] : 255;
        memcpy(whole->table[i], (uint8_t[]){colour.red, colour.green, colour.blue, opacity}, 4);
    }
}

static void choose_way(struct png_whole *whole, png_structp png, png_infop info)
{
    int type = png_get_color_type(png, info), alphas = 0;
    png_bytep alpha = NULL;
    png_color_16p key = NULL;
    bool transparent = png_get_tRNS(png, info, &alpha, &alphas, &key) != 0;

    whole->way = whole->depth == 8 ? WAY_COPY : WAY_SPREAD;
    if (type == PNG_COLOR_TYPE_PALETTE) {
        whole->way = WAY_TABLE;
        make_palette_table(whole, png, info, alpha, transparent ? alphas : 0);
    } else if (type == PNG_COLOR_TYPE_GRAY && (whole->depth < 8 || transparent)) {
        whole->way = WAY_TABLE;
        make_grey_table(whole, transparent ? key : NULL);
    } else if (type == PNG_COLOR_TYPE_RGB && transparent) {
        whole->way = WAY_KEY;
        memcpy(whole->key, (uint8_t[]){(uint8_t)key->red, (uint8_t)key->green, (uint8_t)key->blue},
               3);
    } else if (type == PNG_COLOR_TYPE_GRAY_ALPHA) {
        whole->way = WAY_SPREAD;
    }
}

/* What is known of the picture. Returns false when it is not for this. */
static bool read_header(struct png_whole *whole, png_structp png, png_infop info,
                        const struct reduce *sink)
{
    bool transparent = png_get_valid(png, info, PNG_INFO_tRNS) != 0;

    *whole = (struct png_whole){.width = sink->width,
                                .height = sink->height,
                                .depth = png_get_bit_depth(png, info),
                                .samples = png_get_channels(png, info),
                                .channels = sink->channels};
    whole->row_bytes = ((size_t)whole->width * (size_t)(whole->samples * whole->depth) + 7) / 8;
    if (png_get_interlace_type(png, info) != PNG_INTERLACE_NONE ||
        (whole->depth == 16 && transparent))
        return false;
    choose_way(whole, png, info);
    return true;
}

/* ---- rows ---- */

static void look_up(const struct png_whole *whole, uint8_t *to)
{
    int depth = whole->depth, most = (1 << depth) - 1;
    size_t size = (size_t)whole->channels;

    for (size_t x = 0; x < (size_t)whole->width; x++, to += size) {
        size_t bit = x * (size_t)depth;
        int sample = whole->line[bit / 8] >> (8 - depth - (int)(bit % 8)) & most;
        if (size == 1)
            to[0] = whole->table[sample][0];
        else
            memcpy(to, whole->table[sample], 4);
    }
}

static void hide_key(const struct png_whole *whole, uint8_t *row)
{
    for (int x = 0; x < whole->width; x++, row += 4)
        if (!memcmp(row, whole->key, sizeof whole->key))
            row[3] = 0;
}

/* 16 bits to 8, rounded. */
static uint8_t narrow(const uint8_t *sample)
{
    uint32_t value = (uint32_t)(sample[0] << 8 | sample[1]);

    return (uint8_t)((value * 255 + 32895) >> 16);
}

/* One, or grey as red, green and blue; the last of an even number is alpha. */
static void spread(const struct png_whole *whole, uint8_t *to)
{
    const uint8_t *from = whole->line;
    int samples = whole->samples, bytes = whole->depth / 8;

    for (int x = 0; x < whole->width; x++, to += whole->channels) {
        uint8_t pixel[4];
        for (int i = 0; i < samples; i++, from += bytes)
            pixel[i] = bytes == 2 ? narrow(from) : *from;
        uint8_t alpha = samples % 2 ? 255 : pixel[samples - 1];
        bool grey = samples < 3;
        to[0] = pixel[0];
        if (whole->channels == 4) {
            to[1] = pixel[grey ? 0 : 1];
            to[2] = pixel[grey ? 0 : 2];
            to[3] = alpha;
        }
    }
}

static void write_row(const struct png_whole *whole, uint8_t *to)
{
    size_t size = (size_t)whole->width * (size_t)whole->channels;

    if (whole->way == WAY_TABLE)
        look_up(whole, to);
    else if (whole->way == WAY_SPREAD)
        spread(whole, to);
    else
        memcpy(to, whole->line, size);
    if (whole->way == WAY_KEY)
        hide_key(whole, to);
}

/* Unfilters the row at y, and the one below it if that costs little more. Returns how many. The
 * rows are in `line` and `next`. */
static int unfilter(struct png_whole *whole, int y)
{
    int bits = whole->samples * whole->depth;
    int step = bits < 8 ? 1 : bits / 8;
    int pixels = (int)(whole->row_bytes / (size_t)step);
    const uint8_t *row = whole->bytes + (size_t)y * (1 + whole->row_bytes);
    const uint8_t *below = row + 1 + whole->row_bytes;

    if (y + 1 < whole->height && row[0] == below[0] && png_filter_takes_two(row[0], step, pixels)) {
        png_filter_undo_two(row[0], row + 1, below + 1, step, whole->line, whole->next, pixels);
        return 2;
    }
    png_filter_undo(row[0], row + 1, step, whole->line, pixels);
    return 1;
}

static void commit_line(const struct png_whole *whole, struct reduce *sink)
{
    write_row(whole, reduce_row(sink));
    reduce_commit(sink);
}

/* Unfilters the picture and hands over its rows. */
static void write_rows(struct png_whole *whole, struct reduce *sink)
{
    for (int y = 0, rows; y < whole->height; y += rows) {
        rows = unfilter(whole, y);
        commit_line(whole, sink);
        if (rows < 2)
            continue;
        uint8_t *line = whole->line;
        whole->line = whole->next;
        whole->next = line;
        commit_line(whole, sink);
    }
}

/* ---- all of it ---- */

/* Inflates the picture. Returns false for what png_inflate() does not take, and for rows of filters
 * that there are not. */
static bool inflate_rows(struct png_whole *whole, struct source *source)
{
    size_t height = (size_t)whole->height, stride = 1 + whole->row_bytes;

    if (height > PNG_INFLATE_BYTES_MAX / stride)
        return false;
    whole->bytes = png_inflate(source, height * stride);
    whole->line = calloc((size_t)whole->width * 8 + 8, 1);
    whole->next = malloc((size_t)whole->width * 8 + 8);
    if (!whole->bytes || !whole->line || !whole->next)
        return false;
    for (size_t y = 0; y < height; y++)
        if (whole->bytes[y * stride] >= PNG_FILTER_UNDO_COUNT)
            return false;
    return true;
}

int64_t png_whole_need(png_structp png, png_infop info, const struct source *source)
{
    int bits = png_get_bit_depth(png, info) * png_get_channels(png, info);
    int64_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
    int64_t size = height * (1 + (width * bits + 7) / 8), lines = 2 * (width * 8 + 8);

    if (png_get_interlace_type(png, info) != PNG_INTERLACE_NONE || size > PNG_INFLATE_BYTES_MAX)
        return 0;
    return size + png_inflate_need(source, (size_t)size) + lines;
}

bool png_whole_read(png_structp png, png_infop info, struct source *source, struct reduce *sink)
{
    struct png_whole whole;
    int64_t start = source->offset;

    if (!read_header(&whole, png, info, sink))
        return false;
    bool there = inflate_rows(&whole, source);
    if (there)
        write_rows(&whole, sink);
    else
        source_seek(source, start);
    free(whole.bytes);
    free(whole.line);
    free(whole.next);
    return there;
}
