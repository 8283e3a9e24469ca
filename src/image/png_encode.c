/* The PNG encoder. */
#include <stdlib.h>

#include <png.h>

#include "image/buffer.h"
#include "image/png.h"

/* zlib's levels above this take three times as long to save one byte in thirty. */
enum { COMPRESSION_LEVEL = 4 };

struct png_encoder {
    png_structp png;
    png_infop info;
    struct buffer file;        /* what it has written */
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

/* Everything that may leave by longjmp to its caller. */
static void write_file(struct png_encoder *encoder, const struct pixels *pixels)
{
    png_structp png = encoder->png;
    int type = PNG_COLOR_TYPE_GRAY;

    if (pixels->channels == 4)
        type = pixels->alpha ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB;
    png_set_write_fn(png, encoder, write_bytes, flush_nothing);
    png_set_IHDR(png, encoder->info, (png_uint_32)pixels->width, (png_uint_32)pixels->height, 8,
                 type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, COMPRESSION_LEVEL);
    png_write_info(png, encoder->info);
    if (type == PNG_COLOR_TYPE_RGB)
        png_set_filler(png, 0, PNG_FILLER_AFTER);
    for (int y = 0; y < pixels->height; y++)
        png_write_row(png, pixels->data + (size_t)y * pixels->stride);
    png_write_end(png, encoder->info);
}

static void encoder_free(struct png_encoder *encoder)
{
    png_destroy_write_struct(&encoder->png, &encoder->info);
    buffer_done(&encoder->file);
    free(encoder);
}

int png_encode(const struct pixels *pixels, uint8_t **ret, size_t *ret_size,
               struct image_fault *fault)
{
    struct png_encoder *encoder = calloc(1, sizeof *encoder);

    if (!encoder)
        return image_fail(fault, IMAGE_MEMORY, "no memory for an encoder");
    encoder->fault = fault;
    encoder->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, encoder, fail, ignore);
    if (encoder->png)
        encoder->info = png_create_info_struct(encoder->png);
    if (!encoder->info) {
        encoder_free(encoder);
        return image_fail(fault, IMAGE_MEMORY, "no memory for an encoder");
    }
    if (setjmp(png_jmpbuf(encoder->png))) {
        encoder_free(encoder);
        return -1;
    }
    write_file(encoder, pixels);
    *ret = encoder->file.bytes;
    *ret_size = encoder->file.size;
    encoder->file = (struct buffer){0};
    encoder_free(encoder);
    return 0;
}
