/* What a handful of timings say, and whether two handfuls say the same. */
#ifndef BENCH_STATISTICS_H
#define BENCH_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    STATISTICS_MAX = 1000, /* values at most */
    STATISTICS_ENOUGH = 4, /* fewer on either side can never be told from chance */
};

struct statistics {
    size_t count;    /* of the values */
    double mean;     /* their arithmetic mean */
    double stddev;   /* of the sample: divided by count - 1; 0 for a single value */
    double median;   /* of an even count the mean of the middle two */
    double min, max; /* the least and the largest */
    size_t outliers; /* values far from the median, see statistics_outliers() */
};

/* Sums up values[0..count), 1..STATISTICS_MAX of them. */
struct statistics statistics_of(const double *values, size_t count);

double statistics_median(const double *values, size_t count);

/* How many values lie further from the median than 14.826 times the median distance from it: ten
 * standard deviations if the values were normal. Source: hyperfine, outlier_detection.rs. */
size_t statistics_outliers(const double *values, size_t count);

/* True when two sets of values differ by more than chance: a Mann-Whitney test at 5 %, two-sided,
 * which asks for no distribution and is not thrown by an outlier. With fewer than STATISTICS_ENOUGH
 * values on a side the answer is always false. */
bool statistics_differ(const double *a, size_t a_count, const double *b, size_t b_count);

/* One measurement for the fit: the time that so many workers took. */
struct amdahl_point {
    int workers;
    double seconds;
};

/* The least-squares fit of Amdahl's law, seconds = sequential_s * (s + (1 - s) / workers), to the
 * points, of which those of one worker say nothing.
 *   ret_serial    s, the share that does not get faster; below 0 where the speed-up is more than
 *                 the number of workers
 *   ret_residual  root mean square of what the fit misses, as a share of sequential_s
 * Returns how many points it rests on; 0: nothing to fit, nothing is returned. */
int amdahl_fit(double sequential_s, const struct amdahl_point *points, size_t count,
               double *ret_serial, double *ret_residual);

#endif
