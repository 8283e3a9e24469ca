/* Finding where the blocks of a baseline scan begin, which takes decoding all of it.
 *
 * The bits of a block cannot be found but behind those of the block before. One walk of that kind
 * leaves most of a processor idle: it waits for one lookup to know where the next one is. So three
 * walks go through a buffer at once, in one loop: the first from where it is known that a block
 * stands, the others from places in the middle where nobody knows. Huffman codes find back into
 * step by themselves, after some dozens of bytes as a rule. What the others found counts from the
 * block on at which the walk before comes by in the same state, since from there on both must find
 * the same; what they found before is dropped. So the result is that of a single walk, always.
 *
 * Source: the idea is that of parallel Huffman decoders by self-synchronisation, such as
 * Weissenberger and Schmidt's for GPUs. */
#ifndef IMAGE_JPEG_WALK_H
#define IMAGE_JPEG_WALK_H

#include <stdbool.h>

#include "image/jpeg_code.h"

/* A block of an MCU. */
struct place {
    const struct code *dc, *ac;
    const uint16_t *tables[2]; /* for the next step: in this block, or at the next one's start */
    const struct place *places[2]; /* that step's place */
};

/* The blocks of an MCU in the order of the data, again and again. */
struct order {
    struct place places[D_MAX_BLOCKS_IN_MCU];
    int period;
    bool alike; /* all have the same tables */
};

/* Appends a block with these codes, which are borrowed, and have their steps filled. */
void order_add(struct order *order, const struct code *dc, const struct code *ac);

/* To be called once when all are added. */
void order_close(struct order *order);

struct walk {
    struct order order;
    const struct place *place; /* of the block under way, or of the next */
    unsigned term;             /* that it stands at; 0: the block has not begun */
    uint32_t bit;              /* of the buffer, where it stands */
    uint32_t *starts;          /* first bits of the blocks found; owned */
    size_t found;              /* of them */
};

/* Bits of a buffer are counted up to so many. */
enum { WALK_BYTES_MAX = BITS_BUFFER_BYTES + BITS_BLOCK_BYTES };

/* Gets memory for the starts. Free with walk_done(). Returns false when there is none. */
bool walk_init(struct walk *walk);
void walk_done(struct walk *walk);

/* Forgets all blocks and stands at `bit` of the buffer, before the order's first block. */
void walk_reset(struct walk *walk, uint32_t bit);

/* Forgets the first `blocks` blocks, and takes as the buffer's beginning the byte `bytes`. */
void walk_drop(struct walk *walk, size_t blocks, uint32_t bytes);

enum walk_result {
    WALK_OK = 0,
    WALK_SHORT,    /* the data end before the blocks do */
    WALK_BAD_CODE, /* bits that are no code */
};

/* Walks on through `size` bytes, behind which BITS_BLOCK_BYTES zeros can be read, until `wanted`
 * blocks are found and the last of them is done, or the end is near; up to the end itself when
 * these are the scan's `last` bytes. What was found counts also after a failure. */
enum walk_result walk_find(struct walk *walk, const uint8_t *data, uint32_t size, bool last,
                           size_t wanted);

/* Blocks that are found and done. */
size_t walk_whole(const struct walk *walk);

#endif
