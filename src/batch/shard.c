#include "batch/shard.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

const char *shard_number(const char *text, uint32_t *ret)
{
    enum { DIGITS = 9 }; /* that fit whatever they are */
    size_t length = strspn(text, "0123456789");
    uint32_t number = 0;
    if (length == 0 || length > DIGITS)
        return NULL;
    for (size_t i = 0; i < length; i++)
        number = number * 10 + (uint32_t)(text[i] - '0');
    *ret = number;
    return text + length;
}

int shard_parse(const char *text, struct shard *ret)
{
    struct shard shard;
    const char *rest = shard_number(text, &shard.index);
    if (!rest || *rest != '/')
        return -EINVAL;
    rest = shard_number(rest + 1, &shard.count);
    if (!rest || *rest != '\0' || shard.index < 1 || shard.index > shard.count ||
        shard.count > SHARD_MOST)
        return -EINVAL;
    *ret = shard;
    return 0;
}

bool shard_has(const struct shard *shard, const char *prefix, const char *name)
{
    XXH3_state_t state;
    if (shard->count == 0)
        return true;
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, prefix, strlen(prefix));
    XXH3_64bits_update(&state, name, strlen(name));
    return XXH3_64bits_digest(&state) % shard->count == shard->index - 1;
}
