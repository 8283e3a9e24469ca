/* A bell: wakes who waits for something that others bring about, and costs who brings it about no
 * system call while nobody waits.
 *
 * Who waits: bell_listen(), then look whether there is something, and only if not bell_wait(). Who
 * has brought something about: bell_ring(). One of the two sees the other, whichever comes first.
 * A ring wakes one waiter and makes the others inaudible until somebody listens again; so who
 * takes what he waited for, and leaves more behind, rings in his turn. Should he die before that,
 * the others' slices end. There is no count of waiters that the dead could spoil. */
#ifndef MPROC_BELL_H
#define MPROC_BELL_H

#include <stdatomic.h>
#include <stdint.h>

struct bell {
    _Atomic uint32_t
        word; /* bit 0: somebody listens; the others count the rings; zeroed at first */
};

/* Returns what bell_wait() needs. */
uint32_t bell_listen(struct bell *bell);

/* Waits for a ring after bell_listen(). Returns as futex_wait() does. */
int bell_wait(struct bell *bell, uint32_t heard, int64_t deadline, int slice_ms);

/* Wakes one of those who listen, or all. */
void bell_ring(struct bell *bell);
void bell_ring_all(struct bell *bell);

#endif
