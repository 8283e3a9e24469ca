/* The depfile: what the thumbnails were made of, in the Makefile syntax that make, ninja and CMake
 * read. It follows from the plan alone.
 *
 * Without a target there is a rule a picture, "its outputs: its input". With one, a stamp say, all
 * that was looked at is what that target depends on: the pictures, the folders that were walked,
 * and the list of paths; so a picture that is new in a folder is noticed, too. Every input has an
 * empty rule as well, or make would stop when one is gone. */
#ifndef BATCH_DEPFILE_H
#define BATCH_DEPFILE_H

#include <stddef.h>

#include "batch/plan.h"

struct depfile {
    const struct plan *plan; /* its scan has kept the folders */
    const char *target;      /* NULL: the outputs */
    const char *list;        /* file with paths, NULL none */
};

/* Whether all names can be said in that syntax. It has no way to write some characters, and make
 * and ninja do not agree on others. Returns 0; -EINVAL with the name in name[0..size);
 * -ENAMETOOLONG. */
int depfile_check(const struct depfile *depfile, char *name, size_t size);

/* Writes the file, whole or not at all: what was there stays where it fails. After depfile_check().
 * Returns 0 or -errno. */
int depfile_write(const struct depfile *depfile, const char *path);

#endif
