/* Sources: one buffer, one pread() a piece, one clock around it. */
#include "image/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "image/stopwatch.h"

struct fingerprint {
    XXH3_state_t state;
    int64_t hashed; /* bytes from the start of the file */
};

int source_init(struct source *source, int fd, int64_t size_bytes)
{
    *source = (struct source){.fd = fd, .size_bytes = size_bytes};
    source->chunk = malloc(SOURCE_CHUNK_BYTES);
    return source->chunk ? 0 : -ENOMEM;
}

void source_done(struct source *source)
{
    free(source->chunk);
    free(source->print);
    memset(source, 0, sizeof *source);
}

int source_watch(struct source *source)
{
    struct fingerprint *print = aligned_alloc(_Alignof(struct fingerprint), sizeof *print);
    if (!print)
        return -ENOMEM;
    XXH3_INITSTATE(&print->state);
    XXH3_64bits_reset(&print->state);
    print->hashed = 0;
    source->print = print;
    return 0;
}

/* Hashes what of the chunk follows upon what is hashed already. */
static void print_take(struct fingerprint *print, int64_t offset, const uint8_t *chunk, size_t size)
{
    int64_t known = print->hashed - offset;
    if (known < 0 || known >= (int64_t)size)
        return;
    XXH3_64bits_update(&print->state, chunk + known, size - (size_t)known);
    print->hashed = offset + (int64_t)size;
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
    int64_t end = source->offset + (int64_t)source->chunk_size;
    if (source->chunk_size > 0 && end > source->reach)
        source->reach = end;
    if (source->print)
        print_take(source->print, source->offset, source->chunk, source->chunk_size);
}

int64_t source_fingerprint(struct source *source, uint64_t *ret_hash)
{
    struct fingerprint *print = source->print;
    while (print && print->hashed < source->reach && !source->error) {
        source->offset = print->hashed;
        source_fill(source);
        if (source->chunk_size == 0) /* it has become shorter */
            return -1;
    }
    if (!print || source->error)
        return -1;
    *ret_hash = XXH3_64bits_digest(&print->state);
    return print->hashed;
}

int source_hash(struct source *source, int64_t reach, uint64_t *ret_hash)
{
    if (source_watch(source) < 0)
        return -1;
    struct fingerprint *print = source->print;
    source->print = NULL; /* chunks may go beyond `reach` */
    while (print->hashed < reach) {
        const uint8_t *bytes;
        int64_t size = (int64_t)source_next(source, &bytes), left = reach - print->hashed;
        if (size == 0)
            break;
        print_take(print, print->hashed, bytes, (size_t)(size < left ? size : left));
    }
    *ret_hash = XXH3_64bits_digest(&print->state);
    int error = print->hashed == reach ? 0 : -1;
    free(print);
    return error;
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
