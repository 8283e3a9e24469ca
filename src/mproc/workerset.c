#include "mproc/workerset.h"

#include "mproc/clock.h"
#include "mproc/dispatch.h"
#include "mproc/io.h"
#include "mproc/member.h"
#include "mproc/overdue.h"
#include "mproc/spin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    HOOK_FAILURES_MAX = 5, /* start hooks that fail in a row break the set */
    EARLY_DEATHS_MAX = 60, /* so do workers killed by whomever, when none has begun for 25 s: what
                              so many take that are forked one by one, ever more slowly */
    FORK_FAILURES_MAX = 5, /* and forks that fail in a row while no worker is left */
    FORK_RETRY_MS = 20,    /* after a failed fork */
    BACK_OFF_MAX_MS = 500, /* between forks, while workers die before they greet */
    DEATH_WATCH_MS = 5,    /* how often a worker that is to go is looked after */
    ANSWER_NS = 60000,     /* a job that does nothing is there and back, on a virtual machine */
    IDLE_WATCH_MS = 500,   /* without pidfds: how often all are, should an end of file be kept */
};

struct workerset {
    struct crew crew;
    struct dispatch dispatch;
    char *name;         /* of workers, which are forked long after the caller's is gone; or NULL */
    int fork_failures;  /* in a row, with no worker left */
    int64_t fork_after; /* no fork before this moment */
    int64_t look_at;    /* when the next deadline may be up */
    int64_t armed_for;  /* what the timer is set to */
    int timer_fd;       /* for event loops: readable when the set has chores */
    int interrupt_fd;   /* readable when the wait is to end */
    bool stopping;      /* nobody is replaced any more */
    bool broken;        /* no worker can be started */
    int cpus;           /* that this process may use */
};

/* Events that are not about a member. */
enum { EVENT_TIMER = -1, EVENT_INTERRUPT = -2 };

/* ---- Replacing ------------------------------------------------------------------------------ */

static int members_present(const struct workerset *set)
{
    int count = 0;
    for (int i = 0; i < set->crew.count; i++)
        count += set->crew.members[i].phase != PHASE_ABSENT;
    return count;
}

/* Workers that die before they greet are forked again, but more and more slowly. */
static int64_t back_off_ms(const struct workerset *set)
{
    int deaths = set->crew.early_deaths < 11 ? set->crew.early_deaths : 11;
    int64_t wait = deaths < 2 ? 0 : INT64_C(1) << (deaths - 2);
    return wait < BACK_OFF_MAX_MS ? wait : BACK_OFF_MAX_MS;
}

/* Takes note of a fork that failed. One that fails is tried again later: with fewer workers
 * meanwhile, or, when none is left, a few times only. */
static void fork_failed(struct workerset *set)
{
    set->fork_after = clock_deadline(FORK_RETRY_MS);
    set->broken = members_present(set) == 0 && ++set->fork_failures >= FORK_FAILURES_MAX;
}

/* True while some worker has begun. */
static bool is_served(const struct workerset *set)
{
    for (int i = 0; i < set->crew.count; i++)
        if (set->crew.members[i].phase != PHASE_ABSENT && set->crew.members[i].greeted)
            return true;
    return false;
}

/* True when those forked one by one have died so often before they began. Those that were there
 * when the first died do not count: one blow may have hit them all. */
static bool nobody_begins(const struct workerset *set)
{
    return set->crew.early_deaths >= EARLY_DEATHS_MAX + set->crew.count && !is_served(set);
}

/* Forks what is missing, unless the program runs threads by now, which makes forking unsafe. */
static void members_replenish(struct workerset *set)
{
    if (set->crew.hook_failures >= HOOK_FAILURES_MAX || nobody_begins(set))
        set->broken = true;
    for (int i = 0; i < set->crew.width; i++) {
        if (set->stopping || set->broken || clock_left_ms(set->fork_after) > 0)
            return;
        if (set->crew.members[i].phase != PHASE_ABSENT)
            continue;
        set->fork_after = clock_deadline((int)back_off_ms(set));
        if (process_has_threads() || member_start(&set->crew, &set->crew.members[i]) < 0)
            fork_failed(set);
        else
            set->fork_failures = 0;
    }
}

