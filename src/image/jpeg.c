/* The JPEG decoder.
 *
 * Damage. libjpeg goes on over damaged data and only warns. The first warning that means damage
 * ends the picture here. One kind of damage it does not warn of: a file of several scans that
 * ends between two of them. So when the data ended without an end marker, the scans are counted:
 * every coefficient of every component must have come in full. Arithmetic coding is worse off: it
 * takes missing data for zeros, so there a missing end marker is always taken for damage.
 *
 * Shrunk pictures of the usual kinds go past libjpeg's decoder once it has read the header
 * (jpeg_dc, jpeg_progressive), which come to the same verdict.
 *
 * A lenient decoder leaves all that to libjpeg, which puts grey where it has nothing better. */
#include "image/jpeg.h"

#include <stdlib.h>
#include <string.h>

#include "image/exif.h"
#include "image/jpeg_dc.h"
#include "image/jpeg_error.h"
#include "image/jpeg_progressive.h"
#include "image/jpeg_segment.h"
#include "image/jpeg_source.h"

enum { EXIF_MARKER = JPEG_APP0 + 1, ICC_MARKER = JPEG_APP0 + 2, MARKER_BYTES_MAX = 65533 };

struct jpeg_decoder {
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error error;          /* its error manager */
    struct jpeg_source input;         /* its source manager */
    struct jpeg_progress_mgr monitor; /* sees every scan go by */
    int max_scans;                    /* refuse more than these */
    int64_t room;                     /* bytes that reading may allocate */
    bool lenient;                     /* go on over damage */
    unsigned components_seen;         /* a bit for each that had a scan */
    JOCTET *icc;                      /* malloc by libjpeg */
    const struct reduce *sink;        /* where rows go, once they do; borrowed */
    int shrink;                       /* that they come at */
};

static struct jpeg_decoder *decoder_of(j_common_ptr cinfo)
{
    return cinfo->client_data;
}

/* Rows of the original that are complete. */
static int64_t rows_done(const struct jpeg_decoder *decoder)
{
    int64_t rows = decoder->sink ? (int64_t)decoder->sink->rows * decoder->shrink : 0;
    int64_t height = decoder->cinfo.image_height;
    return rows < height ? rows : height;
}

static void fail_end(struct jpeg_decoder *decoder)
{
    struct jpeg_decompress_struct *cinfo = &decoder->cinfo;

    if (cinfo->input_scan_number > 1 && !decoder->input.source->error)
        image_fail(decoder->error.fault, IMAGE_DAMAGED,
                   "the data ends in scan %d of a picture that comes in several",
                   cinfo->input_scan_number);
    else
        codec_fail_end(decoder->input.source, rows_done(decoder), cinfo->image_height,
                       decoder->error.fault);
}

/* Behind the end of the data libjpeg saw an end marker of ours, and complains of that. */
static _Noreturn void hear_error(j_common_ptr cinfo)
{
    struct jpeg_decoder *decoder = decoder_of(cinfo);

    if (!decoder->input.ended || cinfo->err->msg_code == JERR_OUT_OF_MEMORY)
        jpeg_error_exit(cinfo);
    fail_end(decoder);
    jpeg_error_escape(cinfo);
}

static bool is_damage(int message)
{
    switch (message) {
    case JWRN_ARITH_BAD_CODE:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC: return true;
    default: /* stray bytes, odd metadata: the picture is whole */ return false;
    }
}

/* libjpeg's warnings come here with level -1, and its traces with more. */
static void hear_warning(j_common_ptr cinfo, int level)
{
    struct jpeg_decoder *decoder = decoder_of(cinfo);

    if (level >= 0 || decoder->lenient || !is_damage(cinfo->err->msg_code))
        return;
    if (decoder->input.ended)
        fail_end(decoder);
    else
        jpeg_error_quote(cinfo, IMAGE_DAMAGED);
    jpeg_error_escape(cinfo);
}

static int fail_scans(struct jpeg_decoder *decoder)
{
    return image_fail(decoder->error.fault, IMAGE_LIMIT,
                      "a progressive JPEG of more than %d scans (--max-scans)", decoder->max_scans);
}

/* Called by libjpeg between rows of blocks: notes what the scan under way holds. */
static void watch_scans(j_common_ptr common)
{
    struct jpeg_decoder *decoder = decoder_of(common);
    struct jpeg_decompress_struct *cinfo = &decoder->cinfo;

    for (int i = 0; i < cinfo->comps_in_scan; i++)
        if (cinfo->cur_comp_info[i])
            decoder->components_seen |= 1u << cinfo->cur_comp_info[i]->component_index;
    if (cinfo->input_scan_number <= decoder->max_scans)
        return;
    fail_scans(decoder);
    jpeg_error_escape(common);
}

