/* Filling the lookups. */
#include "image/jpeg_code.h"

enum { BLOCK_TERMS_MAX = 64 };

bool code_fill(struct code *code, const JHUFF_TBL *table, int value_max)
{
    int32_t next = 0, index = 0;

    memset(code->symbols, 0, sizeof code->symbols);
    code->values = table->huffval;
    for (int bits = 1; bits <= CODE_BITS_MAX; bits++, next <<= 1) {
        code->offsets[bits] = index - next;
        for (int i = 0; i < table->bits[bits]; i++, next++, index++) {
            if (index > 255 || next >= (1 << bits) - 1 || table->huffval[index] > value_max)
                return false;
            if (bits > LOOKUP_BITS)
                continue;
            struct symbol symbol = {(uint8_t)bits, table->huffval[index]};
            int shift = LOOKUP_BITS - bits;
            for (int low = 0; low < 1 << shift; low++)
                code->symbols[(next << shift) + low] = symbol;
        }
        code->limits[bits] = next;
    }
    return true;
}

static inline uint16_t step_pack(int terms, int bits)
{
    return (uint16_t)(terms << STEP_TERMS | bits);
}

/* A step and the one behind it, unless those are more terms than a block has. */
static inline uint16_t step_join(uint16_t step, uint16_t tail)
{
    unsigned both = (unsigned)step + tail;

    return (uint16_t)((both >> STEP_TERMS & (STEP_END - 1)) > BLOCK_TERMS_MAX ? step : both);
}

static uint16_t step_of(uint8_t value, int bits, bool dc)
{
    int terms = dc ? 1 : code_terms(value);

    return step_pack(terms ? terms : STEP_END + 1, bits);
}

/* Fills the steps by so many bits, all that begin alike at a time: one symbol of `code`, and the AC
 * symbols that follow, which `tails` has the steps of. What is no whole symbol becomes `none`. */
static void fill_steps(const struct code *code, bool dc, const uint16_t *tails, int bits,
                       uint16_t none, uint16_t *steps)
{
    for (uint32_t window = 0; window < 1U << bits;) {
        struct symbol symbol = code->symbols[window << (LOOKUP_BITS - bits)];
        int used = symbol.bits + (dc ? symbol.value : symbol.value & 15);
        uint16_t step = step_of(symbol.value, used, dc);
        int left = used < bits ? bits - used : 0; /* bits behind it */
        bool whole = symbol.bits && symbol.bits <= bits, ends = step >= STEP_END << STEP_TERMS;
        const uint16_t *tail = tails + (1U << left);

        if (!whole)
            steps[window++] = none;
        else
            for (uint32_t i = 0; i < 1U << left; i++)
                steps[window++] = ends ? step : step_join(step, tail[i]);
    }
}

void code_fill_steps(struct code *ac)
{
    for (int bits = 0; bits < LOOKUP_BITS; bits++)
        fill_steps(ac, false, ac->tails, bits, 0, ac->tails + (1U << bits));
    fill_steps(ac, false, ac->tails, LOOKUP_BITS, STEP_NONE << STEP_TERMS, ac->steps);
}

void code_fill_first_steps(struct code *dc, const struct code *ac)
{
    fill_steps(dc, true, ac->tails, LOOKUP_BITS, STEP_NONE << STEP_TERMS, dc->steps);
}
