/* The bytes of an input, in order, read in large pieces with pread().
 *
 * The file is never mapped: a file that shrinks while it is read would kill the process. The time
 * spent waiting and the first I/O error are remembered, because the codecs between here and the
 * caller cannot pass either on. */
#ifndef IMAGE_SOURCE_H
#define IMAGE_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SOURCE_CHUNK_BYTES = 128 * 1024 };

struct source {
    int fd;             /* borrowed */
    int64_t size_bytes; /* of the file, as the caller knows it */
    int64_t offset;     /* of the first byte that has not been handed out */
    uint8_t *chunk;     /* SOURCE_CHUNK_BYTES; owned */
    size_t chunk_used;  /* bytes of the chunk that source_read() handed out */
    size_t chunk_size;  /* bytes of the chunk that are filled */
    double read_ms;     /* waited so far */
    int error;          /* errno of the first read that failed, or 0 */
};

/* Free with source_done(), which also takes a zeroed struct. Returns 0 or -ENOMEM. */
int source_init(struct source *source, int fd, int64_t size_bytes);
void source_done(struct source *source);

/* Hands out the next piece: *ret points at as many bytes as are returned, valid until the next
 * call. Returns 0 at the end and after an error, which `error` tells apart. */
size_t source_next(struct source *source, const uint8_t **ret);

/* Copies the next `size` bytes; fewer at the end and after an error. Returns how many. */
size_t source_read(struct source *source, void *buffer, size_t size);

/* Continues at `offset` from the start of the file, which may lie behind its end. */
void source_seek(struct source *source, int64_t offset);

#endif
