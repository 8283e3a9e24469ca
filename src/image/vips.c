/* libvips, behind the two interfaces that the rest of the layer knows: a codec that hands out rows,
 * and an encoder (vips_encode.c). These two files are the only ones that include <vips/…>; they are
 * built into a module.
 *
 * Rows are pulled through a region of the picture, strip by strip, by the thread that asks for
 * them: libvips starts no thread for that and holds no more of the picture than its loader does.
 * Only the kinds in `loaders` are read, whatever else libvips may have been built with, unless the
 * user asked for the rest. */
#include "image/vips.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <gmodule.h>
#include <vips/vips.h>

#include <vips/vector.h> /* wants vips.h before it */

#include "image/gif_check.h"
#include "image/vips_encode.h"
#include "image/webp_check.h"

enum { STRIP_ROWS = 16 /* rows pulled at a time; loaders hold at least as many anyway */ };

struct vips_decoder {
    struct source *source;     /* borrowed */
    struct image_fault *fault; /* borrowed */
    VipsSourceCustom *input;   /* reads from the source */
    VipsImage *image;          /* of 8 bits: grey, RGB or CMYK, with or without alpha */
    bool alpha;                /* the last band is alpha */
    enum image_kind kind;      /* by its first bytes */
    int held_bytes;            /* of a pixel, as it is loaded and as it is handed out */
    struct gif_frame frame;    /* of a GIF */
    bool bare;                 /* the frame leaves some of its canvas bare */
    bool lenient;              /* go on over damage */
    bool filled;               /* fresh memory is filled while it is open */
    bool ended;                /* a loader looked for something behind the end of the data */
};

/* ---- starting ---- */

static void say_nothing(const gchar *domain, GLogLevelFlags level, const gchar *message,
                        gpointer data)
{
    (void)domain;
    (void)level;
    (void)message;
    (void)data;
}

/* libvips would load every plug-in it finds, ImageMagick and poppler among them, for 50 ms and as
 * many ways in for a hostile file. It looks for them below VIPSHOME. Of all of them only the
 * loader of HEIF and AVIF is wanted, and it may be missing. */
static int start_without_plugins(void)
{
    const char *home = getenv("VIPSHOME");
    char *old = home ? strdup(home) : NULL;

    setenv("VIPSHOME", "/nonexistent", 1);
    int rc = vips_init("thumbpool");
    if (old)
        setenv("VIPSHOME", old, 1);
    else
        unsetenv("VIPSHOME");
    free(old);
    return rc;
}

static int start(bool untrusted)
{
    g_log_set_default_handler(say_nothing, NULL); /* warnings would go to the terminal */
    /* From 100 MB on it would put a picture into a file, which a jailed process may not make, and
     * another should not. */
    setenv("VIPS_DISC_THRESHOLD", "1000000g", 1);
    if (untrusted ? vips_init("thumbpool") : start_without_plugins())
        return -1;
    if (!vips_type_find("VipsForeignLoad", "heifload_source"))
        g_module_open(VIPS_PLUGIN_DIR "/vips-heif.so", G_MODULE_BIND_LAZY);
    vips_vector_set_enabled(FALSE); /* it compiles at run time, which a jailed process may not */
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    vips_block_untrusted_set(!untrusted);
    vips_error_clear();
    return 0;
}

/* ---- reading bytes ---- */

static gint64 on_read(VipsSourceCustom *input, void *buffer, gint64 size,
                      struct vips_decoder *decoder)
{
    (void)input;
    size_t got = source_read(decoder->source, buffer, size > 0 ? (size_t)size : 0);
    return got == 0 && decoder->source->error ? -1 : (gint64)got;
}

static gint64 on_seek(VipsSourceCustom *input, gint64 offset, int whence,
                      struct vips_decoder *decoder)
{
    gint64 base = whence == SEEK_SET   ? 0
                  : whence == SEEK_CUR ? decoder->source->offset
                                       : decoder->source->size_bytes;
    gint64 to;

