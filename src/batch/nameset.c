#include "batch/nameset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

struct nameset_slot {
    uint32_t hash;  /* 0: free */
    uint32_t owner; /* the caller's number */
};

static uint32_t name_hash(const char *name)
{
    uint32_t hash = (uint32_t)XXH3_64bits(name, strlen(name));
    return hash ? hash : 1;
}

void nameset_init(struct nameset *set, nameset_equal_fn *equal, void *user)
{
    *set = (struct nameset){.equal = equal, .user = user};
}

void nameset_done(struct nameset *set)
{
    free(set->slots);
    set->slots = NULL;
    set->capacity = set->count = 0;
}

/* The slot that holds the name, or the free one where it belongs. */
static struct nameset_slot *slot_of(const struct nameset *set, const char *name, uint32_t hash)
{
    size_t i = hash & (set->capacity - 1);
    while (set->slots[i].hash != 0 &&
           (set->slots[i].hash != hash || !set->equal(set->user, set->slots[i].owner, name)))
        i = (i + 1) & (set->capacity - 1);
    return &set->slots[i];
}

/* Moves the names into a table of that many slots. */
static int set_resize(struct nameset *set, size_t capacity)
{
    struct nameset_slot *slots = calloc(capacity, sizeof *slots);
    if (!slots)
        return -ENOMEM;
    for (size_t i = 0; i < set->capacity; i++) {
        if (set->slots[i].hash == 0)
            continue;
        size_t k = set->slots[i].hash & (capacity - 1);
        while (slots[k].hash != 0)
            k = (k + 1) & (capacity - 1);
        slots[k] = set->slots[i];
    }
    free(set->slots);
    set->slots = slots;
    set->capacity = capacity;
    return 0;
}

static int set_grow(struct nameset *set)
{
    enum { FIRST = 256 };
    return set_resize(set, set->capacity ? set->capacity * 2 : FIRST);
}

int nameset_reserve(struct nameset *set, size_t count)
{
    size_t capacity = set->capacity ? set->capacity : 1;
    while (capacity / 2 < count)
        capacity *= 2;
    return capacity == set->capacity ? 0 : set_resize(set, capacity);
}

bool nameset_find(const struct nameset *set, const char *name, uint32_t *ret_owner)
{
    if (set->capacity == 0)
        return false;
    const struct nameset_slot *slot = slot_of(set, name, name_hash(name));
    if (slot->hash == 0)
        return false;
    *ret_owner = slot->owner;
    return true;
}

int nameset_add(struct nameset *set, const char *name, uint32_t owner, uint32_t *ret_owner)
{
    if (set->count * 2 >= set->capacity && set_grow(set) < 0)
        return -ENOMEM;
    uint32_t hash = name_hash(name);
    struct nameset_slot *slot = slot_of(set, name, hash);
    if (slot->hash != 0) {
        *ret_owner = slot->owner;
        return 0;
    }
    *slot = (struct nameset_slot){.hash = hash, .owner = owner};
    set->count++;
    return 1;
}
