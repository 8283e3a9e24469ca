/* What is to outlive a crash of the machine.
 *
 * Data are flushed to disk before their file gets a name, so that no name ever stands for less than
 * the whole; then the folders that have new names in them, a folder once for many names. After an
 * error of flushing nobody knows what is on disk, and the kernel forgets it once it has been told:
 * the first one is kept for good. */
#ifndef BATCH_DURABLE_H
#define BATCH_DURABLE_H

#include <stddef.h>
#include <sys/types.h>

enum { DURABLE_FOLDERS = 64 }; /* to be flushed; then they are */

struct durable_folder {
    int fd; /* owned */
    dev_t dev;
    ino_t ino;
};

struct durable {
    struct durable_folder folders[DURABLE_FOLDERS]; /* with new names */
    int count;                                      /* of them */
    int withheld; /* descriptors, of DURABLE_FOLDERS, that others need */
    size_t names; /* new since the last flush that went well, those of folders included */
    int error;    /* the first of flushing a folder, 0 none */
};

/* Flushes the data of a file, which may have no name yet. Blocks until they are on disk. Returns 0
 * or -errno. */
int durable_data(int fd);

/* Notes that the folder has got a name, to be flushed with the others. A zeroed struct has none.
 *   folder_fd   borrowed */
void durable_named(struct durable *durable, int folder_fd);

/* Flushes the folders. File systems that cannot flush one are let alone. Blocks until they are on
 * disk. Returns 0, or the first error that there ever was. */
int durable_flush(struct durable *durable);

/* Frees, without flushing. */
void durable_done(struct durable *durable);

#endif
