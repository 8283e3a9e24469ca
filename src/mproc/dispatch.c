#include "mproc/dispatch.h"

#include "mproc/clock.h"
#include "mproc/member.h"

#include <errno.h>

enum {
    DEPTH_MIN = 2,      /* jobs that a worker holds at least, where it is left to us */
    AHEAD_NS = 1000000, /* work that is sent ahead then */
    SENT_ENOUGH = 2,    /* a worker that has so many can wait for a fuller send */
    SEND_FULL = 16,     /* which is this many frames */
};

void dispatch_init(struct dispatch *dispatch, int prefetch)
{
    unsigned fixed = prefetch > 0 ? 1 + (unsigned)prefetch : 1;
    *dispatch = (struct dispatch){
        .adaptive = prefetch == 0, .depth = prefetch == 0 ? DEPTH_MIN : fixed, .job_ns = AHEAD_NS};
}

/* The member that holds the fewest jobs and takes more, NULL when all are full. */
static struct member *member_freest(struct crew *crew, unsigned depth)
{
    struct member *freest = NULL;
    for (int i = 0; i < crew->width; i++) {
        struct member *member = &crew->members[i];
        if (member->slots.held < depth && (!freest || member->slots.held < freest->slots.held) &&
            member_takes_jobs(crew, member))
            freest = member;
    }
    return freest;
}

/* Takes back a job that waits behind another's, from the busiest member that has such a one; NULL
 * when none has. */
static const struct mp_job *job_take_back(struct crew *crew)
{
    unsigned below = UINT32_MAX;
    for (;;) {
        unsigned most = 1;
        for (int i = 0; i < crew->count; i++)
            if (crew->members[i].slots.held > most && crew->members[i].slots.held < below)
                most = crew->members[i].slots.held;
        if (most < 2)
            return NULL;
        for (int i = 0; i < crew->count; i++) {
            struct member *member = &crew->members[i];
            const struct mp_job *job = member->slots.held == most ? member_take_back(member) : NULL;
            if (job)
                return job;
        }
        below = most;
    }
}

/* How many jobs a worker may hold before it gets this one. Descriptors on their way count against
 * limits of the system, so of jobs that carry some few are sent ahead. */
static unsigned depth_for(const struct dispatch *dispatch, const struct mp_job *job)
{
    return dispatch->adaptive && job->fd_count > 0 ? DEPTH_MIN : dispatch->depth;
}

/* True when a send can get something through, as far as is known. */
static bool can_send(const struct crew *crew, const struct member *member)
{
    return member->phase == PHASE_WORKING && !member->channel_watched && crew->send_after == 0;
}

void dispatch_urge(struct crew *crew, struct member *member)
{
    unsigned waiting = member->channel.count;
    bool urgent = member_sent(member) < SENT_ENOUGH || waiting >= SEND_FULL;
    if (waiting > 0 && urgent && can_send(crew, member))
        member_flush(crew, member);
}

int dispatch_job(const struct dispatch *dispatch, struct crew *crew, const struct mp_job *job)
{
    struct member *member = member_freest(crew, depth_for(dispatch, job));
    if (!member)
        return -EAGAIN;
    member_assign(crew, member, job);
    dispatch_urge(crew, member);
    return 0;
}

void dispatch_flush(struct crew *crew)
{
    for (int i = 0; i < crew->width; i++) {
        struct member *member = &crew->members[i];
        if (member->channel.count > 0 && can_send(crew, member))
            member_flush(crew, member);
    }
}

/* Some time's worth, and twice as many when a worker ran out of them. */
void dispatch_learn(struct dispatch *dispatch, struct member *member, uint64_t taken)
{
    if (!dispatch->adaptive || taken == 0)
        return;
    int64_t now = clock_now_ns();
    int64_t each = (now - member->received_at) / (int64_t)taken;
    member->received_at = now;
    dispatch->job_ns += (each - dispatch->job_ns) / 4;
    int64_t wanted = DEPTH_MIN + AHEAD_NS / (dispatch->job_ns > 0 ? dispatch->job_ns : 1);
    if (member->slots.held == 0 && wanted < 2 * (int64_t)dispatch->depth)
        wanted = 2 * (int64_t)dispatch->depth;
    dispatch->depth = wanted < CONTROL_SLOTS ? (unsigned)wanted : CONTROL_SLOTS;
}

void dispatch_rebalance(struct crew *crew)
{
    struct member *idle;
    const struct mp_job *job;
    while ((idle = member_freest(crew, 1)) && (job = job_take_back(crew))) {
        member_assign(crew, idle, job);
        if (can_send(crew, idle))
            member_flush(crew, idle);
    }
}
