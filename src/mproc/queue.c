/* The queue: a ring of slots in shared memory, with one guard for those who put and one for those
 * who get, so that the two sides meet in two numbers only.
 *
 * Primary state: `put`, `got` and `done`, numbers of items since the beginning that only grow, and
 * `closed`. An item exists from the one store that raises `put` until the one that raises `got`; a
 * slot belongs to whoever holds the guard of its side. Who dies before his store has changed
 * nothing, so after a death there is nothing to repair: a guard's message of it is ignored. What a
 * side remembers of the other's number may be too small, which only makes it look again.
 *
 * Neither side makes a system call while the other does not sleep. */
#include "mproc/bell.h"
#include "mproc/clock.h"
#include "mproc/lock.h"
#include "mproc/mproc.h"
#include "mproc/shm.h"
#include "mproc/spin.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>

enum { SLICE_MS = 1000, CACHE_LINE = 64 };

struct slot {
    uint64_t size;
    unsigned char data[];
};

/* Each side's words have cache lines of their own: they would else travel with every item. */
struct mp_queue {
    uint64_t capacity;
    size_t item_max;
    size_t slot_size; /* from one slot to the next */
    unsigned spins;   /* rounds of spin_pause() before a side sleeps */
    _Atomic bool closed;
    struct bell filled; /* heard by those who get */
    struct bell freed;  /* by those who put */
    alignas(CACHE_LINE) struct mp_lock put_guard;
    uint64_t got_seen; /* `got`, as of the last look of those who put */
    alignas(CACHE_LINE) _Atomic uint64_t put;
    alignas(CACHE_LINE) struct mp_lock get_guard;
    uint64_t put_seen; /* `put`, as of the last look of those who get */
    alignas(CACHE_LINE) _Atomic uint64_t got;
    alignas(CACHE_LINE) _Atomic uint64_t done;
    struct bell finished; /* heard by those who join */
    alignas(CACHE_LINE) unsigned char slots[];
};

static size_t queue_size(const struct mp_queue *queue)
{
    return sizeof *queue + queue->capacity * queue->slot_size;
}

int mp_queue_create(size_t capacity, size_t item_max, struct mp_queue **ret)
{
    if (capacity == 0 || item_max == 0 || item_max > PTRDIFF_MAX / 2)
        return -EINVAL;
    size_t slot_size = (sizeof(struct slot) + item_max + 7) / 8 * 8;
    if (capacity > (PTRDIFF_MAX - sizeof **ret) / slot_size)
        return -EINVAL;
    struct mp_queue *queue = shm_map(sizeof *queue + capacity * slot_size);
    if (!queue)
        return -ENOMEM;
    queue->capacity = capacity;
    queue->item_max = item_max;
    queue->slot_size = slot_size;
    queue->spins = spin_limit();
    lock_init(&queue->put_guard, false);
    lock_init(&queue->get_guard, false);
    *ret = queue;
    return 0;
}

static struct slot *queue_slot(struct mp_queue *queue, uint64_t number)
{
    return (struct slot *)(queue->slots + number % queue->capacity * queue->slot_size);
}

/* ---- One attempt ---------------------------------------------------------------------------- */

/* What goes in or comes out. */
struct parcel {
    const void *from; /* put: the item */
    size_t size;      /* bytes of it; get: what the item has, or would need */
    void *to;         /* get: where it goes */
    size_t room;      /* bytes there */
};

static bool queue_has_room(struct mp_queue *queue, uint64_t put)
{
    if (put - queue->got_seen >= queue->capacity)
        queue->got_seen = atomic_load_explicit(&queue->got, memory_order_acquire);
    return put - queue->got_seen < queue->capacity;
}

/* Returns 0, -EPIPE, or -EAGAIN when the queue is full. */
static int put_try(struct mp_queue *queue, struct parcel *parcel)
{
    int result = 0;
    lock_guard(&queue->put_guard);
    uint64_t put = atomic_load_explicit(&queue->put, memory_order_relaxed);
    if (atomic_load_explicit(&queue->closed, memory_order_relaxed))
        result = -EPIPE;
    else if (!queue_has_room(queue, put))
        result = -EAGAIN;
    if (result == 0) {
        struct slot *slot = queue_slot(queue, put);
        slot->size = parcel->size;
        if (parcel->size > 0)
            memcpy(slot->data, parcel->from, parcel->size);
        atomic_store_explicit(&queue->put, put + 1, memory_order_release);
    }
    lock_unguard(&queue->put_guard);
    if (result == 0)
        bell_ring(&queue->filled);
    return result;
}

static bool queue_has_item(struct mp_queue *queue, uint64_t got)
{
    if (got == queue->put_seen)
        queue->put_seen = atomic_load_explicit(&queue->put, memory_order_acquire);
    return got != queue->put_seen;
}

/* Returns 0, -EMSGSIZE, -EPIPE, or -EAGAIN when the queue is empty. */
static int get_try(struct mp_queue *queue, struct parcel *parcel)
{
    int result = 0;
    bool closed = atomic_load(&queue->closed); /* what was put before that is seen below */
    lock_guard(&queue->get_guard);
    uint64_t got = atomic_load_explicit(&queue->got, memory_order_relaxed);
    if (!queue_has_item(queue, got)) {
        result = closed ? -EPIPE : -EAGAIN;
    } else {
        const struct slot *slot = queue_slot(queue, got);
        parcel->size = slot->size;
        if (parcel->size > parcel->room)
            result = -EMSGSIZE;
        else if (parcel->size > 0)
            memcpy(parcel->to, slot->data, parcel->size);
    }
    if (result == 0)
        atomic_store_explicit(&queue->got, got + 1, memory_order_release);
    lock_unguard(&queue->get_guard);
    if (result == 0)
        bell_ring(&queue->freed);
    return result;
}

