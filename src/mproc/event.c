/* The event: one word, changed by compare-and-swap only, so that there is nothing to lock, nothing
 * that a death leaves half done, and a signal handler can set it.
 *
 * Bit 0 says whether it is set, the others count how often it has been: who waits sees that it was
 * set also when it has been cleared again. A setter that dies before it has woken the waiters
 * leaves them to their slices. */
#include "mproc/clock.h"
#include "mproc/futex.h"
#include "mproc/mproc.h"
#include "mproc/shm.h"

#include <errno.h>
#include <limits.h>

enum { EVENT_SET = 1, EVENT_TIMES = 2, SLICE_MS = 1000 };

struct mp_event {
    _Atomic uint32_t word;
};

int mp_event_create(struct mp_event **ret)
{
    struct mp_event *event = shm_map(sizeof *event);
    if (!event)
        return -ENOMEM;
    *ret = event;
    return 0;
}

void mp_event_set(struct mp_event *event)
{
    uint32_t word = atomic_load(&event->word);
    do {
        if (word & EVENT_SET)
            return;
    } while (!atomic_compare_exchange_weak(&event->word, &word, (word + EVENT_TIMES) | EVENT_SET));
    futex_wake(&event->word, INT_MAX);
}

void mp_event_clear(struct mp_event *event)
{
    atomic_fetch_and(&event->word, ~(uint32_t)EVENT_SET);
}

bool mp_event_is_set(const struct mp_event *event)
{
    return atomic_load(&event->word) & EVENT_SET;
}

int mp_event_wait(struct mp_event *event, int timeout_ms)
{
    uint32_t first = atomic_load(&event->word), word = first;
    int64_t deadline = clock_deadline(timeout_ms);
    while (!(word & EVENT_SET) && word == first) {
        int error = futex_wait(&event->word, word, deadline, SLICE_MS);
        word = atomic_load(&event->word);
        if (error < 0 && word == first)
            return error;
    }
    return 0;
}

void mp_event_free(struct mp_event *event)
{
    shm_unmap(event, sizeof *event);
}
