/* Paths made comparable, and the way from one folder to another. */
#ifndef BATCH_WAY_H
#define BATCH_WAY_H

#include <limits.h>
#include <stdbool.h>

/* Puts the absolute path of a folder, without links as far as it exists, and without "." and "..",
 * into ret. Nothing is made. Returns 0, or -errno. */
int way_folder(const char *path, char ret[PATH_MAX]);

/* The same of a file, whose own name stays as it is: it may be a link that is to be replaced. */
int way_file(const char *path, char ret[PATH_MAX]);

/* True when both cannot be files: they are one, but for case perhaps, or one would lie below the
 * other. For paths from way_file() and way_folder(). */
bool way_clashes(const char *a, const char *b);

/* Puts the path from folder `from` to folder `to`, which ends with a slash, into ret: "" when they
 * are one, "../thumbs/"; or the absolute path where they have nothing but the root in common. Both
 * are absolute. Returns 0, or -ENAMETOOLONG. */
int way_between(const char *from, const char *to, char ret[PATH_MAX]);

#endif
