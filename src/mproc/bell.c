#include "mproc/bell.h"

#include "mproc/futex.h"

#include <limits.h>

enum { BELL_LISTENED = 1, BELL_RINGS = 2 };

uint32_t bell_listen(struct bell *bell)
{
    uint32_t word = atomic_fetch_or(&bell->word, BELL_LISTENED) | BELL_LISTENED;
    atomic_thread_fence(memory_order_seq_cst); /* the look comes after */
    return word;
}

int bell_wait(struct bell *bell, uint32_t heard, int64_t deadline, int slice_ms)
{
    return futex_wait(&bell->word, heard, deadline, slice_ms);
}

static void ring(struct bell *bell, int count)
{
    atomic_thread_fence(memory_order_seq_cst); /* what was brought about came before */
    uint32_t word = atomic_load_explicit(&bell->word, memory_order_relaxed);
    do {
        if (!(word & BELL_LISTENED))
            return;
    } while (!atomic_compare_exchange_weak(&bell->word, &word,
                                           (word + BELL_RINGS) & ~(uint32_t)BELL_LISTENED));
    futex_wake(&bell->word, count);
}

void bell_ring(struct bell *bell)
{
    ring(bell, 1);
}

void bell_ring_all(struct bell *bell)
{
    ring(bell, INT_MAX);
}
