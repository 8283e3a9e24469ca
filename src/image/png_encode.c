/* The PNG encoder. */
#include <stdlib.h>
#include <string.h>

#include <png.h>
#include <zlib.h>

#include "image/buffer.h"
#include "image/png.h"

struct png_encoder {
    png_structp png;
    png_infop info;
    struct buffer file;        /* what it has written */
    uint8_t *row;              /* one, with the channels of the file; owned */
    struct image_fault *fault; /* borrowed */
};

static void write_bytes(png_structp png, png_bytep bytes, size_t size)
{
    struct png_encoder *encoder = png_get_io_ptr(png);

    if (buffer_append(&encoder->file, bytes, size))
        png_error(png, "no memory for the file");
}

static void flush_nothing(png_structp png)
{
    (void)png;
}

static _Noreturn void fail(png_structp png, png_const_charp message)
{
    struct png_encoder *encoder = png_get_error_ptr(png);

    image_fail(encoder->fault, IMAGE_MEMORY, "%s", message);
    png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

/* With all filters tried on each row, hardly anything repeats but runs. Looking for no more than
 * these halves the time that zlib's level 4 takes, for fewer bytes than it gives. */
static void choose_compression(png_structp png)
{
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_ALL_FILTERS);
    png_set_compression_strategy(png, Z_RLE);
    png_set_compression_level(png, 1);
}

/* The fewest channels that hold the picture. A profile is for the channels that there are. */
static int choose_type(const struct pixels *pixels, bool has_profile)
{
    bool grey = !has_profile, opaque = true;

    if (pixels->channels == 1)
        return PNG_COLOR_TYPE_GRAY;
    for (int y = 0; y < pixels->height && (grey || opaque); y++) {
        const uint8_t *pixel = pixels->data + (size_t)y * pixels->stride;
        for (int x = 0; x < pixels->width; x++, pixel += 4) {
            grey = grey && pixel[0] == pixel[1] && pixel[1] == pixel[2];
            opaque = opaque && (!pixels->alpha || pixel[3] == 255);
        }
    }
    return (grey ? 0 : PNG_COLOR_MASK_COLOR) | (opaque ? 0 : PNG_COLOR_MASK_ALPHA);
}

static void pack_row(const uint8_t *from, const struct pixels *pixels, int type, uint8_t *to)
{
    size_t colours = type & PNG_COLOR_MASK_COLOR ? 3 : 1;

    for (int x = 0; x < pixels->width; x++, from += pixels->channels) {
        memcpy(to, from, colours);
        to += colours;
        if (type & PNG_COLOR_MASK_ALPHA)
            *to++ = from[3];
    }
}

static void set_metadata(struct png_encoder *encoder, const struct metadata *metadata)
{
    if (metadata->icc)
        png_set_iCCP(encoder->png, encoder->info, "ICC", PNG_COMPRESSION_TYPE_BASE, metadata->icc,
                     (png_uint_32)metadata->icc_size);
    if (metadata->exif)
        png_set_eXIf_1(encoder->png, encoder->info, (png_uint_32)metadata->exif_size,
                       metadata->exif);
}

/* Everything that may leave by longjmp to its caller. */
static void write_file(struct png_encoder *encoder, const struct pixels *pixels,
                       const struct metadata *metadata)
{
    png_structp png = encoder->png;
    int type = choose_type(pixels, metadata && metadata->icc);

    png_set_write_fn(png, encoder, write_bytes, flush_nothing);
    png_set_IHDR(png, encoder->info, (png_uint_32)pixels->width, (png_uint_32)pixels->height, 8,
                 type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    choose_compression(png);
    png_set_benign_errors(png, 1); /* a profile that libpng does not like is left out */
    if (metadata)
        set_metadata(encoder, metadata);
    png_write_info(png, encoder->info);
    for (int y = 0; y < pixels->height; y++) {
        pack_row(pixels->data + (size_t)y * pixels->stride, pixels, type, encoder->row);
        png_write_row(png, encoder->row);
    }
    png_write_end(png, encoder->info);
}

static void encoder_free(struct png_encoder *encoder)
{
    png_destroy_write_struct(&encoder->png, &encoder->info);
    buffer_done(&encoder->file);
    free(encoder->row);
    free(encoder);
}

int png_encode(const struct pixels *pixels, const struct metadata *metadata, uint8_t **ret,
               size_t *ret_size, struct image_fault *fault)
{
    struct png_encoder *encoder = calloc(1, sizeof *encoder);

    if (!encoder)
        return image_fail(fault, IMAGE_MEMORY, "no memory for an encoder");
    encoder->fault = fault;
    encoder->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, encoder, fail, ignore);
    encoder->row = malloc((size_t)pixels->width * 4);
    if (encoder->png && encoder->row)
        encoder->info = png_create_info_struct(encoder->png);
    if (!encoder->info) {
        encoder_free(encoder);
        return image_fail(fault, IMAGE_MEMORY, "no memory for an encoder");
    }
    if (setjmp(png_jmpbuf(encoder->png))) {
        encoder_free(encoder);
        return -1;
    }
    write_file(encoder, pixels, metadata);
    *ret = encoder->file.bytes;
    *ret_size = encoder->file.size;
    encoder->file = (struct buffer){0};
    encoder_free(encoder);
    return 0;
}

static void write_nowhere(png_structp png, png_bytep bytes, size_t size)
{
    (void)png;
    (void)bytes;
    (void)size;
}

/* Leaves nothing behind but whether libpng took it. libpng 1.6.39 judges a profile when it is set,
 * 1.6.48 when it is written. May leave by longjmp to its caller. */
static bool try_profile(png_structp png, png_infop info, bool grey, const uint8_t *icc, size_t size)
{
    png_set_IHDR(png, info, 1, 1, 8, grey ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_benign_errors(png, 1);
    png_set_iCCP(png, info, "ICC", PNG_COMPRESSION_TYPE_BASE, icc, (png_uint_32)size);
    if (!png_get_valid(png, info, PNG_INFO_iCCP))
        return false;
    png_set_write_fn(png, NULL, write_nowhere, flush_nothing);
    png_set_text_compression_level(png, 0);
    png_write_info(png, info);
    return true;
}

bool png_takes_profile(bool grey, const uint8_t *icc, size_t size)
{
    struct image_fault fault;
    struct png_encoder encoder = {.fault = &fault};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &encoder, fail, ignore);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool takes = false;

    if (!info)
        goto out;
    if (!setjmp(png_jmpbuf(png)))
        takes = try_profile(png, info, grey, icc, size);
out:
    png_destroy_write_struct(&png, &info);
    return takes;
}
