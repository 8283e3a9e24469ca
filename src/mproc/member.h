/* The life of one worker as the parent sees it: forked, watched, given jobs, asked to leave or
 * killed, buried, and forked again. */
#ifndef MPROC_MEMBER_H
#define MPROC_MEMBER_H

#include "mproc/crew.h"

/* What an event is about; its data is member number << 8 | this. */
enum watched { WATCH_RESULTS, WATCH_ROOM, WATCH_DEATH, WATCH_STDERR };

void member_init(struct member *member, int number);

/* Forks the member's process. Returns 0, or -errno with the member absent. */
int member_start(struct crew *crew, struct member *member);

/* True when it may be given one more job. */
bool member_takes_jobs(const struct crew *crew, const struct member *member);

/* Gives it a job; it must hold fewer than CONTROL_SLOTS. The frame goes with the next flush. */
void member_assign(struct crew *crew, struct member *member, const struct mp_job *job);

/* Jobs that have been sent to it and are not settled. */
unsigned member_sent(const struct member *member);

/* Takes back a job that has not begun. Returns false when it has. */
bool member_revoke(struct member *member, const struct mp_job *job);

/* Takes back the newest of its jobs that can be. Returns NULL when none can. */
const struct mp_job *member_take_back(struct member *member);

/* Sends what waits, as far as there is room. Tells no outcome. */
void member_flush(struct crew *crew, struct member *member);

/* The same, and fails the jobs whose descriptors cannot be sent. */
void member_flush_again(struct crew *crew, struct member *member);

/* Takes the results that have come, and buries the member when they are over. */
void member_receive(struct crew *crew, struct member *member);

/* Takes what it wrote on stderr. */
void member_listen(struct crew *crew, struct member *member);

/* Buries the member if its process is gone: takes its last results, then settles what it held. */
void member_check(struct crew *crew, struct member *member);

/* Kills the member if its time is up. */
void member_expire(struct crew *crew, struct member *member);

/* Kills it for the sake of the job in `slot`, which fails with `code` once it is buried; the others
 * are returned. With `count` 0 or more, only while so many elements of the job are done. Returns
 * false when the job does not run or has got further: nothing was done. */
bool member_kill_job(struct crew *crew, struct member *member, unsigned slot, int code,
                     int64_t count);

/* Gives it no more jobs, and lets it leave once it holds none. What it has not begun is returned.
 */
void member_retire(struct crew *crew, struct member *member);

/* Lets it finish what it has received and leave; jobs not sent whole are lost, so there must be
 * none. */
void member_dismiss(struct crew *crew, struct member *member);

/* Kills it: running jobs settle as killed, the others are returned, once it is buried. */
void member_kill(struct crew *crew, struct member *member);

/* Gives up a worker that cannot be talked to. It is killed should it not be gone after `grace_ms`.
 */
void member_condemn(struct crew *crew, struct member *member, int grace_ms);

#endif
