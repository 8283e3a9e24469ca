#include "mutate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "support/chunks.h"

enum { PARTS_MAX = 512, GROWTH = 256, INFLATED_MAX = 1 << 18 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);

/* Bytes of the file that belong together: a segment or chunk with all that is its own, or the codes
 * of a scan. */
struct part {
    size_t start, size;
};

struct parts {
    struct part list[PARTS_MAX];
    unsigned count;
};

static void parts_add(struct parts *parts, size_t start, size_t end)
{
    if (parts->count < PARTS_MAX && end > start)
        parts->list[parts->count++] = (struct part){start, end - start};
}

/* A mutated copy of bytes; free(). */
static uint8_t *mutated(const uint8_t *bytes, size_t size, size_t *ret_size)
{
    uint8_t *copy = malloc(size + GROWTH);

    if (!copy)
        abort();
    memcpy(copy, bytes, size);
    *ret_size = LLVMFuzzerMutate(copy, size, size + GROWTH);
    return copy;
}

/* Puts the new file in place of the old one, unless it has become too large. */
static size_t put(struct test_file *file, uint8_t *data, size_t size, size_t size_max)
{
    if (file->size <= size_max) {
        memcpy(data, file->bytes, file->size);
        size = file->size;
    }
    test_file_done(file);
    return size;
}

/* ---- JPEG ---- */

/* Where the codes of a scan end, restart markers being among them. */
static size_t scan_end(const uint8_t *data, size_t at, size_t size)
{
    while (at + 1 < size &&
           (data[at] != 0xff || data[at + 1] == 0 || (data[at + 1] & 0xf8) == 0xd0))
        at++;
    return at + 1 < size ? at : size;
}

static void jpeg_parts(const uint8_t *data, size_t size, struct parts *parts)
{
    size_t at = 2;

    while (at + 4 <= size && data[at] == 0xff && data[at + 1] >= 0xc0 && data[at + 1] != 0xd9) {
        size_t end = at + 2 + ((size_t)data[at + 2] << 8 | data[at + 3]);
        if (end > size)
            break;
        parts_add(parts, at, end);
        if (data[at + 1] == 0xda) {
            at = scan_end(data, end, size);
            parts_add(parts, end, at);
        } else {
            at = end;
        }
    }
}

/* What looks like a marker within codes would cut them off. */
static void stuff(uint8_t *codes, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++)
        if (codes[i] == 0xff && codes[i + 1] != 0 && (codes[i + 1] & 0xf8) != 0xd0)
            codes[i + 1] = 0;
}

static void append_segment(struct test_file *file, const uint8_t *segment, size_t size)
{
    size_t own_size;
    uint8_t *own = mutated(segment + 4, size - 4, &own_size);
    size_t length = own_size + 2;

    if (length <= 0xffff) {
        uint8_t head[4] = {segment[0], segment[1], (uint8_t)(length >> 8), (uint8_t)length};
        chunks_append_bytes(file, head, sizeof head);
        chunks_append_bytes(file, own, own_size);
    }
    free(own);
}

static void append_codes(struct test_file *file, const uint8_t *codes, size_t size)
{
    size_t own_size;
    uint8_t *own = mutated(codes, size, &own_size);

    stuff(own, own_size);
    chunks_append_bytes(file, own, own_size);
    free(own);
}

static bool is_segment(const uint8_t *data, const struct part *part)
{
    return part->size > 4 && data[part->start] == 0xff && data[part->start + 1] >= 0xc0 &&
           ((size_t)data[part->start + 2] << 8 | data[part->start + 3]) + 2 == part->size;
}

static void jpeg_mutate(const uint8_t *data, size_t size, const struct part *part,
                        struct test_file *ret)
{
    chunks_append_bytes(ret, data, part->start);
    if (is_segment(data, part))
        append_segment(ret, data + part->start, part->size);
    else
        append_codes(ret, data + part->start, part->size);
    chunks_append_bytes(ret, data + part->start + part->size, size - part->start - part->size);
}

/* ---- PNG ---- */

