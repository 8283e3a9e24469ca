/* A shard: the part of the inputs that is one of several runs' to do, which need not know of each
 * other.
 *
 * An input belongs to the shard that the hash of its name points to: XXH3 (64 bits, no seed) of the
 * name modulo the number of shards, and 1. So one that is added or goes moves no other, and no run
 * has to see what the others do. */
#ifndef BATCH_SHARD_H
#define BATCH_SHARD_H

#include <stdbool.h>
#include <stdint.h>

enum { SHARD_MOST = 1000000 }; /* shards that there may be */

struct shard {
    uint32_t index; /* 1 to count */
    uint32_t count; /* of all; 0: there are none, and every input is ours */
};

/* Reads a number of decimal digits, nine at most, and nothing else. Returns what stands behind it,
 * or NULL where there is none. */
const char *shard_number(const char *text, uint32_t *ret);

/* Reads "I/N", with 1 <= I <= N <= SHARD_MOST. Returns 0 or -EINVAL. */
int shard_parse(const char *text, struct shard *ret);

/* Whether an input is the shard's. Its name is `prefix` and `name` together, relative to the root:
 * "a/b/" and "c.jpg". */
bool shard_has(const struct shard *shard, const char *prefix, const char *name);

#endif
