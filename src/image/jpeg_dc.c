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

/* ---- steps ---- */

/* A block of an MCU: its tables, and whose it is. */
struct place {
    const struct code *dc, *ac;
    const struct place *next; /* in the order of the data; the last one's is the first */
};

/* A run of blocks that follow each other in the data, one of which may be under way. */
struct run {
    struct place places[D_MAX_BLOCKS_IN_MCU];
    int period;                /* places */
    const struct place *place; /* of the block under way */
    unsigned term;             /* that it stands at; 0: it has not begun */
};

/* Takes one symbol of the block under way, where a step would be too many or none. Returns false
 * at no code. */
static __attribute__((noinline)) bool take_one(struct run *run, struct bits *bits)
{
    int value = code_take(run->term ? run->place->ac : run->place->dc, &bits->at);

    if (value < 0)
        return false;
    position_skip(&bits->at, value & 15);
    if (run->term == 0)
        run->term = 1;
    else
        run->term += code_terms((uint8_t)value) ? (unsigned)code_terms((uint8_t)value) : 64;
    return true;
}

/* `a` where the mask is set, else `b`: a choice that compilers would make a branch of. */
static inline const void *pick(intptr_t mask, const void *a, const void *b)
{
    return (const void *)(((intptr_t)a & mask) | ((intptr_t)b & ~mask));
}

/* Walks over blocks until `count` have begun and the last of them is done, or the buffer is nearly
 * empty, and writes what the window was at the beginning of each. Returns how many have begun, or
 * -1 at no code.
 *
 * This is where most of a photograph's time goes. How many steps a block takes cannot be foreseen,
 * so nothing branches on it: the table for the next step is chosen by the position in the block,
 * and the window is stored with every step, at a place that moves on when a block begins. */
static int blocks_walk(struct run *run, struct bits *bits, int count, uint64_t *windows)
{
    const uint8_t *limit = bits_limit(bits);
    struct bits_position at = bits->at;
    const struct place *place = run->place;
    unsigned term = run->term;
    const uint16_t *table = term ? place->ac->steps : place->dc->steps;
    int begun = 0;

    while ((begun < count || term) && at.next < limit) {
        position_refill(&at);
        windows[begun] = at.window;
        begun += term == 0;
        unsigned step = table[at.window >> (64 - LOOKUP_BITS)];
        unsigned to = term + (step >> STEP_TERMS);
        if (__builtin_expect((to & (STEP_END - 1)) > 64, 0)) {
            bits->at = at;
            run->term = term;
            run->place = place;
            if (!take_one(run, bits))
                return -1;
            at = bits->at;
            to = run->term;
        } else {
            position_skip(&at, (int)(step & STEP_BITS));
        }
        intptr_t end = (63 - (intptr_t)to) >> 31; /* a mask */
        const uint16_t *first = place->next->dc->steps, *others = place->ac->steps;
        table = pick(end, first, others);
        place = pick(end, place->next, place);
        term = to & (unsigned)~end;
    }
    bits->at = at;
    run->place = place;
    run->term = term;
    return begun;
}

/* ---- blocks of 2 x 2 samples ---- */

/* Takes the difference of a block's first term to that before. Returns false at no code. */
static inline bool take_difference(const struct code *code, struct bits *bits, int *ret)
{
    position_refill(&bits->at);
    int size = code_take(code, &bits->at);

    if (size < 0)
        return false;
    *ret = position_value(&bits->at, size);
    return true;
}

/* Takes the other 63 terms of a block, of which those that `places` has a place for go into
 * `terms`, which are 0 before. Returns how many are not 0, or -1 at no code. */
static inline int take_terms(const struct code *code, struct bits *bits, const uint8_t *places,
                             int16_t terms[BLOCK_PLACES])
{
    int count = 0;

    for (int term = 1; term < BLOCK_TERMS; term++) {
        position_refill(&bits->at);
        int value = code_take(code, &bits->at);
        if (value < 0)
            return -1;
        int run = code_terms((uint8_t)value) - 1;
        if (run < 0)
            break;
        term += run;
        if (!(value & 15))
            continue;
        terms[places[term]] = (int16_t)position_value(&bits->at, value & 15);
        count++;
    }
    return count;
}

/* ---- MCUs ---- */

