/* The places of those lines of a manifest that count: of each name the last one. Other runs'
 * entries are among them, so they are found anew by a pass over the file. */
#ifndef BATCH_PLACES_H
#define BATCH_PLACES_H

#include <stddef.h>
#include <stdint.h>

struct place {
    uint64_t hash;  /* of the entry's name */
    int64_t offset; /* of the line */
};

struct places {
    struct place *all; /* in the order of the lines; owned */
    size_t count, capacity;
};

/* Finds them in a file, which is read from its beginning, into a zeroed struct. Returns 0 or
 * -ENOMEM; free with places_done() either way. */
int places_find(int fd, struct places *ret);
void places_done(struct places *places);

/* Is shown a line without its end, which it may write to. Negative: no more. */
typedef int places_fn(void *user, char *text, size_t size);

/* Shows all of them, from the same file. Returns 0, -ENOMEM, or what fn returned where that was
 * negative. */
int places_each(int fd, const struct places *places, places_fn *fn, void *user);

#endif
