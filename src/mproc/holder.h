/* Who holds something in shared memory: a process, in one word that a single store writes, and
 * which a later process with the same number does not match. */
#ifndef MPROC_HOLDER_H
#define MPROC_HOLDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    HOLDER_NOBODY = 0,
    HOLDER_RESERVED = 1 /* no process: a mark that users of tables may put there */
};

/* The calling process. */
uint64_t holder_self(void);

/* False once the process is gone; a zombie is. Both processes must be of one PID namespace. */
bool holder_is_alive(uint64_t holder);

/* Sets those of holders[0..count) to HOLDER_NOBODY that are gone. Returns how many were. */
unsigned holder_forget_dead(_Atomic uint64_t *holders, unsigned count);

/* True when one of holders[0..count) is gone. */
bool holder_any_dead(_Atomic uint64_t *holders, unsigned count);

/* True for one of those who share *last when a look for dead holders is due again. */
bool holder_look_is_due(_Atomic int64_t *last);

enum {
    /* Between two looks, and the longest sleep without one: half of MP_REPAIR_MS, so that the sum
     * of the two is within it. */
    HOLDER_LOOK_MS = 100
};

#endif
