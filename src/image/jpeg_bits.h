/* The entropy-coded data of a JPEG as bits: stripped of the zero byte that follows each 0xff, and
 * cut off at the next marker. What follows the cut reads as zeros, and bits_overrun() tells. */
#ifndef IMAGE_JPEG_BITS_H
#define IMAGE_JPEG_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h> /* jpeglib.h wants FILE and size_t */
#include <string.h>

#include <jpeglib.h>

enum {
    BITS_BUFFER_BYTES = 32 * 1024,
    BITS_BLOCK_BYTES = 256, /* 64 codes of 16 bits with 15 more each take up 248 */
};

struct bits_position {
    uint64_t window;     /* the next bits, the first at the top; zeros below `count` */
    int count;           /* valid bits in it */
    const uint8_t *next; /* byte that the window is filled from next */
};

struct bits {
    struct bits_position at;
    const uint8_t *end; /* of the data in the buffer; zeros follow */
    int marker;         /* that the data end at; 0 while it is not known */
    struct jpeg_decompress_struct *cinfo;
    uint8_t buffer[BITS_BUFFER_BYTES + BITS_BLOCK_BYTES + 16];
};

/* Starts where the source manager of `cinfo` stands. */
void bits_init(struct bits *bits, struct jpeg_decompress_struct *cinfo);

/* Moves what is left to the buffer's start and fills it up, or up to the next marker. */
void bits_fill(struct bits *bits);

/* Drops the data before the next marker, which it returns. The source stands behind that. */
int bits_finish(struct bits *bits);

/* Goes on behind the restart marker that is `due`, 0..7. Data before it that no block wanted are
 * dropped: they are stray bytes. Returns false at another marker. */
bool bits_restart(struct bits *bits, int due);

/* Makes sure that a whole block can be read without another look at the end. */
static inline void bits_reserve(struct bits *bits)
{
    if (bits->end - bits->at.next < BITS_BLOCK_BYTES && !bits->marker)
        bits_fill(bits);
}

/* True when more bits were taken than there were before the marker. */
static inline bool bits_overrun(const struct bits *bits)
{
    return bits->at.next > bits->end && (bits->at.next - bits->end) * 8 > bits->at.count;
}

/* Fills the window to at least 56 bits. */
static inline void position_refill(struct bits_position *at)
{
    uint64_t more;

    memcpy(&more, at->next, sizeof more);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    more = __builtin_bswap64(more);
#endif
    at->window |= more >> at->count;
    at->next += (63 - at->count) >> 3;
    at->count |= 56;
}

static inline void position_skip(struct bits_position *at, int count)
{
    at->window <<= count;
    at->count -= count;
}

/* A full window of the bits from `bit` of the data on. */
static inline struct bits_position bits_position_at(const uint8_t *data, uint32_t bit)
{
    struct bits_position at = {.next = data + (bit >> 3)};

    position_refill(&at);
    position_skip(&at, (int)(bit & 7));
    return at;
}

/* Takes a term, or a difference of terms, of so many bits, 0..15, from a window that holds them:
 * its first bit is the sign, inverted. */
static inline int position_value(struct bits_position *at, int size)
{
    int value = (int)(at->window >> 1 >> (63 - size));
    int negative = (int)(at->window >> 63) - 1; /* a mask: signs cannot be predicted */

    position_skip(at, size);
    return value + (negative & (1 - (1 << size)));
}

#endif
