/* A WebP file is a list of chunks: a name of four letters, a length, that many bytes, and one more
 * where the length is odd. Without metadata and alpha plane it is one chunk, VP8 or VP8L; else VP8X
 * comes first and says what follows. */
#include "image/webp.h"

#include <errno.h>
#include <string.h>

enum {
    FILE_HEADER_BYTES = 12, /* RIFF, a length, WEBP */
    CHUNK_HEADER_BYTES = 8,
    CANVAS_BYTES = 10, /* flags, 3 reserved, width - 1 and height - 1 of 3 each */
    HAS_ICC = 0x20,
    HAS_ALPHA = 0x10,
    HAS_EXIF = 0x08,
};

static void put_little(uint8_t *to, int bytes, uint32_t value)
{
    for (; bytes--; value >>= 8)
        *to++ = (uint8_t)value;
}

static uint32_t little_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int append_chunk(struct buffer *to, const char *name, const void *bytes, size_t size)
{
    uint8_t header[CHUNK_HEADER_BYTES];

    memcpy(header, name, 4);
    put_little(header + 4, 4, (uint32_t)size);
    if (buffer_append(to, header, sizeof header) || buffer_append(to, bytes, size) ||
        (size % 2 && buffer_append(to, "", 1)))
        return -ENOMEM;
    return 0;
}

static int append_canvas(struct buffer *to, struct webp_canvas canvas,
                         const struct metadata *metadata)
{
    uint8_t bytes[CANVAS_BYTES] = {0};

    bytes[0] = (uint8_t)((metadata->icc ? HAS_ICC : 0) | (metadata->exif ? HAS_EXIF : 0) |
                         (canvas.alpha ? HAS_ALPHA : 0));
    put_little(bytes + 4, 3, (uint32_t)canvas.width - 1);
    put_little(bytes + 7, 3, (uint32_t)canvas.height - 1);
    return append_chunk(to, "VP8X", bytes, sizeof bytes);
}

/* Appends the chunks that hold pixels. Returns how many, or a negative errno. */
static int append_picture(struct buffer *to, const uint8_t *file, size_t size)
{
    int count = 0;

    for (size_t at = FILE_HEADER_BYTES; at < size;) {
        const char *name = (const char *)file + at;
        if (size - at < CHUNK_HEADER_BYTES)
            return -EINVAL;
        size_t length = little_u32(file + at + 4), left = size - at - CHUNK_HEADER_BYTES;
        if (length > left)
            return -EINVAL;
        const uint8_t *bytes = file + at + CHUNK_HEADER_BYTES;
        bool pixels = !memcmp(name, "VP8 ", 4) || !memcmp(name, "VP8L", 4);
        if ((pixels || !memcmp(name, "ALPH", 4)) && append_chunk(to, name, bytes, length))
            return -ENOMEM;
        count += pixels;
        at += CHUNK_HEADER_BYTES + length + (length % 2 && length < left);
    }
    return count;
}

int webp_wrap(const uint8_t *file, size_t size, struct webp_canvas canvas,
              const struct metadata *metadata, struct buffer *ret)
{
    bool extended = canvas.alpha || metadata->icc || metadata->exif;

    if (size < FILE_HEADER_BYTES || memcmp(file, "RIFF", 4) || memcmp(file + 8, "WEBP", 4))
        return -EINVAL;
    if (buffer_append(ret, file, FILE_HEADER_BYTES) ||
        (extended && append_canvas(ret, canvas, metadata)) ||
        (metadata->icc && append_chunk(ret, "ICCP", metadata->icc, metadata->icc_size)))
        return -ENOMEM;
    int pictures = append_picture(ret, file, size);
    if (pictures != 1)
        return pictures < 0 ? pictures : -EINVAL;
    if (metadata->exif && append_chunk(ret, "EXIF", metadata->exif, metadata->exif_size))
        return -ENOMEM;
    put_little(ret->bytes + 4, 4, (uint32_t)(ret->size - 8));
    return 0;
}
