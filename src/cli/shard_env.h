/* Which shard this process is to do, as --shard says: "I/N", or "auto" and "auto/N", with which the
 * variables decide that a scheduler gives each of its tasks. */
#ifndef CLI_SHARD_ENV_H
#define CLI_SHARD_ENV_H

#include "batch/shard.h"

enum { SHARD_WHY_BYTES = 600 };

/* As getenv(). */
typedef char *shard_env_get(const char *name);

/* Reads the option's value. "auto" takes the first scheduler of the list in the .c file whose
 * variable is set and not empty. N may be left out where a variable tells it, too, and must be the
 * same where both do. Of a Slurm array, which may have been started again in part, the number of
 * tasks counts only where its ids go from 0 or 1 without a gap; with N they count from 1, whichever
 * of them there are. Returns 0, or -EINVAL with a sentence in ret_why. */
int shard_env_parse(const char *text, shard_env_get *get, struct shard *ret,
                    char ret_why[SHARD_WHY_BYTES]);

#endif