    (void)input;
    if (__builtin_add_overflow(base, offset, &to) || to < 0)
        return -1;
    if (to > decoder->source->size_bytes)
        decoder->ended = true;
    source_seek(decoder->source, to);
    return to;
}

/* ---- faults ---- */

/* Fills the fault with the first line that libvips has to say. Returns -1. */
static int fail(const struct vips_decoder *decoder, enum image_code code)
{
    char line[160] = "libvips gives no reason";
    const char *text = vips_error_buffer();

    while (*text == '\n' || *text == ' ')
        text++;
    if (*text)
        snprintf(line, sizeof line, "%.*s", (int)strcspn(text, "\n"), text);
    vips_error_clear();
    if (decoder->source->error)
        return image_fail(decoder->fault, IMAGE_IO, "reading failed: %s",
                          strerror(decoder->source->error));
    if (decoder->ended)
        return image_fail(decoder->fault, IMAGE_DAMAGED,
                          "the data ends before the picture is complete");
    return image_fail(decoder->fault, strstr(line, "memory") ? IMAGE_MEMORY : code, "%s", line);
}

/* ---- the header ---- */

/* The loaders by kind: they are called by name, so that what a file is read as is never libvips'
 * choice. A kind without one is not read, but for IMAGE_KIND_OTHER. */
static const char *const loaders[IMAGE_KIND_COUNT] = {
    [IMAGE_KIND_WEBP] = "webpload_source", [IMAGE_KIND_GIF] = "gifload_source",
    [IMAGE_KIND_TIFF] = "tiffload_source", [IMAGE_KIND_HEIF] = "heifload_source",
    [IMAGE_KIND_AVIF] = "heifload_source", [IMAGE_KIND_SVG] = "svgload_source",
    [IMAGE_KIND_PDF] = "pdfload_source",
};

static VipsSourceCustom *connect_input(struct vips_decoder *decoder)
{
    VipsSourceCustom *input = vips_source_custom_new();

    g_signal_connect(input, "read", G_CALLBACK(on_read), decoder);
    g_signal_connect(input, "seek", G_CALLBACK(on_seek), decoder);
    return input;
}

static enum image_kind sniff(struct source *source)
{
    uint8_t head[IMAGE_KIND_HEAD_BYTES];
    size_t size = source_read(source, head, sizeof head);

    source_seek(source, 0);
    return image_kind_sniff(head, size);
}

/* The loader that libvips would take, for what the user has asked to be read all the same. Some
 * kinds have loaders for files only, and those are not read. */
static const char *loader_of_other(struct vips_decoder *decoder)
{
    VipsSourceCustom *input = connect_input(decoder);
    const char *loader = vips_foreign_find_load_source(VIPS_SOURCE(input));

    g_object_unref(input);
    vips_error_clear();
    source_seek(decoder->source, 0);
    decoder->ended = false;
    return loader;
}

static const char *choose_loader(struct vips_decoder *decoder, enum image_kind kind)
{
    const char *loader = kind == IMAGE_KIND_OTHER ? loader_of_other(decoder) : loaders[kind];

    return loader && vips_type_find("VipsForeignLoad", loader) ? loader : NULL;
}

static int check_gif(struct vips_decoder *decoder)
{
    struct image_fault fault;
    struct gif_frame *frame = &decoder->frame;

    if (gif_check(decoder->source, frame, &fault) && !decoder->lenient) {
        *decoder->fault = fault;
        return -1;
    }
    decoder->bare = frame->left > 0 || frame->top > 0 || frame->width < frame->canvas_width ||
                    frame->height < frame->canvas_height;
    return 0;
}

/* The decoders behind HEIF show memory that nobody wrote where data are damaged: something else
 * each time, and perhaps a piece of another picture. While such a picture is open, fresh memory is
 * filled with zeros; M_PERTURB takes their complement. */
