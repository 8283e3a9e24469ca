/* Which worker gets which job: to the one that holds the fewest, a few of them ahead, many frames
 * in one send, and from the busy back to the idle. */
#ifndef MPROC_DISPATCH_H
#define MPROC_DISPATCH_H

#include "mproc/crew.h"

struct dispatch {
    bool adaptive;  /* depth follows the jobs' measured time */
    unsigned depth; /* jobs that one worker may hold */
    int64_t job_ns; /* what a job takes, as seen from here */
};

/* `prefetch` as in struct mp_executor_options. */
void dispatch_init(struct dispatch *dispatch, int prefetch);

/* Gives a job to a worker; its frame may wait for a fuller send. Returns 0, or -EAGAIN when all
 * have enough. */
int dispatch_job(const struct dispatch *dispatch, struct crew *crew, const struct mp_job *job);

/* Sends what was held back for a member that has little to do otherwise. */
void dispatch_urge(struct crew *crew, struct member *member);

/* Sends what was held back, for all. */
void dispatch_flush(struct crew *crew);

/* Gives idle workers the jobs that wait behind another's, so that a long one traps none. */
void dispatch_rebalance(struct crew *crew);

/* Learns from `taken` results of one visit how many jobs should be sent ahead. */
void dispatch_learn(struct dispatch *dispatch, struct member *member, uint64_t taken);

#endif
