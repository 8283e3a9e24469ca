#include "mproc/overdue.h"

#include "mproc/chunk.h"
#include "mproc/clock.h"
#include "mproc/member.h"

enum { STUCK_MS = 1000 }; /* beyond its deadline, for a job that does not begin or does not come */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Starts the clock of a new head, and of a chunk's next element. */
static void head_stamp(struct member *member, unsigned slot, int64_t now)
{
    const struct assignment *assignment = &member->slots.all[slot];
    uint32_t count = slots_progress(&member->slots, slot);
    if (member->head.seq != assignment->seq || member->head.count != count || !member->greeted)
        member->head = (struct head){.seq = assignment->seq, .since = now, .count = count};
}

/* Ends a job whose time is up. */
static void head_end(struct crew *crew, struct member *member, unsigned slot, int64_t over_ms)
{
    enum control_state state = slots_state(&member->slots, slot);
    if (state == CONTROL_RUNNING) {
        member_kill_job(crew, member, slot, MP_EDEADLINE, member->head.count);
        return;
    }
    /* Queued: the worker is stopped, or has no CPU. Finished: the result does not come. Neither is
     * overdue before some more time has gone. */
    if (over_ms >= STUCK_MS)
        member_condemn(crew, member, 0);
}

int64_t overdue_look(struct crew *crew, struct member *member)
{
    int slot = member->phase == PHASE_WORKING ? slots_oldest(&member->slots) : -1;
    if (slot < 0) {
        member->head = (struct head){0};
        return INT64_MAX;
    }
    const struct mp_job *job = member->slots.all[slot].job;
    int64_t now = clock_now_ms();
    head_stamp(member, (unsigned)slot, now);
    if (job->deadline_ms <= 0 || !member->greeted)
        return INT64_MAX;
    int64_t due = member->head.since + job->deadline_ms;
    if (now >= due) {
        head_end(crew, member, (unsigned)slot, now - due);
        return now + 1;
    }
    /* The elements of a chunk are known only by looking. */
    return job->fn == chunk_task ? sooner(due, now + 1 + job->deadline_ms / 4) : due;
}
