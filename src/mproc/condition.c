/* The condition: a table of seats, one for each who waits, with a word of its own to sleep on. So a
 * notification is for somebody who waited when it came, for the one who has waited longest, and
 * never for a dead one: who is to be woken is looked at first.
 *
 * Primary state: the holders of the seats. A seat exists from the store of its holder, which comes
 * last, until that is taken out again, so under the guard a death leaves nothing half done; a
 * notifier that dies before he has woken whom he notified leaves him to his slice. Seats whose
 * holders are gone are taken when no other is left, or when a notification comes upon them. */
#include "mproc/clock.h"
#include "mproc/futex.h"
#include "mproc/holder.h"
#include "mproc/lock.h"
#include "mproc/mproc.h"
#include "mproc/shm.h"

#include <errno.h>

enum { SLICE_MS = 1000, SEAT_WAITS = 0, SEAT_NOTIFIED = 1 };

struct seat {
    _Atomic uint64_t holder; /* who waits */
    uint64_t ticket;         /* the lower, the longer */
    _Atomic uint32_t word;   /* SEAT_… */
};

struct mp_condition {
    struct mp_lock guard;
    uint64_t tickets; /* given out so far */
    unsigned used;    /* no seat from here on was ever taken */
    struct seat seats[MP_WAITERS_MAX];
};

int mp_condition_create(struct mp_condition **ret)
{
    struct mp_condition *condition = shm_map(sizeof *condition);
    if (!condition)
        return -ENOMEM;
    lock_init(&condition->guard, false);
    *ret = condition;
    return 0;
}

/* ---- Seats; all under the guard ------------------------------------------------------------- */

static struct seat *seat_find_free(struct mp_condition *condition)
{
    for (unsigned i = 0; i < condition->used; i++)
        if (atomic_load(&condition->seats[i].holder) == HOLDER_NOBODY)
            return &condition->seats[i];
    if (condition->used < MP_WAITERS_MAX)
        return &condition->seats[condition->used++];
    for (unsigned i = 0; i < condition->used; i++)
        if (!holder_is_alive(atomic_load(&condition->seats[i].holder)))
            return &condition->seats[i];
    return NULL;
}

static struct seat *seat_take(struct mp_condition *condition)
{
    lock_guard(&condition->guard);
    struct seat *seat = seat_find_free(condition);
    if (seat) {
        atomic_store(&seat->holder, HOLDER_NOBODY); /* of a dead one */
        seat->ticket = condition->tickets++;
        atomic_store(&seat->word, SEAT_WAITS);
        atomic_store(&seat->holder, holder_self());
    }
    lock_unguard(&condition->guard);
    return seat;
}

/* Returns true when its holder was notified meanwhile. */
static bool seat_leave(struct mp_condition *condition, struct seat *seat)
{
    lock_guard(&condition->guard);
    bool notified = atomic_load(&seat->word) == SEAT_NOTIFIED;
    atomic_store(&seat->holder, HOLDER_NOBODY);
    lock_unguard(&condition->guard);
    return notified;
}

static bool seat_waits(const struct seat *seat)
{
    return atomic_load(&seat->holder) != HOLDER_NOBODY && atomic_load(&seat->word) == SEAT_WAITS;
}

static void seat_notify(struct seat *seat)
{
    atomic_store(&seat->word, SEAT_NOTIFIED);
    futex_wake(&seat->word, 1);
}

static struct seat *seat_of_longest(struct mp_condition *condition)
{
    struct seat *longest = NULL;
    for (unsigned i = 0; i < condition->used; i++) {
        struct seat *seat = &condition->seats[i];
        if (seat_waits(seat) && (!longest || seat->ticket < longest->ticket))
            longest = seat;
    }
    return longest;
}

/* ---- The public face ------------------------------------------------------------------------ */

void mp_condition_notify(struct mp_condition *condition, unsigned count)
{
    struct seat *seat;
    lock_guard(&condition->guard);
    while (count > 0 && (seat = seat_of_longest(condition))) {
        if (holder_is_alive(atomic_load(&seat->holder))) {
            seat_notify(seat);
            count--;
        } else {
            atomic_store(&seat->holder, HOLDER_NOBODY);
        }
    }
    lock_unguard(&condition->guard);
}

void mp_condition_notify_all(struct mp_condition *condition)
{
    lock_guard(&condition->guard);
    for (unsigned i = 0; i < condition->used; i++)
        if (seat_waits(&condition->seats[i]))
            seat_notify(&condition->seats[i]);
    lock_unguard(&condition->guard);
}

/* Releases a lock that is held once. Else it is held as before, or not. */
static int lock_let_go(struct mp_lock *lock)
{
    bool nested = lock_is_nested(lock); /* true for the caller only if he holds it: see below */
    int error = mp_lock_release(lock);
    if (error < 0 || !nested)
        return error;
    mp_lock_acquire(lock, MP_FOREVER); /* at once, since he holds it still */
    return -EINVAL;
}

int mp_condition_wait(struct mp_condition *condition, struct mp_lock *lock, int timeout_ms)
{
    int64_t deadline = clock_deadline(timeout_ms);
    /* Before the lock is released, so that who notifies after that finds the seat. */
    struct seat *seat = seat_take(condition);
    if (!seat)
        return -EAGAIN;
    int error = lock_let_go(lock);
    if (error < 0) {
        if (seat_leave(condition, seat))
            mp_condition_notify(condition, 1); /* it was for somebody who waits */
        return error;
    }
    while (atomic_load(&seat->word) == SEAT_WAITS && error != -ETIMEDOUT)
        error = futex_wait(&seat->word, SEAT_WAITS, deadline, SLICE_MS);
    bool notified = seat_leave(condition, seat);
    int state = mp_lock_acquire(lock, MP_FOREVER);
    return state != 0 ? state : notified ? 0 : -ETIMEDOUT;
}

void mp_condition_free(struct mp_condition *condition)
{
    shm_unmap(condition, sizeof *condition);
}
