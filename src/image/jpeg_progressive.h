/* Progressive JPEG at one eighth, without libjpeg's decoder.
 *
 * A progressive file comes in scans, and the terms that an eighth is made of (jpeg_dc.h) are in
 * few and short ones. The others are jumped over by looking for the next marker: damage inside
 * those goes unseen. Only the terms that are needed are kept, where libjpeg holds all 64 of every
 * block. */
#ifndef IMAGE_JPEG_PROGRESSIVE_H
#define IMAGE_JPEG_PROGRESSIVE_H

#include <stdbool.h>
#include <stdio.h> /* jpeglib.h wants FILE and size_t */

#include <jpeglib.h>

#include "image/reduce.h"

/* True when jpeg_progressive_read() can decode this, with the header read and shrinking by 8 asked
 * for. `coarse` as in jpeg_dc_applies(). */
bool jpeg_progressive_applies(const struct jpeg_decompress_struct *cinfo, bool coarse);

struct jpeg_progressive;

/* Bytes that reading such a picture allocates. */
int64_t jpeg_progressive_need(const struct jpeg_decompress_struct *cinfo, bool coarse);

/* Reads the scans behind the header. Call it right after jpeg_read_header(), and nothing but
 * jpeg_abort_decompress() or jpeg_destroy_decompress() after it. The source manager must not leave
 * by longjmp. Returns NULL at whatever is damaged, unusual, of more than max_scans or too large for
 * the memory: libjpeg then has the verdict, from the start. Free with jpeg_progressive_free(). */
struct jpeg_progressive *jpeg_progressive_read(struct jpeg_decompress_struct *cinfo, bool coarse,
                                               int max_scans);

/* Hands the picture to the sink, grey or RGB as its channels say: the same samples as libjpeg's
 * unless `coarse`. Once only. */
void jpeg_progressive_write(struct jpeg_progressive *p, struct reduce *sink);

/* Takes NULL. */
void jpeg_progressive_free(struct jpeg_progressive *p);

#endif