/* True when every coefficient of every component has come for certain, to its last bit. */
static bool scans_complete(const struct jpeg_decoder *decoder)
{
    const struct jpeg_decompress_struct *cinfo = &decoder->cinfo;

    if (cinfo->arith_code)
        return false;
    if (decoder->components_seen != (1u << cinfo->num_components) - 1)
        return false;
    if (!cinfo->progressive_mode)
        return true;
    for (int c = 0; c < cinfo->num_components; c++)
        for (int k = 0; k < DCTSIZE2; k++)
            if (cinfo->coef_bits[c][k] != 0)
                return false;
    return true;
}

/* What libjpeg is to hand out, and what that means. Returns -1 for what it cannot convert. */
static int choose_colour(struct jpeg_decompress_struct *cinfo, enum codec_colour *ret)
{
    switch (cinfo->jpeg_color_space) {
    case JCS_GRAYSCALE:
        cinfo->out_color_space = JCS_GRAYSCALE;
        *ret = CODEC_GREY;
        return 0;
    case JCS_YCbCr:
    case JCS_RGB:
        cinfo->out_color_space = JCS_EXT_RGBX;
        *ret = CODEC_RGB;
        return 0;
    case JCS_CMYK:
    case JCS_YCCK:
        cinfo->out_color_space = JCS_CMYK;
        *ret = cinfo->saw_Adobe_marker ? CODEC_CMYK_INVERTED : CODEC_CMYK;
        return 0;
    default: return -1;
    }
}

static void read_exif(const struct jpeg_decompress_struct *cinfo, struct codec_header *header)
{
    jpeg_saved_marker_ptr m = cinfo->marker_list;

    while (m && (m->marker != EXIF_MARKER || m->data_length < 6 || memcmp(m->data, "Exif\0\0", 6)))
        m = m->next;
    header->exif = m ? m->data : NULL;
    header->exif_size = m ? m->data_length : 0;
    header->orientation = exif_orientation(header->exif, header->exif_size);
}

/* Everything of open that may leave by longjmp to its caller. */
static int read_header(struct jpeg_decoder *decoder, const struct image_spec *limits,
                       struct codec_header *header)
{
    struct jpeg_decompress_struct *cinfo = &decoder->cinfo;
    unsigned icc_size = 0;

    jpeg_save_markers(cinfo, EXIF_MARKER, MARKER_BYTES_MAX);
    jpeg_save_markers(cinfo, ICC_MARKER, MARKER_BYTES_MAX);
    jpeg_read_header(cinfo, TRUE);
    if (decoder->input.ended) { /* the end marker was ours, and it came before any scan */
        fail_end(decoder);
        return -1;
    }
    if (codec_check_size(cinfo->image_width, cinfo->image_height, limits, decoder->error.fault))
        return -1;
    if (choose_colour(cinfo, &header->colour))
        return image_fail(decoder->error.fault, IMAGE_UNSUPPORTED,
                          "a JPEG of %d channels of unknown meaning", cinfo->num_components);
    jpeg_read_icc_profile(cinfo, &decoder->icc, &icc_size);
    header->width = (int)cinfo->image_width;
    header->height = (int)cinfo->image_height;
    read_exif(cinfo, header);
    header->alpha = false;
    header->shrinks = 1 | 2 | 4 | 8;
    header->icc = decoder->icc;
    header->icc_size = icc_size;
    return 0;
}

static void jpeg_close(void *opaque)
{
    struct jpeg_decoder *decoder = opaque;

    if (!decoder)
        return;
    jpeg_destroy_decompress(&decoder->cinfo);
    free(decoder->icc);
    free(decoder);
}

static int jpeg_open(struct source *source, const struct image_spec *limits, void **ret,
                     struct codec_header *header, struct image_fault *fault)
{
    struct jpeg_decoder *decoder = calloc(1, sizeof *decoder);

