#include "mproc/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROOM = 64 << 10,      /* one read fetches many small frames */
    KEEP_BYTES = 1 << 20, /* a buffer above this is not kept once it is empty */
};

const char wire_zeroes[WIRE_ALIGN];

void wire_reader_init(struct wire_reader *reader, struct wire_limits limits)
{
    *reader = (struct wire_reader){.limits = limits};
}

void wire_reader_done(struct wire_reader *reader)
{
    free(reader->buffer);
    *reader = (struct wire_reader){.limits = reader->limits};
}

static bool header_valid(const struct wire_header *header, const struct wire_limits *limits)
{
    return header->magic == WIRE_MAGIC && header->kind >= WIRE_JOB &&
           header->kind <= WIRE_FAILURE && header->size <= limits->size_max &&
           header->fd_count <= limits->fd_max && header->slot < limits->slots;
}

/* Looks at the header of the frame that begins the buffer. Returns 1, 0 while it is not whole, or
 * -EPROTO. */
static int header_peek(const struct wire_reader *reader, struct wire_header *ret)
{
    if (reader->end - reader->begin < sizeof *ret)
        return 0;
    memcpy(ret, reader->buffer + reader->begin, sizeof *ret);
    return header_valid(ret, &reader->limits) ? 1 : -EPROTO;
}

/* Bytes of a frame in the stream. */
static size_t frame_size(const struct wire_header *header)
{
    return sizeof *header + (size_t)header->size + wire_padding(header->size);
}

/* Bytes that the buffer should have room for beyond what it holds. */
static size_t room_wanted(const struct wire_reader *reader)
{
    struct wire_header header;
    size_t held = reader->end - reader->begin;
    if (header_peek(reader, &header) != 1)
        return ROOM;
    size_t whole = frame_size(&header);
    return whole > held && whole - held > ROOM ? whole - held : ROOM;
}

void *wire_reader_room(struct wire_reader *reader, size_t *ret_size)
{
    size_t held = reader->end - reader->begin;
    if (held == 0 && reader->capacity > KEEP_BYTES)
        wire_reader_done(reader);
    if (reader->begin > 0) {
        memmove(reader->buffer, reader->buffer + reader->begin, held);
        reader->begin = 0;
        reader->end = held;
    }
    size_t capacity = held + room_wanted(reader);
    if (capacity > reader->capacity) {
        uint8_t *buffer = realloc(reader->buffer, capacity);
        if (!buffer)
            return NULL;
        reader->buffer = buffer;
        reader->capacity = capacity;
    }
    *ret_size = reader->capacity - held;
    return reader->buffer + held;
}

void wire_reader_fed(struct wire_reader *reader, size_t size)
{
    reader->end += size;
}

int wire_reader_next(struct wire_reader *reader, struct wire_header *ret,
                     const uint8_t **ret_payload)
{
    struct wire_header header;
    int found = header_peek(reader, &header);
    if (found != 1)
        return found;
    if (reader->end - reader->begin < frame_size(&header))
        return 0;
    *ret = header;
    *ret_payload = reader->buffer + reader->begin + sizeof header;
    reader->begin += frame_size(&header);
    return 1;
}

bool wire_reader_torn(const struct wire_reader *reader)
{
    return reader->end > reader->begin;
}
