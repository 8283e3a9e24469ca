#include "batch/pngtext.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

enum {
    SIGNATURE_BYTES = 8,
    FRAME_BYTES = 12, /* around a chunk's data: length, name, checksum */
    HEADER_BYTES = 13,
    HEAD_BYTES = SIGNATURE_BYTES + FRAME_BYTES + HEADER_BYTES, /* signature and IHDR */
    KEY_MAX = 79,
};

static const uint8_t signature[SIGNATURE_BYTES] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

static uint32_t number_get(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void number_put(uint8_t *bytes, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(number >> (24 - 8 * i));
}

/* The checksum of a chunk, of its name and data. */
static uint32_t checksum(const uint8_t *name, size_t size)
{
    return (uint32_t)crc32(0, name, (uInt)size);
}

static bool is_header(const uint8_t *head)
{
    const uint8_t *chunk = head + SIGNATURE_BYTES;
    return memcmp(head, signature, sizeof signature) == 0 && number_get(chunk) == HEADER_BYTES &&
           memcmp(chunk + 4, "IHDR", 4) == 0 &&
           number_get(chunk + 8 + HEADER_BYTES) == checksum(chunk + 4, 4 + HEADER_BYTES);
}

/* ---- Writing -------------------------------------------------------------------------------- */

static int text_append(const struct pngtext *text, struct buffer *ret)
{
    size_t key = strlen(text->key), value = strlen(text->value), size = key + 1 + value;
    if (buffer_reserve(ret, size + FRAME_BYTES) != 0)
        return -ENOMEM;
    uint8_t *chunk = ret->bytes + ret->size;
    number_put(chunk, (uint32_t)size);
    memcpy(chunk + 4, "tEXt", 4);
    memcpy(chunk + 8, text->key, key + 1);
    for (size_t i = 0; i < value; i++) {
        char c = text->value[i];
        chunk[8 + key + 1 + i] = (uint8_t)(c >= ' ' && c <= '~' ? c : '?');
    }
    number_put(chunk + 8 + size, checksum(chunk + 4, 4 + size));
    ret->size += size + FRAME_BYTES;
    return 0;
}

int pngtext_insert(const uint8_t *png, size_t size, const struct pngtext *texts, int count,
                   struct buffer *ret)
{
    if (size < HEAD_BYTES || !is_header(png))
        return -EPROTO;
    int error = buffer_append(ret, png, HEAD_BYTES);
    for (int i = 0; i < count && error == 0; i++)
        error = text_append(&texts[i], ret);
    return error ? error : buffer_append(ret, png + HEAD_BYTES, size - HEAD_BYTES);
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* True when bytes[0..size) at `offset` of the file could be read. */
static bool read_at(int fd, void *bytes, size_t size, int64_t offset)
{
    return pread(fd, bytes, size, (off_t)offset) == (ssize_t)size;
}

static int head_read(int fd, struct pngtext_head *ret)
{
    uint8_t head[HEAD_BYTES];
    if (!read_at(fd, head, sizeof head, 0) || !is_header(head))
        return -EPROTO;
    uint32_t width = number_get(head + 16), height = number_get(head + 20);
    if (width < 1 || height < 1 || width > INT_MAX || height > INT_MAX)
        return -EPROTO;
    *ret = (struct pngtext_head){(int)width, (int)height};
    return 0;
}

/* Takes a text, key and value with a NUL between and none at the end, if it is wanted. */
static void text_take(const char *text, size_t size, struct pngtext_wanted *wanted, int count)
{
    size_t key = strnlen(text, size < KEY_MAX ? size : KEY_MAX);
    if (key == size || text[key] != '\0' || memchr(text + key + 1, '\0', size - key - 1))
        return;
    for (int i = 0; i < count; i++) {
        size_t length = size - key - 1;
        if (strcmp(wanted[i].key, text) != 0 || wanted[i].value[0] || length >= wanted[i].size)
            continue;
        memcpy(wanted[i].value, text + key + 1, length);
        wanted[i].value[length] = '\0';
    }
}

/* Reads the tEXt chunk whose data of `size` bytes begin at `offset`. */
static int text_read(int fd, int64_t offset, uint32_t size, struct pngtext_wanted *wanted,
                     int count)
{
    uint8_t chunk[4 + PNGTEXT_BYTES_MAX + 4]; /* name, data, checksum */
    if (size > PNGTEXT_BYTES_MAX)
        return 0;
    if (!read_at(fd, chunk, size + 8, offset - 4) ||
        number_get(chunk + 4 + size) != checksum(chunk, 4 + size))
        return -EPROTO;
    text_take((const char *)chunk + 4, size, wanted, count);
    return 0;
}

int pngtext_read(int fd, struct pngtext_wanted *wanted, int count, struct pngtext_head *ret)
{
    int64_t offset = HEAD_BYTES;
    int error = head_read(fd, ret);
    for (int i = 0; i < count; i++)
        wanted[i].value[0] = '\0';
    for (int i = 0; i < PNGTEXT_CHUNKS_MAX && error == 0; i++) {
        uint8_t frame[FRAME_BYTES]; /* of IEND, which has no data, the checksum, too */
        if (!read_at(fd, frame, sizeof frame, offset))
            return -EPROTO;
        uint32_t size = number_get(frame);
        if (size == 0 && memcmp(frame + 4, "IEND", 4) == 0)
            return 0;
        if (memcmp(frame + 4, "tEXt", 4) == 0)
            error = text_read(fd, offset + 8, size, wanted, count);
        offset += (int64_t)FRAME_BYTES + size;
    }
    return -EPROTO;
}
