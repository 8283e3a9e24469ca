#include "mproc/slots.h"

unsigned slots_add(struct slots *slots, const struct mp_job *job, uint64_t seq)
{
    unsigned slot = 0;
    while (slots->all[slot].job)
        slot++;
    slots->all[slot] = (struct assignment){.job = job, .seq = seq};
    slots->held++;
    control_set(slots->control, slot, seq, CONTROL_QUEUED);
    return slot;
}

const struct mp_job *slots_remove(struct slots *slots, unsigned slot)
{
    const struct mp_job *job = slots->all[slot].job;
    slots->all[slot].job = NULL;
    slots->held--;
    return job;
}

int slots_find(const struct slots *slots, const struct mp_job *job)
{
    for (int slot = 0; slot < CONTROL_SLOTS; slot++)
        if (slots->all[slot].job == job)
            return slot;
    return -1;
}

int slots_newest(const struct slots *slots, uint64_t below)
{
    int newest = -1;
    for (int i = 0; i < CONTROL_SLOTS; i++)
        if (slots->all[i].job && slots->all[i].seq < below &&
            (newest < 0 || slots->all[i].seq > slots->all[newest].seq))
            newest = i;
    return newest;
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

void slots_condemn(struct slots *slots)
{
    for (unsigned slot = 0; slot < CONTROL_SLOTS; slot++)
        if (slots->all[slot].job && !slots_revoke(slots, slot))
            control_move(slots->control, slot, slots->all[slot].seq, CONTROL_RUNNING,
                         CONTROL_KILLED);
}
