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
    uint64_t used;           /* a bit for each slot in use */
    unsigned held;           /* of them */
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

/* The slot of the oldest assignment, which is the one that runs or runs next; -1 for none. */
int slots_oldest(const struct slots *slots);

/* What the word of a slot in use says, read once; the worker may have written anything. */
enum control_state slots_state(const struct slots *slots, unsigned slot);

/* True for states by which the worker says that the job has ended. */
bool slots_state_is_finished(enum control_state state);

/* Keeps a job that has not begun from ever beginning. Returns false when it has begun. */
bool slots_revoke(struct slots *slots, unsigned slot);

/* Marks a job that runs as killed: it has no result then, and its worker begins no other. With
 * `count` 0 or more, only while so many elements of it are in the journal. Returns false when it
 * does not run, or has got further. */
bool slots_kill(struct slots *slots, unsigned slot, int64_t count);

/* Elements of the job that are in the journal, 0 when the journal is about another. */
uint32_t slots_progress(const struct slots *slots, unsigned slot);

/* The part of the journal that is about the job. Returns its size in bytes, never more than there
 * are. The worker may write to it still: copy it before you look at it. */
uint32_t slots_journal(const struct slots *slots, unsigned slot, const unsigned char **ret);

/* Keeps all that have not begun from beginning, and marks those that run as killed; one that ends
 * in this very moment still wins. */
void slots_condemn(struct slots *slots);

#endif
