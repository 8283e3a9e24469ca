#include "mproc/workerset.h"

#include "mproc/clock.h"
#include "mproc/io.h"
#include "mproc/member.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum {
    HOOK_FAILURES_MAX = 5, /* start hooks that fail in a row break the set */
    FORK_FAILURES_MAX = 5, /* so do forks that fail in a row while no worker is left */
    FORK_RETRY_MS = 20,    /* after a failed fork */
    DEATH_WATCH_MS = 5,    /* how often a worker that is to go is looked after */
    IDLE_WATCH_MS = 500,   /* without pidfds: how often all are, should an end of file be kept */
};

struct workerset {
    struct crew crew;
    unsigned depth;     /* jobs that one worker may hold */
    int count;          /* members */
    int fork_failures;  /* in a row, with no worker left */
    int64_t fork_after; /* no fork before this moment */
    bool stopping;      /* nobody is replaced any more */
    bool broken;        /* no worker can be started */
    struct member members[];
};

/* ---- Replacing ------------------------------------------------------------------------------ */

static int members_present(const struct workerset *set)
{
    int count = 0;
    for (int i = 0; i < set->count; i++)
        count += set->members[i].phase != PHASE_ABSENT;
    return count;
}

/* Forks what is missing. A fork that fails is tried again later: with fewer workers meanwhile, or,
 * when none is left, a few times only. */
static void members_replenish(struct workerset *set)
{
    if (set->crew.hook_failures >= HOOK_FAILURES_MAX)
        set->broken = true;
    for (int i = 0; i < set->count; i++) {
        if (set->stopping || set->broken || clock_left_ms(set->fork_after) > 0)
            return;
        if (set->members[i].phase != PHASE_ABSENT)
            continue;
        if (member_start(&set->crew, &set->members[i]) == 0) {
            set->fork_failures = 0;
            continue;
        }
        set->fork_after = clock_deadline(FORK_RETRY_MS);
        set->broken = members_present(set) == 0 && ++set->fork_failures >= FORK_FAILURES_MAX;
    }
}

/* ---- Handing out ---------------------------------------------------------------------------- */

/* The member that holds the fewest jobs and takes more, NULL when all are full. */
static struct member *member_freest(struct workerset *set)
{
    struct member *freest = NULL;
    for (int i = 0; i < set->count; i++) {
        struct member *member = &set->members[i];
        if (member_takes_jobs(member) && member->slots.held < set->depth &&
            (!freest || member->slots.held < freest->slots.held))
            freest = member;
    }
    return freest;
}

/* Takes back a job that waits behind another's, from the busiest member that has such a one; NULL
 * when none has. */
static const struct mp_job *job_take_back(struct workerset *set)
{
    for (unsigned held = set->depth; held >= 2; held--)
        for (int i = 0; i < set->count; i++) {
            struct member *member = &set->members[i];
            const struct mp_job *job = member->slots.held == held ? member_take_back(member) : NULL;
            if (job)
                return job;
        }
    return NULL;
}

/* Gives idle workers the jobs that wait behind another's, so that a long one traps none. */
static void jobs_rebalance(struct workerset *set)
{
    struct member *idle;
    const struct mp_job *job;
    while ((idle = member_freest(set)) && idle->slots.held == 0 && (job = job_take_back(set)))
        member_assign(&set->crew, idle, job);
}

static int workerset_submit(void *self, const struct mp_job *job)
{
    struct workerset *set = self;
    if (set->broken)
        return MP_EBROKEN;
    struct member *member = member_freest(set);
    if (!member)
        return -EAGAIN;
    member_assign(&set->crew, member, job);
    return 0;
}

static int workerset_cancel(void *self, const struct mp_job *job)
{
    struct workerset *set = self;
    for (int i = 0; i < set->count; i++)
        if (member_revoke(&set->members[i], job))
            return 0;
    return -EBUSY;
}

/* ---- Waiting -------------------------------------------------------------------------------- */

static int sooner_ms(int timeout_ms, int other_ms)
{
    return timeout_ms < 0 || other_ms < timeout_ms ? other_ms : timeout_ms;
}

/* True for a member whose death no event tells of in time. */
static bool member_is_looked_after(const struct member *member)
{
    return member->phase == PHASE_CONDEMNED ||
           (member->phase != PHASE_ABSENT && member->process.pidfd < 0);
}

/* How long the set may sleep where the caller allows timeout_ms. */
static int sleep_ms(const struct workerset *set, int timeout_ms)
{
    for (int i = 0; i < set->count; i++) {
        const struct member *member = &set->members[i];
        if (member->phase == PHASE_ABSENT && !set->stopping)
            timeout_ms = sooner_ms(timeout_ms, clock_left_ms(set->fork_after));
        else if (member_is_looked_after(member))
            timeout_ms =
                sooner_ms(timeout_ms, member_takes_jobs(member) ? IDLE_WATCH_MS : DEATH_WATCH_MS);
    }
    if (set->crew.send_after != 0)
        timeout_ms = sooner_ms(timeout_ms, clock_left_ms(set->crew.send_after));
    return timeout_ms;
}

