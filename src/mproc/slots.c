#include "mproc/slots.h"

#include <stddef.h>

unsigned slots_add(struct slots *slots, const struct mp_job *job, uint64_t seq)
{
    unsigned slot = (unsigned)__builtin_ctzll(~slots->used);
    slots->all[slot] = (struct assignment){.job = job, .seq = seq};
    slots->used |= UINT64_C(1) << slot;
    slots->held++;
    control_set(slots->control, slot, seq, CONTROL_QUEUED);
    return slot;
}

const struct mp_job *slots_remove(struct slots *slots, unsigned slot)
{
    const struct mp_job *job = slots->all[slot].job;
    slots->all[slot].job = NULL;
    slots->used &= ~(UINT64_C(1) << slot);
    slots->held--;
    return job;
}

int slots_find(const struct slots *slots, const struct mp_job *job)
{
    for (uint64_t used = slots->used; used; used &= used - 1)
        if (slots->all[__builtin_ctzll(used)].job == job)
            return __builtin_ctzll(used);
    return -1;
}

int slots_newest(const struct slots *slots, uint64_t below)
{
    int newest = -1;
    for (uint64_t used = slots->used; used; used &= used - 1) {
        int slot = __builtin_ctzll(used);
        uint64_t seq = slots->all[slot].seq;
        if (seq < below && (newest < 0 || seq > slots->all[newest].seq))
            newest = slot;
    }
    return newest;
}

int slots_oldest(const struct slots *slots)
{
    int oldest = -1;
    for (uint64_t used = slots->used; used; used &= used - 1) {
        int slot = __builtin_ctzll(used);
        if (oldest < 0 || slots->all[slot].seq < slots->all[oldest].seq)
            oldest = slot;
    }
    return oldest;
}

enum control_state slots_state(const struct slots *slots, unsigned slot)
{
    return control_state_of(slots->control, slot, slots->all[slot].seq);
}

bool slots_state_is_finished(enum control_state state)
{
    return state == CONTROL_SENDING || state == CONTROL_DONE;
}

bool slots_revoke(struct slots *slots, unsigned slot)
{
    return control_move(slots->control, slot, slots->all[slot].seq, CONTROL_QUEUED,
                        CONTROL_REVOKED);
}

/* Stops the journal of an assignment where it is. Returns false when it moved on meanwhile. */
static bool journal_freeze(struct slots *slots, uint64_t seq, int64_t count)
{
    struct control_progress now = control_progress_of(slots->control);
    if (!control_progress_is_of(now, seq))
        return count < 0; /* a worker that plays by the rules has it there */
    struct control_progress frozen = now;
    frozen.frozen = true;
    return (count < 0 || now.count == (uint64_t)count) &&
           control_progress_move(slots->control, now, frozen);
}

bool slots_kill(struct slots *slots, unsigned slot, int64_t count)
{
    enum { ATTEMPTS = 3 }; /* for an element may end in this very moment */
    uint64_t seq = slots->all[slot].seq;
    if (slots_state(slots, slot) != CONTROL_RUNNING)
        return false;
    bool frozen = false;
    for (int i = 0; i < ATTEMPTS && !frozen && (i == 0 || count < 0); i++)
        frozen = journal_freeze(slots, seq, count);
    return (frozen || count < 0) &&
           control_move(slots->control, slot, seq, CONTROL_RUNNING, CONTROL_KILLED);
}

uint32_t slots_progress(const struct slots *slots, unsigned slot)
{
    struct control_progress progress = control_progress_of(slots->control);
    return control_progress_is_of(progress, slots->all[slot].seq) ? progress.count : 0;
}

uint32_t slots_journal(const struct slots *slots, unsigned slot, const unsigned char **ret)
{
    struct control_progress progress = control_progress_of(slots->control);
    *ret = slots->control->journal;
    if (!control_progress_is_of(progress, slots->all[slot].seq))
        return 0;
    return progress.size < CONTROL_JOURNAL_BYTES ? progress.size : CONTROL_JOURNAL_BYTES;
}

void slots_condemn(struct slots *slots)
{
    for (uint64_t used = slots->used; used; used &= used - 1) {
        unsigned slot = (unsigned)__builtin_ctzll(used);
        if (!slots_revoke(slots, slot))
            slots_kill(slots, slot, -1);
    }
}
