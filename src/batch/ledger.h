/* A file of entries in the output folder to which several runs append, and which any of them may
 * write anew. Whoever does holds a lock (flock) meanwhile, which is waited for for a while only,
 * and looks whether the file still is the one that has the name. File systems without locks have
 * none. */
#ifndef BATCH_LEDGER_H
#define BATCH_LEDGER_H

#include <stdbool.h>
#include <stdio.h>

#include "batch/entry.h"
#include "batch/output.h"

enum { LEDGER_WAIT_MS = 2000 }; /* for a lock: who holds it may be stopped */

/* Opens it. Only regular files are opened, and links are not followed. Returns a descriptor, or
 * -errno, -EISDIR for what is no file. */
int ledger_open(int folder_fd, const char *name, int flags);

/* Gets the lock, LOCK_SH or LOCK_EX. Returns false when another has it. */
bool ledger_lock(int fd, int how, int wait_ms);

/* True while the file that was opened has the name. */
bool ledger_is_current(int folder_fd, const char *name, int fd);

/* Opens the file that has the name, and gets its lock. Returns a descriptor, or -errno,
 * -EWOULDBLOCK when another has it. */
int ledger_open_locked(int folder_fd, const char *name, int flags, int wait_ms);

/* Decides about an entry that counts. */
typedef bool ledger_keep_fn(void *user, const struct entry *entry);

/* Copies the lines of `fd` that are whole and entries, all of them in their order, but for those
 * that `keep` returns false for (NULL: none). Returns 0, -ENOMEM or -EIO. */
int ledger_copy(int fd, FILE *to, ledger_keep_fn *keep, void *user);

/* Puts the entries of `fd` that count, of each name the last one, into the place of the file `name`
 * in the output folder, but for those that `keep` returns false for. The file's lock is the
 * caller's.
 *   durable   the data are flushed to disk first, and the name is left to output_flush()
 * Returns 0 or -errno; then the file is what it was. */
int ledger_replace(struct output *output, const char *name, int fd, ledger_keep_fn *keep,
                   void *user, bool durable);

#endif
