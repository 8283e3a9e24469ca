/* Figures and names as people read them; columns that hold what is not ASCII, too. */
#ifndef BATCH_TEXT_H
#define BATCH_TEXT_H

#include <stddef.h>
#include <stdio.h>

enum { TEXT_MAX = 400 }; /* bytes of a sentence */

/* "4.2 µs", "221 ms", "1.35 s": three digits and a unit that suits. */
void text_seconds(double seconds, char *text, size_t size);

/* "640 B", "1.4 MB", in powers of 1000. */
void text_bytes(double bytes, char *text, size_t size);

/* Columns that a terminal gives to the text: its characters of UTF-8. */
size_t text_columns(const char *text);

/* Writes the text right- or (width below 0) left-aligned in so many columns. */
void text_put(FILE *file, const char *text, int width);

/* The unit in which a time of this size is best written, and its factor: "ms" and 1000. */
const char *text_unit(double seconds, double *ret_factor);

#endif
