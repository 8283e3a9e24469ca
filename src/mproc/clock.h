/* The one clock: monotonic, so that a clock set back makes no wait longer. */
#ifndef MPROC_CLOCK_H
#define MPROC_CLOCK_H

#include <stdint.h>

int64_t clock_now_ms(void);
int64_t clock_now_ns(void);

/* The moment `timeout_ms` from now, or INT64_MAX for a negative (endless) timeout. */
int64_t clock_deadline(int timeout_ms);

/* The earlier of two moments. */
static inline int64_t clock_sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Milliseconds until `deadline`, 0 once it has passed, -1 for one that never comes: what the
 * waiting system calls take. */
int clock_left_ms(int64_t deadline);

#endif