    if (!decoder)
        return image_fail(fault, IMAGE_MEMORY, "no memory for a decoder");
    decoder->max_scans = limits->max_scans;
    decoder->room = INT64_MAX;
    decoder->lenient = codec_is_lenient(limits);
    decoder->cinfo.err = jpeg_error_init(&decoder->error, fault);
    decoder->cinfo.client_data = decoder;
    decoder->error.base.error_exit = hear_error;
    decoder->error.base.emit_message = hear_warning;
    decoder->monitor.progress_monitor = watch_scans;
    if (setjmp(decoder->error.escape)) {
        jpeg_close(decoder);
        return -1;
    }
    jpeg_create_decompress(&decoder->cinfo);
    decoder->cinfo.src = jpeg_source_init(&decoder->input, source);
    if (read_header(decoder, limits, header)) {
        jpeg_close(decoder);
        return -1;
    }
    *ret = decoder;
    return 0;
}

/* ---- memory ---- */

static int64_t up_to(int64_t count, int64_t step)
{
    return (count + step - 1) / step * step;
}

/* Of the rows that libjpeg works on; and where the picture comes in several scans, of all of its
 * coefficients. */
static int64_t need_of_libjpeg(struct jpeg_decoder *decoder)
{
    struct jpeg_decompress_struct *cinfo = &decoder->cinfo;
    int64_t bytes = (int64_t)cinfo->image_width * 160 + (1 << 17);

    if (!jpeg_has_multiple_scans(cinfo))
        return bytes;
    for (int c = 0; c < cinfo->num_components; c++) {
        const jpeg_component_info *component = &cinfo->comp_info[c];
        bytes += up_to(component->width_in_blocks, component->h_samp_factor) *
                 up_to(component->height_in_blocks, component->v_samp_factor) *
                 (int64_t)sizeof(JBLOCK);
    }
    return bytes;
}

/* Terms of two by two boxes are read as if they were one: jpeg_dc.h. */
static bool is_coarse(int shrink, int factor_x, int factor_y)
{
    return shrink == 8 && factor_x % 2 == 0 && factor_y % 2 == 0;
}

/* libjpeg may leave by longjmp to its caller. */
static int64_t need_of_way(struct jpeg_decoder *decoder, const struct geometry_reduction *plan)
{
    struct jpeg_decompress_struct *cinfo = &decoder->cinfo;
    bool coarse = is_coarse(plan->shrink, plan->factor_x, plan->factor_y);

    cinfo->scale_num = 1;
    cinfo->scale_denom = (unsigned)plan->shrink;
    jpeg_calc_output_dimensions(cinfo);
    if (decoder->lenient || !jpeg_progressive_applies(cinfo, coarse))
        return need_of_libjpeg(decoder);
    return jpeg_progressive_need(cinfo, coarse);
}

static int64_t jpeg_need(void *opaque, const struct geometry_reduction *plan, int64_t room)
{
    struct jpeg_decoder *decoder = opaque;

    decoder->room = room;
    if (setjmp(decoder->error.escape))
        return 0; /* reading will find the same fault, and tell it */
    return need_of_way(decoder, plan);
}

/* ---- the rows ---- */

static int fail_dc(struct jpeg_decoder *decoder, enum jpeg_dc_result result)
{
    struct image_fault *fault = decoder->error.fault;

    if (result == JPEG_DC_MEMORY)
        return image_fail(fault, IMAGE_MEMORY, "no memory for a decoder");
    if (result == JPEG_DC_BAD_TABLE)
        return image_fail(fault, IMAGE_DAMAGED, "a Huffman table that is none");
    if (decoder->input.ended)
        fail_end(decoder);
    else if (result == JPEG_DC_BAD_CODE)
        image_fail(fault, IMAGE_DAMAGED, "an invalid code in row %d of %d", (int)rows_done(decoder),
                   (int)decoder->cinfo.image_height);
    else
        image_fail(fault, IMAGE_DAMAGED, "a marker in the middle of row %d of %d",
                   (int)rows_done(decoder), (int)decoder->cinfo.image_height);
    return -1;
}

/* The way through libjpeg's decoder. */
static int read_rows(struct jpeg_decoder *decoder, struct reduce *sink)
{
    struct jpeg_decompress_struct *cinfo = &decoder->cinfo;

    jpeg_start_decompress(cinfo);
    while (cinfo->output_scanline < cinfo->output_height) {
        JSAMPROW row = reduce_row(sink);
        if (jpeg_read_scanlines(cinfo, &row, 1) == 1)
            reduce_commit(sink);
    }
    if (decoder->input.ended && !decoder->lenient && !scans_complete(decoder)) {
        fail_end(decoder);
        return -1;
    }
    return 0;
}

/* What would improve a picture of full size, a thumbnail does without. Fails when the rows would
 * not be those that the sink has room for: a file may change between two looks at its header. */
