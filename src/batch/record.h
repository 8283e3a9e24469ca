/* What became of one picture, as all who listen are told, and counted. */
#ifndef BATCH_RECORD_H
#define BATCH_RECORD_H

#include "batch/flight.h"

/* Begins the run's record with what is known of the picture. */
void record_begin(struct run *run, const struct picture *picture);

/* Counts and tells it. */
void record_tell(struct run *run, enum run_status status);

/* Tells that it has failed: a code of the report, and a sentence. Both are borrowed. */
void record_fail(struct run *run, const char *code, const char *message);

#endif
