#include "mproc/verdict.h"

#include "mproc/chunk.h"
#include "mproc/task.h"
#include "mproc/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    FD_LOSSES_MAX = 5
}; /* so many workers in a row lose descriptors before a job fails for it */

void verdict_tell(struct crew *crew, struct member *member, unsigned slot,
                  struct mp_outcome *outcome)
{
    const struct mp_job *job = slots_remove(&member->slots, slot);
    outcome->worker = member->number;
    outcome->pid = member->process.pid;
    if (outcome->code != 0 && outcome->code != MP_ERETURNED && member->tail.bytes) {
        (void)tail_drain(&member->tail);
        outcome->log = member->tail.bytes;
        outcome->log_size = member->tail.size;
    }
    crew->settle(crew->settle_user, job, outcome);
    if (outcome->code != MP_ERETURNED)
        tail_clear(&member->tail);
}

size_t verdict_size_max(const struct crew *crew)
{
    return chunk_result_max(crew->options.result_max);
}

/* True when the job may have a result of this size. */
static bool size_is_allowed(const struct crew *crew, const struct mp_job *job, uint64_t size)
{
    return size <= (job->fn == chunk_task ? verdict_size_max(crew) : crew->options.result_max);
}

int verdict_from_frame(struct crew *crew, struct member *member, const struct wire_header *header,
                       const uint8_t *payload)
{
    const struct assignment *assignment = &member->slots.all[header->slot];
    /* The slot must not be used again before the worker has left it. */
    if (!assignment->job || assignment->seq != header->seq ||
        channel_holds(&member->channel, assignment->job) ||
        !slots_state_is_finished(slots_state(&member->slots, header->slot)))
        return -EPROTO;
    if (header->kind == WIRE_RESULT && !size_is_allowed(crew, assignment->job, header->size))
        return -EPROTO;
    struct mp_outcome outcome = {.data = payload, .size = (size_t)header->size};
    char text[TASK_MESSAGE_BYTES];
    if (header->kind == WIRE_FAILURE) {
        size_t size = header->size < sizeof text ? (size_t)header->size : sizeof text - 1;
        memcpy(text, payload, size);
        text[size] = '\0';
        outcome = (struct mp_outcome){.code = MP_ETASK, .status = header->status, .message = text};
    }
    crew->fd_losses = 0;
    member->done++;
    verdict_tell(crew, member, header->slot, &outcome);
    return 0;
}

/* Adds the elements of a chunk that were done. The page may be written to still, by what the worker
 * itself has forked: so a copy. */
static void add_journal(struct crew *crew, struct member *member, unsigned slot,
                        struct mp_outcome *outcome)
{
    const unsigned char *journal;
    if (member->slots.all[slot].job->fn != chunk_task)
        return;
    outcome->size = slots_journal(&member->slots, slot, &journal);
    outcome->data = memcpy(crew->scratch, journal, outcome->size);
}

/* What the killing of a job looks like: its own code, for a deadline or on request. */
static void killed_describe(const struct member *member, const struct mp_job *job, int code,
                            struct mp_outcome *ret, char *text, size_t size)
{
    snprintf(text, size, "%s", mp_strerror(code));
    if (code == MP_EDEADLINE)
        snprintf(text, size, "killed, for it ran longer than its deadline of %d ms",
                 job->deadline_ms);
    *ret = (struct mp_outcome){.code = code, .status = member->process.exit_code, .message = text};
}

/* How likely it is that a job that says that it never began has ended its worker: not at all while
 * there was another before it, or the worker had not greeted. One that ended itself, or did nothing
 * until its deadline, has three attempts; one that was killed may well have been so from outside.
 * Lost descriptors have a count of their own. */
static int suspicion_of(const struct member *member)
{
    enum { ITSELF = 34, KILLED = 1 };
    if (!member->greeted || member->slots.held > 1 || member->phase == PHASE_LEAVING ||
        member->process.exit_code == WORKER_EXIT_FDS)
        return 0;
    bool itself = process_ended_itself(&member->process) || member->kill_code == MP_EDEADLINE;
    return itself ? ITSELF : KILLED;
}

void verdict_from_death(struct crew *crew, struct member *member, unsigned slot)
{
    enum control_state state = slots_state(&member->slots, slot);
    const struct mp_job *job = member->slots.all[slot].job;
    struct mp_outcome outcome = {.code = MP_ERETURNED};
    char text[80];
    bool finished = slots_state_is_finished(state), leaving = member->phase == PHASE_LEAVING;
    /* Killed is what we wrote there; a worker that did so itself has crashed. */
    bool killed = state == CONTROL_KILLED && (member->kill_code != 0 || leaving);
    if (killed || (finished && leaving)) {
        int code = killed && member->kill_code != 0 ? member->kill_code : MP_EKILLED;
        killed_describe(member, job, code, &outcome, text, sizeof text);
    } else if (state != CONTROL_QUEUED && state != CONTROL_REVOKED) {
        process_end_describe(&member->process, text, sizeof text);
        outcome = (struct mp_outcome){
            .code = MP_ECRASH, .status = member->process.exit_code, .message = text};
    } else if (job->fd_count > 0 && crew->fd_losses >= FD_LOSSES_MAX) {
        crew->fd_losses = 0;
        outcome.code = -EMFILE;
        outcome.message = "no worker could take the job's descriptors";
    }
    outcome.lost_result = finished;
    outcome.suspicion = outcome.code == MP_ERETURNED ? suspicion_of(member) : 0;
    if (state != CONTROL_QUEUED && state != CONTROL_REVOKED)
        add_journal(crew, member, slot, &outcome);
    verdict_tell(crew, member, slot, &outcome);
}
