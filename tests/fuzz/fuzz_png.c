/* Any bytes as a PNG: our way and libpng's must come to the same verdict, in the same words, and to
 * the same pixels. Checksums would keep all but a few changes out of reach, so the input is what
 * they are made for: a file, as it is and with its chunks mended, when it begins like one, and
 * else, by its first byte and behind a header from the next, rows that are deflated or what deflate
 * made. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "mutate.h"
#include "support/chunks.h"

enum { PNG_FIRST_BYTE = 0x89 };
enum {
    PIXELS_MAX = 1 << 16,
    HEAD_BYTES = 8,
    SIDE_MAX = 64,
    INFLATED_MAX = 1 << 16,
    PIECES_MAX = 1024
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    return mutate_picture(data, size, size_max, 0, seed);
}

/* What zlib says of codes that libdeflate takes none the less: the picture is whole by all of its
 * sums and lengths. */
static bool is_matter_of_codes(const struct chunks_verdict *theirs)
{
    static const char *const messages[] = {"invalid code lengths set",
                                           "too many length or distance symbols",
                                           "invalid literal/lengths set",
                                           "invalid distances set",
                                           "invalid code -- missing end-of-block",
                                           "invalid bit length repeat",
                                           "invalid literal/length code",
                                           "invalid distance code"};

    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        if (strstr(theirs->fault.message, messages[i]))
            return true;
    return false;
}

static void compare(const struct test_file *file)
{
    struct chunks_verdict ours = chunks_read(&png_codec, file, PIXELS_MAX);
    struct chunks_verdict theirs = chunks_read(&png_libpng_codec, file, PIXELS_MAX);

    if (!chunks_agree(&ours, &theirs) &&
        !(ours.made && theirs.opened && !theirs.made && is_matter_of_codes(&theirs)))
        abort();
    pixels_done(&ours.pixels);
    pixels_done(&theirs.pixels);
}

static void begin(struct test_file *file, const uint8_t *head)
{
    static const uint8_t types[] = {0, 2, 3, 4, 6, 0, 2, 3};
    uint8_t palette[768];
    int type = types[head[0] % 8], depth = 1 << head[1] % 5;
    unsigned entries = head[2] % 256 + 1u;

    chunks_begin(file, head[3] % SIDE_MAX + 1u, head[4] % SIDE_MAX + 1u, depth, type);
    for (size_t i = 0; i < sizeof palette; i++)
        palette[i] = (uint8_t)(i * 37 + i / 256);
    if (type == 3 && depth <= 8 && entries > 1u << depth)
        entries = 1u << depth;
    if (type == 3)
        chunks_append(file, "PLTE", palette, entries * 3);
    if (head[5] & 1)
        chunks_append(file, "tRNS", head, type == 3 ? 1 : type == 0 ? 2 : 6);
}

/* The stream in pieces of such a size, but in no more than a reader has to be tried with. */
static void finish(struct test_file *file, const uint8_t *stream, size_t size, size_t piece)
{
    if (piece < size / PIECES_MAX + 1)
        piece = size / PIECES_MAX + 1;
    for (size_t at = 0; at < size; at += piece)
        chunks_append(file, "IDAT", stream + at, size - at < piece ? size - at : piece);
    chunks_append(file, "IEND", NULL, 0);
    compare(file);
    test_file_done(file);
}

/* Rows as they are stored, with their filters. */
static void try_rows(const uint8_t *head, const uint8_t *rows, size_t size)
{
    struct test_file file = {0};
    uLongf room = compressBound((uLong)size);
    uint8_t *stream = malloc(room);

    if (!stream || compress2(stream, &room, rows, (uLong)size, 1) != Z_OK)
        abort();
    begin(&file, head);
    finish(&file, stream, room, head[6] + 1u);
    free(stream);
}

/* The checksum of what zlib makes of a raw stream, as far as it gets. */
static uint32_t sum_of(const uint8_t *raw, size_t size)
{
    uint8_t *to = malloc(INFLATED_MAX);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)raw,
                  .avail_in = (uInt)size,
                  .next_out = to,
                  .avail_out = INFLATED_MAX};

    if (!to || inflateInit2(&z, -15) != Z_OK)
        abort();
    inflate(&z, Z_FINISH);
    uint32_t sum = (uint32_t)adler32(1, to, (uInt)z.total_out);
    inflateEnd(&z);
    free(to);
    return sum;
}

/* What deflate made, between zlib's head, of any window, and its checksum. */
static void try_stream(const uint8_t *head, const uint8_t *raw, size_t size)
{
    struct test_file file = {0}, stream = {0};
    unsigned start = (head[7] & 0xf0u) << 8 | 0x800;
    uint32_t sum = sum_of(raw, size);

    start += 31 - start % 31;
    chunks_append_bytes(&stream, (uint8_t[]){(uint8_t)(start >> 8), (uint8_t)start}, 2);
    chunks_append_bytes(&stream, raw, size);
    chunks_append_bytes(
        &stream,
        (uint8_t[]){(uint8_t)(sum >> 24), (uint8_t)(sum >> 16), (uint8_t)(sum >> 8), (uint8_t)sum},
        4);
    begin(&file, head);
    finish(&file, stream.bytes, stream.size, head[6] + 1u);
    test_file_done(&stream);
}

static void try_file(const uint8_t *data, size_t size)
{
    struct test_file file = {0};

    chunks_append_bytes(&file, data, size);
    compare(&file);
    chunks_mend(&file);
    compare(&file);
    test_file_done(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *head = data + 1, *body = head + HEAD_BYTES;

    if (size > 1 && data[0] == PNG_FIRST_BYTE) {
        try_file(data, size);
        return 0;
    }
    if (size <= 1 + HEAD_BYTES)
        return 0;
    if (data[0] % 2)
        try_rows(head, body, size - 1 - HEAD_BYTES);
    else
        try_stream(head, body, size - 1 - HEAD_BYTES);
    return 0;
}
