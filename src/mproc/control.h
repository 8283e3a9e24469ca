/* The control page of one worker: one word a job slot, moved only by compare-and-swap.
 *
 *     QUEUED ──worker──> RUNNING ──worker──> SENDING ──worker──> DONE
 *        └──parent──> REVOKED   └──parent──> KILLED
 *
 * That word alone decides blame, cancel, deadline and taking back, each exactly once: whoever moves
 * it away from a state first has decided, and the other sees its own move fail. A word carries the
 * number of its assignment, so that a slot can be used again while the old frame is still in the
 * channel.
 *
 * Beside the words lies the journal: the results of the elements of a chunk, kept as they come, so
 * that a death costs the one element that ran. One more word says how far it is good. The worker
 * moves it on by compare-and-swap, and the parent, before it kills a chunk for one element's sake,
 * freezes it at that element: then no other can have begun.
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

enum {
    CONTROL_SLOTS = 64,
    CONTROL_JOURNAL_BYTES = 64 << 10,
};

struct control {
    _Atomic uint64_t words[CONTROL_SLOTS]; /* assignment number << 3 | state */
    _Atomic uint64_t progress;             /* of the journal: struct control_progress, packed */
    _Alignas(64) unsigned char journal[CONTROL_JOURNAL_BYTES];
};

static inline uint64_t control_word(uint64_t seq, enum control_state state)
{
    return seq << 3 | state;
}

/* Sets a slot that nobody else uses. */
static inline void control_set(struct control *control, unsigned slot, uint64_t seq,
                               enum control_state state)
{
    atomic_store_explicit(&control->words[slot], control_word(seq, state), memory_order_release);
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

/* ---- The journal's word --------------------------------------------------------------------- */

/* How far the journal of one assignment is good. */
struct control_progress {
    bool frozen;    /* the parent has decided to kill: nothing more is entered */
    uint32_t seq;   /* low bits of the assignment's number */
    uint32_t count; /* elements entered */
    uint32_t size;  /* bytes of them */
};

enum {
    CONTROL_SIZE_BITS = 17,
    CONTROL_COUNT_BITS = 16,
    CONTROL_SEQ_BITS = 30,
    CONTROL_COUNT_MAX = (1 << CONTROL_COUNT_BITS) - 1,
};

static inline uint64_t control_progress_pack(struct control_progress progress)
{
    uint64_t seq = progress.seq & ((1u << CONTROL_SEQ_BITS) - 1);
    return (uint64_t)progress.frozen << 63 | seq << (CONTROL_COUNT_BITS + CONTROL_SIZE_BITS) |
           (uint64_t)progress.count << CONTROL_SIZE_BITS | progress.size;
}

static inline struct control_progress control_progress_unpack(uint64_t word)
{
    return (struct control_progress){
        .frozen = word >> 63,
        .seq = (uint32_t)(word >> (CONTROL_COUNT_BITS + CONTROL_SIZE_BITS)) &
               ((1u << CONTROL_SEQ_BITS) - 1),
        .count = (uint32_t)(word >> CONTROL_SIZE_BITS) & CONTROL_COUNT_MAX,
        .size = (uint32_t)word & ((1u << CONTROL_SIZE_BITS) - 1),
    };
}

/* True when the progress is about assignment `seq`. */
static inline bool control_progress_is_of(struct control_progress progress, uint64_t seq)
{
    return progress.seq == (seq & ((1u << CONTROL_SEQ_BITS) - 1));
}

/* Empties the journal for assignment `seq`. Worker only, before the assignment runs. */
static inline void control_progress_begin(struct control *control, uint64_t seq)
{
    struct control_progress progress = {.seq = (uint32_t)seq};
    atomic_store_explicit(&control->progress, control_progress_pack(progress),
                          memory_order_release);
}

static inline struct control_progress control_progress_of(struct control *control)
{
    return control_progress_unpack(atomic_load(&control->progress));
}

/* Moves it from one value to another. Returns false when it was not at `from`. */
static inline bool control_progress_move(struct control *control, struct control_progress from,
                                         struct control_progress to)
{
    uint64_t expected = control_progress_pack(from);
    return atomic_compare_exchange_strong(&control->progress, &expected, control_progress_pack(to));
}

#endif
