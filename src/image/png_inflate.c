/* The walk over the chunks, their checksums, and libdeflate.
 *
 * libdeflate is as strict as zlib in all that is checked by sums and lengths. It takes some tables
 * of codes that zlib calls incomplete: a stream that has them, and yet inflates to the very bytes
 * that its checksums are of, is whole here. */
#include "image/png_inflate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>

enum {
    CHUNK_HEAD_BYTES = 8,         /* length and name */
    CHUNK_CRC_BYTES = 4,          /* behind its data */
    CHUNK_BYTES_MAX = 0x7fffffff, /* by the standard */
    EXPANSION_MAX = 1032,         /* bytes that deflate makes of one, at most */
    WINDOW_BYTES_MAX = 1 << 15,   /* that deflate looks back */
};

/* Compressed bytes as they are gathered. */
struct packed {
    uint8_t *bytes; /* owned */
    size_t size;    /* bytes that are there */
    size_t room;    /* bytes that fit */
};

struct chunk {
    uint32_t size; /* bytes of data */
    uint8_t name[4];
};

static uint32_t get_be32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static bool has_name(const struct chunk *chunk, const char *name)
{
    return !memcmp(chunk->name, name, sizeof chunk->name);
}

/* Reads the head of a chunk. Returns false at the end of the file, and for what is no chunk. */
static bool next_chunk(struct source *source, struct chunk *ret)
{
    uint8_t head[CHUNK_HEAD_BYTES];

    if (source_read(source, head, sizeof head) != sizeof head)
        return false;
    ret->size = get_be32(head);
    memcpy(ret->name, head + 4, sizeof ret->name);
    return ret->size <= CHUNK_BYTES_MAX;
}

/* Appends the data of an IDAT chunk. Returns false when there are none, or too many, or others than
 * their checksum is of. */
static bool gather_chunk(struct source *source, const struct chunk *chunk, struct packed *packed)
{
    uint8_t *data = packed->bytes + packed->size, crc[CHUNK_CRC_BYTES];
    size_t size = chunk->size;

    if (size < 1 || size > packed->room - packed->size || source_read(source, data, size) != size ||
        source_read(source, crc, sizeof crc) != sizeof crc)
        return false;
    packed->size += size;
    uint32_t sum = libdeflate_crc32(0, chunk->name, sizeof chunk->name);
    return libdeflate_crc32(sum, data, size) == get_be32(crc);
}

/* Goes over the chunks behind the pixels, `chunk` first, as far as libpng would. Returns false when
 * there are pixels among them: libpng has its own mind about those. */
static bool pass_rest(struct source *source, struct chunk *chunk)
{
    do {
        if (has_name(chunk, "IDAT"))
            return false;
        if (has_name(chunk, "IEND"))
            return true;
        source_seek(source, source->offset + chunk->size + CHUNK_CRC_BYTES);
    } while (next_chunk(source, chunk));
    return source->error == 0;
}

/* Gathers all IDAT chunks. Returns false for what png_inflate() does not take. */
static bool gather(struct source *source, struct packed *packed)
{
    struct chunk chunk;

    source_seek(source, source->offset - CHUNK_HEAD_BYTES);
    if (!next_chunk(source, &chunk))
        return false;
    do
        if (!gather_chunk(source, &chunk, packed))
            return false;
    while (next_chunk(source, &chunk) && has_name(&chunk, "IDAT"));
    return source->error == 0 && pass_rest(source, &chunk);
}

/* The window that the first byte states is all that zlib lets a stream look back, and libdeflate
 * does not care. */
static bool sees_far_enough(const struct packed *packed, size_t size)
{
    size_t window = (size_t)256 << (packed->bytes[0] >> 4);

    return window >= WINDOW_BYTES_MAX || window >= size;
}

/* Inflates what was gathered to all of `to`. */
static bool unpack(const struct packed *packed, uint8_t *to, size_t size)
{
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    size_t used = 0;
    bool whole = inflater &&
                 libdeflate_zlib_decompress_ex(inflater, packed->bytes, packed->size, to, size,
                                               &used, NULL) == LIBDEFLATE_SUCCESS &&
                 used == packed->size;

    libdeflate_free_decompressor(inflater);
    return whole;
}

/* Room for the data: no more than what is left of the file, nor than libpng would take in a chunk
 * for so many pixels. Data that were not compressed are a little larger than the pixels. */
static size_t room_for(const struct source *source, size_t size)
{
    size_t room = size + size / 8192 + 11;
    int64_t left = source->size_bytes - source->offset;

    return left > 0 && (size_t)left < room ? (size_t)left : room;
}

static bool make_room(struct packed *packed, const struct source *source, size_t size)
{
    packed->room = room_for(source, size);
    packed->bytes = malloc(packed->room);
    return packed->bytes != NULL;
}

int64_t png_inflate_need(const struct source *source, size_t size)
{
    enum { INFLATER_BYTES = 1 << 16 };

    return (int64_t)room_for(source, size) + INFLATER_BYTES;
}

uint8_t *png_inflate(struct source *source, size_t size)
{
    struct packed packed = {0};
    uint8_t *to = NULL;

    if (size > PNG_INFLATE_BYTES_MAX || !make_room(&packed, source, size) ||
        !gather(source, &packed))
        goto out;
    if (size / EXPANSION_MAX > packed.size || !sees_far_enough(&packed, size))
        goto out; /* a lie costs no memory */
    to = malloc(size + PNG_INFLATE_SLACK);
    if (to && !unpack(&packed, to, size)) {
        free(to);
        to = NULL;
    }
out:
    free(packed.bytes);
    return to;
}