static int choose_scale(struct jpeg_decoder *decoder, const struct reduce *sink)
{
    struct jpeg_decompress_struct *cinfo = &decoder->cinfo;

    cinfo->scale_num = 1;
    cinfo->scale_denom = (unsigned)decoder->shrink;
    cinfo->do_block_smoothing = FALSE; /* it guesses what missing scans would have held */
    cinfo->do_fancy_upsampling = decoder->shrink == 1;
    cinfo->progress = &decoder->monitor;
    jpeg_calc_output_dimensions(cinfo);
    if (cinfo->output_width == (unsigned)sink->width &&
        cinfo->output_height == (unsigned)sink->height &&
        cinfo->output_components == sink->channels)
        return 0;
    return image_fail(decoder->error.fault, IMAGE_UNSUPPORTED,
                      "libjpeg gives a picture that was not asked for");
}

/* Starts anew from the first byte, up to where jpeg_read() started. */
static int rewind_header(struct jpeg_decoder *decoder, const struct reduce *sink)
{
    struct jpeg_decompress_struct *cinfo = &decoder->cinfo;
    enum codec_colour colour;

    jpeg_abort_decompress(cinfo);
    source_seek(decoder->input.source, 0);
    cinfo->src = jpeg_source_init(&decoder->input, decoder->input.source);
    jpeg_read_header(cinfo, TRUE);
    choose_colour(cinfo, &colour);
    return choose_scale(decoder, sink);
}

/* The same, for libjpeg's own decoder. */
static int read_again(struct jpeg_decoder *decoder, struct reduce *sink)
{
    return rewind_header(decoder, sink) ? -1 : read_rows(decoder, sink);
}

/* A scan that holds nothing takes a few bytes of the file, and takes libjpeg a look at every block.
 * Where a picture has less than half a bit to a pixel, scans are counted before any is decoded. */
static int check_scans(struct jpeg_decoder *decoder, const struct reduce *sink)
{
    struct jpeg_decompress_struct *cinfo = &decoder->cinfo;
    int64_t pixels = (int64_t)cinfo->image_width * cinfo->image_height;

    if (!cinfo->progressive_mode || decoder->input.source->size_bytes >= pixels / 16)
        return 0;
    if (jpeg_segments_exceed(cinfo, decoder->max_scans))
        return fail_scans(decoder);
    return rewind_header(decoder, sink);
}

/* Without an end marker of the file's own, libjpeg is to say whether all of it is there. */
static int read_progressive(struct jpeg_decoder *decoder, bool coarse, struct reduce *sink)
{
    struct jpeg_progressive *picture =
        jpeg_progressive_read(&decoder->cinfo, coarse, decoder->max_scans);
    bool whole = picture && !decoder->input.ended;

    if (whole)
        jpeg_progressive_write(picture, sink);
    jpeg_progressive_free(picture);
    if (whole)
        return 0;
    int64_t need = need_of_libjpeg(decoder);
    return need > decoder->room ? image_fail_need(decoder->error.fault, need)
                                : read_again(decoder, sink);
}

/* libjpeg has left for good. What it put where it had no data is grey, and so is the rest. */
static int after_error(struct jpeg_decoder *decoder, struct reduce *sink)
{
    enum { GREY = 128 };
    bool kept = decoder->lenient && decoder->error.fault->code == IMAGE_DAMAGED && sink->rows > 0;

    if (!kept)
        return -1;
    codec_fill_rest(sink, GREY);
    return 0;
}

static int jpeg_read(void *opaque, int shrink, struct reduce *sink)
{
    struct jpeg_decoder *decoder = opaque;
    struct jpeg_decompress_struct *cinfo = &decoder->cinfo;

    if (setjmp(decoder->error.escape))
        return after_error(decoder, sink);
    decoder->sink = sink;
    decoder->shrink = shrink;
    if (choose_scale(decoder, sink) || check_scans(decoder, sink))
        return -1;
    if (shrink < 2 || decoder->lenient)
        return read_rows(decoder, sink);
    bool coarse = is_coarse(shrink, sink->factor_x, sink->factor_y);
    if (jpeg_progressive_applies(cinfo, coarse))
        return read_progressive(decoder, coarse, sink);
    if (!jpeg_dc_applies(cinfo, coarse))
        return read_rows(decoder, sink);
    enum jpeg_dc_result result = jpeg_dc_read(cinfo, coarse, sink);
    return result ? fail_dc(decoder, result) : 0;
}

const struct codec jpeg_codec = {
    .open = jpeg_open, .need = jpeg_need, .read = jpeg_read, .close = jpeg_close};
