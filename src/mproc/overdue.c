#include "mproc/overdue.h"

#include "mproc/chunk.h"
#include "mproc/clock.h"
#include "mproc/member.h"

enum {
    STUCK_MS = 1000,    /* beyond its deadline, for a job that does not begin or does not come */
    STUCK_LOOK_MS = 10, /* how often such a one is looked at */
    START_LOOK_MS = 50, /* and a worker that has not begun */
};

static bool is_chunk(const struct mp_job *job)
{
    return job->fn == chunk_task;
}

/* True when the worker has got on with a chunk. It may say anything: but only forwards, and not
 * beyond the end. */
static bool has_got_on(const struct head *head, const struct mp_job *job, uint32_t count)
{
    struct chunk_cursor elements;
    return is_chunk(job) && count > head->count &&
           count <= chunk_open(job->arg, job->arg_size, &elements).count;
}

/* Starts the clock of a new head, and of a chunk's next element. */
static void head_stamp(struct member *member, unsigned slot, int64_t now)
{
    const struct assignment *assignment = &member->slots.all[slot];
    uint32_t count = slots_progress(&member->slots, slot);
    bool is_new = member->head.seq != assignment->seq;
    if (is_new || has_got_on(&member->head, assignment->job, count))
        member->head = (struct head){
            .seq = assignment->seq, .since = now, .count = is_chunk(assignment->job) ? count : 0};
}

/* True when the head has been found stuck for so long that it stays so. */
static bool is_stuck_for_good(struct member *member, int64_t now)
{
    if (member->head.stuck == 0)
        member->head.stuck = now;
    return now - member->head.stuck >= STUCK_MS;
}

/* Ends a job whose time is up by `over_ms`. Returns when to look again. */
static int64_t head_end(struct crew *crew, struct member *member, unsigned slot, int64_t over_ms)
{
    int64_t now = clock_now_ms();
    /* All were stopped and went on, by the terminal's keys say. How long that was is not known: the
     * job's time begins anew. This process may have been the first to go on. */
    if (process_was_continued(&member->process)) {
        member->head.since = now;
        member->head.stuck = 0;
        return now + 1;
    }
    bool runs = slots_state(&member->slots, slot) == CONTROL_RUNNING;
    if (runs && process_is_stopped(&member->process) && !is_stuck_for_good(member, now))
        return now + STUCK_LOOK_MS;
    if (runs) {
        /* Of a chunk only the element that is overdue; but one that keeps ending in this very
         * moment is a lie. */
        bool one = is_chunk(member->slots.all[slot].job) && over_ms < 2 * STUCK_MS;
        member_kill_job(crew, member, slot, MP_EDEADLINE, one ? (int64_t)member->head.count : -1);
        return now + 1;
    }
    /* Queued: the worker is stopped, or has no CPU. Finished: the result does not come, or has not
     * been looked at, for the caller was away. So neither is at its end before it has been seen
     * like this for some time. */
    if (is_stuck_for_good(member, now)) {
        member->kill_code = MP_EDEADLINE;
        member_condemn(crew, member, 0);
    }
    return now + STUCK_LOOK_MS;
}

/* A start hook may take as long as it likes, but one that is stopped will never end. Returns when
 * to look again. */
static int64_t start_look(struct crew *crew, struct member *member, int64_t now)
{
    int64_t stuck = member->head.stuck;
    bool stopped = process_is_stopped(&member->process);
    member->head = (struct head){.stuck = stopped ? stuck : 0};
    if (stopped && is_stuck_for_good(member, now))
        member_condemn(crew, member, 0);
    return now + START_LOOK_MS;
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
    if (!member->greeted)
        return job->deadline_ms > 0 ? start_look(crew, member, now) : INT64_MAX;
    head_stamp(member, (unsigned)slot, now);
    if (job->deadline_ms <= 0)
        return INT64_MAX;
    int64_t due = member->head.since + job->deadline_ms;
    if (now >= due)
        return head_end(crew, member, (unsigned)slot, now - due);
    /* The elements of a chunk are known only by looking. */
    return is_chunk(job) ? clock_sooner(due, now + 1 + job->deadline_ms / 4) : due;
}
