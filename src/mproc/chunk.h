/* Many elements as one job: how its argument and its result are laid out, and the task that runs
 * them one after the other in a worker.
 *
 *     argument   struct chunk_header, then for each element struct chunk_element and its bytes
 *     result     for each element, in order, struct chunk_record and its bytes
 *
 * All parts are padded to CHUNK_ALIGN bytes. Records are entered into the journal of the control
 * page as they come, so they outlast the worker. A result may have fewer records than there are
 * elements: the journal was full, and the rest has not begun. */
#ifndef MPROC_CHUNK_H
#define MPROC_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "mproc/control.h"
#include "mproc/mproc.h"

enum {
    CHUNK_ALIGN = 16,
    CHUNK_ELEMENTS_MAX = 4096, /* of one chunk */
};

_Static_assert((int)CHUNK_ELEMENTS_MAX <= (int)CONTROL_COUNT_MAX, "the journal counts them");

struct chunk_header {
    mp_task_fn *fn; /* to run on each */
    uint64_t count; /* of elements */
};

struct chunk_element {
    uint64_t size;    /* bytes of its argument */
    uint32_t place;   /* the parent's: where its result goes */
    uint32_t attempt; /* the parent's: how often it has been run */
};

struct chunk_record {
    int32_t code;   /* 0, MP_ETASK or -errno */
    int32_t status; /* the task's own */
    uint64_t size;  /* bytes of the result, or of the sentence about the failure */
};

/* A place in an argument or a result. */
struct chunk_cursor {
    const unsigned char *at, *end;
};

/* The header of an argument, and a cursor to its first element. */
struct chunk_header chunk_open(const void *arg, size_t size, struct chunk_cursor *ret);

/* The next element. Returns false after the last, or where the rest is not one. */
bool chunk_next_element(struct chunk_cursor *cursor, struct chunk_element *ret,
                        const unsigned char **ret_bytes);

/* The next record, likewise. Its size may be anything that the rest has room for. */
bool chunk_next_record(struct chunk_cursor *cursor, struct chunk_record *ret,
                       const unsigned char **ret_bytes);

/* Bytes of a part with so many bytes of payload. */
size_t chunk_part_size(size_t size);

/* Writes an element, or the header, to `to`, which has room for it. Returns the end. */
unsigned char *chunk_put_header(unsigned char *to, const struct chunk_header *header);
unsigned char *chunk_put_element(unsigned char *to, const struct chunk_element *element,
                                 const void *bytes);

/* The largest result of a chunk whose elements have results of up to result_max bytes. */
size_t chunk_result_max(size_t result_max);

/* The task function of a chunk. */
int chunk_task(struct mp_task *task, const void *arg, size_t size);

#endif
