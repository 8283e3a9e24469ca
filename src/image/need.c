/* Stages come one after another, so the largest of them counts, beside what lasts through all. */
#include "image/need.h"

#include "image/orient.h"
#include "image/transpose.h"

enum {
    FIXED_BYTES = 4 << 20,       /* tables of libraries and of our own, pieces of the file */
    FIXED_AVIF_BYTES = 96 << 20, /* of its encoder, whatever the size */
    LINE_BYTES = 1024,           /* for each column and row: weights, and strips of them */
};

/* Bytes for a pixel of a result while it is encoded: working memory, and a file that grows by
 * doubling. */
enum {
    PIXEL_BYTES_JPEG = 12, /* all coefficients of 4:4:4 among them */
    PIXEL_BYTES_PNG = 12,
    PIXEL_BYTES_WEBP = 40,
    PIXEL_BYTES_AVIF = 100,
};

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The picture that is resized: reduced, or whole. */
struct size {
    int64_t width, height;
    int channels;
};

static struct size size_of_reduced(const struct need *need)
{
    const struct geometry_reduction *plan = need->plan;
    int width = (need->header->width - 1) / plan->shrink + 1;
    int height = (need->header->height - 1) / plan->shrink + 1;

    return (struct size){.width = (width - 1) / plan->factor_x + 1,
                         .height = (height - 1) / plan->factor_y + 1,
                         .channels = codec_channels(need->header)};
}

/* While rows come in: those of the result, and the sums of one row of boxes. The whole picture of
 * --exact is turned before it is resized. */
static int64_t need_of_reduced(const struct need *need, struct size in)
{
    int64_t row = (need->header->width - 1) / need->plan->shrink + 1;
    int64_t bytes = in.width * in.height * in.channels;
    bool turned = need->spec->exact && need->orientation != 1;

    return bytes * (turned ? 2 : 1) + row * in.channels * 3;
}

/* What resizing holds beside its source and its result: one axis is done, the other is not. */
static int64_t need_of_resizing(const struct need *need, struct size in, int i)
{
    bool turned = orient_swaps(need->orientation) && !need->spec->exact;
    int64_t width = turned ? need->views[i].part_height : need->views[i].part_width;
    int64_t height = turned ? need->views[i].part_width : need->views[i].part_height;
    int64_t columns_first = in.width * height, rows_first = width * in.height;
    int64_t lines = in.width + in.height + width + height;
    bool neutral = need->spec->exact && need->spec->kernel == IMAGE_LANCZOS3;

    if (neutral)
        return smaller(columns_first, rows_first) * in.channels * (int64_t)sizeof(float) +
               lines * LINE_BYTES;
    if (need->spec->exact)
        return larger(rows_first, in.width * in.height / 4) * in.channels + lines * LINE_BYTES;
    bool grows = height > in.height && width < in.width;
    return (grows ? rows_first : columns_first) * in.channels + lines * LINE_BYTES;
}

static int64_t need_of_encoding(enum image_kind format, int64_t pixels)
{
    switch (format) {
    case IMAGE_KIND_PNG: return pixels * PIXEL_BYTES_PNG;
    case IMAGE_KIND_WEBP: return pixels * PIXEL_BYTES_WEBP;
    case IMAGE_KIND_AVIF: return pixels * PIXEL_BYTES_AVIF + FIXED_AVIF_BYTES;
    default: return pixels * PIXEL_BYTES_JPEG;
    }
}

int64_t need_of_stages(const struct need *need)
{
    enum { RESULT_BYTES = 4 + 1 + 1 }; /* of a pixel: itself, its share of a file, and of a frame */
    struct size in = size_of_reduced(need);
    int64_t results = 0, resizing = 0, encoding = 0;

    for (int i = 0; i < need->spec->box_count; i++) {
        const struct geometry_result *view = &need->views[i];
        int64_t pixels = (int64_t)view->width * view->height;
        results += pixels * RESULT_BYTES;
        resizing = larger(resizing, need_of_resizing(need, in, i));
        encoding = larger(encoding, need_of_encoding(need->spec->format, pixels) + pixels * 4);
    }
    int64_t before =
        need_of_reduced(need, in) + larger(resizing, 2 * STRIP_BYTES * larger(in.width, in.height));
    return FIXED_BYTES + results + larger(before, encoding);
}
