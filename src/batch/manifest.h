/* What earlier runs have made: .thumbpool.ndjson in the output folder, an entry a line, of which
 * the last of a name counts.
 *
 * In memory an input costs 8 bytes, the place of its line; the line itself is read again when it is
 * asked for. New entries are appended in batches of whole lines while the run goes on, and the file
 * is written anew, without the lines that count no more, when those are in the majority. Several
 * runs may use one folder: see ledger.h. A shard's run writes a part of its own, and reads the
 * manifest, too: see parts.h.
 *
 * The file may be damaged, cut, or a stranger's: what can be read of it is used, and what it says
 * of outputs is compared with what is there. */
#ifndef BATCH_MANIFEST_H
#define BATCH_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "batch/entry.h"
#include "batch/ledger.h"
#include "batch/output.h"
#include "batch/parts.h"
#include "batch/plan.h"

struct manifest;

/* Reads what there is in the output folder: the file and its parts or, where the plan is a shard's,
 * the file and the shard's part. Only regular files are opened, and links are not followed.
 *   folder_fd   the output folder; borrowed. -1: there is none yet, and nothing is known
 *   versions    of program and libraries, see key_of(); borrowed
 * Returns 0 or -ENOMEM. Free with manifest_close(). */
int manifest_open(const struct plan *plan, int folder_fd, const char *versions,
                  struct manifest **ret);

/* From now on entries are flushed to disk, and written only after the names in `output`, which they
 * tell of, have been. Borrowed. */
void manifest_follow(struct manifest *manifest, struct output *output);

/* Has a shard's part locked from now on, if there is one, so that no other run removes it. */
void manifest_hold(struct manifest *manifest);

/* What is wrong with the file, in a sentence, or NULL. Asked again after something was written. */
const char *manifest_complaint(const struct manifest *manifest);

/* Finds the entry of an input by the name of its first output; the entry lives until the next call.
 * Returns false where there is none. */
bool manifest_find(struct manifest *manifest, uint32_t input, struct entry *ret);

/* The key of the options for an input's outputs. */
uint64_t manifest_key(const struct manifest *manifest, uint32_t input);

/* Adds an entry for an input, or replaces it. It is written by a later call, a second later at most
 * if manifest_tick() is called, too. */
void manifest_note(struct manifest *manifest, uint32_t input, const struct entry *entry);
void manifest_tick(struct manifest *manifest);

/* Shows all entries that count, also those of other inputs, in the order of their lines; where
 * there were parts to read, those that there were in the beginning. Returns 0, -ENOMEM, or what fn
 * returns where that is negative. */
int manifest_each(struct manifest *manifest, int (*fn)(void *user, const struct entry *entry),
                  void *user);

/* Writes what is left to be written, and then the whole file anew where that is worth while, or
 * where entries are to be dropped: those that `keep` returns false for (NULL: none). Another run
 * that holds the lock, or whatever goes wrong, leaves the file as it is. */
void manifest_finish(struct manifest *manifest, struct output *output, ledger_keep_fn *keep,
                     void *user);

/* Takes NULL. What manifest_finish() has not written is lost. */
void manifest_close(struct manifest *manifest);

#endif