/* One component's tables. */
struct component {
    const struct code *dc, *ac;
    int last; /* the first term of the block before */
};

struct walk {
    struct bits bits;
    struct code dc[JPEG_PLANES_MAX], ac[JPEG_PLANES_MAX]; /* of the components that share none */
    struct component components[JPEG_PLANES_MAX];
    struct jpeg_planes planes;
    struct run run;
    uint64_t *windows; /* at the beginning of each block in a row of MCUs; owned */
    uint8_t places[BLOCK_TERMS + BLOCK_RUN_MAX];
    int restart;       /* MCUs between restart markers; 0 is none */
    int until_restart; /* MCUs until the next */
    int restarts;      /* markers gone by */
};

static enum jpeg_dc_result trouble(const struct bits *bits)
{
    return bits_overrun(bits) ? JPEG_DC_SHORT : JPEG_DC_BAD_CODE;
}

/* Walks over `count` blocks in the run's order. */
static enum jpeg_dc_result walk_blocks(struct walk *walk, int count)
{
    int begun = 0;

    for (;;) {
        int more = blocks_walk(&walk->run, &walk->bits, count - begun, walk->windows + begun);
        if (more < 0)
            return trouble(&walk->bits);
        begun += more;
        if (begun == count && walk->run.term == 0)
            return bits_overrun(&walk->bits) ? JPEG_DC_SHORT : JPEG_DC_OK;
        if (walk->bits.marker)
            return JPEG_DC_SHORT;
        bits_fill(&walk->bits);
    }
}

/* Makes samples of the blocks of component `c` in `mcus` MCUs from `mcu` on. Their windows are
 * `period` apart. */
static void write_samples(struct walk *walk, int c, int mcu, int mcus, const uint64_t *windows)
{
    const struct jpeg_plane *plane = &walk->planes.planes[c];
    const struct code *code = walk->components[c].dc;
    int last = walk->components[c].last;

    for (int i = mcu; i < mcu + mcus; i++, windows += walk->run.period)
        for (int y = 0; y < plane->down; y++)
            for (int x = 0; x < plane->across; x++) {
                struct bits_position at = {.window = windows[y * plane->across + x]};
                last = (int16_t)(last + position_value(&at, code_take(code, &at)));
                plane->rows[(size_t)y * plane->stride + (size_t)(i * plane->across + x)] =
                    block_sample(last, plane->quanta[0]);
            }
    walk->components[c].last = last;
}

/* MCUs of which every block gives one sample. */
static enum jpeg_dc_result walk_mcus(struct walk *walk, int mcu, int mcus)
{
    const uint64_t *windows = walk->windows;
    enum jpeg_dc_result rc = walk_blocks(walk, mcus * walk->run.period);

    for (int c = 0; c < walk->planes.count && !rc; c++) {
        const struct jpeg_plane *plane = &walk->planes.planes[c];
        write_samples(walk, c, mcu, mcus, windows);
        windows += plane->across * plane->down;
    }
    return rc;
}

/* One block as 2 x 2 samples. */
static enum jpeg_dc_result walk_fine_block(struct walk *walk, struct component *component,
                                           const struct jpeg_plane *plane, uint8_t *to)
{
    int16_t terms[BLOCK_PLACES] = {0};
    int difference, count = -1;

    bits_reserve(&walk->bits);
    if (take_difference(component->dc, &walk->bits, &difference))
        count = take_terms(component->ac, &walk->bits, walk->places, terms);
    if (count < 0 || bits_overrun(&walk->bits))
        return trouble(&walk->bits);
    component->last = (int16_t)(component->last + difference);
    terms[0] = (int16_t)component->last;
    if (count > 0)
        block_samples(terms, plane->quanta, to, plane->stride);
    else
        block_flat_samples(terms[0], plane->quanta[0], to, plane->stride);
    return JPEG_DC_OK;
}

static enum jpeg_dc_result walk_fine_plane(struct walk *walk, int c, int mcu)
{
    const struct jpeg_plane *plane = &walk->planes.planes[c];
    enum jpeg_dc_result rc = JPEG_DC_OK;

    for (int y = 0; y < plane->down; y++)
        for (int x = mcu * plane->across; x < (mcu + 1) * plane->across && !rc; x++)
            rc = walk_fine_block(walk, &walk->components[c], plane,
                                 plane->rows + (size_t)(2 * y) * plane->stride + (size_t)(2 * x));
    return rc;
}

