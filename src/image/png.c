/* The PNG decoder.
 *
 * libpng leaves by longjmp on errors, so what outlives a call of it lives in one struct. Text
 * chunks are skipped as if they were unknown: a few hundred bytes of them can inflate to hundreds
 * of megabytes. A picture whose rows are all there is whole even if its end marker is not.
 *
 * libpng reads the header of every picture. The pixels of an ordinary one are inflated whole, and
 * go past libpng (png_whole); where anything about them is unusual, libpng reads them too, and its
 * word on damage is the one that counts.
 *
 * A lenient decoder believes no checksum, and leaves black, or transparent, what libpng could not
 * decode; of an interlaced picture it shows the passes that came, as coarse as they are. */
#include "image/png.h"

#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "image/exif.h"
#include "image/png_whole.h"

enum { CHUNK_BYTES_MAX = 4 * 1024 * 1024 /* of an ancillary chunk when inflated */ };

struct png_decoder {
    png_structp png;
    png_infop info;
    struct source *source;     /* borrowed */
    struct image_fault *fault; /* borrowed */
    int height;                /* rows, for what is said of them */
    int rows_done;             /* of them */
    bool lenient;              /* go on over damage */
    bool by_rows;              /* there is no memory for all of the picture at once */
    bool ended;                /* libpng wanted more bytes than there are */
    uint8_t *whole;            /* the picture, when it is interlaced; owned */
    png_bytep *rows;           /* of the whole picture; owned */
};

static void read_bytes(png_structp png, png_bytep to, size_t size)
{
    struct png_decoder *decoder = png_get_io_ptr(png);

    if (source_read(decoder->source, to, size) == size)
        return;
    decoder->ended = true;
    png_error(png, "the data ends early");
}

static _Noreturn void fail(png_structp png, png_const_charp message)
{
    struct png_decoder *decoder = png_get_error_ptr(png);

    if (decoder->ended)
        codec_fail_end(decoder->source, decoder->rows_done, decoder->height, decoder->fault);
    else if (strstr(message, "memory"))
        image_fail(decoder->fault, IMAGE_MEMORY, "no memory: %s", message);
    else
        image_fail(decoder->fault, IMAGE_DAMAGED, "%s", message);
    png_longjmp(png, 1);
}

/* Warnings are oddities of chunks that a thumbnail does not need, but for one: what is wrong with
 * the end of the compressed pixels, their checksum, is only warned of. More data than there are
 * pixels do no harm. */
static void hear_warning(png_structp png, png_const_charp message)
{
    const struct png_decoder *decoder = png_get_error_ptr(png);
    bool of_pixels = !strncmp(message, "IDAT: ", 6);

    if (of_pixels && !decoder->lenient && !strstr(message, "Extra") && !strstr(message, "Too much"))
        fail(png, message);
}

/* What libpng is told before it reads a byte. */
static void set_limits(struct png_decoder *decoder)
{
    static const png_byte skipped[] = "tEXt\0zTXt\0iTXt\0sPLT"; /* each with its NUL */

    png_set_read_fn(decoder->png, decoder, read_bytes);
    png_set_user_limits(decoder->png, 0x7fffffff, 0x7fffffff); /* ours have better sentences */
    png_set_chunk_malloc_max(decoder->png, CHUNK_BYTES_MAX);
    png_set_keep_unknown_chunks(decoder->png, PNG_HANDLE_CHUNK_NEVER, skipped, 4);
    png_set_benign_errors(decoder->png, 1);
    if (decoder->lenient)
        png_set_crc_action(decoder->png, PNG_CRC_QUIET_USE, PNG_CRC_DEFAULT);
}

static void read_exif(struct png_decoder *decoder, struct codec_header *header)
{
    png_uint_32 size = 0;
    png_bytep block = NULL;

    png_get_eXIf_1(decoder->png, decoder->info, &size, &block);
    header->exif = block;
    header->exif_size = block ? size : 0;
    header->orientation = exif_orientation(header->exif, header->exif_size);
}

/* A profile is more than an sRGB chunk, and that more than gamma and chromaticities. Those last
 * count for nothing without gamma, as in browsers. */
static void read_gamma(struct png_decoder *decoder, struct codec_header *header)
{
    double *c = header->corners;

    if (header->icc || png_get_valid(decoder->png, decoder->info, PNG_INFO_sRGB) ||
        !png_get_gAMA(decoder->png, decoder->info, &header->gamma))
        return;
    png_get_cHRM(decoder->png, decoder->info, &c[0], &c[1], &c[2], &c[3], &c[4], &c[5], &c[6],
                 &c[7]);
}

