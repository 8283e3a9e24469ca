/* A baseline scan at one eighth.
 *
 * The actors: `bits` hands out the entropy-coded data (jpeg_bits.h), a `code` knows one Huffman
 * table (jpeg_code.h), the `walk` finds where blocks begin (jpeg_walk.h), `planes` hold a row of
 * MCUs as samples (jpeg_planes.h), and the `scan` owns them all. Once it is known where blocks
 * begin, what is needed of each is read apart from the others, so nothing waits for anything.
 *
 * Nothing in here allocates but jpeg_dc_read(), which would leak it if the source manager left by
 * longjmp; ours remembers errors and hands out an end marker. */
#include "image/jpeg_dc.h"

#include <stdlib.h>
#include <string.h>

#include "image/jpeg_block.h"
#include "image/jpeg_code.h"
#include "image/jpeg_planes.h"
#include "image/jpeg_walk.h"

enum { DIFFERENCE_BITS_MAX = 15, DIFFERENCE_LONG = INT16_MIN, AC_VALUE_MAX = 255 };

/* One component's tables. */
struct component {
    const struct code *dc, *ac;
    const int16_t *differences; /* by the next LOOKUP_BITS bits, or DIFFERENCE_LONG */
    int first;                  /* of its blocks in an MCU */
    int last;                   /* the first term of the block before */
};

struct scan {
    struct bits bits;
    struct walk walk;
    struct code dc[JPEG_PLANES_MAX], ac[JPEG_PLANES_MAX]; /* of the components that share none */
    int16_t differences[JPEG_PLANES_MAX][LOOKUP_SIZE];
    struct component components[JPEG_PLANES_MAX];
    struct jpeg_planes planes;
    uint8_t places[BLOCK_TERMS + BLOCK_RUN_MAX];
    size_t used;       /* blocks of those found by the walk */
    int restart;       /* MCUs between restart markers; 0 is none */
    int until_restart; /* MCUs until the next, or until the end */
    int left;          /* MCUs of the picture */
    int restarts;      /* markers gone by */
};

/* ---- samples ---- */

/* The difference of a block's first term to that before. */
static inline int difference_at(const struct component *component, const uint8_t *data,
                                uint32_t start)
{
    struct bits_position at = bits_position_at(data, start);
    int difference = component->differences[at.window >> (64 - LOOKUP_BITS)];

    if (__builtin_expect(difference == DIFFERENCE_LONG, 0))
        difference = position_value(&at, code_take(component->dc, &at));
    return difference;
}

/* Makes a sample of each block of a component in `mcus` MCUs, of each of which it has so many. */
static inline __attribute__((always_inline)) void write_blocks(struct scan *scan, int c, int mcu,
                                                               int mcus, const uint32_t *starts,
                                                               int across, int down)
{
    const struct jpeg_plane *plane = &scan->planes.planes[c];
    struct component *component = &scan->components[c];
    const int quantum = plane->quanta[0], period = scan->walk.order.period;
    uint8_t *to = plane->rows + mcu * across;
    int last = component->last;

    starts += component->first;
    for (int i = 0; i < mcus; i++, starts += period, to += across)
        for (int y = 0; y < down; y++)
            for (int x = 0; x < across; x++) {
                uint32_t start = starts[y * across + x];
                last = (int16_t)(last + difference_at(component, scan->bits.buffer, start));
                to[(size_t)y * plane->stride + (size_t)x] = block_sample(last, quantum);
            }
    component->last = last;
}

/* The same for any component from the MCU `mcu` of the row on; the usual ones at their speed. */
static void write_samples(struct scan *scan, int c, int mcu, int mcus, const uint32_t *starts)
{
    const struct jpeg_plane *plane = &scan->planes.planes[c];

    if (plane->across == 1 && plane->down == 1)
        write_blocks(scan, c, mcu, mcus, starts, 1, 1);
    else if (plane->across == 2 && plane->down == 2)
        write_blocks(scan, c, mcu, mcus, starts, 2, 2);
    else if (plane->across == 2 && plane->down == 1)
        write_blocks(scan, c, mcu, mcus, starts, 2, 1);
    else
        write_blocks(scan, c, mcu, mcus, starts, plane->across, plane->down);
}

/* Takes the other 63 terms of a block, of which those that `places` has a place for go into
 * `terms`, which are 0 before. Returns how many are not 0. */
static inline int take_terms(const struct code *code, struct bits_position *at,
                             const uint8_t *places, int16_t terms[BLOCK_PLACES])
{
    int count = 0;

    for (int term = 1; term < BLOCK_TERMS; term++) {
        position_refill(at);
        int value = code_take(code, at); /* there is one: the walk came by here */
        int run = code_terms((uint8_t)value) - 1;
        if (run < 0)
            break;
        term += run;
        if (!(value & 15))
            continue;
        terms[places[term]] = (int16_t)position_value(at, value & 15);
        count++;
    }
    return count;
}

