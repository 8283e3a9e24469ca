/* A Huffman table of a JPEG as two lookups by the next bits: one for a single symbol, and one for
 * as many symbols as begin within them. */
#ifndef IMAGE_JPEG_CODE_H
#define IMAGE_JPEG_CODE_H

#include "image/jpeg_bits.h"

enum {
    LOOKUP_BITS = 12,
    LOOKUP_SIZE = 1 << LOOKUP_BITS,
    CODE_BITS_MAX = 16,
};

/* What the next LOOKUP_BITS bits begin with. */
struct symbol {
    uint8_t bits;  /* of the code; 0 when it is longer, or none */
    uint8_t value; /* run and size */
};

/* One step of a walk over blocks, packed into 16 bits so that a table stays in the nearest cache:
 * AC symbols that begin within the next LOOKUP_BITS bits, or one DC symbol and some of those, with
 * what follows each. A block begins at term 0; the walk stands behind its last one when terms add
 * up to 64. An end of block counts as one term and STEP_END more. */
enum {
    STEP_BITS = 63,  /* mask of: bits to skip */
    STEP_TERMS = 6,  /* shift of: terms to go on by */
    STEP_END = 256,  /* among the terms */
    STEP_NONE = 100, /* as terms: not one whole symbol, and more than there can be */
};

struct code {
    struct symbol symbols[LOOKUP_SIZE];
    uint16_t steps[LOOKUP_SIZE];        /* where they were asked for */
    uint16_t tails[LOOKUP_SIZE];        /* AC: those of n bits, from 1 << n on; 0 is none */
    int32_t limits[CODE_BITS_MAX + 1];  /* one above the last code of each length */
    int32_t offsets[CODE_BITS_MAX + 1]; /* from a code to its place among the values */
    const uint8_t *values;              /* libjpeg's */
};

/* Fills the lookup of single symbols from libjpeg's table, which it borrows. Returns false where
 * libjpeg would refuse the table: when its lengths are not those of a Huffman code, one of its
 * codes is all ones, or one of its values is above `value_max`. */
bool code_fill(struct code *code, const JHUFF_TBL *table, int value_max);

/* Fills the lookups of steps among the AC codes, and of the first step of blocks whose other terms
 * have the codes `ac`. */
void code_fill_steps(struct code *ac);
void code_fill_first_steps(struct code *dc, const struct code *ac);

/* Terms that an AC symbol stands for: its zeros and itself; 0 for an end of block. */
static inline int code_terms(uint8_t value)
{
    return (value & 15) || value == 0xf0 ? (value >> 4) + 1 : 0;
}

/* Takes one code of any length from a window that is full. Returns its value, or -1. */
static inline int code_take(const struct code *code, struct bits_position *at)
{
    struct symbol symbol = code->symbols[at->window >> (64 - LOOKUP_BITS)];

    if (symbol.bits) {
        position_skip(at, symbol.bits);
        return symbol.value;
    }
    for (int length = LOOKUP_BITS + 1; length <= CODE_BITS_MAX; length++) {
        int32_t word = (int32_t)(at->window >> (64 - length));
        if (word < code->limits[length]) {
            position_skip(at, length);
            return code->values[(word + code->offsets[length]) & 255];
        }
    }
    return -1;
}

#endif
