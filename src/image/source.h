/* The bytes of an input, in order, read in large pieces with pread().
 *
 * The file is never mapped: a file that shrinks while it is read would kill the process. The time
 * spent waiting and the first I/O error are remembered, because the codecs between here and the
 * caller cannot pass either on.
 *
 * On request the bytes are hashed as they go by. What is made of a file depends on nothing but the
 * bytes that were read, so a fingerprint covers those and what lies between them: the file's first
 * `reach` bytes. For a decoder that reads in order, hashing costs no second read. */
#ifndef IMAGE_SOURCE_H
#define IMAGE_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SOURCE_CHUNK_BYTES = 128 * 1024 };

struct fingerprint;

struct source {
    int fd;                    /* borrowed */
    int64_t size_bytes;        /* of the file, as the caller knows it */
    int64_t offset;            /* of the first byte that has not been handed out */
    uint8_t *chunk;            /* SOURCE_CHUNK_BYTES; owned */
    size_t chunk_used;         /* bytes of the chunk that source_read() handed out */
    size_t chunk_size;         /* bytes of the chunk that are filled */
    double read_ms;            /* waited so far */
    int error;                 /* errno of the first read that failed, or 0 */
    int64_t reach;             /* behind the last byte that was read */
    struct fingerprint *print; /* of what went by; owned, NULL when nobody wants it */
};

/* Free with source_done(), which also takes a zeroed struct. Returns 0 or -ENOMEM. */
int source_init(struct source *source, int fd, int64_t size_bytes);
void source_done(struct source *source);

/* Has all that is read from now on hashed; to be called before the first byte. Returns 0 or
 * -ENOMEM. */
int source_watch(struct source *source);

/* Reads what was passed over, so that nothing before `reach` is missing, and puts the hash (XXH3,
 * 64 bits) of all up to there into ret_hash. Returns how many bytes that are, or -1 when it is not
 * watched or cannot be read. It is the last thing to be done with a source. */
int64_t source_fingerprint(struct source *source, uint64_t *ret_hash);

/* The same hash of the first `reach` bytes of a file, read for nothing else. Returns 0, or -1 when
 * there are fewer, or they cannot be read. */
int source_hash(struct source *source, int64_t reach, uint64_t *ret_hash);

/* Hands out the next piece: *ret points at as many bytes as are returned, valid until the next
 * call. Returns 0 at the end and after an error, which `error` tells apart. */
size_t source_next(struct source *source, const uint8_t **ret);

/* Copies the next `size` bytes; fewer at the end and after an error. Returns how many. */
size_t source_read(struct source *source, void *buffer, size_t size);

/* Continues at `offset` from the start of the file, which may lie behind its end. */
void source_seek(struct source *source, int64_t offset);

#endif