/* Asks libpng for rows of 8 bits: grey, or four channels. */
static void set_conversions(struct png_decoder *decoder, struct codec_header *header)
{
    png_structp png = decoder->png;
    int type = png_get_color_type(png, decoder->info);
    bool transparent = png_get_valid(png, decoder->info, PNG_INFO_tRNS) != 0;

    header->alpha = (type & PNG_COLOR_MASK_ALPHA) || transparent;
    header->colour = (type & PNG_COLOR_MASK_COLOR) || header->alpha ? CODEC_RGB : CODEC_GREY;
    png_set_expand(png); /* palettes, depths below 8, transparent colours */
    png_set_scale_16(png);
    if (header->colour == CODEC_RGB && !(type & PNG_COLOR_MASK_COLOR))
        png_set_gray_to_rgb(png);
    if (header->colour == CODEC_RGB && !header->alpha)
        png_set_filler(png, 0xff, PNG_FILLER_AFTER);
}

/* Everything of open that may leave by longjmp to its caller. */
static int read_header(struct png_decoder *decoder, const struct image_spec *limits,
                       struct codec_header *header)
{
    png_charp name;
    int compression;
    png_bytep icc = NULL;
    png_uint_32 icc_size = 0;

    set_limits(decoder);
    png_read_info(decoder->png, decoder->info);
    png_uint_32 width = png_get_image_width(decoder->png, decoder->info);
    png_uint_32 height = png_get_image_height(decoder->png, decoder->info);
    if (codec_check_size(width, height, limits, decoder->fault))
        return -1;
    png_get_iCCP(decoder->png, decoder->info, &name, &compression, &icc, &icc_size);
    decoder->height = (int)height;
    *header = (struct codec_header){
        .width = (int)width, .height = (int)height, .shrinks = 1, .icc = icc, .icc_size = icc_size};
    read_gamma(decoder, header);
    read_exif(decoder, header);
    set_conversions(decoder, header);
    return 0;
}

static void png_close(void *opaque)
{
    struct png_decoder *decoder = opaque;

    if (!decoder)
        return;
    png_destroy_read_struct(&decoder->png, &decoder->info, NULL);
    free(decoder->whole);
    free(decoder->rows);
    free(decoder);
}

static int png_open(struct source *source, const struct image_spec *limits, void **ret,
                    struct codec_header *header, struct image_fault *fault)
{
    struct png_decoder *decoder = calloc(1, sizeof *decoder);

    if (!decoder)
        return image_fail(fault, IMAGE_MEMORY, "no memory for a decoder");
    decoder->source = source;
    decoder->fault = fault;
    decoder->lenient = codec_is_lenient(limits);
    decoder->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, decoder, fail, hear_warning);
    if (decoder->png)
        decoder->info = png_create_info_struct(decoder->png);
    if (!decoder->info) {
        png_close(decoder);
        return image_fail(fault, IMAGE_MEMORY, "no memory for a decoder");
    }
    if (setjmp(png_jmpbuf(decoder->png)) || read_header(decoder, limits, header)) {
        png_close(decoder);
        return -1;
    }
    *ret = decoder;
    return 0;
}

/* What libpng holds: some rows, or all of an interlaced picture, as wide as it hands them out. */
static int64_t need_of_libpng(const struct png_decoder *decoder)
{
    int64_t width = png_get_image_width(decoder->png, decoder->info);
    int64_t row = width * 4 + (int64_t)sizeof(png_bytep), some = width * 8 * 4 + (1 << 17);
    bool held = png_get_interlace_type(decoder->png, decoder->info) != PNG_INTERLACE_NONE;

    return some + (held ? row * decoder->height : 0);
}

static int64_t png_need(void *opaque, const struct geometry_reduction *plan, int64_t room)
{
    struct png_decoder *decoder = opaque;
    int64_t rows = need_of_libpng(decoder);
    int64_t whole = png_whole_need(decoder->png, decoder->info, decoder->source);

    (void)plan; /* it is all the same */
    if (decoder->lenient || whole == 0)
        return rows;
    /* Damage is found while it is whole, and libpng then reads it anew. */
    decoder->by_rows = whole + rows > room;
    return decoder->by_rows ? rows : whole + rows;
}