static void png_parts(const uint8_t *data, size_t size, struct parts *parts)
{
    size_t at = 8;

    while (at + 12 <= size) {
        size_t own = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
                     (size_t)data[at + 2] << 8 | data[at + 3];
        if (own > size - at - 12)
            break;
        parts_add(parts, at, at + 12 + own);
        at += 12 + own;
    }
}

/* The rows of the picture, as far as they can be had; NULL when there are none. free() them. */
static uint8_t *inflated(const uint8_t *data, size_t size, size_t *ret_size)
{
    struct test_file file = {(uint8_t *)(uintptr_t)data, size};
    size_t stream_size;
    uint8_t *stream = chunks_pixels(&file, &stream_size), *rows = malloc(INFLATED_MAX + GROWTH);
    z_stream z = {.next_in = stream,
                  .avail_in = (uInt)stream_size,
                  .next_out = rows,
                  .avail_out = INFLATED_MAX};

    if (!rows || inflateInit(&z) != Z_OK)
        abort();
    if (stream)
        inflate(&z, Z_SYNC_FLUSH);
    *ret_size = z.total_out;
    inflateEnd(&z);
    free(stream);
    if (*ret_size == 0) {
        free(rows);
        rows = NULL;
    }
    return rows;
}

static void append_rows(struct test_file *file, uint8_t *rows, size_t size)
{
    uLongf room = compressBound((uLong)size + GROWTH);
    uint8_t *stream = malloc(room);

    size = LLVMFuzzerMutate(rows, size, size + GROWTH);
    if (!stream || compress2(stream, &room, rows, (uLong)size, 1) != Z_OK)
        abort();
    chunks_append(file, "IDAT", stream, room);
    free(stream);
}

/* Other rows, in one chunk where the first of them stood. */
static bool png_mutate_rows(const uint8_t *data, size_t size, const struct parts *parts,
                            struct test_file *ret)
{
    size_t rows_size;
    uint8_t *rows = inflated(data, size, &rows_size);

    if (!rows)
        return false;
    chunks_append_bytes(ret, data, 8);
    for (unsigned i = 0, seen = 0; i < parts->count; i++) {
        const struct part *part = &parts->list[i];
        if (memcmp(data + part->start + 4, "IDAT", 4) != 0)
            chunks_append_bytes(ret, data + part->start, part->size);
        else if (seen++ == 0)
            append_rows(ret, rows, rows_size);
    }
    free(rows);
    return true;
}

static void png_mutate(const uint8_t *data, size_t size, const struct part *part,
                       struct test_file *ret)
{
    char name[5] = "";
    size_t own_size;
    uint8_t *own = mutated(data + part->start + 8, part->size - 12, &own_size);

    memcpy(name, data + part->start + 4, 4);
    chunks_append_bytes(ret, data, part->start);
    chunks_append(ret, name, own, own_size);
    chunks_append_bytes(ret, data + part->start + part->size, size - part->start - part->size);
    free(own);
}

/* ---- Either ---- */

/* Returns false when it is neither, or has nothing in it to be changed. */
static bool mutate(const uint8_t *data, size_t size, unsigned seed, struct test_file *ret)
{
    bool is_jpeg = size > 4 && memcmp(data, "\xff\xd8\xff", 3) == 0;
    bool is_png = size > 8 && memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0;
    struct parts parts = {.count = 0};

    if (is_jpeg)
        jpeg_parts(data, size, &parts);
    else if (is_png)
        png_parts(data, size, &parts);
    if (parts.count == 0)
        return false;
    const struct part *part = &parts.list[seed / 16 % parts.count];
    if (is_jpeg)
        jpeg_mutate(data, size, part, ret);
    else if (seed / 8 % 2 == 0 || !png_mutate_rows(data, size, &parts, ret))
        png_mutate(data, size, part, ret);
    return true;
}

size_t mutate_picture(uint8_t *data, size_t size, size_t size_max, size_t head, unsigned seed)
{
    struct test_file file = {0};

    if (size <= head || seed % 3 == 0 || !mutate(data + head, size - head, seed / 3, &file))
        return LLVMFuzzerMutate(data, size, size_max);
    return head + put(&file, data + head, size - head, size_max - head);
}
