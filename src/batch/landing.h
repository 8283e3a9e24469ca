/* Taking back: what a worker says is checked, written, noted and told. */
#ifndef BATCH_LANDING_H
#define BATCH_LANDING_H

#include "batch/flight.h"

/* Deals with all pictures under way that have settled. */
void landing_all(struct run *run);

/* Frees what a picture holds: its future, and its file. */
void landing_drop(struct picture *picture);

#endif
