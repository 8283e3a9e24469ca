#include "bench/statistics.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double statistics_median(const double *values, size_t count)
{
    double sorted[STATISTICS_MAX];
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, ascending);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

size_t statistics_outliers(const double *values, size_t count)
{
    const double threshold = 1.4826 * 10;
    double median = statistics_median(values, count), distances[STATISTICS_MAX];
    size_t outliers = 0;
    for (size_t i = 0; i < count; i++)
        distances[i] = fabs(values[i] - median);
    double middle = fmax(statistics_median(distances, count), DBL_EPSILON);
    for (size_t i = 0; i < count; i++)
        outliers += distances[i] / middle > threshold;
    return outliers;
}

struct statistics statistics_of(const double *values, size_t count)
{
    struct statistics all = {.count = count, .min = values[0], .max = values[0]};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
        all.min = fmin(all.min, values[i]);
        all.max = fmax(all.max, values[i]);
    }
    all.mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - all.mean) * (values[i] - all.mean);
    all.stddev = count > 1 ? sqrt(squares / (double)(count - 1)) : 0;
    all.median = statistics_median(values, count);
    all.outliers = statistics_outliers(values, count);
    return all;
}

/* ---- Mann-Whitney --------------------------------------------------------------------------- */

enum { EXACT_MAX = 20 }; /* values on a side that are counted out; above that U is normal enough */

/* Pairs in which the value of `a` is the larger one; ties count half. */
static double u_statistic(const double *a, size_t a_count, const double *b, size_t b_count)
{
    double u = 0;
    for (size_t i = 0; i < a_count; i++)
        for (size_t k = 0; k < b_count; k++)
            u += a[i] > b[k] ? 1 : a[i] == b[k] ? 0.5 : 0;
    return u;
}

/* The chance of a U of at most u when both sets are the same: every choice of a_count ranks out of
 * all is equally likely, and they are counted by their sum. */
static double u_chance(size_t a_count, size_t b_count, double u)
{
    enum { SUM_MAX = EXACT_MAX * EXACT_MAX };
    double ways[EXACT_MAX + 1][SUM_MAX + 1] = {{0}}; /* of having chosen so many, with that U */
    double low = 0, all = 0;
    size_t most = a_count * b_count;
    ways[0][0] = 1;
    for (size_t rank = 0; rank < a_count + b_count; rank++)
        for (size_t chosen = rank < a_count ? rank + 1 : a_count; chosen > 0; chosen--) {
            size_t below = rank - (chosen - 1); /* of the other set, lower than this one */
            for (size_t sum = most; below <= b_count && sum + 1 > below; sum--)
                ways[chosen][sum] += ways[chosen - 1][sum - below];
        }
    for (size_t sum = 0; sum <= most; sum++) {
        all += ways[a_count][sum];
        low += (double)sum <= u ? ways[a_count][sum] : 0;
    }
    return low / all;
}

bool statistics_differ(const double *a, size_t a_count, const double *b, size_t b_count)
{
    if (a_count < STATISTICS_ENOUGH || b_count < STATISTICS_ENOUGH)
        return false;
    double u = u_statistic(a, a_count, b, b_count), pairs = (double)(a_count * b_count);
    u = ceil(fmin(u, pairs - u)); /* a tie never makes them more different */
    if (a_count <= EXACT_MAX && b_count <= EXACT_MAX)
        return 2 * u_chance(a_count, b_count, u) < 0.05;
    double deviation = sqrt(pairs * (double)(a_count + b_count + 1) / 12);
    return (pairs / 2 - u - 0.5) / deviation > 1.96;
}

/* ---- Amdahl --------------------------------------------------------------------------------- */

/* The law as a line through the origin: seconds / sequential_s - 1 / workers is s times
 * 1 - 1 / workers. */
int amdahl_fit(double sequential_s, const struct amdahl_point *points, size_t count,
               double *ret_serial, double *ret_residual)
{
    double xy = 0, xx = 0, yy = 0;
    int used = 0;
    for (size_t i = 0; i < count; i++) {
        double x = 1 - 1.0 / points[i].workers;
        double y = points[i].seconds / sequential_s - 1.0 / points[i].workers;
        if (points[i].workers < 2)
            continue;
        xy += x * y;
        xx += x * x;
        yy += y * y;
        used++;
    }
    if (used == 0)
        return 0;
    *ret_serial = xy / xx;
    *ret_residual = sqrt(fmax(yy - xy * xy / xx, 0) / used);
    return used;
}
