/* A shrunk JPEG without libjpeg's decoder.
 *
 * At one eighth a block of 8 x 8 gives one pixel, its mean, and the mean is the block's first term
 * alone. The other 63 are decoded for one reason only: to know where the next block begins. This
 * walks over them without looking at what they say, several at a time. Where a block gives 2 x 2 or
 * 4 x 4 pixels, as all do at one quarter and one half, and chroma of half the size both ways does
 * even at one eighth, its other terms are read after that, several blocks at a time.
 *
 * It takes baseline files of one scan; libjpeg reads the header, and whatever is unusual stays with
 * libjpeg. */
#ifndef IMAGE_JPEG_DC_H
#define IMAGE_JPEG_DC_H

#include <stdbool.h>
#include <stdio.h> /* jpeglib.h wants FILE and size_t */

#include <jpeglib.h>

#include "image/reduce.h"

enum jpeg_dc_result {
    JPEG_DC_OK = 0,
    JPEG_DC_SHORT,      /* the data, or those before a marker, end before the picture does */
    JPEG_DC_BAD_TABLE,  /* a Huffman table that is none */
    JPEG_DC_BAD_CODE,   /* bits that are no code */
    JPEG_DC_BAD_MARKER, /* not the restart marker that was due */
    JPEG_DC_MEMORY,
};

/* True when jpeg_dc_read() can decode this, with the header read and shrinking asked for:
 * by 8, by 4, or by 2 unless chroma is stored at half the size both ways. `coarse` is that chroma
 * will do at the scale of luma: that 2 x 2 of its pixels will become one. */
bool jpeg_dc_applies(const struct jpeg_decompress_struct *cinfo, bool coarse);

/* Decodes the scan behind the header into the sink, grey or RGB as its channels say, to the same
 * samples as libjpeg unless `coarse`. Call it right after jpeg_read_header(), and nothing but
 * jpeg_destroy_decompress() after it. The source manager must not leave by longjmp. */
enum jpeg_dc_result jpeg_dc_read(struct jpeg_decompress_struct *cinfo, bool coarse,
                                 struct reduce *sink);

#endif
