/* Exif: a walk over the first directory of a small TIFF file. It believes nothing: every offset is
 * compared with the size before it is followed, and none is followed twice. */
#include "image/exif.h"

#include <stdbool.h>
#include <string.h>

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, ENTRY_BYTES = 12 };

struct tiff {
    const uint8_t *bytes;
    size_t size;
    bool big_endian;
};

/* The caller has checked that the bytes at `at` are there. */
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

/* The orientation's value in the directory at offset `at`, or 0. */
static uint32_t directory_orientation(const struct tiff *tiff, size_t at)
{
    if (at > tiff->size || tiff->size - at < 2)
        return 0;
    size_t room = (tiff->size - at - 2) / ENTRY_BYTES;
    size_t count = tiff_u16(tiff, at);
    if (count > room) /* cut off: what is there may still hold it */
        count = room;
    for (size_t entry = at + 2; count--; entry += ENTRY_BYTES)
        if (tiff_u16(tiff, entry) == TAG_ORIENTATION)
            return tiff_u16(tiff, entry + 2) == TYPE_SHORT ? tiff_u16(tiff, entry + 8) : 0;
    return 0;
}

int exif_orientation(const uint8_t *block, size_t size)
{
    if (size >= 6 && !memcmp(block, "Exif\0\0", 6)) {
        block += 6;
        size -= 6;
    }
    struct tiff tiff = {.bytes = block, .size = size};
    if (size < 8)
        return 1;
    if (!memcmp(block, "MM\0*", 4))
        tiff.big_endian = true;
    else if (memcmp(block, "II*\0", 4))
        return 1;
    uint32_t orientation = directory_orientation(&tiff, tiff_u32(&tiff, 4));
    return orientation >= 1 && orientation <= 8 ? (int)orientation : 1;
}
