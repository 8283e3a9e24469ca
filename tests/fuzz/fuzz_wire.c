/* The reader of frames: any bytes, in pieces of any size, from a worker that may be hostile. The
 * first bytes choose limits and pieces, the rest is the stream. */
#include "mproc/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

/* Takes all whole frames. Returns false when the stream is worth nothing any more. */
static bool frames_take(struct wire_reader *reader, uint64_t *sum)
{
    struct wire_header header;
    const uint8_t *payload;
    int found;
    while ((found = wire_reader_next(reader, &header, &payload)) == 1) {
        require(header.magic == WIRE_MAGIC);
        require(header.size <= reader->limits.size_max);
        require(header.fd_count <= reader->limits.fd_max);
        require(header.slot < reader->limits.slots);
        for (uint64_t i = 0; i < header.size; i++)
            *sum += payload[i]; /* for the sanitizer: all of it must be readable */
    }
    return found == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    struct wire_reader reader;
    struct wire_limits limits = {
        .size_max = (uint64_t)data[0] * 16, .fd_max = data[1] % 8, .slots = 16};
    unsigned random = (unsigned)data[2] << 8 | data[3];
    uint64_t sum = 0;
    data += 4;
    size -= 4;
    wire_reader_init(&reader, limits);
    while (size > 0) {
        size_t room_size;
        uint8_t *room = wire_reader_room(&reader, &room_size);
        require(room && room_size > 0);
        require(reader.capacity < 1 << 18); /* nothing is allocated for lengths not believed */
        random = random * 1103515245u + 12345u;
        size_t piece = (random >> 16) % 100 + 1;
        if (piece > size)
            piece = size;
        if (piece > room_size)
            piece = room_size;
        memcpy(room, data, piece);
        wire_reader_fed(&reader, piece);
        data += piece;
        size -= piece;
        /* Not after every piece: what is whole may wait while more arrives. */
        if (random >> 28 != 0 && !frames_take(&reader, &sum))
            break;
    }
    wire_reader_done(&reader);
    return sum == UINT64_MAX; /* never */
}
