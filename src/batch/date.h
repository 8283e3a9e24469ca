/* The date that a page shows: now, or the one that SOURCE_DATE_EPOCH asks for.
 * Source: reproducible-builds.org, SOURCE_DATE_EPOCH specification. */
#ifndef BATCH_DATE_H
#define BATCH_DATE_H

#include <stdbool.h>
#include <time.h>

/* The time that `text`, the variable's value, asks for: seconds since 1970, digits only. Returns
 * false, and now, when it is none; NULL and "" ask for nothing. */
bool date_find(const char *text, time_t *ret);

enum { DATE_BYTES = 40 };

/* "23 November 2026, 18:40 UTC". */
void date_text(time_t when, char ret[DATE_BYTES]);

#endif
