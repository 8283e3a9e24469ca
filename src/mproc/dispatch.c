#include "mproc/dispatch.h"

#include "mproc/clock.h"
#include "mproc/member.h"

#include <errno.h>

enum {
    LONG_NS = 5000000,  /* of jobs that take so long none is sent ahead, where it is left to us */
    AHEAD_NS = 1000000, /* of shorter ones as many as make so much work */
    FDS_DEPTH = 2,      /* jobs with descriptors that a worker may hold then */
    SENT_ENOUGH = 2,    /* a worker that has so many can wait for a fuller send */
    SEND_FULL = 16,     /* which is this many frames */
};

void dispatch_init(struct dispatch *dispatch, int prefetch)
{
    unsigned fixed = prefetch > 0 ? 1 + (unsigned)prefetch : 1;
    *dispatch = (struct dispatch){.adaptive = prefetch == 0, .depth = fixed, .job_ns = LONG_NS};
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

/* Jobs that wait for a worker's attention: all but the one that it is at, and that one too while
 * its start hook runs, which may take for ever. */
static unsigned waiting_jobs(const struct member *member)
{
    unsigned held = member->slots.held;
    return held > 0 && member->greeted ? held - 1 : held;
}

/* Takes back a job that waits, from the busiest member that has such a one, for `idle`; NULL when
 * none has. A worker that is at its start hook itself only gets what waits behind another job. */
static const struct mp_job *job_take_back(struct crew *crew, const struct member *idle)
{
    unsigned below = UINT32_MAX;
    for (;;) {
        unsigned most = 0;
        for (int i = 0; i < crew->count; i++) {
            const struct member *member = &crew->members[i];
            unsigned waiting = waiting_jobs(member);
            if (waiting > most && waiting < below && (idle->greeted || member->slots.held > 1))
                most = waiting;
        }
        if (most == 0)
            return NULL;
        for (int i = 0; i < crew->count; i++) {
            struct member *member = &crew->members[i];
            bool may = idle->greeted || member->slots.held > 1;
            const struct mp_job *job =
                may && waiting_jobs(member) == most ? member_take_back(member) : NULL;
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
    bool few = dispatch->adaptive && job->fd_count > 0 && dispatch->depth > FDS_DEPTH;
    return few ? FDS_DEPTH : dispatch->depth;
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
    if (dispatch->adaptive && member->slots.held == 0)
        member->received_at = clock_now_ns(); /* from here on it is busy */
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

/* Of long jobs none is sent ahead: behind the one that runs it would wait longer than a fresh one
 * takes to be sent. Of short ones some time's worth, and twice as many when a worker ran out of
 * them. */
void dispatch_learn(struct dispatch *dispatch, struct member *member, uint64_t taken)
{
    if (!dispatch->adaptive || taken == 0)
        return;
    int64_t now = clock_now_ns();
    int64_t each = (now - member->received_at) / (int64_t)taken;
    member->received_at = now;
    dispatch->job_ns += (each - dispatch->job_ns) / 4;
    if (dispatch->job_ns >= LONG_NS) {
        dispatch->depth = 1;
        return;
    }
    int64_t wanted = 2 + AHEAD_NS / (dispatch->job_ns > 0 ? dispatch->job_ns : 1);
    if (member->slots.held == 0 && wanted < 2 * (int64_t)dispatch->depth)
        wanted = 2 * (int64_t)dispatch->depth;
    dispatch->depth = wanted < CONTROL_SLOTS ? (unsigned)wanted : CONTROL_SLOTS;
}

void dispatch_rebalance(struct crew *crew)
{
    struct member *idle;
    const struct mp_job *job;
    while ((idle = member_freest(crew, 1)) && (job = job_take_back(crew, idle))) {
        member_assign(crew, idle, job);
        if (can_send(crew, idle))
            member_flush(crew, idle);
    }
}
