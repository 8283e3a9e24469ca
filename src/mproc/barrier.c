/* The barrier: two benches of seats, used in turn, one round each. Who comes sits down; the last
 * one pronounces the verdict on the round, which all who sit there read before they get up. The
 * next round uses the other bench, so it need not wait until they have; only the one after it does.
 *
 * Primary state: `round`, `broken`, the verdict of each bench, which carries the number of its
 * round, and the seats, each with its holder. Under the guard each step is one store, in such an
 * order that barrier_settle() can tell from what is there how to finish the step of a dead one.
 * `arrived` is derived from the seats. A seat whose holder is gone breaks the round. */
#include "mproc/bell.h"
#include "mproc/clock.h"
#include "mproc/futex.h"
#include "mproc/holder.h"
#include "mproc/lock.h"
#include "mproc/mproc.h"
#include "mproc/shm.h"

#include <errno.h>
#include <limits.h>

enum verdict { VERDICT_OPEN, VERDICT_PASSED, VERDICT_BROKEN };

enum { VERDICTS = 4 }; /* a power of two: numbers of rounds wrap around with those of verdicts */

struct mp_barrier {
    unsigned parties;
    struct mp_lock guard;
    uint32_t round;              /* the one that gathers now */
    _Atomic bool broken;         /* and is to stay so until a reset */
    unsigned arrived;            /* those who sit on its bench */
    struct bell emptied;         /* somebody got up */
    _Atomic int64_t looked_ms;   /* when somebody looked for dead parties last */
    _Atomic uint32_t verdict[2]; /* round * VERDICTS + enum verdict */
    _Atomic uint64_t seats[];    /* of the first bench, then of the second */
};

static size_t barrier_size(unsigned parties)
{
    return sizeof(struct mp_barrier) + 2 * parties * sizeof(_Atomic uint64_t);
}

int mp_barrier_create(unsigned parties, struct mp_barrier **ret)
{
    if (parties < 1 || parties > MP_PARTIES_MAX)
        return -EINVAL;
    struct mp_barrier *barrier = shm_map(barrier_size(parties));
    if (!barrier)
        return -ENOMEM;
    barrier->parties = parties;
    lock_init(&barrier->guard, false);
    *ret = barrier;
    return 0;
}

/* ---- One bench ------------------------------------------------------------------------------ */

static _Atomic uint64_t *bench_seats(struct mp_barrier *barrier, uint32_t round)
{
    return barrier->seats + round % 2 * barrier->parties;
}

static _Atomic uint32_t *bench_verdict(struct mp_barrier *barrier, uint32_t round)
{
    return &barrier->verdict[round % 2];
}

static uint32_t verdict_on(uint32_t round, enum verdict verdict)
{
    return round * VERDICTS + verdict;
}

static bool bench_has(struct mp_barrier *barrier, uint32_t round, enum verdict verdict)
{
    return atomic_load(bench_verdict(barrier, round)) == verdict_on(round, verdict);
}

static void bench_judge(struct mp_barrier *barrier, uint32_t round, enum verdict verdict)
{
    atomic_store(bench_verdict(barrier, round), verdict_on(round, verdict));
    futex_wake(bench_verdict(barrier, round), INT_MAX);
}

static unsigned bench_count(struct mp_barrier *barrier, uint32_t round)
{
    unsigned count = 0;
    for (unsigned i = 0; i < barrier->parties; i++)
        count += atomic_load(&bench_seats(barrier, round)[i]) != HOLDER_NOBODY;
    return count;
}

/* Makes the bench ready for the round, unless some sit there still from the round before last. */
static bool bench_open(struct mp_barrier *barrier, uint32_t round)
{
    if (atomic_load(bench_verdict(barrier, round)) - verdict_on(round, 0) < VERDICTS)
        return true;
    if (bench_count(barrier, round) > 0) {
        if (holder_look_is_due(&barrier->looked_ms))
            holder_forget_dead(bench_seats(barrier, round), barrier->parties);
        if (bench_count(barrier, round) > 0)
            return false;
    }
    barrier->arrived = 0;
    bench_judge(barrier, round, VERDICT_OPEN);
    return true;
}

/* ---- The whole; all under the guard --------------------------------------------------------- */

static void barrier_break(struct mp_barrier *barrier)
{
    atomic_store(&barrier->broken, true);
    if (bench_has(barrier, barrier->round, VERDICT_OPEN))
        bench_judge(barrier, barrier->round, VERDICT_BROKEN);
}

/* Finishes what somebody began who died. */
static void barrier_settle(struct mp_barrier *barrier)
{
    uint32_t round = barrier->round;
    bool broken = atomic_load(&barrier->broken);
    if (broken && bench_has(barrier, round, VERDICT_OPEN))
        bench_judge(barrier, round, VERDICT_BROKEN); /* a break */
    else if (bench_has(barrier, round, VERDICT_PASSED) ||
             (!broken && bench_has(barrier, round, VERDICT_BROKEN)))
        barrier->round = round + 1; /* a last arrival, a reset */
    barrier->arrived =
        bench_has(barrier, barrier->round, VERDICT_OPEN) ? bench_count(barrier, barrier->round) : 0;
}

