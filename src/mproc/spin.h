/* Looking again a few times before sleeping: who holds a lock for a moment only, or is about to put
 * an item in, is done sooner than a sleeper could be woken. Never on a single CPU, where it would
 * take the time from just that process. */
#ifndef MPROC_SPIN_H
#define MPROC_SPIN_H

#include <stdbool.h>
#include <stdint.h>

/* How many rounds it is worth: a number for spin_pause() to count up to, 0 on one CPU. Costs system
 * calls: ask once. */
unsigned spin_limit(void);

/* Lets a moment pass, longer ones as `round` grows. */
void spin_pause(unsigned round);

/* The same for what takes a system call to look at, and another process to happen:
 *
 *     for (int64_t until = spin_until(ns); !done && spin_yield(until);)
 *         done = look();
 *
 * Worth it for about as long as the whole wait lasts at its shortest. Whoever waits for this CPU
 * runs between two looks, so that this is harmless on one CPU too. */
int64_t spin_until(int64_t ns);
bool spin_yield(int64_t until);

#endif