/* MCUs of which luma's blocks give one sample, and chroma's 2 x 2. */
static enum jpeg_dc_result walk_fine_mcus(struct walk *walk, int mcu, int mcus)
{
    enum jpeg_dc_result rc = JPEG_DC_OK;

    for (int i = mcu; i < mcu + mcus && !rc; i++) {
        bits_reserve(&walk->bits);
        rc = walk_blocks(walk, walk->run.period);
        if (!rc)
            write_samples(walk, 0, i, 1, walk->windows);
        for (int c = 1; c < walk->planes.count && !rc; c++)
            rc = walk_fine_plane(walk, c, i);
    }
    return rc;
}

static bool is_fine(const struct walk *walk)
{
    return walk->planes.planes[walk->planes.count - 1].scale > 1;
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

/* A row of MCUs, in pieces between restart markers. */
static enum jpeg_dc_result walk_mcu_row(struct walk *walk)
{
    enum jpeg_dc_result rc = JPEG_DC_OK;

    for (int mcu = 0; mcu < walk->planes.mcus && !rc;) {
        int mcus = walk->planes.mcus - mcu;
        if (walk->restart && walk->until_restart == 0 && !walk_restart(walk))
            return JPEG_DC_BAD_MARKER;
        if (walk->restart && mcus > walk->until_restart)
            mcus = walk->until_restart;
        rc = is_fine(walk) ? walk_fine_mcus(walk, mcu, mcus) : walk_mcus(walk, mcu, mcus);
        walk->until_restart -= mcus;
        mcu += mcus;
    }
    return rc;
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

/* Fills one component's tables, or takes those of another with the same: a first step depends on
 * both, and what is there once is in the cache. */
static bool component_codes(struct walk *walk, const struct jpeg_decompress_struct *cinfo, int c)
{
    const jpeg_component_info *components = cinfo->comp_info;
    int dc = components[c].dc_tbl_no, ac = components[c].ac_tbl_no;

    for (int other = 0; other < c; other++)
        if (components[other].dc_tbl_no == dc && components[other].ac_tbl_no == ac) {
            walk->components[c] = walk->components[other];
            return true;
        }
    walk->components[c] = (struct component){.dc = &walk->dc[c], .ac = &walk->ac[c]};
    if (!code_fill(&walk->dc[c], cinfo->dc_huff_tbl_ptrs[dc], DIFFERENCE_BITS_MAX) ||
        !code_fill(&walk->ac[c], cinfo->ac_huff_tbl_ptrs[ac], AC_VALUE_MAX))
        return false;
    code_fill_steps(&walk->ac[c]);
    code_fill_first_steps(&walk->dc[c], &walk->ac[c]);
    return true;
}

static bool walk_codes(struct walk *walk, const struct jpeg_decompress_struct *cinfo)
{
    for (int c = 0; c < walk->planes.count; c++)
        if (!component_codes(walk, cinfo, c))
            return false;
    return true;
}

/* The order in which blocks are walked over: all of an MCU, or luma's only. */
static bool walk_order(struct walk *walk)
{
    struct run *run = &walk->run;
    int count = is_fine(walk) ? 1 : walk->planes.count;

    for (int c = 0; c < count; c++)
        for (int i = walk->planes.planes[c].across * walk->planes.planes[c].down; i > 0; i--)
            run->places[run->period++] =
                (struct place){.dc = walk->components[c].dc, .ac = walk->components[c].ac};
    for (int i = 0; i < run->period; i++)
        run->places[i].next = &run->places[(i + 1) % run->period];
    run->place = run->places;
    /* One more, for what is written after the last block has begun. */
    walk->windows =
        malloc(((size_t)walk->planes.mcus * (size_t)run->period + 1) * sizeof *walk->windows);
    return walk->windows != NULL;
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
    if (jpeg_planes_init(&walk->planes, cinfo, coarse)) {
        if (!walk_codes(walk, cinfo))
            rc = JPEG_DC_BAD_TABLE;
        else if (walk_order(walk))
            rc = walk_scan(walk, sink);
    }
    jpeg_planes_done(&walk->planes);
    free(walk->windows);
    free(walk);
    return rc;
}
