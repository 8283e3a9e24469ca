/* The pixels of a PNG, inflated whole.
 *
 * libdeflate inflates twice as fast as zlib does row by row, but it wants all of the data and room
 * for all of the result. So this is for pictures up to a size, and for data without anything odd:
 * what is odd is for libpng, which says what is wrong with it, or reads it none the less. */
#ifndef IMAGE_PNG_INFLATE_H
#define IMAGE_PNG_INFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "image/source.h"

/* The most that is inflated at once: 20 megapixels of RGB. With the data beside it, a picture takes
 * twice that for as long as it is inflated, whatever its file says. */
enum { PNG_INFLATE_BYTES_MAX = 64 * 1024 * 1024 };

/* Bytes behind the result that may be read. */
enum { PNG_INFLATE_SLACK = 8 };

/* Bytes that png_inflate() would allocate beside what it returns. The source stands where it is to
 * stand for that. */
int64_t png_inflate_need(const struct source *source, size_t size);

/* Inflates the IDAT chunks of a file to exactly `size` bytes, 1 or more.
 *   source  stands behind the eight bytes of the first one's length and name; where it stands
 *           afterwards is not said
 *   ret     `size` bytes and PNG_INFLATE_SLACK of no meaning; free()
 * Returns NULL when it is too large, when there is no memory, when reading fails, and when the data
 * are unusual: a checksum that is wrong, too many or too few bytes, chunks without any, more of
 * them behind other chunks, a window that is smaller than what looks back in it. */
uint8_t *png_inflate(struct source *source, size_t size);

#endif
