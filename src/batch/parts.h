/* The parts of a manifest: what shards know of their pictures, each in a file of its own beside it,
 * .thumbpool-I-of-N.ndjson, in the same format.
 *
 * A shard writes its part alone, whose lock it holds as long as it runs; the joined manifest it
 * only reads. A run without shards joins all parts into the manifest, and then removes them. Parts
 * of another N are read like any: each entry counts by its name, and of one name the entry in the
 * file that was changed last counts, the manifest being one of the files. What is in the manifest
 * already, joined but not yet removed, or written after that, is so never undone by a part that
 * stayed. */
#ifndef BATCH_PARTS_H
#define BATCH_PARTS_H

#include <stdbool.h>

#include "batch/ledger.h"
#include "batch/output.h"
#include "batch/shard.h"

#define MANIFEST_NAME ".thumbpool.ndjson"

enum { PARTS_NAME_BYTES = 64 };

/* Puts the name of the file that a shard writes into name; of no shard (count 0) that of the
 * manifest. */
void parts_name(const struct shard *shard, char name[PARTS_NAME_BYTES]);

/* True for the names of parts, and nothing like them. */
bool parts_is_name(const char *name);

/* Copies what there is to read for a shard, the manifest and its own part, or for a run without
 * shards, the manifest and all parts, into an unnamed file, in such an order that the last entry of
 * a name counts. Entries that `keep` returns false for are left out. Nothing in the folder is
 * written or locked, and what is no regular file is passed over. Returns a descriptor of it;
 * -ENOENT where there is nothing but the file that parts_name() tells; or -errno. */
int parts_gather(int folder_fd, const struct shard *shard, ledger_keep_fn *keep, void *user);

/* Joins all parts into the manifest, under its lock, and removes them once it is in place: those
 * that nobody has locked and that are what was read. Killed amid this, it leaves nothing that is
 * not known to the next.
 *   durable   the manifest is on disk before a part goes
 * Returns 0, also where there are none, or -errno; then all parts are there. */
int parts_join(struct output *output, bool durable);

#endif
