/* One worker as the parent sees it: its process, its two channels, its control page and the jobs
 * that it holds. A member is a place that outlives the processes which fill it one after another.
 *
 * What the worker writes is believed only as far as it is about that worker's own jobs. */
#ifndef MPROC_MEMBER_H
#define MPROC_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "mproc/channel.h"
#include "mproc/mproc.h"
#include "mproc/process.h"
#include "mproc/slots.h"
#include "mproc/wire.h"

/* What the members of one set share. */
struct crew {
    struct mp_executor_options options; /* result_max, hooks, name */
    int epoll_fd;                       /* where members are watched */
    uint64_t last_seq;                  /* assignment numbers are never used twice */
    int hook_failures;                  /* start hooks in a row that failed */
    int fd_losses;                      /* workers in a row that left for lost descriptors */
    int64_t send_after;                 /* a channel was refused descriptors: try then; 0 none */
    struct mp_backend_stats stats;
    mp_settle_fn *settle; /* where outcomes are told */
    void *settle_user;
};

enum phase {
    PHASE_ABSENT = 0, /* no process */
    PHASE_WORKING,    /* takes jobs, also while its start hook runs */
    PHASE_LEAVING,    /* asked to leave, or killed by shutdown */
    PHASE_CONDEMNED,  /* cannot be talked to: dying, or to be killed */
};

struct member {
    int number; /* of the worker */
    enum phase phase;
    bool greeted;    /* its start hook has succeeded */
    int64_t kill_at; /* while condemned: when it is killed, should it live still */
    struct process process;
    struct channel channel;    /* jobs down */
    bool channel_watched;      /* for room to send */
    int result_fd;             /* results up, non-blocking; -1 once they are over */
    struct wire_reader reader; /* of results */
    struct slots slots;        /* the jobs that it holds, and the page; owned */
};

/* What an event is about; its data is member number << 8 | this. */
enum watched { WATCH_RESULTS, WATCH_ROOM, WATCH_DEATH };

void member_init(struct member *member, int number);

/* Forks the member's process. Returns 0, or -errno with the member absent. */
int member_start(struct crew *crew, struct member *member);

/* True when it may be given jobs. */
bool member_takes_jobs(const struct member *member);

/* Gives it a job; it must hold fewer than CONTROL_SLOTS. */
void member_assign(struct crew *crew, struct member *member, const struct mp_job *job);

/* Takes back a job that has not begun. Returns false when it has. */
bool member_revoke(struct member *member, const struct mp_job *job);

/* Takes back the newest of its jobs that can be. Returns NULL when none can. */
const struct mp_job *member_take_back(struct member *member);

/* Sends what waits for room. Tells no outcome. */
void member_flush(struct crew *crew, struct member *member);

/* The same, and fails the jobs whose descriptors cannot be sent. */
void member_flush_again(struct crew *crew, struct member *member);

/* Takes the results that have come, and buries the member when they are over. */
void member_receive(struct crew *crew, struct member *member);

/* Buries the member if its process is gone: takes its last results, then settles what it held. Only
 * the job that ran is blamed; those that had not begun are returned. */
void member_check(struct crew *crew, struct member *member);

/* Kills the member if it is condemned and its time is up. */
void member_expire(struct crew *crew, struct member *member);

/* Lets it finish what it has received and leave; jobs not sent whole are lost, so there must be
 * none. */
void member_dismiss(struct crew *crew, struct member *member);

/* Kills it: running jobs settle as killed, the others are returned, once it is buried. */
void member_kill(struct crew *crew, struct member *member);

#endif
