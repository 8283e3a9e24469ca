/* The segments between the scans of a JPEG, up to the header of the next scan. libjpeg reads those
 * before the first one, but none behind it without decoding. */
#ifndef IMAGE_JPEG_SEGMENT_H
#define IMAGE_JPEG_SEGMENT_H

#include <stdbool.h>
#include <stdio.h> /* jpeglib.h wants FILE and size_t */

#include <jpeglib.h>

enum { SCAN_COMPONENTS_MAX = 3 };

/* What a scan's header says, and the tables as they are then. */
struct jpeg_scan {
    int count;                           /* components in it, 1..SCAN_COMPONENTS_MAX */
    int components[SCAN_COMPONENTS_MAX]; /* their places among the picture's */
    int dc[SCAN_COMPONENTS_MAX];         /* numbers of their tables, 0..NUM_HUFF_TBLS - 1 */
    int ac[SCAN_COMPONENTS_MAX];
    int first, last; /* terms in it, of 0..63 */
    int high, low;   /* successive approximation: the bit above those known, and the lowest here */
};

struct jpeg_segments {
    struct jpeg_decompress_struct *cinfo; /* whose source manager hands out the bytes; borrowed */
    JHUFF_TBL dc[NUM_HUFF_TBLS], ac[NUM_HUFF_TBLS]; /* without values where there was none yet */
    int restart;                                    /* MCUs between restart markers; 0 is none */
};

/* Takes over from jpeg_read_header(), which stands behind the first scan's header. Returns false
 * when there is something odd about it. */
bool jpeg_segments_init(struct jpeg_segments *segments, struct jpeg_decompress_struct *cinfo,
                        struct jpeg_scan *ret_first);

/* Goes on from a marker that has been read. Returns 1 behind the header of the next scan, 0 at the
 * picture's end, or -1 at anything odd: better asked of libjpeg. */
int jpeg_segments_next(struct jpeg_segments *segments, int marker, struct jpeg_scan *ret);

/* Counts scans from where jpeg_read_header() stands, decoding none, as far as there is nothing odd
 * about them. Returns true when there are more than `most`. The header is to be read anew then. */
bool jpeg_segments_exceed(struct jpeg_decompress_struct *cinfo, int most);

/* Jumps over entropy-coded data. Returns the marker behind them, which is not one of restart. */
int jpeg_segments_jump(struct jpeg_segments *segments);

#endif
