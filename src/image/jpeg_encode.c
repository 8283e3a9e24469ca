/* The JPEG encoder. libjpeg's own destination in memory is not used: when it fails half-way, its
 * caller cannot tell which buffer is whose. */
#include <stdlib.h>

#include "image/buffer.h"
#include "image/jpeg.h"
#include "image/jpeg_error.h"

struct jpeg_encoder {
    struct jpeg_compress_struct cinfo;
    struct jpeg_error error;            /* its error manager */
    struct jpeg_destination_mgr output; /* its destination manager */
    struct buffer file;                 /* what it has written */
};

/* Offers libjpeg all the room that the buffer has. */
static void offer_room(struct jpeg_encoder *encoder)
{
    if (buffer_reserve(&encoder->file, 1))
        ERREXIT1(&encoder->cinfo, JERR_OUT_OF_MEMORY, 0);
    encoder->output.next_output_byte = encoder->file.bytes + encoder->file.size;
    encoder->output.free_in_buffer = encoder->file.room - encoder->file.size;
}

static void start_file(j_compress_ptr cinfo)
{
    offer_room(cinfo->client_data);
}

/* libjpeg calls this when the room is used up, whatever it has left in the counters. */
static boolean grow_file(j_compress_ptr cinfo)
{
    struct jpeg_encoder *encoder = cinfo->client_data;

    encoder->file.size = encoder->file.room;
    offer_room(encoder);
    return TRUE;
}

static void end_file(j_compress_ptr cinfo)
{
    struct jpeg_encoder *encoder = cinfo->client_data;

    encoder->file.size = encoder->file.room - encoder->output.free_in_buffer;
}

/* Everything that may leave by longjmp to its caller. */
static void write_file(struct jpeg_encoder *encoder, const struct pixels *pixels, int quality)
{
    struct jpeg_compress_struct *cinfo = &encoder->cinfo;

    jpeg_create_compress(cinfo);
    cinfo->dest = &encoder->output;
    cinfo->image_width = (unsigned)pixels->width;
    cinfo->image_height = (unsigned)pixels->height;
    cinfo->input_components = pixels->channels;
    cinfo->in_color_space = pixels->channels == 1 ? JCS_GRAYSCALE : JCS_EXT_RGBX;
    jpeg_set_defaults(cinfo);
    jpeg_set_quality(cinfo, quality, TRUE);
    jpeg_start_compress(cinfo, TRUE);
    while (cinfo->next_scanline < cinfo->image_height) {
        JSAMPROW row = pixels->data + (size_t)cinfo->next_scanline * pixels->stride;
        jpeg_write_scanlines(cinfo, &row, 1);
    }
    jpeg_finish_compress(cinfo);
}

static void encoder_free(struct jpeg_encoder *encoder)
{
    jpeg_destroy_compress(&encoder->cinfo);
    buffer_done(&encoder->file);
    free(encoder);
}

int jpeg_encode(const struct pixels *pixels, int quality, uint8_t **ret, size_t *ret_size,
                struct image_fault *fault)
{
    struct jpeg_encoder *encoder = calloc(1, sizeof *encoder);

    if (!encoder)
        return image_fail(fault, IMAGE_MEMORY, "no memory for an encoder");
    encoder->cinfo.err = jpeg_error_init(&encoder->error, fault);
    encoder->cinfo.client_data = encoder;
    encoder->output.init_destination = start_file;
    encoder->output.empty_output_buffer = grow_file;
    encoder->output.term_destination = end_file;
    if (setjmp(encoder->error.escape)) {
        encoder_free(encoder);
        return -1;
    }
    write_file(encoder, pixels, quality);
    *ret = encoder->file.bytes;
    *ret_size = encoder->file.size;
    encoder->file = (struct buffer){0};
    encoder_free(encoder);
    return 0;
}
