#include "mproc/lock.h"

#include "mproc/clock.h"
#include "mproc/mproc.h"
#include "mproc/shm.h"
#include "mproc/spin.h"

#include <errno.h>
#include <time.h>

enum { SLICE_MS = 1000 };

void lock_init(struct mp_lock *lock, bool recursive)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes); /* none of these can fail in the GNU library */
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_settype(&attributes,
                              recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&lock->mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    atomic_init(&lock->depth, 0);
    lock->recursive = recursive;
    lock->spins = spin_limit();
}

bool lock_is_nested(const struct mp_lock *lock)
{
    return atomic_load_explicit(&lock->depth, memory_order_relaxed) > 1;
}

/* Sleeps for the lock, in slices: kernels before 5.5 can lose a wake-up to a waiter that dies. */
static int mutex_await(struct mp_lock *lock, int64_t deadline)
{
    for (;;) {
        int64_t until = clock_sooner(clock_deadline(SLICE_MS), deadline);
        struct timespec moment = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
        int error = pthread_mutex_clocklock(&lock->mutex, CLOCK_MONOTONIC, &moment);
        if (error != ETIMEDOUT || until == deadline)
            return error;
    }
}

static int mutex_acquire(struct mp_lock *lock, int timeout_ms)
{
    int error = pthread_mutex_trylock(&lock->mutex);
    if (error != EBUSY || timeout_ms == 0)
        return error;
    for (unsigned round = 0; round < lock->spins; round++) {
        spin_pause(round);
        if ((error = pthread_mutex_trylock(&lock->mutex)) != EBUSY)
            return error;
    }
    return mutex_await(lock, clock_deadline(timeout_ms));
}

int mp_lock_acquire(struct mp_lock *lock, int timeout_ms)
{
    int error = mutex_acquire(lock, timeout_ms);
    if (error == EOWNERDEAD) {
        pthread_mutex_consistent(&lock->mutex);
        atomic_store_explicit(&lock->depth, 0, memory_order_relaxed);
    } else if (error != 0) {
        return error == EBUSY ? -ETIMEDOUT : -error;
    }
    if (lock->recursive)
        atomic_fetch_add_explicit(&lock->depth, 1, memory_order_relaxed);
    return error == EOWNERDEAD ? MP_OWNERDEAD : 0;
}

int mp_lock_release(struct mp_lock *lock)
{
    /* Counted before, since afterwards the lock may be another's; whether it was the caller's at
     * all is only known then. */
    if (lock->recursive)
        atomic_fetch_sub_explicit(&lock->depth, 1, memory_order_relaxed);
    int error = pthread_mutex_unlock(&lock->mutex);
    if (error == 0)
        return 0;
    if (lock->recursive)
        atomic_fetch_add_explicit(&lock->depth, 1, memory_order_relaxed);
    return error == EPERM ? MP_ENOTOWNER : -error;
}

bool lock_guard(struct mp_lock *guard)
{
    return mp_lock_acquire(guard, MP_FOREVER) == MP_OWNERDEAD;
}

void lock_unguard(struct mp_lock *guard)
{
    mp_lock_release(guard);
}

int mp_lock_create(bool recursive, struct mp_lock **ret)
{
    struct mp_lock *lock = shm_map(sizeof *lock);
    if (!lock)
        return -ENOMEM;
    lock_init(lock, recursive);
    *ret = lock;
    return 0;
}

void mp_lock_free(struct mp_lock *lock)
{
    shm_unmap(lock, sizeof *lock);
}