static void fill_memory(struct vips_decoder *decoder, bool filled)
{
#ifdef M_PERTURB
    if (filled != decoder->filled)
        mallopt(M_PERTURB, filled ? 0xff : 0);
#endif
    decoder->filled = filled;
}

/* Loaders that do not stream hold the whole file, and some of it twice. */
static int64_t need_of_file(const struct vips_decoder *decoder)
{
    bool streams = decoder->kind == IMAGE_KIND_TIFF;

    return streams ? 0 : 2 * decoder->source->size_bytes;
}

static int load(struct vips_decoder *decoder, const struct image_spec *limits)
{
    enum image_kind kind = decoder->kind = sniff(decoder->source);

    if (image_kind_is_untrusted(kind) && !limits->allow_untrusted)
        return image_fail(decoder->fault, IMAGE_UNSUPPORTED, "a kind that was not asked for");
    const char *loader = choose_loader(decoder, kind);
    if (!loader)
        return image_fail(decoder->fault, IMAGE_UNSUPPORTED, "this libvips has no loader for %s",
                          kind == IMAGE_KIND_OTHER ? "what this is" : image_kind_name(kind));
    if (kind == IMAGE_KIND_GIF && check_gif(decoder))
        return -1;
    if (kind == IMAGE_KIND_WEBP && webp_check(decoder->source, decoder->fault))
        return -1;
    if (limits->max_memory > 0 && need_of_file(decoder) > limits->max_memory)
        return image_fail_need(decoder->fault, need_of_file(decoder));
    decoder->input = connect_input(decoder);
    fill_memory(decoder, kind == IMAGE_KIND_HEIF || kind == IMAGE_KIND_AVIF);
    if (vips_call(loader, decoder->input, &decoder->image, "access", VIPS_ACCESS_SEQUENTIAL,
                  "fail_on", decoder->lenient ? VIPS_FAIL_ON_NONE : VIPS_FAIL_ON_ERROR, NULL))
        return fail(decoder, IMAGE_DAMAGED);
    return 0;
}

/* Puts the result of an operation in the place of the picture it was made from. */
static int replace(struct vips_decoder *decoder, int rc, VipsImage *const *image)
{
    if (rc)
        return fail(decoder, IMAGE_UNSUPPORTED);
    g_object_unref(decoder->image);
    decoder->image = *image;
    return 0;
}

static int cast_to_8_bits(struct vips_decoder *decoder)
{
    VipsImage *out = NULL;
    int rc = vips_cast(decoder->image, &out, VIPS_FORMAT_UCHAR, "shift", TRUE, NULL);

    return replace(decoder, rc, &out);
}

static int convert_to_srgb(struct vips_decoder *decoder)
{
    VipsImage *out = NULL;
    int rc = vips_colourspace(decoder->image, &out, VIPS_INTERPRETATION_sRGB, NULL);

    return replace(decoder, rc, &out);
}

/* 16 bits lose their lower half, and what is neither grey, RGB nor CMYK becomes sRGB. */
static int convert(struct vips_decoder *decoder)
{
    VipsInterpretation type = vips_image_guess_interpretation(decoder->image);
    bool plain = type == VIPS_INTERPRETATION_B_W || type == VIPS_INTERPRETATION_GREY16 ||
                 type == VIPS_INTERPRETATION_sRGB || type == VIPS_INTERPRETATION_RGB ||
                 type == VIPS_INTERPRETATION_RGB16 || type == VIPS_INTERPRETATION_CMYK;
    VipsBandFormat format = vips_image_get_format(decoder->image);

    if (!plain || (format != VIPS_FORMAT_UCHAR && format != VIPS_FORMAT_USHORT))
        if (convert_to_srgb(decoder))
            return -1;
    if (vips_image_get_format(decoder->image) != VIPS_FORMAT_UCHAR)
        return cast_to_8_bits(decoder);
    return 0;
}

