/* Sources: one buffer, one pread() a piece, one clock around it. */
#include "image/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/stopwatch.h"

int source_init(struct source *source, int fd, int64_t size_bytes)
{
    *source = (struct source){.fd = fd, .size_bytes = size_bytes};
    source->chunk = malloc(SOURCE_CHUNK_BYTES);
    return source->chunk ? 0 : -ENOMEM;
}

void source_done(struct source *source)
{
    free(source->chunk);
    memset(source, 0, sizeof *source);
}

/* Replaces the chunk by the next one of the file. */
static void source_fill(struct source *source)
{
    ssize_t got;

    source->chunk_used = source->chunk_size = 0;
    if (source->error)
        return;
    double start = stopwatch_ms();
    do
        got = pread(source->fd, source->chunk, SOURCE_CHUNK_BYTES, source->offset);
    while (got < 0 && errno == EINTR);
    source->read_ms += stopwatch_ms() - start;
    if (got < 0)
        source->error = errno;
    else
        source->chunk_size = (size_t)got;
}

size_t source_next(struct source *source, const uint8_t **ret)
{
    if (source->chunk_used == source->chunk_size)
        source_fill(source);
    size_t size = source->chunk_size - source->chunk_used;
    *ret = source->chunk + source->chunk_used;
    source->chunk_used += size;
    source->offset += (int64_t)size;
    return size;
}

size_t source_read(struct source *source, void *buffer, size_t size)
{
    uint8_t *to = buffer;
    size_t done = 0;

    while (done < size) {
        if (source->chunk_used == source->chunk_size)
            source_fill(source);
        size_t there = source->chunk_size - source->chunk_used;
        if (there == 0)
            break;
        size_t now = there < size - done ? there : size - done;
        memcpy(to + done, source->chunk + source->chunk_used, now);
        source->chunk_used += now;
        source->offset += (int64_t)now;
        done += now;
    }
    return done;
}

void source_seek(struct source *source, int64_t offset)
{
    int64_t start = source->offset - (int64_t)source->chunk_used;

    if (offset >= start && offset - start <= (int64_t)source->chunk_size) {
        source->chunk_used = (size_t)(offset - start); /* it is in the chunk already */
    } else {
        source->chunk_used = source->chunk_size = 0;
    }
    source->offset = offset;
}