/* ---- Chores --------------------------------------------------------------------------------- */

/* True for a member whose death no event tells of in time. */
static bool member_is_looked_after(const struct member *member)
{
    return member->phase == PHASE_CONDEMNED ||
           (member->phase == PHASE_LEAVING && member->retiring) ||
           (member->phase != PHASE_ABSENT && member->process.pidfd < 0);
}

/* When the set has something to do that no event tells of; INT64_MAX for never. */
static int64_t chore_at(const struct workerset *set)
{
    int64_t at = set->look_at;
    for (int i = 0; i < set->crew.count; i++) {
        const struct member *member = &set->crew.members[i];
        bool calm = member->phase == PHASE_WORKING || member->phase == PHASE_ABSENT;
        if (member->phase == PHASE_ABSENT && i < set->crew.width && !set->stopping)
            at = clock_sooner(at, set->fork_after);
        else if (member_is_looked_after(member))
            at = clock_sooner(at, clock_deadline(calm ? IDLE_WATCH_MS : DEATH_WATCH_MS));
    }
    return set->crew.send_after != 0 ? clock_sooner(at, set->crew.send_after) : at;
}

/* Makes the timer go off then, for those who wait on the descriptor. One that is set too early does
 * no harm. */
static void timer_set(struct workerset *set, int64_t at)
{
    int64_t now = clock_now_ms();
    if (set->armed_for > now && set->armed_for <= at)
        return;
    at = at > now ? at : now + 1;
    struct itimerspec when = {.it_value = {.tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000}};
    timerfd_settime(set->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    set->armed_for = at;
}

/* Makes it go off when the next chore is due. */
static void timer_arm(struct workerset *set)
{
    int64_t at = chore_at(set);
    set->crew.has_new_chore = false;
    if (at != INT64_MAX)
        timer_set(set, at);
}

/* Looks at the clocks of the jobs that run. */
static void deadlines_look(struct workerset *set)
{
    if (!set->crew.deadlines)
        return;
    set->look_at = INT64_MAX;
    for (int i = 0; i < set->crew.count; i++)
        set->look_at = clock_sooner(set->look_at, overdue_look(&set->crew, &set->crew.members[i]));
}

/* ---- Jobs ----------------------------------------------------------------------------------- */

static int workerset_submit(void *self, const struct mp_job *job)
{
    struct workerset *set = self;
    int error = set->broken ? MP_EBROKEN : dispatch_job(&set->dispatch, &set->crew, job);
    if (error == 0 && job->deadline_ms > 0) {
        deadlines_look(set);
        set->crew.has_new_chore = true;
    }
    if (set->crew.has_new_chore) /* an event loop may be the next to look */
        timer_arm(set);
    return error;
}

static int workerset_cancel(void *self, const struct mp_job *job)
{
    struct workerset *set = self;
    for (int i = 0; i < set->crew.count; i++) {
        struct member *member = &set->crew.members[i];
        if (!member_revoke(member, job))
            continue;
        if (member->retiring && member->slots.held == 0)
            member_dismiss(&set->crew, member); /* it was the last that it waited for */
        else
            dispatch_urge(&set->crew, member);
        timer_set(set, 0); /* a worker may idle now, with jobs behind another's */
        return 0;
    }
    return -EBUSY;
}

static int workerset_kill(void *self, const struct mp_job *job)
{
    struct workerset *set = self;
    for (int i = 0; i < set->crew.count; i++) {
        struct member *member = &set->crew.members[i];
        int slot = slots_find(&member->slots, job);
        if (slot >= 0 && member_kill_job(&set->crew, member, (unsigned)slot, MP_EKILLED, -1)) {
            timer_arm(set); /* should it have some grace */
            return 0;
        }
    }
    return -EBUSY;
}

/* ---- Events --------------------------------------------------------------------------------- */

static void member_event(struct workerset *set, uint64_t data)
{
    struct member *member = &set->crew.members[data >> 8];
    uint64_t done = member->done;
    switch ((enum watched)(data & 0xff)) {
    case WATCH_RESULTS:
        member_receive(&set->crew, member);
        dispatch_learn(&set->dispatch, member, member->done - done);
        break;
    case WATCH_ROOM:
        if (member->phase == PHASE_WORKING)
            member_flush(&set->crew, member);
        break;
    case WATCH_DEATH: member_check(&set->crew, member); break;
    case WATCH_STDERR: member_listen(&set->crew, member); break;
    }
}

/* Handles one event. Returns 0, or -EINTR. */
static int event_handle(struct workerset *set, uint64_t data)
{
    uint64_t count;
    if (data == (uint64_t)EVENT_INTERRUPT)
        return read(set->interrupt_fd, &count, sizeof count) > 0 ? -EINTR : 0;
    if (data == (uint64_t)EVENT_TIMER)
        (void)!read(set->timer_fd, &count, sizeof count);
    else
        member_event(set, data);
    return 0;
}

static void sends_retry(struct workerset *set)
{
    if (set->crew.send_after == 0 || clock_left_ms(set->crew.send_after) > 0)
        return;
    set->crew.send_after = 0;
    for (int i = 0; i < set->crew.count; i++)
        if (set->crew.members[i].phase == PHASE_WORKING)
            member_flush_again(&set->crew, &set->crew.members[i]);
}

/* Does what no event tells of: deaths where there are no pidfds, sends to be tried again, forks and
 * deadlines due. */
static void chores_do(struct workerset *set)
{
    for (int i = 0; i < set->crew.count; i++)
        if (member_is_looked_after(&set->crew.members[i])) {
            member_expire(&set->crew, &set->crew.members[i]);
            member_check(&set->crew, &set->crew.members[i]);
        }
    sends_retry(set);
    deadlines_look(set);
    members_replenish(set);
}

/* True where a worker may answer before a sleeper could be woken, on a CPU that nobody needs. */
static bool answer_is_near(const struct workerset *set)
{
    int busy = 0;
    for (int i = 0; i < set->crew.count; i++)
        busy += set->crew.members[i].slots.held > 0;
    return busy > 0 && busy < set->cpus;
}

/* As epoll_wait(), which it calls, but looks for a moment before it sleeps. */
static int events_wait(struct workerset *set, struct epoll_event *events, int room, int timeout_ms)
{
    int count = 0;
    if (timeout_ms != 0 && answer_is_near(set))
        for (int64_t until = spin_until(ANSWER_NS); count == 0 && spin_yield(until);)
            count = epoll_wait(set->crew.epoll_fd, events, room, 0);
    return count != 0 ? count : epoll_wait(set->crew.epoll_fd, events, room, timeout_ms);
}

/* One round of waiting and handling. Returns 0, or -EINTR. */
static int round_run(struct workerset *set, int timeout_ms)
{
    enum { BATCH = 64 };
    struct epoll_event events[BATCH];
    deadlines_look(set); /* what was handed out since has no stamp yet */
    int left = timeout_ms == 0 ? 0 : clock_left_ms(chore_at(set));
    if (left >= 0 && (timeout_ms < 0 || left < timeout_ms))
        timeout_ms = left;
    int count = events_wait(set, events, BATCH, timeout_ms);
    int error = count < 0 ? -errno : 0;
    for (int i = 0; i < count; i++)
        if (event_handle(set, events[i].data.u64) < 0)
            error = -EINTR;
    chores_do(set);
    return error;
}

static void settle_with(struct workerset *set, mp_settle_fn *settle, void *user)
{
    set->crew.settle = settle;
    set->crew.settle_user = user;
}

static int workerset_poll(void *self, int timeout_ms, mp_settle_fn *settle, void *user)
{
    struct workerset *set = self;
    settle_with(set, settle, user);
    if (set->broken)
        return MP_EBROKEN;
    dispatch_rebalance(&set->crew); /* a cancelled job may have left a worker idle */
    dispatch_flush(&set->crew);
    int error = round_run(set, timeout_ms);
    dispatch_rebalance(&set->crew); /* an event loop may not come back before the long job ends */
    timer_arm(set);
    return set->broken ? MP_EBROKEN : error;
}

static int workerset_fd(void *self)
{
    return ((struct workerset *)self)->crew.epoll_fd;
}

static void workerset_interrupt(void *self)
{
    struct workerset *set = self;
    uint64_t one = 1;
    int error = errno; /* this may be a signal handler */
    (void)!write(set->interrupt_fd, &one, sizeof one);
    errno = error;
}

static void workerset_stats(void *self, struct mp_backend_stats *ret)
{
    *ret = ((struct workerset *)self)->crew.stats;
}

/* ---- Width ---------------------------------------------------------------------------------- */

/* Makes room for so many members. Returns 0, or -ENOMEM. */
static int members_grow(struct workerset *set, int count)
{
    if (count <= set->crew.count)
        return 0;
    struct member *members = realloc(set->crew.members, (size_t)count * sizeof *members);
    if (!members)
        return -ENOMEM;
    set->crew.members = members;
    for (; set->crew.count < count; set->crew.count++)
        member_init(&set->crew.members[set->crew.count], set->crew.count);
    return 0;
}

static int workerset_resize(void *self, int workers, mp_settle_fn *settle, void *user)
{
    struct workerset *set = self;
    settle_with(set, settle, user);
    int error = members_grow(set, workers);
    if (error < 0)
        return error;
    set->crew.width = workers;
    for (int i = workers; i < set->crew.count; i++)
        member_retire(&set->crew, &set->crew.members[i]);
    members_replenish(set);
    timer_arm(set);
    return 0;
}

/* ---- Beginning and end ---------------------------------------------------------------------- */

static int workerset_stop(void *self, bool kill, int timeout_ms, mp_settle_fn *settle, void *user)
{
    struct workerset *set = self;
    int64_t deadline = clock_deadline(timeout_ms);
    settle_with(set, settle, user);
    set->stopping = true;
    for (int i = 0; i < set->crew.count; i++) {
        struct member *member = &set->crew.members[i];
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
    io_close(&set->timer_fd);
    io_close(&set->interrupt_fd);
    io_close(&set->crew.epoll_fd);
    free(set->crew.scratch);
    free(set->crew.members);
    free(set->name);
    free(set);
}

/* Watches a descriptor that is not a member's. Returns 0, or -errno. */
static int watch_own(struct workerset *set, int *fd, int what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)what};
    if (*fd < 0)
        return -errno;
    int error = io_above_standard(fd);
    if (error == 0 && epoll_ctl(set->crew.epoll_fd, EPOLL_CTL_ADD, *fd, &event) != 0)
        error = -errno;
    return error;
}

