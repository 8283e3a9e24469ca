/* Waiting for several futures, of one executor or of several. */
#include "mproc/clock.h"
#include "mproc/executor.h"
#include "mproc/io.h"

#include <errno.h>
#include <stdint.h>

enum { EXECUTORS_MAX = 16 }; /* that one wait looks after at the same time */

/* The executors of what is not settled, each once. Returns how many. */
static size_t executors_of(struct mp_future *const *futures, size_t count,
                           struct mp_executor **ret_executors)
{
    size_t found = 0;
    for (size_t i = 0; i < count && found < EXECUTORS_MAX; i++) {
        struct mp_executor *executor = futures[i]->executor;
        size_t known = 0;
        while (known < found && ret_executors[known] != executor)
            known++;
        if (executor && known == found)
            ret_executors[found++] = executor;
    }
    return found;
}

/* Errors that end a wait; that an executor is broken has settled its futures. */
static bool ends_wait(int error)
{
    return error == -EINTR || error == -EDEADLK || error == MP_EFORKED;
}

/* Makes progress on several executors: each is pumped, and where that brings nothing, all are
 * waited for together. Returns 0, or what ends the wait. */
static int pump_several(struct mp_executor **executors, size_t count, int timeout_ms)
{
    enum { SLICE_MS = 1000 }; /* there may be more executors than EXECUTORS_MAX */
    int fds[EXECUTORS_MAX], unsettled = 0;
    for (size_t i = 0; i < count; i++) {
        fds[i] = mp_executor_fd(executors[i]);
        int before = executors[i]->stats.unsettled;
        int error = mp_executor_pump(executors[i], 0);
        if (ends_wait(error))
            return error;
        unsettled += before - executors[i]->stats.unsettled;
    }
    if (unsettled != 0)
        return 0;
    if (timeout_ms < 0 || timeout_ms > SLICE_MS)
        timeout_ms = SLICE_MS;
    return io_wait_readable(fds, count, timeout_ms) == -EINTR ? -EINTR : 0;
}

/* Makes progress on whatever the futures belong to. Returns 0, or what ends the wait. */
static int pump_for(struct mp_future *const *futures, size_t count, int timeout_ms)
{
    struct mp_executor *executors[EXECUTORS_MAX];
    size_t several = executors_of(futures, count, executors);
    if (several != 1)
        return pump_several(executors, several, timeout_ms);
    int error = mp_executor_pump(executors[0], timeout_ms);
    return ends_wait(error) ? error : 0;
}

/* What a wait has seen. */
struct tally {
    size_t settled; /* entries that are settled */
    bool failed;    /* one of them has failed */
};

static struct tally tally_of(struct mp_future *const *futures, size_t count)
{
    struct tally tally = {0};
    for (size_t i = 0; i < count; i++) {
        tally.settled += future_settled(futures[i]);
        tally.failed |= futures[i]->state == MP_FAILED;
    }
    return tally;
}

static bool is_enough(const struct tally *tally, size_t count, enum mp_when when)
{
    return tally->settled == count || (when == MP_ANY && tally->settled > 0) ||
           (when == MP_FIRST_FAILURE && tally->failed);
}

int mp_wait(struct mp_future *const *futures, size_t count, enum mp_when when, int timeout_ms)
{
    int64_t deadline = clock_deadline(timeout_ms);
    size_t begin = 0; /* before it all are settled, and none has failed that ends the wait */
    for (bool last = false;;) {
        struct tally tally = tally_of(futures + begin, count - begin);
        tally.settled += begin;
        if (last || is_enough(&tally, count, when))
            return (int)tally.settled;
        while (begin < count && future_settled(futures[begin]))
            begin++;
        int left = clock_left_ms(deadline);
        last = left == 0; /* one look after the time is up: a timeout of 0 looks, too */
        int error = pump_for(futures + begin, count - begin, left);
        if (error < 0)
            return error;
    }
}

/* ---- As completed --------------------------------------------------------------------------- */

/* True when the future is in futures[begin..end), where every one's place points to itself. A place
 * elsewhere says nothing. */
static bool is_gathered(struct mp_future **futures, size_t begin, size_t end,
                        const struct mp_future *future)
{
    struct mp_future **place = future->place;
    return place >= futures + begin && place < futures + end && *place == future;
}

static void put(struct mp_future **place, struct mp_future *future)
{
    *place = future;
    future->place = place;
}

/* Moves what is settled to the end of the array, and drops what is there twice. Returns how many
 * are settled. */
static size_t gather(struct mp_future **futures, size_t *count)
{
    size_t begin = *count; /* of the settled ones; those before it have no place */
    for (size_t i = 0; i < begin;) {
        struct mp_future *future = futures[i];
        if (!future_settled(future)) {
            i++;
            continue;
        }
        bool twice = is_gathered(futures, begin, *count, future);
        futures[i] = futures[--begin];
        if (twice)
            put(&futures[begin], futures[--*count]);
        else
            put(&futures[begin], future);
    }
    return *count - begin;
}

int mp_as_completed(struct mp_future **futures, size_t *count, int timeout_ms,
                    struct mp_future **ret)
{
    int64_t deadline = clock_deadline(timeout_ms);
    for (bool last = false; *count > 0;) {
        struct mp_future **end = futures + *count - 1;
        bool gathered = (*end)->place == end && future_settled(*end);
        if (gathered || gather(futures, count) > 0) {
            --*count;
            *ret = futures[*count];
            (*ret)->place = NULL;
            return 1;
        }
        if (last)
            return -ETIMEDOUT;
        int left = clock_left_ms(deadline);
        last = left == 0;
        int error = pump_for(futures, *count, left);
        if (error < 0)
            return error;
    }
    return 0;
}
