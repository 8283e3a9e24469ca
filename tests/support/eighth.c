#include "support/eighth.h"

#include <stdlib.h>
#include <string.h>

#include <jerror.h>

static _Noreturn void give_up(j_common_ptr cinfo)
{
    struct eighth *eighth = cinfo->client_data;

    longjmp(eighth->escape, 1);
}

static void take_note(j_common_ptr cinfo, int level)
{
    struct eighth *eighth = cinfo->client_data;
    int code = cinfo->err->msg_code;

    if (level < 0)
        eighth->damaged |= code == JWRN_BOGUS_PROGRESSION || code == JWRN_HIT_MARKER ||
                           code == JWRN_HUFF_BAD_CODE || code == JWRN_MUST_RESYNC;
}

static void nothing_to_do(j_decompress_ptr cinfo)
{
    (void)cinfo;
}

/* So small that every look ahead comes to an end of one, and that libjpeg has no way of its own for
 * what lies in one piece. */
enum { PIECE_BYTES = 300 };

static boolean fill(j_decompress_ptr cinfo)
{
    static const JOCTET marker[] = {0xff, JPEG_EOI};
    struct eighth *eighth = cinfo->client_data;
    size_t left = eighth->file->size - eighth->given;
    size_t piece = left < PIECE_BYTES ? left : PIECE_BYTES;

    cinfo->src->next_input_byte = left ? eighth->file->bytes + eighth->given : marker;
    cinfo->src->bytes_in_buffer = left ? piece : sizeof marker;
    eighth->ended |= left == 0;
    eighth->given += piece;
    return TRUE;
}

static void skip(j_decompress_ptr cinfo, long count)
{
    struct eighth *eighth = cinfo->client_data;
    struct jpeg_source_mgr *src = cinfo->src;

    if (count <= 0)
        return;
    size_t here = (size_t)count < src->bytes_in_buffer ? (size_t)count : src->bytes_in_buffer;
    size_t beyond = (size_t)count - here, left = eighth->file->size - eighth->given;
    src->next_input_byte += here;
    src->bytes_in_buffer -= here;
    eighth->given += beyond < left ? beyond : left;
}

static void read_from(struct eighth *eighth, const struct test_file *file)
{
    struct jpeg_source_mgr *src = (*eighth->cinfo.mem->alloc_small)((j_common_ptr)&eighth->cinfo,
                                                                    JPOOL_PERMANENT, sizeof *src);

    *src = (struct jpeg_source_mgr){.init_source = nothing_to_do,
                                    .fill_input_buffer = fill,
                                    .skip_input_data = skip,
                                    .resync_to_restart = jpeg_resync_to_restart,
                                    .term_source = nothing_to_do};
    eighth->file = file;
    eighth->cinfo.src = src;
}

bool eighth_open_by(struct eighth *eighth, const struct test_file *file, int shrink)
{
    struct jpeg_decompress_struct *cinfo = &eighth->cinfo;

    memset(eighth, 0, sizeof *eighth);
    cinfo->err = jpeg_std_error(&eighth->error);
    cinfo->client_data = eighth;
    eighth->error.error_exit = give_up;
    eighth->error.emit_message = take_note;
    jpeg_create_decompress(cinfo);
    read_from(eighth, file);
    if (setjmp(eighth->escape))
        return false;
    jpeg_read_header(cinfo, TRUE);
    cinfo->scale_denom = (unsigned)shrink;
    cinfo->do_fancy_upsampling = FALSE;
    cinfo->do_block_smoothing = FALSE;
    cinfo->out_color_space = cinfo->num_components == 1 ? JCS_GRAYSCALE : JCS_EXT_RGBX;
    jpeg_calc_output_dimensions(cinfo);
    return true;
}

bool eighth_open(struct eighth *eighth, const struct test_file *file)
{
    return eighth_open_by(eighth, file, 8);
}

void eighth_close(struct eighth *eighth)
{
    jpeg_destroy_decompress(&eighth->cinfo);
}

struct reduce eighth_sink(const struct eighth *eighth, int factor)
{
    const struct jpeg_decompress_struct *cinfo = &eighth->cinfo;
    struct reduce sink;

    if (reduce_init(&sink, (int)cinfo->output_width, (int)cinfo->output_height,
                    cinfo->num_components == 1 ? 1 : 4, false, factor, factor))
        abort();
    return sink;
}

struct pixels eighth_take(struct reduce *sink)
{
    struct pixels out = sink->out;

    sink->out = (struct pixels){0};
    reduce_done(sink);
    return out;
}

bool eighth_decode(struct eighth *eighth, int factor, struct pixels *ret)
{
    struct jpeg_decompress_struct *cinfo = &eighth->cinfo;
    struct reduce sink = eighth_sink(eighth, factor);

    if (setjmp(eighth->escape)) {
        reduce_done(&sink);
        return false;
    }
    jpeg_start_decompress(cinfo);
    while (cinfo->output_scanline < cinfo->output_height) {
        JSAMPROW row = reduce_row(&sink);
        jpeg_read_scanlines(cinfo, &row, 1);
        reduce_commit(&sink);
    }
    *ret = eighth_take(&sink);
    return true;
}

enum { TAME_MAX = 1780 }; /* what a transform in 16 bits adds up without wrapping */

static bool is_tame_component(struct jpeg_decompress_struct *cinfo, int c, jvirt_barray_ptr terms)
{
    const jpeg_component_info *component = &cinfo->comp_info[c];
    const UINT16 *quanta = component->quant_table->quantval;

    for (JDIMENSION y = 0; y < component->height_in_blocks; y++) {
        JBLOCKARRAY row = cinfo->mem->access_virt_barray((j_common_ptr)cinfo, terms, y, 1, FALSE);
        for (JDIMENSION x = 0; x < component->width_in_blocks; x++)
            for (int i = 0; i < DCTSIZE2; i++)
                if (abs(row[0][x][i] * quanta[i]) > TAME_MAX)
                    return false;
    }
    return true;
}

bool eighth_is_tame(const struct test_file *file)
{
    struct eighth eighth;
    volatile bool tame = false;

    if (eighth_open_by(&eighth, file, 1) && !setjmp(eighth.escape)) {
        jvirt_barray_ptr *terms = jpeg_read_coefficients(&eighth.cinfo);
        tame = eighth.cinfo.progressive_mode || eighth.cinfo.input_scan_number == 1;
        for (int c = 0; c < eighth.cinfo.num_components && tame; c++)
            tame = is_tame_component(&eighth.cinfo, c, terms[c]);
    }
    eighth_close(&eighth);
    return tame;
}
