/* The lock: a robust mutex between processes. The kernel tells the next holder when the last one
 * died with it, and passes on a wake-up that a dying waiter swallowed.
 *
 * Its primary state is the mutex. `depth` counts for the holder, and begins anew after a death.
 *
 * The other primitives embed one as a guard of their own state. */
#ifndef MPROC_LOCK_H
#define MPROC_LOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct mp_lock {
    pthread_mutex_t mutex;
    _Atomic int32_t depth; /* of a recursive one: how often its holder has acquired it */
    uint32_t spins;        /* rounds of spin_pause() before it sleeps */
    bool recursive;        /* its holder may acquire it again */
};

/* Makes it in shared memory. Nothing is left to be undone. */
void lock_init(struct mp_lock *lock, bool recursive);

/* True when the caller, who holds it, has acquired it more than once. */
bool lock_is_nested(const struct mp_lock *lock);

/* A guard's users are inside for a moment only: waits without limit. Returns true when the last one
 * died inside: repair what it guards. */
bool lock_guard(struct mp_lock *guard);
void lock_unguard(struct mp_lock *guard);

#endif
