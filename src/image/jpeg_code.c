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

/* Packs the symbols that a lookup begins with: each next one must have its code, but not what
 * follows it, within the bits that were looked at. */
static uint16_t skip_of(const struct code *code, uint32_t window)
{
    int used = 0, advance = 0, ends = 0;

    while (used < LOOKUP_BITS && !ends) {
        struct symbol symbol = code->symbols[(window << used) & (LOOKUP_SIZE - 1)];
        int terms = code_terms(symbol.value);
        if (symbol.bits == 0 || symbol.bits > LOOKUP_BITS - used || advance + terms > 64)
            break;
        used += symbol.bits + (symbol.value & 15);
        advance += terms ? terms : 1;
        ends = terms == 0 ? SKIP_ENDS : 0;
    }
    return (uint16_t)(advance << SKIP_ADVANCE | ends | used);
}

void code_fill_skips(struct code *code)
{
    for (uint32_t window = 0; window < LOOKUP_SIZE; window++)
        code->skips[window] = skip_of(code, window);
}