static int choose_colour(struct vips_decoder *decoder, struct codec_header *header)
{
    int bands = vips_image_get_bands(decoder->image);
    bool cmyk = vips_image_guess_interpretation(decoder->image) == VIPS_INTERPRETATION_CMYK;

    decoder->alpha = vips_image_hasalpha(decoder->image);
    int colours = bands - decoder->alpha;
    if (cmyk && colours == 4)
        header->colour = CODEC_CMYK; /* an alpha band behind the inks is not looked at */
    else if (colours == 1 && !decoder->alpha && !decoder->bare)
        header->colour = CODEC_GREY;
    else if (colours == 1 || colours == 3)
        header->colour = CODEC_RGB;
    else
        return image_fail(decoder->fault, IMAGE_UNSUPPORTED, "a picture of %d bands", bands);
    header->alpha = (decoder->alpha || decoder->bare) && header->colour == CODEC_RGB;
    return 0;
}

/* Leaves *ret alone where the picture has no such metadata. */
static void read_blob(struct vips_decoder *decoder, const char *name, const uint8_t **ret,
                      size_t *ret_size)
{
    const void *bytes = NULL;
    size_t size = 0;

    if (!vips_image_get_typeof(decoder->image, name) ||
        vips_image_get_blob(decoder->image, name, &bytes, &size))
        return;
    *ret = bytes;
    *ret_size = size;
}

static int read_header(struct vips_decoder *decoder, const struct image_spec *limits,
                       struct codec_header *header)
{
    if (load(decoder, limits))
        return -1;
    if (codec_check_size(vips_image_get_width(decoder->image),
                         vips_image_get_height(decoder->image), limits, decoder->fault))
        return -1;
    *header = (struct codec_header){.width = vips_image_get_width(decoder->image),
                                    .height = vips_image_get_height(decoder->image),
                                    .orientation = vips_image_get_orientation(decoder->image),
                                    .shrinks = 1};
    decoder->held_bytes = (int)VIPS_IMAGE_SIZEOF_PEL(decoder->image) + 4;
    if (convert(decoder) || choose_colour(decoder, header))
        return -1;
    read_blob(decoder, VIPS_META_ICC_NAME, &header->icc, &header->icc_size);
    read_blob(decoder, VIPS_META_EXIF_NAME, &header->exif, &header->exif_size);
    return 0;
}

static void vips_close(void *opaque)
{
    struct vips_decoder *decoder = opaque;

    if (!decoder)
        return;
    VIPS_UNREF(decoder->image);
    VIPS_UNREF(decoder->input);
    fill_memory(decoder, false);
    vips_error_clear();
    free(decoder);
}

static int vips_open(struct source *source, const struct image_spec *limits, void **ret,
                     struct codec_header *header, struct image_fault *fault)
{
    struct vips_decoder *decoder = calloc(1, sizeof *decoder);

    if (!decoder)
        return image_fail(fault, IMAGE_MEMORY, "no memory for a decoder");
    decoder->source = source;
    decoder->fault = fault;
    decoder->lenient = codec_is_lenient(limits);
    if (read_header(decoder, limits, header)) {
        vips_close(decoder);
        return -1;
    }
    *ret = decoder;
    return 0;
}

/* ---- the rows ---- */

/* One row of `bands` bands to what the sink wants: grey, or four channels. */
static void write_row(const uint8_t *from, int bands, bool alpha, const struct reduce *sink,
                      uint8_t *to)
{
    int colours = bands - alpha;

    if (bands == sink->channels) {
        memcpy(to, from, (size_t)sink->width * (size_t)bands);
        return;
    }
    for (int x = 0; x < sink->width; x++, from += bands, to += 4) {
        to[0] = from[0];
        to[1] = from[colours > 1 ? 1 : 0];
        to[2] = from[colours > 2 ? 2 : 0];
        to[3] = colours == 4 ? from[3] : alpha ? from[colours] : 255;
    }
}