/* One block as 2 x 2 samples. */
static void write_fine_block(struct scan *scan, struct component *component,
                             const struct jpeg_plane *plane, uint32_t start, uint8_t *to)
{
    int16_t terms[BLOCK_PLACES] = {0};
    struct bits_position at = bits_position_at(scan->bits.buffer, start);

    int difference = position_value(&at, code_take(component->dc, &at));
    component->last = (int16_t)(component->last + difference);
    int count = take_terms(component->ac, &at, scan->places, terms);
    terms[0] = (int16_t)component->last;
    if (count > 0)
        block_samples(terms, plane->quanta, to, plane->stride);
    else
        block_flat_samples(terms[0], plane->quanta[0], to, plane->stride);
}

/* The same as write_samples() for a component of which each block gives 2 x 2. */
static void write_fine_samples(struct scan *scan, int c, int mcu, int mcus, const uint32_t *starts)
{
    const struct jpeg_plane *plane = &scan->planes.planes[c];
    struct component *component = &scan->components[c];

    starts += component->first;
    for (int i = mcu; i < mcu + mcus; i++, starts += scan->walk.order.period)
        for (int y = 0; y < plane->down; y++)
            for (int x = 0; x < plane->across; x++)
                write_fine_block(scan, component, plane, starts[y * plane->across + x],
                                 plane->rows + (size_t)(2 * y) * plane->stride +
                                     (size_t)(2 * (i * plane->across + x)));
}

/* ---- MCUs ---- */

/* Goes on to the buffer's next data, behind the blocks that are used. */
static void next_buffer(struct scan *scan)
{
    struct walk *walk = &scan->walk;
    uint32_t used = scan->used < walk->found ? walk->starts[scan->used] : walk->bit;

    scan->bits.at.next = scan->bits.buffer + used / 8;
    walk_drop(walk, scan->used, used / 8);
    scan->used = 0;
    bits_fill(&scan->bits);
}

/* Blocks that can be used. */
static size_t blocks_ready(const struct scan *scan)
{
    return walk_whole(&scan->walk) - scan->used;
}

/* Finds the blocks of at least one more MCU. */
static enum jpeg_dc_result find_blocks(struct scan *scan)
{
    static const enum jpeg_dc_result results[] = {
        [WALK_OK] = JPEG_DC_OK, [WALK_SHORT] = JPEG_DC_SHORT, [WALK_BAD_CODE] = JPEG_DC_BAD_CODE};
    struct bits *bits = &scan->bits;
    size_t period = (size_t)scan->walk.order.period;
    enum walk_result rc = WALK_OK;

    while (blocks_ready(scan) < period && !rc) {
        next_buffer(scan);
        rc = walk_find(&scan->walk, bits->buffer, (uint32_t)(bits->end - bits->buffer),
                       bits->marker != 0, (size_t)scan->until_restart * period);
    }
    return blocks_ready(scan) < period ? results[rc] : JPEG_DC_OK;
}

/* Begins with the MCUs up to the next restart marker, or up to the end. */
static void begin_interval(struct scan *scan)
{
    bool cut = scan->restart && scan->restart < scan->left;

    scan->until_restart = cut ? scan->restart : scan->left;
    scan->left -= scan->until_restart;
    scan->used = 0;
    walk_reset(&scan->walk, 8 * (uint32_t)(scan->bits.end - scan->bits.buffer));
}

static bool pass_restart(struct scan *scan)
{
    if (!bits_restart(&scan->bits, scan->restarts++ & 7))
        return false;
    for (int c = 0; c < scan->planes.count; c++)
        scan->components[c].last = 0;
    begin_interval(scan);
    return true;
}

/* Makes samples of the next MCUs, at least one and at most `mcus`, in the row from `mcu` on.
 * Returns how many. */
static int write_mcus(struct scan *scan, int mcu, int mcus)
{
    const uint32_t *starts = scan->walk.starts + scan->used;
    int ready = (int)blocks_ready(scan) / scan->walk.order.period;

    if (mcus > ready)
        mcus = ready;
    for (int c = 0; c < scan->planes.count; c++)
        if (scan->planes.planes[c].scale > 1)
            write_fine_samples(scan, c, mcu, mcus, starts);
        else
            write_samples(scan, c, mcu, mcus, starts);
    scan->used += (size_t)(mcus * scan->walk.order.period);
    return mcus;
}

