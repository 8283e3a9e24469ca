/* How large the chunks of a map should be: as many elements as take a millisecond or two, learnt
 * from those that came back. */
#ifndef MPROC_PACE_H
#define MPROC_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    int chunk;        /* elements */
    bool adapts;      /* to what they take */
    uint64_t done;    /* elements since... */
    int64_t since_ns; /* ...this moment */
};

/* `chunk` 0: to be learnt, beginning with one. */
void pace_init(struct pace *pace, int chunk);

/* Takes note of elements that came back from one of so many workers. */
void pace_learn(struct pace *pace, uint64_t count, int workers);

#endif
