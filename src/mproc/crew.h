/* What the parent knows of its workers: one `member` for each, and what they share, the `crew`.
 *
 * A member is a place that outlives the processes which fill it one after another. Its life is in
 * member.c, what becomes of its jobs in verdict.c, its time limits in overdue.c. */
#ifndef MPROC_CREW_H
#define MPROC_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "mproc/channel.h"
#include "mproc/mproc.h"
#include "mproc/process.h"
#include "mproc/slots.h"
#include "mproc/tail.h"
#include "mproc/wire.h"

/* The members, and what they share. */
struct crew {
    struct member *members;             /* owned */
    int count;                          /* of them; those from width on are on their way out */
    int width;                          /* workers wanted */
    struct mp_executor_options options; /* as completed by the executor */
    int epoll_fd;                       /* where members are watched */
    uint64_t last_seq;                  /* assignment numbers are never used twice */
    int hook_failures;                  /* start hooks in a row that failed */
    int early_deaths;                   /* workers in a row that died before they greeted */
    int fd_losses;                      /* workers in a row that left for lost descriptors */
    int64_t send_after;                 /* a channel was refused descriptors: try then; 0 none */
    bool has_new_chore;                 /* something is due that no timer has been set for */
    bool deadlines;                     /* some job has one */
    unsigned char *scratch;             /* a copy of a dead worker's journal; owned */
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

/* The clock of the job that a member runs or runs next. */
struct head {
    uint64_t seq;   /* its assignment; 0 none */
    int64_t since;  /* when it became the head, or its last element did; ms */
    uint32_t count; /* elements of it that were done by then */
    int64_t stuck;  /* when it was found overdue and not running; 0 not */
};

struct member {
    int number; /* of the worker */
    enum phase phase;
    bool greeted;    /* its start hook has succeeded */
    bool retiring;   /* gets no more jobs, and leaves when it holds none */
    int kill_code;   /* why its job was killed: MP_EKILLED or MP_EDEADLINE */
    int64_t kill_at; /* while condemned or retired: when it is killed, should it live still */
    struct process process;
    struct channel channel;    /* jobs down */
    bool channel_watched;      /* for room to send */
    int refusals;              /* sends in a row that the kernel refused */
    int result_fd;             /* results up, non-blocking; -1 once they are over */
    struct wire_reader reader; /* of results */
    struct tail tail;          /* what it wrote on stderr, where that is kept */
    struct slots slots;        /* the jobs that it holds, and the page; owned */
    uint64_t done;             /* jobs that this process has done */
    int64_t weighed_at;        /* when its memory was looked at last, ms */
    int64_t received_at;       /* when results came last, ns */
    struct head head;
};

#endif