/* Opens what all members share. Returns 0, or -errno. */
static int shared_open(struct workerset *set)
{
    set->crew.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (set->crew.epoll_fd < 0)
        return -errno;
    int error = io_above_standard(&set->crew.epoll_fd);
    if (error < 0)
        return error;
    set->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if ((error = watch_own(set, &set->timer_fd, EVENT_TIMER)) < 0)
        return error;
    set->interrupt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if ((error = watch_own(set, &set->interrupt_fd, EVENT_INTERRUPT)) < 0)
        return error;
    set->crew.scratch = malloc(CONTROL_JOURNAL_BYTES);
    return set->crew.scratch ? 0 : -ENOMEM;
}

int workerset_create(const struct mp_executor_options *options, struct mp_backend *ret)
{
    struct workerset *set = calloc(1, sizeof *set);
    if (!set)
        return -ENOMEM;
    set->crew.options = *options;
    set->crew.epoll_fd = set->timer_fd = set->interrupt_fd = -1;
    dispatch_init(&set->dispatch, options->prefetch);
    set->look_at = INT64_MAX;
    set->cpus = mp_cpu_count();
    set->crew.width = options->workers;
    int error = shared_open(set);
    if (error == 0 && options->name && !(set->name = strdup(options->name)))
        error = -ENOMEM;
    set->crew.options.name = set->name;
    if (error == 0)
        error = members_grow(set, options->workers);
    for (int i = 0; i < set->crew.count && error == 0; i++)
        error = member_start(&set->crew, &set->crew.members[i]);
    if (error < 0) {
        workerset_free(set);
        return error;
    }
    *ret = (struct mp_backend){.self = set,
                               .submit = workerset_submit,
                               .poll = workerset_poll,
                               .cancel = workerset_cancel,
                               .kill = workerset_kill,
                               .fd = workerset_fd,
                               .interrupt = workerset_interrupt,
                               .resize = workerset_resize,
                               .stop = workerset_stop,
                               .stats = workerset_stats,
                               .free = workerset_free};
    return 0;
}
