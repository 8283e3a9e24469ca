/* The semaphore: a table of its permits, each with its holder. There is no other state: every step
 * is one compare-and-swap on one permit, so a death leaves nothing half done but permits whose
 * holder is gone. Those who find none free look for such ones every HOLDER_LOOK_MS. */
#include "mproc/bell.h"
#include "mproc/clock.h"
#include "mproc/holder.h"
#include "mproc/mproc.h"
#include "mproc/shm.h"

#include <errno.h>

/* A permit is HOLDER_NOBODY while it is free, and HOLDER_RESERVED as long as it has not been
 * issued, which a release does that finds none taken. */
struct mp_semaphore {
    unsigned max;
    struct bell freed;
    _Atomic unsigned hint;      /* where one was taken or given last */
    _Atomic int64_t looked_ms;  /* when somebody looked for dead holders last */
    _Atomic uint64_t holders[]; /* `max` */
};

static size_t semaphore_size(unsigned max)
{
    return sizeof(struct mp_semaphore) + max * sizeof(_Atomic uint64_t);
}

int mp_semaphore_create(unsigned value, unsigned max, struct mp_semaphore **ret)
{
    if (max < 1 || max > MP_PERMITS_MAX || value > max)
        return -EINVAL;
    struct mp_semaphore *semaphore = shm_map(semaphore_size(max));
    if (!semaphore)
        return -ENOMEM;
    semaphore->max = max;
    for (unsigned i = value; i < max; i++)
        atomic_init(&semaphore->holders[i], HOLDER_RESERVED);
    *ret = semaphore;
    return 0;
}

/* Makes a permit that is `from` one that is `to`. */
static bool permit_turn(struct mp_semaphore *semaphore, uint64_t from, uint64_t to)
{
    unsigned index = atomic_load_explicit(&semaphore->hint, memory_order_relaxed);
    for (unsigned left = semaphore->max; left > 0; left--) {
        uint64_t holder = atomic_load(&semaphore->holders[index]);
        if (holder == from &&
            atomic_compare_exchange_strong(&semaphore->holders[index], &holder, to)) {
            atomic_store_explicit(&semaphore->hint, index, memory_order_relaxed);
            return true;
        }
        index = index + 1 < semaphore->max ? index + 1 : 0;
    }
    return false;
}

static bool permit_take(struct mp_semaphore *semaphore)
{
    return permit_turn(semaphore, HOLDER_NOBODY, holder_self());
}

static void permits_look(struct mp_semaphore *semaphore)
{
    if (holder_look_is_due(&semaphore->looked_ms) &&
        holder_forget_dead(semaphore->holders, semaphore->max) > 0)
        bell_ring_all(&semaphore->freed);
}

static unsigned permits_free(struct mp_semaphore *semaphore)
{
    unsigned count = 0;
    for (unsigned i = 0; i < semaphore->max; i++)
        count += atomic_load(&semaphore->holders[i]) == HOLDER_NOBODY;
    return count;
}

static int permit_await(struct mp_semaphore *semaphore, int64_t deadline)
{
    int error = 0;
    bool taken;
    for (;;) {
        uint32_t heard = bell_listen(&semaphore->freed);
        taken = permit_take(semaphore);
        if (taken || error == -ETIMEDOUT)
            break;
        error = bell_wait(&semaphore->freed, heard, deadline, HOLDER_LOOK_MS);
        permits_look(semaphore);
    }
    if (permits_free(semaphore) > 0)
        bell_ring(&semaphore->freed); /* for the next one: the ring was for this one only */
    return taken ? 0 : -ETIMEDOUT;
}

int mp_semaphore_acquire(struct mp_semaphore *semaphore, int timeout_ms)
{
    if (permit_take(semaphore))
        return 0;
    permits_look(semaphore);
    if (timeout_ms == 0)
        return permit_take(semaphore) ? 0 : -ETIMEDOUT;
    return permit_await(semaphore, clock_deadline(timeout_ms));
}

/* One that this process holds, else one that another does, else one not issued. */
static bool permit_give(struct mp_semaphore *semaphore)
{
    if (permit_turn(semaphore, holder_self(), HOLDER_NOBODY))
        return true;
    for (unsigned i = 0; i < semaphore->max; i++) {
        uint64_t holder = atomic_load(&semaphore->holders[i]);
        if (holder != HOLDER_NOBODY && holder != HOLDER_RESERVED &&
            atomic_compare_exchange_strong(&semaphore->holders[i], &holder, HOLDER_NOBODY))
            return true;
    }
    return permit_turn(semaphore, HOLDER_RESERVED, HOLDER_NOBODY);
}

int mp_semaphore_release(struct mp_semaphore *semaphore)
{
    if (!permit_give(semaphore))
        return -EOVERFLOW;
    bell_ring(&semaphore->freed);
    return 0;
}

unsigned mp_semaphore_value(struct mp_semaphore *semaphore)
{
    permits_look(semaphore);
    return permits_free(semaphore);
}

void mp_semaphore_free(struct mp_semaphore *semaphore)
{
    if (semaphore)
        shm_unmap(semaphore, semaphore_size(semaphore->max));
}