/* ---- Waiting -------------------------------------------------------------------------------- */

size_t mp_queue_length(struct mp_queue *queue)
{
    /* In this order the difference is never negative, but it may have grown past what ever was. */
    uint64_t got = atomic_load(&queue->got), put = atomic_load(&queue->put);
    return put - got > queue->capacity ? queue->capacity : put - got;
}

bool mp_queue_empty(struct mp_queue *queue)
{
    return mp_queue_length(queue) == 0;
}

bool mp_queue_full(struct mp_queue *queue)
{
    return mp_queue_length(queue) == queue->capacity;
}

/* One side of the queue, for the waiting that both have in common. */
struct side {
    int (*attempt)(struct mp_queue *queue, struct parcel *parcel);
    bool (*hopeless)(struct mp_queue *queue); /* an attempt would be in vain */
    struct bell *bell;
};

static int side_spin(struct mp_queue *queue, const struct side *side, struct parcel *parcel)
{
    int result = -EAGAIN;
    for (unsigned round = 0; result == -EAGAIN && round < queue->spins; round++) {
        spin_pause(round);
        if (!side->hopeless(queue))
            result = side->attempt(queue, parcel);
    }
    return result;
}

static int side_sleep(struct mp_queue *queue, const struct side *side, struct parcel *parcel,
                      int64_t deadline)
{
    int result, error = 0;
    for (;;) {
        uint32_t heard = bell_listen(side->bell);
        result = side->attempt(queue, parcel);
        if (result != -EAGAIN || error < 0)
            break;
        error = bell_wait(side->bell, heard, deadline, SLICE_MS);
    }
    /* For the next one: the ring was for this one only, and nobody heard a close meanwhile. */
    if (!side->hopeless(queue) || atomic_load(&queue->closed))
        bell_ring(side->bell);
    return result == -EAGAIN ? error : result;
}

static int side_do(struct mp_queue *queue, const struct side *side, struct parcel *parcel,
                   int timeout_ms)
{
    int result = side->attempt(queue, parcel);
    if (result != -EAGAIN)
        return result;
    if (timeout_ms == 0)
        return -ETIMEDOUT;
    int64_t deadline = clock_deadline(timeout_ms);
    result = side_spin(queue, side, parcel);
    return result != -EAGAIN ? result : side_sleep(queue, side, parcel, deadline);
}

int mp_queue_put(struct mp_queue *queue, const void *data, size_t size, int timeout_ms)
{
    if (size > queue->item_max)
        return -EMSGSIZE;
    const struct side side = {put_try, mp_queue_full, &queue->freed};
    return side_do(queue, &side, &(struct parcel){.from = data, .size = size}, timeout_ms);
}

int mp_queue_get(struct mp_queue *queue, void *data, size_t room, int timeout_ms, size_t *ret_size)
{
    const struct side side = {get_try, mp_queue_empty, &queue->filled};
    struct parcel parcel = {.to = data, .room = room};
    int result = side_do(queue, &side, &parcel, timeout_ms);
    if (ret_size && (result == 0 || result == -EMSGSIZE))
        *ret_size = parcel.size;
    return result;
}

/* ---- Closing and joining -------------------------------------------------------------------- */

void mp_queue_close(struct mp_queue *queue)
{
    lock_guard(&queue->put_guard); /* so that nobody puts an item in afterwards */
    atomic_store(&queue->closed, true);
    lock_unguard(&queue->put_guard);
    bell_ring_all(&queue->filled);
    bell_ring_all(&queue->freed);
}

/* Counts up to `count` items as worked on. Returns how many were left to be. */
static uint64_t queue_finish(struct mp_queue *queue, uint64_t count)
{
    uint64_t done = atomic_load(&queue->done), left;
    do {
        left = atomic_load(&queue->put) - done;
    } while (
        !atomic_compare_exchange_weak(&queue->done, &done, done + (left < count ? left : count)));
    if (left <= count)
        bell_ring_all(&queue->finished);
    return left;
}

size_t mp_queue_drain(struct mp_queue *queue)
{
    lock_guard(&queue->get_guard);
    uint64_t got = atomic_load(&queue->got), put = atomic_load(&queue->put);
    queue->put_seen = put;
    atomic_store(&queue->got, put);
    lock_unguard(&queue->get_guard);
    if (put != got) {
        queue_finish(queue, put - got);
        bell_ring_all(&queue->freed);
    }
    return put - got;
}

int mp_queue_task_done(struct mp_queue *queue)
{
    return queue_finish(queue, 1) == 0 ? -EOVERFLOW : 0;
}

static bool queue_is_finished(struct mp_queue *queue)
{
    uint64_t done = atomic_load(&queue->done);
    return atomic_load(&queue->put) == done;
}

int mp_queue_join(struct mp_queue *queue, int timeout_ms)
{
    int64_t deadline = clock_deadline(timeout_ms);
    int error = 0;
    for (;;) {
        uint32_t heard = bell_listen(&queue->finished);
        if (queue_is_finished(queue))
            return 0;
        if (error < 0)
            return error;
        error = bell_wait(&queue->finished, heard, deadline, SLICE_MS);
    }
}

void mp_queue_free(struct mp_queue *queue)
{
    if (queue)
        shm_unmap(queue, queue_size(queue));
}
