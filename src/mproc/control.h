/* The control page of one worker: one word a job slot, moved only by compare-and-swap.
 *
 *     QUEUED ──worker──> RUNNING ──worker──> SENDING ──worker──> DONE
 *        └──parent──> REVOKED   └──parent──> KILLED
 *
 * That word alone decides blame, cancel and taking back, each exactly once: whoever moves it away
 * from a state first has decided, and the other sees its own move fail. A word carries the number
 * of its assignment, so that a slot can be used again while the old frame is still in the channel.
 *
 * The worker may be hostile and write anything here. There are no pointers in the page, the parent
 * reads each word once, and what it reads decides about that worker's own jobs only. */
#ifndef MPROC_CONTROL_H
#define MPROC_CONTROL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum control_state {
    CONTROL_FREE = 0,
    CONTROL_QUEUED,  /* sent, not begun */
    CONTROL_RUNNING, /* the task function runs */
    CONTROL_SENDING, /* it has returned, its result is on the way */
    CONTROL_DONE,    /* the result has been written */
    CONTROL_REVOKED, /* taken back before it began */
    CONTROL_KILLED,  /* condemned while it ran: the worker waits to be killed */
};

enum { CONTROL_SLOTS = 16 };

struct control {
    _Atomic uint64_t words[CONTROL_SLOTS]; /* assignment number << 3 | state */
};

static inline uint64_t control_word(uint64_t seq, enum control_state state)
{
    return seq << 3 | state;
}

/* Sets a slot that nobody else uses. */
static inline void control_set(struct control *control, unsigned slot, uint64_t seq,
                               enum control_state state)
{
    atomic_store(&control->words[slot], control_word(seq, state));
}

/* Moves assignment `seq` from one state to another. Returns false when it was not in `from`. */
static inline bool control_move(struct control *control, unsigned slot, uint64_t seq,
                                enum control_state from, enum control_state to)
{
    uint64_t expected = control_word(seq, from);
    return atomic_compare_exchange_strong(&control->words[slot], &expected, control_word(seq, to));
}

/* The state of assignment `seq`, CONTROL_FREE when the slot holds another. Reads the word once. */
static inline enum control_state control_state_of(struct control *control, unsigned slot,
                                                  uint64_t seq)
{
    uint64_t word = atomic_load(&control->words[slot]);
    return word >> 3 == seq ? (enum control_state)(word & 7) : CONTROL_FREE;
}

#endif
