/* Waiting for a 32-bit word in shared memory to change: the only thing that the primitives sleep
 * on. The kernel keeps nothing about a word that nobody waits on, and forgets a waiter that dies.
 */
#ifndef MPROC_FUTEX_H
#define MPROC_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/* Sleeps while *word is `seen`, until it is woken, the deadline (clock_deadline) has passed or
 * slice_ms are over. Returns 0: look again, whatever the reason; -ETIMEDOUT after the deadline;
 * -EINTR. A slice makes up for a wake-up that somebody swallowed who died. */
int futex_wait(const _Atomic uint32_t *word, uint32_t seen, int64_t deadline, int slice_ms);

/* Wakes up to `count` of those who sleep on the word. Async-signal-safe; errno stays as it was. */
void futex_wake(_Atomic uint32_t *word, int count);

#endif
