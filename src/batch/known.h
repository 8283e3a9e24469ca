/* What earlier runs have found out of a picture, and what this one leaves to later ones: by the
 * manifest, or by what is in the desktop's cache. */
#ifndef BATCH_KNOWN_H
#define BATCH_KNOWN_H

#include "batch/flight.h"

/* Looks whether the picture is to be made at all. Returns false when that was the end of it: it has
 * been told. */
bool known_judge(struct run *run, struct picture *picture);

/* Remembers what the run's record says of it. */
void known_note(struct run *run, const struct picture *picture,
                struct image_fingerprint fingerprint);

/* The file has another time, or another place, and the same content: it is noted with these, and
 * told. */
void known_unchanged(struct run *run, const struct picture *picture);

/* True for failures that come again as long as the file stays what it is. */
bool known_is_lasting(const struct picture *picture, enum image_code code);

#endif
