/* What becomes of a job that a member holds: said by a frame of its worker, or, when the worker is
 * gone, by the word in the slot. Each job has exactly one verdict.
 *
 * What the worker writes is believed only as far as it is about that worker's own jobs. */
#ifndef MPROC_VERDICT_H
#define MPROC_VERDICT_H

#include "mproc/crew.h"

/* Frees the slot and tells what became of its job. */
void verdict_tell(struct crew *crew, struct member *member, unsigned slot,
                  struct mp_outcome *outcome);

/* Takes the result that a frame brings. Returns 0, or -EPROTO when there is no such job to have a
 * result, or it runs still. */
int verdict_from_frame(struct crew *crew, struct member *member, const struct wire_header *header,
                       const uint8_t *payload);

/* Decides about a job whose worker is gone without having sent a whole result for it. Only a job
 * that ran is blamed; one that had not begun is returned. */
void verdict_from_death(struct crew *crew, struct member *member, unsigned slot);

/* The largest payload of a result. */
size_t verdict_size_max(const struct crew *crew);

#endif