static void event_handle(struct workerset *set, uint64_t data)
{
    struct member *member = &set->members[data >> 8];
    switch ((enum watched)(data & 0xff)) {
    case WATCH_RESULTS: member_receive(&set->crew, member); break;
    case WATCH_ROOM:
        if (member_takes_jobs(member))
            member_flush(&set->crew, member);
        break;
    case WATCH_DEATH: member_check(&set->crew, member); break;
    }
}

static void sends_retry(struct workerset *set)
{
    if (set->crew.send_after == 0 || clock_left_ms(set->crew.send_after) > 0)
        return;
    set->crew.send_after = 0;
    for (int i = 0; i < set->count; i++)
        if (member_takes_jobs(&set->members[i]))
            member_flush_again(&set->crew, &set->members[i]);
}

/* One round of waiting and handling, with what no event tells of: deaths where there are no pidfds,
 * sends to be tried again, forks due. Returns 0, or -EINTR. */
static int round_run(struct workerset *set, int timeout_ms)
{
    enum { BATCH = 64 };
    struct epoll_event events[BATCH];
    int count = epoll_wait(set->crew.epoll_fd, events, BATCH, sleep_ms(set, timeout_ms));
    int error = count < 0 ? -errno : 0;
    for (int i = 0; i < count; i++)
        event_handle(set, events[i].data.u64);
    for (int i = 0; i < set->count; i++)
        if (member_is_looked_after(&set->members[i])) {
            member_expire(&set->crew, &set->members[i]);
            member_check(&set->crew, &set->members[i]);
        }
    sends_retry(set);
    members_replenish(set);
    return error;
}

static int workerset_poll(void *self, int timeout_ms, mp_settle_fn *settle, void *user)
{
    struct workerset *set = self;
    set->crew.settle = settle;
    set->crew.settle_user = user;
    if (set->broken)
        return MP_EBROKEN;
    jobs_rebalance(set); /* a cancelled job may have left a worker idle */
    int error = round_run(set, timeout_ms);
    jobs_rebalance(set); /* an event loop may not come back before the long job ends */
    return set->broken ? MP_EBROKEN : error;
}

static int workerset_fd(void *self)
{
    return ((struct workerset *)self)->crew.epoll_fd;
}

static void workerset_stats(void *self, struct mp_backend_stats *ret)
{
    *ret = ((struct workerset *)self)->crew.stats;
}

/* ---- Beginning and end ---------------------------------------------------------------------- */

static int workerset_stop(void *self, bool kill, int timeout_ms, mp_settle_fn *settle, void *user)
{
    struct workerset *set = self;
    int64_t deadline = clock_deadline(timeout_ms);
    set->crew.settle = settle;
    set->crew.settle_user = user;
    set->stopping = true;
    for (int i = 0; i < set->count; i++) {
        struct member *member = &set->members[i];
        if (kill && member->phase != PHASE_ABSENT)
            member_kill(&set->crew, member);
        else
            member_dismiss(&set->crew, member);
    }
    while (members_present(set) > 0) {
        if (round_run(set, clock_left_ms(deadline)) == -EINTR)
            return -EINTR;
        if (members_present(set) > 0 && clock_left_ms(deadline) == 0)
            return -ETIMEDOUT;
    }
    return 0;
}

static void outcome_drop(void *user, const struct mp_job *job, const struct mp_outcome *outcome)
{
    (void)user;
    (void)job;
    (void)outcome;
}

static void workerset_free(void *self)
{
    struct workerset *set = self;
    while (workerset_stop(set, true, MP_FOREVER, outcome_drop, NULL) == -EINTR)
        ;
    io_close(&set->crew.epoll_fd);
    free(set);
}

int workerset_create(const struct mp_executor_options *options, struct mp_backend *ret)
{
    int count = options->workers, error = 0;
    struct workerset *set = calloc(1, sizeof *set + (size_t)count * sizeof *set->members);
    if (!set)
        return -ENOMEM;
    set->crew.options = *options;
    set->depth = 1 + (unsigned)options->prefetch;
    set->count = count;
    for (int i = 0; i < count; i++)
        member_init(&set->members[i], i);
    set->crew.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (set->crew.epoll_fd < 0)
        error = -errno;
    for (int i = 0; i < count && error == 0; i++)
        error = member_start(&set->crew, &set->members[i]);
    if (error < 0) {
        workerset_free(set);
        return error;
    }
    *ret = (struct mp_backend){.self = set,
                               .submit = workerset_submit,
                               .poll = workerset_poll,
                               .cancel = workerset_cancel,
                               .fd = workerset_fd,
                               .stop = workerset_stop,
                               .stats = workerset_stats,
                               .free = workerset_free};
    return 0;
}
