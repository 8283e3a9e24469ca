/* Strings that live as long as the run: copied one behind another, freed together. */
#ifndef BATCH_ARENA_H
#define BATCH_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* the newest first; NULL when nothing has been copied */
};

/* A copy of text[0..size) with a NUL behind it, or NULL when there is no memory. */
char *arena_copy(struct arena *arena, const char *text, size_t size);

/* Frees every copy; takes a zeroed arena. */
void arena_done(struct arena *arena);

#endif
