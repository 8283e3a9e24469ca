/* The walk over a JPEG's blocks.
 *
 * The actors: `bits` hands out the entropy-coded data (jpeg_bits.h), a `code` knows one Huffman
 * table (jpeg_code.h), `planes` hold a row of MCUs as samples (jpeg_planes.h), and the `walk` owns
 * them all.
 *
 * Nothing in here allocates but jpeg_dc_read(), which would leak it if the source manager left by
 * longjmp; ours remembers errors and hands out an end marker. */
#include "image/jpeg_dc.h"

#include <stdlib.h>
#include <string.h>

#include "image/jpeg_block.h"
#include "image/jpeg_code.h"
#include "image/jpeg_planes.h"

enum { DIFFERENCE_BITS_MAX = 15, AC_VALUE_MAX = 255 };

/* ---- blocks ---- */

/* Takes the difference of a block's first term to that before. Returns false at no code. */
static inline bool take_difference(const struct code *code, struct bits *bits, int *ret)
{
    position_refill(&bits->at);
    int size = code_take(code, bits);

    if (size < 0)
        return false;
    *ret = bits_value(bits, size);
    return true;
}

/* Takes the other 63 terms of a block, of which those that `places` has a place for go into
 * `terms`, which are 0 before. Returns false at no code. */
static inline bool take_terms(const struct code *code, struct bits *bits, const uint8_t *places,
                              int16_t terms[BLOCK_PLACES])
{
    for (int term = 1; term < BLOCK_TERMS; term++) {
        position_refill(&bits->at);
        int value = code_take(code, bits);
        if (value < 0)
            return false;
        int run = code_terms((uint8_t)value) - 1;
        if (run < 0)
            break;
        term += run;
        if (value & 15)
            terms[places[term]] = (int16_t)bits_value(bits, value & 15);
    }
    return true;
}

/* Takes one AC code, and what follows it, where several at once are too many or none is short
 * enough. Returns how many terms it stands for, 0 at the end of the block, or -1 at no code. */
static __attribute__((noinline)) int skip_one(const struct code *code, struct bits *bits)
{
    position_refill(&bits->at);
    int value = code_take(code, bits);

    if (value < 0)
        return -1;
    position_skip(&bits->at, value & 15);
    return code_terms((uint8_t)value);
}

/* Walks over the other 63 terms of a block. Returns false at no code. (This is where most of a
 * photograph's time goes: what it changes is kept in variables of its own.) */
static inline bool skip_terms(const struct code *code, struct bits *bits)
{
    const uint16_t *skips = code->skips;
    struct bits_position at = bits->at;
    int term = 1;

    while (term < 64) {
        position_refill(&at);
        unsigned skip = skips[at.window >> (64 - LOOKUP_BITS)];
        int advance = (int)(skip >> SKIP_ADVANCE);
        if ((skip & SKIP_BITS) && term + advance <= 64) {
            position_skip(&at, (int)(skip & SKIP_BITS));
            if (skip & SKIP_ENDS)
                break;
            term += advance;
            continue;
        }
        bits->at = at;
        int terms = skip_one(code, bits);
        at = bits->at;
        if (terms <= 0)
            return terms == 0;
        term += terms;
    }
    bits->at = at;
    return true;
}

/* ---- components ---- */

struct component {
    const struct code *dc, *ac;
    int last; /* the first term of the block before */
};

struct walk {
    struct bits bits;
    struct code dc[NUM_HUFF_TBLS], ac[NUM_HUFF_TBLS]; /* those that the scan uses */
    struct component components[JPEG_PLANES_MAX];
    struct jpeg_planes planes;
    uint8_t places[BLOCK_TERMS + BLOCK_RUN_MAX];
    int restart;       /* MCUs between restart markers; 0 is none */
    int until_restart; /* MCUs until the next */
    int restarts;      /* markers gone by */
};

static inline enum jpeg_dc_result trouble(const struct bits *bits)
{
    return bits_overrun(bits) ? JPEG_DC_SHORT : JPEG_DC_BAD_CODE;
}

/* One block as one sample. */
static inline enum jpeg_dc_result walk_block(struct bits *bits, struct component *component,
                                             int quantum, uint8_t *to)
{
    int difference;

    bits_reserve(bits);
    if (!take_difference(component->dc, bits, &difference) || !skip_terms(component->ac, bits))
        return trouble(bits);
    if (bits_overrun(bits))
        return JPEG_DC_SHORT;
    component->last = (int16_t)(component->last + difference);
    *to = block_sample(component->last, quantum);
    return JPEG_DC_OK;
}

/* One block as 2 x 2 samples. */
static inline enum jpeg_dc_result walk_fine_block(struct walk *walk, struct component *component,
                                                  const struct jpeg_plane *plane, uint8_t *to)
{
    int16_t terms[BLOCK_PLACES] = {0};
    int difference;

    bits_reserve(&walk->bits);
    if (!take_difference(component->dc, &walk->bits, &difference) ||
        !take_terms(component->ac, &walk->bits, walk->places, terms))
        return trouble(&walk->bits);
    if (bits_overrun(&walk->bits))
        return JPEG_DC_SHORT;
    component->last = (int16_t)(component->last + difference);
    terms[0] = (int16_t)component->last;
    block_samples(terms, plane->quanta, to, plane->stride);
    return JPEG_DC_OK;
}

