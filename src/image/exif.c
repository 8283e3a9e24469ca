/* Exif: a walk over the directories of a small TIFF file. It believes nothing: every offset is
 * compared with the size before it is followed, and none is followed twice. */
#include "image/exif.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    TAG_ORIENTATION = 0x0112,
    TAG_PREVIEW_OFFSET = 0x0201,
    TAG_PREVIEW_SIZE = 0x0202,
    TYPE_SHORT = 3,
    ENTRY_BYTES = 12, /* tag, type: 2 bytes each; count, value or offset: 4 each */
    HEADER_BYTES = 8,
};

struct tiff {
    const uint8_t *bytes;
    size_t size;
    bool big_endian;
};

/* The entries of a directory that are there in full. */
struct directory {
    size_t at;    /* offset of the first */
    size_t count; /* 0 for a directory that is not there */
    bool whole;   /* none was cut off */
};

/* The caller has checked that the bytes at `at` are there, here and in the next two. */
static uint32_t tiff_u16(const struct tiff *tiff, size_t at)
{
    const uint8_t *p = tiff->bytes + at;
    return tiff->big_endian ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

static uint32_t tiff_u32(const struct tiff *tiff, size_t at)
{
    uint32_t first = tiff_u16(tiff, at), second = tiff_u16(tiff, at + 2);
    return tiff->big_endian ? first << 16 | second : second << 16 | first;
}

static void put_u16(const struct tiff *tiff, uint8_t *to, unsigned value)
{
    to[tiff->big_endian ? 1 : 0] = (uint8_t)value;
    to[tiff->big_endian ? 0 : 1] = (uint8_t)(value >> 8);
}

/* Returns false for what has no TIFF header. */
static bool tiff_open(struct tiff *tiff, const uint8_t *block, size_t size)
{
    if (size >= 6 && !memcmp(block, "Exif\0\0", 6)) {
        block += 6;
        size -= 6;
    }
    *tiff = (struct tiff){.bytes = block, .size = size};
    if (size < HEADER_BYTES)
        return false;
    tiff->big_endian = !memcmp(block, "MM\0*", 4);
    return tiff->big_endian || !memcmp(block, "II*\0", 4);
}

static struct directory directory_at(const struct tiff *tiff, size_t at)
{
    struct directory directory = {0};

    if (at < HEADER_BYTES || at > tiff->size || tiff->size - at < 2)
        return directory;
    size_t room = (tiff->size - at - 2) / ENTRY_BYTES;
    size_t count = tiff_u16(tiff, at);
    directory.at = at + 2;
    directory.count = count > room ? room : count; /* what is there may still hold it */
    directory.whole = count <= room;
    return directory;
}

static struct directory first_directory(const struct tiff *tiff)
{
    return directory_at(tiff, tiff_u32(tiff, 4));
}

/* The offset of the first entry with this tag, or 0. */
static size_t entry_find(const struct tiff *tiff, struct directory directory, unsigned tag)
{
    for (size_t entry = directory.at; directory.count--; entry += ENTRY_BYTES)
        if (tiff_u16(tiff, entry) == tag)
            return entry;
    return 0;
}

int exif_orientation(const uint8_t *block, size_t size)
{
    struct tiff tiff;

    if (!tiff_open(&tiff, block, size))
        return 1;
    size_t entry = entry_find(&tiff, first_directory(&tiff), TAG_ORIENTATION);
    if (!entry || tiff_u16(&tiff, entry + 2) != TYPE_SHORT)
        return 1;
    uint32_t orientation = tiff_u16(&tiff, entry + 8);
    return orientation >= 1 && orientation <= 8 ? (int)orientation : 1;
}

/* ---- the copy: `bytes` are tiff->bytes, to be written ---- */

/* Whatever the type was: readers differ in which they take. */
static void set_upright(const struct tiff *tiff, uint8_t *bytes)
{
    struct directory directory = first_directory(tiff);

    for (size_t entry = directory.at; directory.count--; entry += ENTRY_BYTES) {
        if (tiff_u16(tiff, entry) != TAG_ORIENTATION)
            continue;
        memset(bytes + entry + 4, 0, 8); /* the count's and the value's other bytes */
        put_u16(tiff, bytes + entry + 2, TYPE_SHORT);
        put_u16(tiff, bytes + entry + (tiff->big_endian ? 6 : 4), 1);
        put_u16(tiff, bytes + entry + 8, 1);
    }
}

/* Clears the preview's bytes, or cuts them off where the block ends with them. */
static void clear_preview(struct tiff *tiff, uint8_t *bytes, struct directory second)
{
    size_t offset_entry = entry_find(tiff, second, TAG_PREVIEW_OFFSET);
    size_t size_entry = entry_find(tiff, second, TAG_PREVIEW_SIZE);

    if (!offset_entry || !size_entry)
        return;
    size_t offset = tiff_u32(tiff, offset_entry + 8), size = tiff_u32(tiff, size_entry + 8);
    if (offset < HEADER_BYTES || offset >= tiff->size)
        return;
    if (size >= tiff->size - offset)
        tiff->size = offset;
    else
        memset(bytes + offset, 0, size);
}

/* The link to the second directory stands behind the entries of the first. */
static void drop_preview(struct tiff *tiff, uint8_t *bytes)
{
    struct directory first = first_directory(tiff);
    size_t link = first.at + first.count * ENTRY_BYTES;

    if (!first.at || !first.whole || tiff->size - link < 4)
        return;
    struct directory second = directory_at(tiff, tiff_u32(tiff, link));
    memset(bytes + link, 0, 4);
    clear_preview(tiff, bytes, second);
}

int exif_copy(const uint8_t *block, size_t size, bool upright, uint8_t **ret, size_t *ret_size)
{
    struct tiff tiff;

    *ret = NULL;
    *ret_size = 0;
    if (!tiff_open(&tiff, block, size))
        return 0;
    uint8_t *bytes = malloc(tiff.size);
    if (!bytes)
        return -ENOMEM;
    memcpy(bytes, tiff.bytes, tiff.size);
    tiff.bytes = bytes;
    drop_preview(&tiff, bytes);
    if (upright)
        set_upright(&tiff, bytes);
    *ret = bytes;
    *ret_size = tiff.size;
    return 0;
}