static void barrier_enter(struct mp_barrier *barrier)
{
    if (lock_guard(&barrier->guard))
        barrier_settle(barrier);
}

static void barrier_leave(struct mp_barrier *barrier)
{
    lock_unguard(&barrier->guard);
}

/* Breaks the barrier when one of those who wait is gone, and clears his seat away. */
static void barrier_look(struct mp_barrier *barrier)
{
    _Atomic uint64_t *seats = bench_seats(barrier, barrier->round);
    if (!holder_look_is_due(&barrier->looked_ms) ||
        !bench_has(barrier, barrier->round, VERDICT_OPEN) ||
        !holder_any_dead(seats, barrier->parties))
        return;
    barrier_break(barrier);
    holder_forget_dead(seats, barrier->parties);
}

/* ---- Waiting -------------------------------------------------------------------------------- */

/* Waits for the verdict on the round in which the caller sits, then gets up. */
static int seat_await(struct mp_barrier *barrier, uint32_t round, unsigned seat, int64_t deadline)
{
    _Atomic uint32_t *verdict = bench_verdict(barrier, round);
    int result = -ECONNABORTED;
    while (atomic_load(verdict) == verdict_on(round, VERDICT_OPEN)) {
        int error = futex_wait(verdict, verdict_on(round, VERDICT_OPEN), deadline, HOLDER_LOOK_MS);
        if (error == -EINTR)
            continue;
        barrier_enter(barrier);
        if (error == -ETIMEDOUT && bench_has(barrier, round, VERDICT_OPEN)) {
            barrier_break(barrier);
            result = -ETIMEDOUT;
        }
        barrier_look(barrier);
        barrier_leave(barrier);
    }
    if (atomic_load(verdict) == verdict_on(round, VERDICT_PASSED))
        result = (int)seat;
    atomic_store(&bench_seats(barrier, round)[seat], HOLDER_NOBODY);
    bell_ring_all(&barrier->emptied);
    return result;
}

/* Sits down; under the guard, which it leaves. */
static int seat_take(struct mp_barrier *barrier, int64_t deadline)
{
    uint32_t round = barrier->round;
    unsigned seat = barrier->arrived;
    if (seat < barrier->parties) {
        atomic_store(&bench_seats(barrier, round)[seat], holder_self());
        barrier->arrived = seat + 1;
    }
    bool last = barrier->arrived == barrier->parties;
    if (seat == barrier->parties) {
        barrier_break(barrier); /* the last one sat down and died */
    } else if (last) {
        bench_judge(barrier, round, VERDICT_PASSED);
        barrier->round = round + 1;
        atomic_store(&bench_seats(barrier, round)[seat], HOLDER_NOBODY);
    }
    barrier_leave(barrier);
    if (seat == barrier->parties)
        return -ECONNABORTED;
    return last ? (int)seat : seat_await(barrier, round, seat, deadline);
}

int mp_barrier_wait(struct mp_barrier *barrier, int timeout_ms)
{
    int64_t deadline = clock_deadline(timeout_ms);
    int error = 0;
    for (bool listening = false;; listening = true) {
        uint32_t heard = listening ? bell_listen(&barrier->emptied) : 0;
        barrier_enter(barrier);
        if (atomic_load(&barrier->broken)) {
            barrier_leave(barrier);
            return -ECONNABORTED;
        }
        if (bench_open(barrier, barrier->round))
            return seat_take(barrier, deadline);
        barrier_leave(barrier);
        if (error == -ETIMEDOUT)
            return error; /* he never sat down, so it breaks nothing */
        if (listening)
            error = bell_wait(&barrier->emptied, heard, deadline, HOLDER_LOOK_MS);
    }
}

void mp_barrier_abort(struct mp_barrier *barrier)
{
    barrier_enter(barrier);
    barrier_break(barrier);
    barrier_leave(barrier);
}

void mp_barrier_reset(struct mp_barrier *barrier)
{
    barrier_enter(barrier);
    uint32_t round = barrier->round;
    if (bench_has(barrier, round, VERDICT_OPEN) && barrier->arrived > 0)
        bench_judge(barrier, round, VERDICT_BROKEN);
    if (bench_has(barrier, round, VERDICT_BROKEN))
        barrier->round = round + 1;
    atomic_store(&barrier->broken, false);
    barrier_leave(barrier);
}

unsigned mp_barrier_waiting(struct mp_barrier *barrier)
{
    barrier_enter(barrier);
    barrier_look(barrier);
    unsigned count = bench_has(barrier, barrier->round, VERDICT_OPEN) ? barrier->arrived : 0;
    barrier_leave(barrier);
    return count;
}

bool mp_barrier_is_broken(struct mp_barrier *barrier)
{
    barrier_enter(barrier);
    barrier_look(barrier);
    bool broken = atomic_load(&barrier->broken);
    barrier_leave(barrier);
    return broken;
}

void mp_barrier_free(struct mp_barrier *barrier)
{
    if (barrier)
        shm_unmap(barrier, barrier_size(barrier->parties));
}
