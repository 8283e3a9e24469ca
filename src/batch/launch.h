/* Handing out: pictures are judged, opened, described and submitted. */
#ifndef BATCH_LAUNCH_H
#define BATCH_LAUNCH_H

#include "batch/flight.h"

/* Hands out pictures until the engines have enough, or there are no more. */
void launch_all(struct run *run);

/* Another attempt with the file opened afresh, which may have become another kind's and so another
 * engine's. Returns false when that was the end of it: it has been told. */
bool launch_again(struct run *run, struct picture *picture);

#endif