/* libvips makes bare canvas black when no other pixel is transparent; it is transparent itself. */
static void clear_bare(const struct vips_decoder *decoder, int width, int y, uint8_t *to)
{
    const struct gif_frame *frame = &decoder->frame;
    bool above = y < frame->top, below = y >= frame->top + frame->height;

    for (int x = 0; x < width; x++, to += 4)
        if (above || below || x < frame->left || x >= frame->left + frame->width)
            memset(to, 0, 4);
}

static int read_rows(struct vips_decoder *decoder, VipsRegion *region, struct reduce *sink)
{
    int bands = vips_image_get_bands(decoder->image);

    for (int y = 0; y < sink->height; y += STRIP_ROWS) {
        int rows = VIPS_MIN(STRIP_ROWS, sink->height - y);
        VipsRect strip = {0, y, sink->width, rows};
        if (vips_region_prepare(region, &strip))
            return fail(decoder, IMAGE_DAMAGED);
        for (int row = y; row < y + rows; row++) {
            write_row(VIPS_REGION_ADDR(region, 0, row), bands, decoder->alpha, sink,
                      reduce_row(sink));
            if (decoder->bare)
                clear_bare(decoder, sink->width, row, reduce_row(sink));
            reduce_commit(sink);
        }
    }
    return 0;
}

/* Bytes that a loader holds of each pixel: a canvas and the one before it, planes and what they are
 * converted to, and so on, found by trying. Where it is 0, rows are held. */
static const int pixel_bytes[IMAGE_KIND_COUNT] = {
    [IMAGE_KIND_WEBP] = 10, [IMAGE_KIND_GIF] = 10,   [IMAGE_KIND_HEIF] = 14,
    [IMAGE_KIND_AVIF] = 14, [IMAGE_KIND_OTHER] = 16,
};

/* Of them: of a TIFF's tiles, and of a drawing's, which are larger. */
static int64_t rows_held(enum image_kind kind)
{
    enum { SOME = 64, TILES = 1024, DRAWING = 4096 };

    return pixel_bytes[kind] > 0 ? SOME : kind == IMAGE_KIND_TIFF ? TILES : DRAWING;
}

static int64_t vips_need(void *opaque, const struct geometry_reduction *plan, int64_t room)
{
    enum { FIXED_BYTES = 16 << 20 };
    const struct vips_decoder *decoder = opaque;
    int64_t width = vips_image_get_width(decoder->image);
    int64_t height = vips_image_get_height(decoder->image);
    int64_t rows = VIPS_MIN(height, rows_held(decoder->kind));

    (void)plan; /* it is all the same, as is the room */
    (void)room;
    return FIXED_BYTES + need_of_file(decoder) + width * rows * decoder->held_bytes +
           pixel_bytes[decoder->kind] * width * height;
}

static int vips_read(void *opaque, int shrink, struct reduce *sink)
{
    struct vips_decoder *decoder = opaque;
    VipsRegion *region = vips_region_new(decoder->image);

    (void)shrink; /* 1 is the only one on offer */
    if (!region)
        return fail(decoder, IMAGE_MEMORY);
    int rc = read_rows(decoder, region, sink);
    g_object_unref(region);
    if (!rc || !decoder->lenient || sink->rows == 0 || decoder->fault->code != IMAGE_DAMAGED)
        return rc;
    codec_fill_rest(sink, 0);
    return 0;
}

static const struct codec vips_codec = {
    .open = vips_open, .need = vips_need, .read = vips_read, .close = vips_close};

/* ---- the module ---- */

VIPS_MODULE_EXPORT extern const struct vips_module thumbpool_vips_module;

const struct vips_module thumbpool_vips_module = {
    .version = VIPS_MODULE_VERSION,
    .start = start,
    .codec = &vips_codec,
    .encode = vips_encode,
};
