/* PNG files taken apart and put together, and read both ways: ours and libpng's alone. */
#ifndef SUPPORT_CHUNKS_H
#define SUPPORT_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/png.h"
#include "support/images.h"

/* Appends a chunk with its checksum. `file` starts empty: {0}. */
void chunks_append(struct test_file *file, const char *name, const void *data, size_t size);

/* Appends bytes as they are: the signature, or what is no chunk. The file has been made by these
 * functions, from {0}. */
void chunks_append_bytes(struct test_file *file, const void *bytes, size_t size);

/* Starts a file of a size, depth and PNG_COLOR_TYPE_…: the signature and IHDR. */
void chunks_begin(struct test_file *file, uint32_t width, uint32_t height, int depth, int type);

/* Puts the right checksum behind every chunk that is all there. */
void chunks_mend(struct test_file *file);

/* The data of all IDAT chunks in one piece; free(). */
uint8_t *chunks_pixels(const struct test_file *file, size_t *ret_size);

/* What became of a file. */
struct chunks_verdict {
    bool opened, made;        /* the header, and all of it */
    struct codec_header head; /* when it was opened; its pointers are gone */
    struct image_fault fault; /* when one of the two was not */
    struct pixels pixels;     /* when it was made; free with pixels_done() */
};

/* Reads a file by one of the two codecs. More than `max_pixels` are refused. */
struct chunks_verdict chunks_read(const struct codec *codec, const struct test_file *file,
                                  int64_t max_pixels);

/* True for the same verdict with the same words, or the same pixels. */
bool chunks_agree(const struct chunks_verdict *a, const struct chunks_verdict *b);

#endif
