#include "cli/rate.h"

enum {
    STEP_MS = 100,     /* between two moves of the mean */
    MEMORY_MS = 10000, /* of the mean */
    GAP_MS = 1000,     /* a longer silence was a stop, of which so much counts */
    SURE_MS = 1000,    /* before that nobody can know */
};

void rate_begin(struct rate *rate, int64_t now_ms)
{
    *rate = (struct rate){.heard_ms = now_ms};
}

/* An exponential mean, which at first is the plain one. */
void rate_tell(struct rate *rate, int64_t now_ms, size_t done)
{
    int64_t gap_ms = now_ms - rate->heard_ms;
    rate->heard_ms = now_ms;
    rate->since_ms += gap_ms < GAP_MS ? gap_ms : GAP_MS;
    if (rate->since_ms < STEP_MS)
        return;
    rate->total_ms += rate->since_ms;
    double memory_ms = (double)(rate->total_ms < MEMORY_MS ? rate->total_ms : MEMORY_MS);
    double now_per_s = (double)(done - rate->done) * 1e3 / (double)rate->since_ms;
    rate->per_s += (now_per_s - rate->per_s) * (double)rate->since_ms / memory_ms;
    rate->done = done;
    rate->since_ms = 0;
}

bool rate_left(const struct rate *rate, size_t left, double *ret_seconds)
{
    if (rate->total_ms < SURE_MS || rate->per_s <= 0)
        return false;
    *ret_seconds = (double)left / rate->per_s;
    return true;
}
