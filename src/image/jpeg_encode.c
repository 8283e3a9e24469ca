/* The JPEG encoder. libjpeg's own destination in memory is not used: when it fails half-way, its
 * caller cannot tell which buffer is whose. */
#include <stdlib.h>

#include "image/buffer.h"
#include "image/jpeg.h"
#include "image/jpeg_error.h"

enum {
    MARKER_BYTES_MAX = 65533,
    /* Huffman tables made for the picture save one byte in fifteen. libjpeg holds all coefficients
     * to make them, three bytes a pixel, so that a large result does with its standard tables. */
    OPTIMISED_PIXELS_MAX = 4 << 20,
};

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

static void choose_coding(struct jpeg_compress_struct *cinfo, const struct image_spec *spec)
{
    jpeg_set_defaults(cinfo);
    jpeg_set_quality(cinfo, spec->quality, TRUE);
    if (spec->full_chroma)
        cinfo->comp_info[0].h_samp_factor = cinfo->comp_info[0].v_samp_factor = 1;
    if (spec->progressive)
        jpeg_simple_progression(cinfo);
    cinfo->optimize_coding =
        (int64_t)cinfo->image_width * cinfo->image_height <= OPTIMISED_PIXELS_MAX;
}

static void write_exif(struct jpeg_compress_struct *cinfo, const struct metadata *metadata)
{
    static const char prefix[6] = "Exif\0";

    if (metadata->exif_size > MARKER_BYTES_MAX - sizeof prefix)
        return;
    jpeg_write_m_header(cinfo, JPEG_APP0 + 1, (unsigned)(sizeof prefix + metadata->exif_size));
    for (size_t i = 0; i < sizeof prefix; i++)
        jpeg_write_m_byte(cinfo, prefix[i]);
    for (size_t i = 0; i < metadata->exif_size; i++)
        jpeg_write_m_byte(cinfo, metadata->exif[i]);
}

static void write_metadata(struct jpeg_compress_struct *cinfo, const struct metadata *metadata)
{
    if (metadata->exif)
        write_exif(cinfo, metadata);
    if (metadata->icc)
        jpeg_write_icc_profile(cinfo, metadata->icc, (unsigned)metadata->icc_size);
}

/* Everything that may leave by longjmp to its caller. */
static void write_file(struct jpeg_encoder *encoder, const struct pixels *pixels,
                       const struct image_spec *spec, const struct metadata *metadata)
{
    struct jpeg_compress_struct *cinfo = &encoder->cinfo;

    jpeg_create_compress(cinfo);
    cinfo->dest = &encoder->output;
    cinfo->image_width = (unsigned)pixels->width;
    cinfo->image_height = (unsigned)pixels->height;
    cinfo->input_components = pixels->channels;
    cinfo->in_color_space = pixels->channels == 1 ? JCS_GRAYSCALE : JCS_EXT_RGBX;
    choose_coding(cinfo, spec);
    jpeg_start_compress(cinfo, TRUE);
    if (metadata)
        write_metadata(cinfo, metadata);
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

int jpeg_encode(const struct pixels *pixels, const struct image_spec *spec,
                const struct metadata *metadata, uint8_t **ret, size_t *ret_size,
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
    write_file(encoder, pixels, spec, metadata);
    *ret = encoder->file.bytes;
    *ret_size = encoder->file.size;
    encoder->file = (struct buffer){0};
    encoder_free(encoder);
    return 0;
}