/* A row of MCUs, in pieces between buffers and restart markers. */
static enum jpeg_dc_result read_mcu_row(struct scan *scan)
{
    for (int mcu = 0; mcu < scan->planes.mcus;) {
        if (scan->until_restart == 0 && !pass_restart(scan))
            return JPEG_DC_BAD_MARKER;
        enum jpeg_dc_result rc = find_blocks(scan);
        if (rc)
            return rc;
        int mcus = scan->planes.mcus - mcu;
        mcus = write_mcus(scan, mcu, mcus < scan->until_restart ? mcus : scan->until_restart);
        scan->until_restart -= mcus;
        mcu += mcus;
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

/* Fills the lookup of differences whose code and bits lie within LOOKUP_BITS. */
static void fill_differences(int16_t *differences, const struct code *dc)
{
    for (uint32_t window = 0; window < LOOKUP_SIZE; window++) {
        struct symbol symbol = dc->symbols[window];
        struct bits_position at = {.window = (uint64_t)window << (64 - LOOKUP_BITS)};
        bool fits = symbol.bits && symbol.bits + symbol.value <= LOOKUP_BITS;
        position_skip(&at, symbol.bits);
        differences[window] = (int16_t)(fits ? position_value(&at, symbol.value) : DIFFERENCE_LONG);
    }
}

/* Fills one component's tables, or takes those of another with the same: a first step depends on
 * both, and what is there once is in the cache. */
static bool component_codes(struct scan *scan, const struct jpeg_decompress_struct *cinfo, int c)
{
    const jpeg_component_info *components = cinfo->comp_info;
    int dc = components[c].dc_tbl_no, ac = components[c].ac_tbl_no;

    for (int other = 0; other < c; other++)
        if (components[other].dc_tbl_no == dc && components[other].ac_tbl_no == ac) {
            scan->components[c] = scan->components[other];
            return true;
        }
    scan->components[c] = (struct component){
        .dc = &scan->dc[c], .ac = &scan->ac[c], .differences = scan->differences[c]};
    if (!code_fill(&scan->dc[c], cinfo->dc_huff_tbl_ptrs[dc], DIFFERENCE_BITS_MAX) ||
        !code_fill(&scan->ac[c], cinfo->ac_huff_tbl_ptrs[ac], AC_VALUE_MAX))
        return false;
    code_fill_steps(&scan->ac[c]);
    code_fill_first_steps(&scan->dc[c], &scan->ac[c]);
    fill_differences(scan->differences[c], &scan->dc[c]);
    return true;
}

/* Fills the tables, and the order of blocks. */
static bool scan_codes(struct scan *scan, const struct jpeg_decompress_struct *cinfo)
{
    struct order *order = &scan->walk.order;

    for (int c = 0; c < scan->planes.count; c++) {
        struct component *component = &scan->components[c];
        if (!component_codes(scan, cinfo, c))
            return false;
        component->first = order->period;
        for (int i = scan->planes.planes[c].across * scan->planes.planes[c].down; i > 0; i--)
            order_add(order, component->dc, component->ac);
    }
    order_close(order);
    return true;
}

static enum jpeg_dc_result read_scan(struct scan *scan, struct reduce *sink)
{
    for (int row = 0; row < scan->planes.mcu_rows; row++) {
        enum jpeg_dc_result rc = read_mcu_row(scan);
        if (rc)
            return rc;
        jpeg_planes_write(&scan->planes, sink);
    }
    return JPEG_DC_OK;
}

/* Readies what is not filled later. */
static void scan_init(struct scan *scan, struct jpeg_decompress_struct *cinfo)
{
    memset(&scan->walk, 0, sizeof scan->walk);
    memset(&scan->planes, 0, sizeof scan->planes);
    scan->restarts = 0;
    scan->restart = (int)cinfo->restart_interval;
    bits_init(&scan->bits, cinfo);
    block_places_fill(scan->places);
}

enum jpeg_dc_result jpeg_dc_read(struct jpeg_decompress_struct *cinfo, bool coarse,
                                 struct reduce *sink)
{
    struct scan *scan = malloc(sizeof *scan);
    enum jpeg_dc_result rc = JPEG_DC_MEMORY;

    if (!scan)
        return rc;
    scan_init(scan, cinfo);
    if (jpeg_planes_init(&scan->planes, cinfo, coarse)) {
        scan->left = scan->planes.mcus * scan->planes.mcu_rows;
        if (!scan_codes(scan, cinfo))
            rc = JPEG_DC_BAD_TABLE;
        else if (walk_init(&scan->walk)) {
            begin_interval(scan);
            rc = read_scan(scan, sink);
        }
    }
    walk_done(&scan->walk);
    jpeg_planes_done(&scan->planes);
    free(scan);
    return rc;
}
