/* The deadlines of jobs, by the parent's own clock and stamps: a job's time begins when the parent
 * sees it become the one that its worker runs or runs next, which is never too early. Only the job
 * whose time is up is killed: one word of the control page decides. */
#ifndef MPROC_OVERDUE_H
#define MPROC_OVERDUE_H

#include "mproc/crew.h"

/* Looks at the member's clock: stamps a new head, and kills one that has run too long. To be called
 * after the member's results have been taken. Returns when to look again (clock_deadline()), or
 * INT64_MAX. */
int64_t overdue_look(struct crew *crew, struct member *member);

#endif
