/* How fast something goes, and how long it will take: the mean of the last seconds, in which a time
 * when the program was stopped does not count. */
#ifndef CLI_RATE_H
#define CLI_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate {
    int64_t heard_ms; /* when it was last told */
    int64_t since_ms; /* counted time since the mean was last moved */
    int64_t total_ms; /* counted time in all */
    size_t done;      /* when the mean was last moved */
    double per_s;     /* the mean; 0 until there is one */
};

void rate_begin(struct rate *rate, int64_t now_ms);

/* Tells that `done` things are done by now; to be called several times a second, also when nothing
 * was done. */
void rate_tell(struct rate *rate, int64_t now_ms, size_t done);

/* Seconds that `left` things will take. Returns false as long as nobody can know. */
bool rate_left(const struct rate *rate, size_t left, double *ret_seconds);

#endif
