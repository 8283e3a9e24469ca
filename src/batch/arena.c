#include "batch/arena.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 20 };

struct arena_block {
    struct arena_block *next;
    size_t used, capacity; /* bytes of data */
    char data[];
};

static struct arena_block *block_add(struct arena *arena, size_t size)
{
    size_t capacity = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    struct arena_block *block = malloc(sizeof *block + capacity);
    if (!block)
        return NULL;
    *block = (struct arena_block){.next = arena->blocks, .capacity = capacity};
    arena->blocks = block;
    return block;
}

char *arena_copy(struct arena *arena, const char *text, size_t size)
{
    struct arena_block *block = arena->blocks;
    if ((!block || block->capacity - block->used <= size) && !(block = block_add(arena, size + 1)))
        return NULL;
    char *copy = block->data + block->used;
    memcpy(copy, text, size);
    copy[size] = '\0';
    block->used += size + 1;
    return copy;
}

void arena_done(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}