static void read_rows(struct png_decoder *decoder, struct reduce *sink)
{
    for (; decoder->rows_done < sink->height; decoder->rows_done++) {
        png_read_row(decoder->png, reduce_row(sink), NULL);
        reduce_commit(sink);
    }
}

static void write_whole(const struct png_decoder *decoder, struct reduce *sink)
{
    while (sink->rows < sink->height) {
        size_t row_bytes = (size_t)sink->width * (size_t)sink->channels;
        memcpy(reduce_row(sink), decoder->rows[sink->rows], row_bytes);
        reduce_commit(sink);
    }
}

/* The seven passes of an interlaced picture go over all of it, so all of it is held. */
static int read_interlaced(struct png_decoder *decoder, struct reduce *sink, int passes)
{
    size_t row_bytes = png_get_rowbytes(decoder->png, decoder->info);

    decoder->whole = calloc((size_t)sink->height, row_bytes);
    decoder->rows = calloc((size_t)sink->height, sizeof *decoder->rows);
    if (!decoder->whole || !decoder->rows)
        return image_fail(decoder->fault, IMAGE_MEMORY,
                          "no memory for an interlaced picture of %d x %d pixels", sink->width,
                          sink->height);
    for (int y = 0; y < sink->height; y++)
        decoder->rows[y] = decoder->whole + (size_t)y * row_bytes;
    while (passes--) /* the rows are seen in coarse blocks first, or in sparse pixels */
        if (decoder->lenient)
            png_read_rows(decoder->png, NULL, decoder->rows, (png_uint_32)sink->height);
        else
            png_read_rows(decoder->png, decoder->rows, NULL, (png_uint_32)sink->height);
    decoder->rows_done = sink->height;
    write_whole(decoder, sink);
    return 0;
}

/* Everything of read up to the last row. */
static int read_picture(struct png_decoder *decoder, struct reduce *sink)
{
    int passes = png_set_interlace_handling(decoder->png);

    png_read_update_info(decoder->png, decoder->info);
    if (png_get_rowbytes(decoder->png, decoder->info) !=
        (size_t)sink->width * (size_t)sink->channels)
        return image_fail(decoder->fault, IMAGE_UNSUPPORTED,
                          "libpng gives rows that were not asked for");
    if (passes > 1)
        return read_interlaced(decoder, sink, passes);
    read_rows(decoder, sink);
    return 0;
}

/* True when libpng stopped somewhere behind the last chunk that holds pixels. */
static bool behind_pixels(const struct png_decoder *decoder)
{
    png_uint_32 chunk = png_get_io_chunk_type(decoder->png);
    bool in_pixels = chunk == 0x49444154; /* IDAT */
    png_uint_32 state = png_get_io_state(decoder->png) & PNG_IO_MASK_LOC;

    return !in_pixels || state == PNG_IO_CHUNK_HDR;
}

/* libpng has left for good. Returns 0 when that does no harm. */
static int after_error(const struct png_decoder *decoder, struct reduce *sink)
{
    bool whole = decoder->rows_done == decoder->height && behind_pixels(decoder);
    bool begun = png_get_current_row_number(decoder->png) > 0 ||
                 png_get_current_pass_number(decoder->png) > 0;

    if (whole && !decoder->source->error)
        return 0;
    if (!decoder->lenient || !begun || decoder->fault->code != IMAGE_DAMAGED)
        return -1;
    if (decoder->rows)
        write_whole(decoder, sink);
    codec_fill_rest(sink, 0);
    return 0;
}

static int read_by_libpng(void *opaque, int shrink, struct reduce *sink)
{
    struct png_decoder *decoder = opaque;

    (void)shrink; /* 1 is the only one on offer */
    if (setjmp(png_jmpbuf(decoder->png)))
        return after_error(decoder, sink);
    if (read_picture(decoder, sink))
        return -1;
    png_read_end(decoder->png, NULL); /* the pixels' checksums */
    return 0;
}

/* The ordinary picture goes past libpng once its header is read; libpng never knows. */
static int png_read(void *opaque, int shrink, struct reduce *sink)
{
    struct png_decoder *decoder = opaque;

    if (!decoder->lenient && !decoder->by_rows &&
        png_whole_read(decoder->png, decoder->info, decoder->source, sink))
        return 0;
    return read_by_libpng(decoder, shrink, sink);
}

const struct codec png_codec = {
    .open = png_open, .need = png_need, .read = png_read, .close = png_close};

const struct codec png_libpng_codec = {
    .open = png_open, .need = png_need, .read = read_by_libpng, .close = png_close};