/* One component's blocks of an MCU. */
static inline enum jpeg_dc_result walk_blocks(struct walk *walk, int c, int mcu)
{
    const struct jpeg_plane *plane = &walk->planes.planes[c];
    struct component *component = &walk->components[c];
    enum jpeg_dc_result rc = JPEG_DC_OK;

    for (int y = 0; y < plane->down && !rc; y++) {
        uint8_t *to = plane->rows + (size_t)(y * plane->scale) * plane->stride +
                      (size_t)(mcu * plane->across * plane->scale);
        for (int x = 0; x < plane->across && !rc; x++, to += plane->scale)
            rc = plane->scale == 1 ? walk_block(&walk->bits, component, plane->quanta[0], to)
                                   : walk_fine_block(walk, component, plane, to);
    }
    return rc;
}

static bool walk_restart(struct walk *walk)
{
    if (!bits_restart(&walk->bits, walk->restarts++ & 7))
        return false;
    for (int c = 0; c < walk->planes.count; c++)
        walk->components[c].last = 0;
    walk->until_restart = walk->restart;
    return true;
}

static enum jpeg_dc_result walk_mcu_row(struct walk *walk)
{
    for (int mcu = 0; mcu < walk->planes.mcus; mcu++) {
        if (walk->restart && walk->until_restart-- == 0) {
            if (!walk_restart(walk))
                return JPEG_DC_BAD_MARKER;
            walk->until_restart--;
        }
        for (int c = 0; c < walk->planes.count; c++) {
            enum jpeg_dc_result rc = walk_blocks(walk, c, mcu);
            if (rc)
                return rc;
        }
    }
    return JPEG_DC_OK;
}

/* ---- the scan ---- */

static bool has_codes(const struct jpeg_decompress_struct *cinfo,
                      const jpeg_component_info *component)
{
    int dc = component->dc_tbl_no, ac = component->ac_tbl_no;

    return dc >= 0 && dc < NUM_HUFF_TBLS && cinfo->dc_huff_tbl_ptrs[dc] && ac >= 0 &&
           ac < NUM_HUFF_TBLS && cinfo->ac_huff_tbl_ptrs[ac];
}

bool jpeg_dc_applies(const struct jpeg_decompress_struct *cinfo, bool coarse)
{
    if (cinfo->progressive_mode || cinfo->arith_code || cinfo->data_precision != 8 ||
        cinfo->comps_in_scan != cinfo->num_components || !jpeg_planes_apply(cinfo, coarse))
        return false;
    for (int c = 0; c < cinfo->num_components; c++)
        if (!has_codes(cinfo, &cinfo->comp_info[c]))
            return false;
    return true;
}

static bool walk_codes(struct walk *walk, const struct jpeg_decompress_struct *cinfo)
{
    bool dc_done[NUM_HUFF_TBLS] = {false}, ac_done[NUM_HUFF_TBLS] = {false};

    for (int c = 0; c < walk->planes.count; c++) {
        int dc = cinfo->comp_info[c].dc_tbl_no, ac = cinfo->comp_info[c].ac_tbl_no;
        if (!dc_done[dc] &&
            !code_fill(&walk->dc[dc], cinfo->dc_huff_tbl_ptrs[dc], DIFFERENCE_BITS_MAX))
            return false;
        if (!ac_done[ac] && !code_fill(&walk->ac[ac], cinfo->ac_huff_tbl_ptrs[ac], AC_VALUE_MAX))
            return false;
        if (!ac_done[ac])
            code_fill_skips(&walk->ac[ac]);
        dc_done[dc] = ac_done[ac] = true;
        walk->components[c].dc = &walk->dc[dc];
        walk->components[c].ac = &walk->ac[ac];
    }
    return true;
}

static enum jpeg_dc_result walk_scan(struct walk *walk, struct reduce *sink)
{
    for (int row = 0; row < walk->planes.mcu_rows; row++) {
        enum jpeg_dc_result rc = walk_mcu_row(walk);
        if (rc)
            return rc;
        jpeg_planes_write(&walk->planes, sink);
    }
    return JPEG_DC_OK;
}

enum jpeg_dc_result jpeg_dc_read(struct jpeg_decompress_struct *cinfo, bool coarse,
                                 struct reduce *sink)
{
    struct walk *walk = calloc(1, sizeof *walk);
    enum jpeg_dc_result rc = JPEG_DC_MEMORY;

    if (!walk)
        return rc;
    walk->restart = walk->until_restart = (int)cinfo->restart_interval;
    bits_init(&walk->bits, cinfo);
    block_places_fill(walk->places);
    if (jpeg_planes_init(&walk->planes, cinfo, coarse))
        rc = walk_codes(walk, cinfo) ? walk_scan(walk, sink) : JPEG_DC_BAD_TABLE;
    jpeg_planes_done(&walk->planes);
    free(walk);
    return rc;
}
