/* Frames: what goes over the channels between an executor and one worker.
 *
 * A frame is a header, `size` bytes of payload, and zeroes up to a multiple of WIRE_ALIGN, so that
 * a payload is aligned for any type. Down go jobs, with descriptors; up go a greeting and results.
 * The reader is incremental, so that the parent never waits for half a frame, and it believes
 * nothing: lengths and counts are checked before a byte is allocated for them. Both ends are one
 * program on one machine, so numbers go in the machine's own order. */
#ifndef MPROC_WIRE_H
#define MPROC_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_kind {
    WIRE_JOB = 1, /* down: run `fn` on the payload */
    WIRE_HELLO,   /* up: the start hook succeeded */
    WIRE_RESULT,  /* up: the payload is the job's result */
    WIRE_FAILURE, /* up: the payload is a sentence about the failure, `status` its number */
};

struct wire_header {
    uint32_t magic;    /* WIRE_MAGIC */
    uint32_t kind;     /* enum wire_kind */
    uint64_t seq;      /* number of the assignment, counted per worker */
    uint64_t fn;       /* address of the task function, the same in parent and child */
    uint64_t size;     /* bytes of payload */
    uint32_t slot;     /* word of the control page */
    uint32_t fd_count; /* descriptors that belong to this frame */
    int32_t code;      /* of a failure: MP_ETASK or -errno */
    int32_t status;    /* of a failure: the task's own number */
};

enum { WIRE_MAGIC = 0x6d70f7a3, WIRE_ALIGN = 16 };

_Static_assert(sizeof(struct wire_header) % WIRE_ALIGN == 0, "payloads are aligned");

/* Bytes of zeroes after a payload. */
static inline size_t wire_padding(uint64_t size)
{
    return (size_t)(-size & (WIRE_ALIGN - 1));
}

/* Where they are taken from. */
extern const char wire_zeroes[WIRE_ALIGN];

/* What a reader lets pass. */
struct wire_limits {
    uint64_t size_max; /* bytes of payload */
    uint32_t fd_max;   /* descriptors of one frame */
    uint32_t slots;    /* slot numbers are below */
};

struct wire_reader {
    struct wire_limits limits; /* what is let pass */
    uint8_t *buffer;           /* bytes received; owned */
    size_t capacity;           /* of the buffer */
    size_t begin, end;         /* the part not taken yet */
};

void wire_reader_init(struct wire_reader *reader, struct wire_limits limits);
void wire_reader_done(struct wire_reader *reader);

/* Room for the next bytes of the stream: at least one, and the whole rest of a frame whose header
 * has been seen. Returns NULL when there is no memory. Invalidates payloads handed out before. */
void *wire_reader_room(struct wire_reader *reader, size_t *ret_size);

/* Says that `size` bytes have been put into that room. */
void wire_reader_fed(struct wire_reader *reader, size_t size);

/* Takes the next whole frame. The payload is borrowed until the next call of wire_reader_room().
 * Returns 1, 0 when there is none yet, or -EPROTO: the stream is worth nothing from there on. */
int wire_reader_next(struct wire_reader *reader, struct wire_header *ret,
                     const uint8_t **ret_payload);

/* True when the stream, should it end here, ends inside a frame. */
bool wire_reader_torn(const struct wire_reader *reader);

#endif
