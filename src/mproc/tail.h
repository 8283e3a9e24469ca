/* The last words of a worker: what it wrote on its stderr, read by the parent from a pipe, passed
 * on to the parent's own stderr, and its end kept for the fault of the job that it belongs to. */
#ifndef MPROC_TAIL_H
#define MPROC_TAIL_H

#include <stdbool.h>
#include <stddef.h>

struct tail {
    int fd;          /* the parent's end, non-blocking; -1 when closed */
    char *bytes;     /* the last of what came; owned */
    size_t capacity; /* of it */
    size_t size;     /* bytes of it in use */
};

/* Makes the pipe, keeping up to `capacity` bytes; the child's end goes to ret_child_fd.
 * Returns 0, or -errno. */
int tail_init(struct tail *tail, size_t capacity, int *ret_child_fd);

/* Takes a zeroed or closed one. */
void tail_done(struct tail *tail);

/* Takes what has come. Returns false at the end of the stream, after which `fd` may be closed. */
bool tail_drain(struct tail *tail);

/* Forgets what came so far. */
void tail_clear(struct tail *tail);

#endif
