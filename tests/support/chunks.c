#include "support/chunks.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

enum { SIGNATURE_BYTES = 8, HEAD_BYTES = 8, CRC_BYTES = 4 };

static void put_be32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get_be32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

/* The room of a file of so many bytes: a power of two, so that appending moves it seldom. */
static size_t room_for(size_t size)
{
    size_t room = 64;

    while (room <= size)
        room *= 2;
    return room;
}

void chunks_append_bytes(struct test_file *file, const void *bytes, size_t size)
{
    size_t room = room_for(file->size + size);

    if (!file->bytes || room > room_for(file->size))
        file->bytes = realloc(file->bytes, room);
    if (!file->bytes)
        abort();
    if (size)
        memcpy(file->bytes + file->size, bytes, size);
    file->size += size;
}

void chunks_append(struct test_file *file, const char *name, const void *data, size_t size)
{
    uint8_t head[HEAD_BYTES], crc[CRC_BYTES];
    uLong sum = crc32(0, (const Bytef *)name, 4);

    put_be32(head, (uint32_t)size);
    memcpy(head + 4, name, 4);
    put_be32(crc, (uint32_t)(size ? crc32(sum, data, (uInt)size) : sum));
    chunks_append_bytes(file, head, sizeof head);
    chunks_append_bytes(file, data, size);
    chunks_append_bytes(file, crc, sizeof crc);
}

void chunks_begin(struct test_file *file, uint32_t width, uint32_t height, int depth, int type)
{
    uint8_t header[13] = {0};

    put_be32(header, width);
    put_be32(header + 4, height);
    header[8] = (uint8_t)depth;
    header[9] = (uint8_t)type;
    chunks_append_bytes(file, "\x89PNG\r\n\x1a\n", SIGNATURE_BYTES);
    chunks_append(file, "IHDR", header, sizeof header);
}

/* The chunk at `at`: returns where the next one is, or 0 when this one is not all there. */
static size_t chunk_end(const struct test_file *file, size_t at)
{
    if (file->size < at + HEAD_BYTES + CRC_BYTES)
        return 0;
    size_t size = get_be32(file->bytes + at);
    return size <= file->size - at - HEAD_BYTES - CRC_BYTES ? at + size + HEAD_BYTES + CRC_BYTES
                                                            : 0;
}

void chunks_mend(struct test_file *file)
{
    size_t end;

    for (size_t at = SIGNATURE_BYTES; (end = chunk_end(file, at)); at = end)
        put_be32(file->bytes + end - CRC_BYTES,
                 (uint32_t)crc32(0, file->bytes + at + 4, (uInt)(end - at - 4 - CRC_BYTES)));
}

uint8_t *chunks_pixels(const struct test_file *file, size_t *ret_size)
{
    struct test_file all = {0};
    size_t end;

    for (size_t at = SIGNATURE_BYTES; (end = chunk_end(file, at)); at = end)
        if (!memcmp(file->bytes + at + 4, "IDAT", 4))
            chunks_append_bytes(&all, file->bytes + at + HEAD_BYTES,
                                end - at - HEAD_BYTES - CRC_BYTES);
    *ret_size = all.size;
    return all.bytes;
}

static void read_opened(const struct codec *codec, void *decoder, struct chunks_verdict *verdict)
{
    const struct codec_header *head = &verdict->head;
    struct reduce sink;

    if (reduce_init(&sink, head->width, head->height, codec_channels(head), head->alpha, 1, 1))
        abort();
    verdict->made = !codec->read(decoder, 1, &sink);
    if (verdict->made) {
        verdict->pixels = sink.out;
        sink.out = (struct pixels){0};
    }
    reduce_done(&sink);
}

struct chunks_verdict chunks_read(const struct codec *codec, const struct test_file *file,
                                  int64_t max_pixels)
{
    struct chunks_verdict verdict = {0};
    struct image_spec limits = image_spec_default();
    struct source source;
    void *decoder;
    int fd = test_open(file->bytes, file->size);

    limits.max_pixels = max_pixels;
    if (source_init(&source, fd, (int64_t)file->size))
        abort();
    verdict.opened = !codec->open(&source, &limits, &decoder, &verdict.head, &verdict.fault);
    if (verdict.opened) {
        read_opened(codec, decoder, &verdict);
        codec->close(decoder);
    }
    source_done(&source);
    close(fd);
    return verdict;
}

bool chunks_agree(const struct chunks_verdict *a, const struct chunks_verdict *b)
{
    if (a->opened != b->opened || a->made != b->made)
        return false;
    if (a->made)
        return test_pixels_equal(&a->pixels, &b->pixels);
    return a->fault.code == b->fault.code && !strcmp(a->fault.message, b->fault.message);
}
