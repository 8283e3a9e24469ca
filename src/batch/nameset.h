/* Who has which name: a set of names that stores only a hash and a number for each.
 *
 * The names themselves are made anew when two hashes meet, so that a million of them cost 16 MB
 * whatever their length, half of it for slots that are free. */
#ifndef BATCH_NAMESET_H
#define BATCH_NAMESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when the name of entry `owner` is `name`. */
typedef bool nameset_equal_fn(void *user, uint32_t owner, const char *name);

struct nameset {
    struct nameset_slot *slots; /* open addressing */
    size_t capacity, count;     /* capacity is 0 or a power of two */
    nameset_equal_fn *equal;    /* asked when hashes are the same */
    void *user;                 /* its first argument */
};

void nameset_init(struct nameset *set, nameset_equal_fn *equal, void *user);
void nameset_done(struct nameset *set);

/* Makes room for so many names at once, so that growing need not hold two tables. Returns 0, or
 * -ENOMEM. */
int nameset_reserve(struct nameset *set, size_t count);

/* Finds a name. Returns true, with the number of who has it. */
bool nameset_find(const struct nameset *set, const char *name, uint32_t *ret_owner);

/* Adds a name for `owner`. Returns 1 when it is new, 0 when somebody has it already (who is in
 * ret_owner then), or -ENOMEM. */
int nameset_add(struct nameset *set, const char *name, uint32_t owner, uint32_t *ret_owner);

#endif
