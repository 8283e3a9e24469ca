/* Looking again a few times before sleeping: who holds a lock for a moment only, or is about to put
 * an item in, is done sooner than a sleeper could be woken. Never on a single CPU, where it would
 * take the time from just that process. */
#ifndef MPROC_SPIN_H
#define MPROC_SPIN_H

/* How many rounds it is worth: a number for spin_pause() to count up to, 0 on one CPU. Costs system
 * calls: ask once. */
unsigned spin_limit(void);

/* Lets a moment pass, longer ones as `round` grows. */
void spin_pause(unsigned round);

#endif
