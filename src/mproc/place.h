/* The place of one element of a map that is out: its number on the way, and then its result until
 * the caller has it. Places are made once and used again. */
#ifndef MPROC_PLACE_H
#define MPROC_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mproc/mproc.h"

struct place {
    uint64_t index;
    bool ready;            /* it has its result */
    size_t arg_size;       /* bytes of its argument */
    int error;             /* as in struct mp_item */
    unsigned char *data;   /* the result; owned */
    size_t size, capacity; /* of it */
    struct mp_fault fault; /* its strings are in `text` or static */
    char *text;            /* owned */
    uint32_t number;       /* of the place */
    struct place *next;    /* in one list */
};

/* In order of coming. */
struct place_list {
    struct place *first, *last;
};

/* All that there are. */
struct places {
    struct place **all; /* by number; owned */
    uint32_t count;
    struct place *free; /* those not in use */
};

/* A place that is not in use. Returns NULL when there is no memory. */
struct place *places_take(struct places *places);
void places_give(struct places *places, struct place *place);

void places_done(struct places *places);

void place_list_append(struct place_list *list, struct place *place);
struct place *place_list_take(struct place_list *list);

/* Makes the place ready with a result, or, when there is no memory for that, with a failure. */
void place_succeed(struct place *place, const void *data, size_t size);

/* Makes it ready with a failure, whose strings are copied. */
void place_fail(struct place *place, const struct mp_fault *fault);

/* The same where the library itself has a reason and no worker is to blame. */
void place_fail_plainly(struct place *place, int code);

/* What the caller gets; borrows from the place. */
struct mp_item place_item(const struct place *place);

#endif
