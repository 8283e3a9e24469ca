/* libjpeg's source manager. At the end of the data it hands out an end marker, for two reasons:
 * whether data that end early have harmed the picture is known only once the decoder wants bits
 * that are not there, and libjpeg says that itself. */
#include "image/jpeg_source.h"

enum { KEEPS_BYTES = 8 << 20 };

static const JOCTET end_marker[] = {0xff, JPEG_EOI};

static void nothing_to_do(j_decompress_ptr cinfo)
{
    (void)cinfo;
}

/* A file may be all markers. They are kept one by one, so that there must be an end of it; the
 * first of each kind are the ones that count. */
static void keep_no_more(j_decompress_ptr cinfo)
{
    for (int i = 0; i < 16; i++)
        if (i != 0 && i != 14) /* JFIF's and Adobe's, which libjpeg reads itself */
            jpeg_save_markers(cinfo, JPEG_APP0 + i, 0);
}

static boolean fill(j_decompress_ptr cinfo)
{
    struct jpeg_source *input = (struct jpeg_source *)cinfo->src;
    bool kept = input->keeps_bytes > 0;

    input->base.bytes_in_buffer = source_next(input->source, &input->base.next_input_byte);
    input->keeps_bytes -= (int64_t)input->base.bytes_in_buffer;
    if (kept && input->keeps_bytes <= 0)
        keep_no_more(cinfo);
    if (input->base.bytes_in_buffer == 0) {
        input->ended = true;
        input->base.next_input_byte = end_marker;
        input->base.bytes_in_buffer = sizeof end_marker;
    }
    return TRUE;
}

static void skip(j_decompress_ptr cinfo, long count)
{
    struct jpeg_source *input = (struct jpeg_source *)cinfo->src;

    if (count <= 0)
        return;
    if ((size_t)count <= input->base.bytes_in_buffer) {
        input->base.next_input_byte += count;
        input->base.bytes_in_buffer -= (size_t)count;
        return;
    }
    int64_t behind = count - (int64_t)input->base.bytes_in_buffer;
    source_seek(input->source, input->source->offset + behind);
    input->base.bytes_in_buffer = 0; /* the next byte is asked for by fill() */
}

struct jpeg_source_mgr *jpeg_source_init(struct jpeg_source *input, struct source *source)
{
    *input = (struct jpeg_source){
        .base = {.init_source = nothing_to_do,
                 .fill_input_buffer = fill,
                 .skip_input_data = skip,
                 .resync_to_restart = jpeg_resync_to_restart,
                 .term_source = nothing_to_do},
        .source = source,
        .keeps_bytes = KEEPS_BYTES,
    };
    return &input->base;
}
