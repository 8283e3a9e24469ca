/* The jobs that one worker holds: which slot of its control page each has, and what the slot's word
 * says of it. The parent's side; the job itself is known to the parent alone. */
#ifndef MPROC_SLOTS_H
#define MPROC_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "mproc/control.h"
#include "mproc/mproc.h"

/* One job that a worker holds. */
struct assignment {
    const struct mp_job *job; /* borrowed; NULL when the slot is free */
    uint64_t seq;             /* number of this assignment, rising */
};

struct slots {
    struct control *control; /* shared with the worker; borrowed */
    unsigned held;           /* slots in use */
    struct assignment all[CONTROL_SLOTS];
};

/* Puts a job into a free slot, of which there must be one, as QUEUED. Returns the slot. */
unsigned slots_add(struct slots *slots, const struct mp_job *job, uint64_t seq);

/* Frees a slot in use. Returns the job that it had. */
const struct mp_job *slots_remove(struct slots *slots, unsigned slot);

/* The slot of a job, -1 when it has none. */
int slots_find(const struct slots *slots, const struct mp_job *job);

/* The slot of the newest assignment with a number below `below`, -1 when there is none. */
int slots_newest(const struct slots *slots, uint64_t below);

/* What the word of a slot in use says, read once; the worker may have written anything. */
enum control_state slots_state(const struct slots *slots, unsigned slot);

/* True for states by which the worker says that the job has ended. */
bool slots_state_is_finished(enum control_state state);

/* Keeps a job that has not begun from ever beginning. Returns false when it has begun. */
bool slots_revoke(struct slots *slots, unsigned slot);

/* Keeps all that have not begun from beginning, and marks those that run as killed; one that ends
 * in this very moment still wins. */
void slots_condemn(struct slots *slots);

#endif
