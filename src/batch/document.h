/* A file that the user named and that is written after the work: whole, or not at all. It is opened
 * before the work, so that a wrong name does not cost the wait. */
#ifndef BATCH_DOCUMENT_H
#define BATCH_DOCUMENT_H

#include <stdio.h>

#include "batch/output.h"

struct document {
    const char *path;      /* as it was named; "-" is standard output; borrowed */
    const char *name;      /* the part of it that is the file's own */
    struct output *output; /* its folder; NULL for what is written as it comes: no regular file */
};

/* Prints it; what could not be written is known to ferror(). */
typedef void document_fn(const void *user, FILE *file);

/* Looks whether the file can be made; the folder is made where it is missing. Returns 0, or
 * -errno. Close it either way. */
int document_open(struct document *ret, const char *path);

/* Makes an unnamed file in its folder, to be written and read. Returns a descriptor, or -errno;
 * -ESPIPE when it is not a regular file. */
int document_scratch(const struct document *document);

/* Writes it; what stood there before is replaced. Returns 0, or -errno. */
int document_write(const struct document *document, document_fn *write, const void *user);

/* Takes a zeroed one. */
void document_close(struct document *document);

#endif
