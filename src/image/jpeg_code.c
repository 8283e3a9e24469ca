/* Filling the lookups. */
#include "image/jpeg_code.h"

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

/* Packs the AC symbols that follow `used` bits of a lookup, `terms` of a block behind them: each
 * next one must have its code, but not what follows it, within the bits that were looked at. */
static uint16_t step_of(const struct code *ac, uint32_t window, int used, int terms)
{
    while (used < LOOKUP_BITS && terms < STEP_END) {
        struct symbol symbol = ac->symbols[(window << used) & (LOOKUP_SIZE - 1)];
        int more = code_terms(symbol.value);
        if (symbol.bits == 0 || symbol.bits > LOOKUP_BITS - used || terms + more > 64)
            break;
        used += symbol.bits + (symbol.value & 15);
        terms += more ? more : STEP_END + 1;
    }
    return (uint16_t)((used ? terms : STEP_NONE) << STEP_TERMS | used);
}

void code_fill_steps(struct code *ac)
{
    for (uint32_t window = 0; window < LOOKUP_SIZE; window++)
        ac->steps[window] = step_of(ac, window, 0, 0);
}

void code_fill_first_steps(struct code *dc, const struct code *ac)
{
    for (uint32_t window = 0; window < LOOKUP_SIZE; window++) {
        struct symbol symbol = dc->symbols[window];
        dc->steps[window] = symbol.bits ? step_of(ac, window, symbol.bits + symbol.value, 1)
                                        : (uint16_t)(STEP_NONE << STEP_TERMS);
    }
}
