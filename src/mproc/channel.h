/* The parent's end of a worker's job channel: frames that wait until the socket takes them.
 *
 * A stream socket pair, so that a frame may carry descriptors; they travel with its first bytes,
 * and such a frame is sent by itself, so that it alone is to blame if the kernel refuses them. All
 * others go many at a time. Nothing here blocks. A frame's job is borrowed until its last byte has
 * gone. One that is taken back before, and that the worker therefore must not look at, is completed
 * with zeroes, since the frames behind it cannot be read otherwise. */
#ifndef MPROC_CHANNEL_H
#define MPROC_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "mproc/control.h"
#include "mproc/mproc.h"
#include "mproc/wire.h"

enum { CHANNEL_FRAMES = CONTROL_SLOTS + 1 }; /* one for each slot, and one that is abandoned */

struct channel_frame {
    struct wire_header header;
    const struct mp_job *job; /* argument and descriptors; borrowed; NULL: abandoned half sent */
};

struct channel {
    int fd;                                     /* the parent's socket; -1 when closed */
    struct channel_frame queue[CHANNEL_FRAMES]; /* a ring of frames not sent whole */
    unsigned first;                             /* the oldest */
    unsigned count;                             /* of them */
    size_t sent;                                /* bytes of the oldest that have gone */
};

enum channel_progress {
    CHANNEL_EMPTY = 0, /* everything has gone */
    CHANNEL_FULL,      /* the socket takes no more: wait for room */
    CHANNEL_REFUSED,   /* too many descriptors on the way in this system: try again later */
};

/* Makes the socket pair; the child's end goes to ret_child_fd. Returns 0, or -errno. */
int channel_init(struct channel *channel, int *ret_child_fd);

/* Closes the parent's end, which is how a worker learns that there are no more jobs. Takes one
 * that is closed already. */
void channel_done(struct channel *channel);

/* Adds a frame; there are never more than CONTROL_SLOTS whose job is not abandoned. */
void channel_put(struct channel *channel, const struct wire_header *header,
                 const struct mp_job *job);

/* Sends what it can. Returns enum channel_progress; -EPIPE or -ECONNRESET when nobody reads any
 * more; another -errno when the kernel does not take the oldest frame's descriptors, whose frame
 * stays and can be withdrawn. */
int channel_flush(struct channel *channel);

/* The job whose frame goes next, NULL when there is none, or that is abandoned. */
const struct mp_job *channel_oldest(const struct channel *channel);

/* True while some of the job's frame has not gone. */
bool channel_holds(const struct channel *channel, const struct mp_job *job);

/* Takes back the job's frame if none of it has gone. Returns true when it did. */
bool channel_withdraw(struct channel *channel, const struct mp_job *job);

/* Lets go of a job whose frame has gone in part, if there is one. */
void channel_abandon(struct channel *channel, const struct mp_job *job);

/* Jobs whose frames have not gone whole. */
unsigned channel_waiting(const struct channel *channel);

#endif
