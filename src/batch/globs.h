/* Shell patterns that names are held against. */
#ifndef BATCH_GLOBS_H
#define BATCH_GLOBS_H

#include <stdbool.h>
#include <stddef.h>

struct globs {
    const char **patterns; /* each borrowed; the array is owned */
    size_t count;
};

/* Adds a pattern, which must outlive the globs. Returns 0, or -ENOMEM. */
int globs_add(struct globs *globs, const char *pattern);
void globs_done(struct globs *globs);

/* True when one of them fits. A pattern with a slash is held against the whole of `path`, which is
 * relative to the folder that was named, and its * matches slashes too; one without a slash against
 * the last part. Case does not matter: cameras write IMG_1.JPG. */
bool globs_match(const struct globs *globs, const char *path);

#endif
