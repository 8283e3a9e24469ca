/* Streams over blocks.
 *
 * How many symbols a block has cannot be foreseen, and what a symbol says is known only behind a
 * lookup that the next one waits for. So four streams run in one loop, and none branches at the
 * end of a block: it takes the next one that no other has, by choosing what it goes on with. */
#include "image/jpeg_terms.h"

/* ---- steps ---- */

/* A step is the one or two AC symbols, with their values, that lie within some bits, as one word:
 *   bits 0..4    to skip
 *        7       set where the block ends; an end of block is a term of 0
 *        8..15   terms to go on by to the first
 *        16..31  the first
 *        32..43  places to go on by to the second, or to the first
 *        48..63  the second, or the first
 * A place is that of a term in a batch's columns. */
#define STEP_ADVANCE (((uint64_t)4095 << 32) | STEP_SKIP)

enum {
    STEP_SKIP = 31,
    STEP_LAST = 128,
    LAST_PLACE = (BLOCK_TERMS - 1) * BLOCK_COLUMN, /* of block 0; also: to where no step leads */
};

/* One symbol. */
static inline uint64_t step_pack(int16_t value, int terms, int bits)
{
    uint64_t term = (uint16_t)value;

    return (term << 48) | ((uint64_t)(terms * BLOCK_COLUMN) << 32) | (term << 16) |
           ((uint64_t)terms << 8) | (uint64_t)bits;
}

/* The step of one symbol of any length. */
static inline uint64_t step_take(const struct code *ac, struct bits_position at)
{
    int before = at.count;
    int symbol = code_take(ac, &at);
    int terms = code_terms((uint8_t)symbol);
    int16_t value = (int16_t)position_value(&at, symbol & 15);

    return step_pack(value, terms ? terms : 1, (before - at.count) | (terms ? 0 : STEP_LAST));
}

/* Fills in the steps of the one symbol that lies within the bits of the lookup. */
static void fill_singles(uint64_t singles[TERM_LOOKUP_SIZE], const struct code *ac)
{
    for (uint32_t window = 0; window < TERM_LOOKUP_SIZE;) {
        struct symbol symbol = ac->symbols[window << (LOOKUP_BITS - TERM_LOOKUP_BITS)];
        int left = TERM_LOOKUP_BITS - symbol.bits - (symbol.value & 15); /* bits behind it */
        struct bits_position at = {.window = (uint64_t)window << (64 - TERM_LOOKUP_BITS)};
        bool whole = symbol.bits && left >= 0;
        uint64_t step = whole ? step_take(ac, at) : step_pack(0, BLOCK_TERMS - 1, 0);
        for (uint32_t end = window + (whole ? 1U << left : 1); window < end; window++)
            singles[window] = step;
    }
}

/* A step and that of the next symbol, if there is one, and that lies within the lookup's bits. */
static inline uint64_t step_join(uint64_t step, uint64_t next)
{
    uint64_t both = (step & 0x0000ffffffffffff) + (next & (STEP_ADVANCE | STEP_LAST));
    bool fits = !(step & STEP_LAST) && (next & STEP_SKIP) &&
                (step & STEP_SKIP) + (next & STEP_SKIP) <= TERM_LOOKUP_BITS;

    return fits ? (next >> 48 << 48) | both : step;
}

void term_code_fill(struct term_code *code, const struct code *ac)
{
    uint64_t singles[TERM_LOOKUP_SIZE];

    code->ac = ac;
    fill_singles(singles, ac);
    for (uint32_t window = 0; window < TERM_LOOKUP_SIZE; window++) {
        uint64_t step = singles[window];
        uint32_t rest = window << (step & STEP_SKIP) & (TERM_LOOKUP_SIZE - 1);
        code->steps[window] = step_join(step, singles[rest]);
    }
}

/* ---- streams ---- */

/* A stream is where it stands, as one word: its bit, and above that the place of the last term that
 * it has. */

/* The step of one symbol that the lookup does not hold, or with which the block may end. */
static __attribute__((noinline)) uint64_t long_step(const struct term_code *code,
                                                    const uint8_t *data, uint64_t stream)
{
    uint64_t step = step_take(code->ac, bits_position_at(data, (uint32_t)stream));
    int left = BLOCK_TERMS - 1 - (int)(stream >> 32) / BLOCK_COLUMN;

    if ((int)(step >> 8 & 255) < left)
        return step;
    return step_pack((int16_t)(step >> 48), left, (int)(step & STEP_SKIP) | STEP_LAST);
}

/* Goes on by one step; at the end of a block, to the start of the block *next. */
static inline __attribute__((always_inline)) uint64_t stream_step(uint64_t stream,
                                                                  struct term_batch *batch,
                                                                  const struct term_code *code,
                                                                  const uint8_t *data, size_t *next)
{
    uint32_t window, bit = (uint32_t)stream;

    memcpy(&window, data + (bit >> 3), sizeof window);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    window = __builtin_bswap32(window);
#endif
    window <<= bit & 7;
    uint64_t step = code->steps[window >> (32 - TERM_LOOKUP_BITS)];
    uint64_t to = stream + (step & STEP_ADVANCE);
    if (__builtin_expect(to >= (uint64_t)LAST_PLACE << 32, 0)) {
        step = long_step(code, data, stream);
        to = stream + (step & STEP_ADVANCE);
    }
    batch->columns[(stream >> 32) + (step >> 8 & 255) * BLOCK_COLUMN] = (int16_t)(step >> 16);
    batch->columns[to >> 32] = (int16_t)(step >> 48);
    uint64_t end = (uint64_t)((int64_t)(int8_t)step >> 63); /* all ones at a block's end */
    to ^= (to ^ batch->starts[*next]) & end;
    *next -= end;
    return to;
}

static inline bool is_before(uint64_t stream, size_t block)
{
    return (stream >> 32) % BLOCK_COLUMN < block;
}

void term_batch_read(struct term_batch *batch, int scale, const struct term_code *code,
                     const uint8_t *data, size_t count)
{
    size_t next = TERM_STREAMS;

    block_columns_clear(scale, batch->columns, count);
    for (size_t i = 0; i < count + TERM_STREAMS; i++)
        batch->starts[i] = (uint64_t)i << 32 | (uint32_t)batch->starts[i < count ? i : count - 1];
    uint64_t a = batch->starts[0], b = batch->starts[1], c = batch->starts[2], d = batch->starts[3];
    while (next < count) {
        a = stream_step(a, batch, code, data, &next);
        b = stream_step(b, batch, code, data, &next);
        c = stream_step(c, batch, code, data, &next);
        d = stream_step(d, batch, code, data, &next);
    }
    while (is_before(a, count) || is_before(b, count) || is_before(c, count) ||
           is_before(d, count)) {
        next = count; /* what has no more to do goes over the last block, for nobody */
        a = stream_step(a, batch, code, data, &next);
        next = count;
        b = stream_step(b, batch, code, data, &next);
        next = count;
        c = stream_step(c, batch, code, data, &next);
        next = count;
        d = stream_step(d, batch, code, data, &next);
    }
}
