/* The output folder: the only place where files are made, and never half of one.
 *
 * A file is written without a name, then linked to its own; over an existing file it is linked to a
 * temporary name and renamed, because a link never replaces. Where the file system has no unnamed
 * files, an exclusive temporary file is written and renamed. A killed process can therefore leave
 * nothing but a temporary name, and the next run sweeps those away. Folders are entered one by one
 * and links among them refused, so that nothing is ever written outside. Where a crash of the
 * machine is to cost nothing either, data are flushed before they are named, and names when
 * output_flush() is called. */
#ifndef BATCH_OUTPUT_H
#define BATCH_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct output;

/* Where an input lies, so that it is never replaced by its own thumbnail. */
struct output_guard {
    dev_t dev;
    ino_t ino;
};

enum output_written {
    OUTPUT_NEW = 0,  /* there was none of that name */
    OUTPUT_REPLACED, /* there was another */
    OUTPUT_SAME,     /* the same bytes were there already: left alone */
};

struct output_options {
    bool private; /* what is made is for this user alone: folders 0700, files 0600 */
    bool durable; /* what is made is flushed to disk: see output_flush() */
};

/* Opens the folder `path`, making it and the folders above where they are missing.
 * Returns 0, or -errno. Free with output_close(). */
int output_open(const char *path, struct output_options options, struct output **ret);
void output_close(struct output *output);

/* Says how many descriptors there are for folders that are kept open, beside one that is always;
 * unless it is called, before anything is written, there are enough. */
void output_spare(struct output *output, int descriptors);

/* Makes bytes[0..size) the file `name`, relative to the folder; folders on the way are made.
 *   guard   the input; a file that is the same as it is not replaced
 *   force   write anew even where the same bytes are there
 * Returns 0, -EEXIST (the input has that name), -EISDIR, -ELOOP (a folder on the way is a link),
 * -ENAMETOOLONG, -ENOSPC, -EDQUOT, -EROFS, -EIO, …; on failure what was there is still there.
 * After an error of output_flush() it returns that. */
int output_write(struct output *output, const char *name, const uint8_t *bytes, size_t size,
                 struct output_guard guard, bool force, enum output_written *ret);

/* Flushes to disk the names of what was made, where the output is durable; its data are there
 * already. Blocks. Returns 0 or -errno, the same ever after: then it is not known of the last
 * output_unflushed() names whether they are on disk. */
int output_flush(struct output *output);

/* The same without flushing, and how many names it is about. */
int output_unflushed(const struct output *output, size_t *ret_names);

/* Notes that the folder itself has got a name by other means, for the next output_flush(). */
void output_named(struct output *output);

/* The folder's descriptor, the output's own. */
int output_folder(const struct output *output);

enum { OUTPUT_TEMPORARY_BYTES = 64 };

/* Makes a file of a temporary name in the folder itself, to be written and read, then renamed or
 * removed. If neither comes to pass, a later run sweeps it away. Returns a descriptor, or -errno.
 */
int output_temporary(struct output *output, char name[OUTPUT_TEMPORARY_BYTES]);

/* Removes the file `name` if it is a regular one of that size, and then the folders above that it
 * leaves empty. Returns 1, 0 when there is no such file, or -errno. */
int output_remove(struct output *output, const char *name, int64_t size);

/* True for errors of output_write() after which the next file would fare no better: the disk is
 * full, or the output folder itself refuses, or is gone. (A folder inside it that refuses says
 * nothing of the others.) */
bool output_error_is_final(const struct output *output, int error);

/* What is wrong with the output folder after such an error, static. */
const char *output_final_text(const struct output *output, int error);

/* A sentence for an error of output_write(), static. */
const char *output_error_text(int error);

#endif
