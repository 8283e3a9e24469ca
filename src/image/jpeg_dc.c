/* A baseline scan, shrunk.
 *
 * The actors: `bits` hands out the entropy-coded data (jpeg_bits.h), a `code` knows one Huffman
 * table (jpeg_code.h), the `walk` finds where blocks begin (jpeg_walk.h), a `batch` holds the
 * terms of some blocks (jpeg_terms.h), `planes` a row of MCUs as samples (jpeg_planes.h), and the
 * `scan` owns them all. Once it is known where blocks begin, what is needed of each is read apart
 * from the others, so nothing waits for anything.
 *
 * Nothing in here allocates but jpeg_dc_read(), which would leak it if the source manager left by
 * longjmp; ours remembers errors and hands out an end marker. */
#include "image/jpeg_dc.h"

#include <stdlib.h>
#include <string.h>

#include "image/jpeg_block.h"
#include "image/jpeg_code.h"
#include "image/jpeg_planes.h"
#include "image/jpeg_terms.h"
#include "image/jpeg_walk.h"

enum {
    DIFFERENCE_BITS_MAX = 15,
    DIFFERENCE_LOOKUP_BITS = 11,
    DIFFERENCE_LOOKUP_SIZE = 1 << DIFFERENCE_LOOKUP_BITS,
    AC_VALUE_MAX = 255,
};

/* One component's tables. */
struct component {
    const struct code *dc, *ac;
    const int32_t *differences; /* by the next bits, times 32 and with its bits, or 0 */
    struct term_code *terms;    /* filled where a block gives more than a sample */
    int first;                  /* of its blocks in an MCU */
    int last;                   /* the first term of the block before */
};

/* What is taken of blocks before their other terms. */
struct first_terms {
    int16_t terms[MAX_SAMP_FACTOR][BLOCK_BATCH];
    uint64_t starts[MAX_SAMP_FACTOR][BLOCK_BATCH]; /* bits where their AC codes begin */
};

struct scan {
    struct bits bits;
    struct walk walk;
    struct code dc[JPEG_PLANES_MAX], ac[JPEG_PLANES_MAX]; /* of the components that share none */
    int32_t differences[JPEG_PLANES_MAX][DIFFERENCE_LOOKUP_SIZE];
    struct component components[JPEG_PLANES_MAX];
    struct jpeg_planes planes;
    struct term_code terms[JPEG_PLANES_MAX];
    struct first_terms first;
    struct term_batch batch;
    size_t used;       /* blocks of those found by the walk */
    int restart;       /* MCUs between restart markers; 0 is none */
    int until_restart; /* MCUs until the next, or until the end */
    int left;          /* MCUs of the picture */
    int restarts;      /* markers gone by */
};

/* ---- samples ---- */

/* A difference of first terms with the bits that it takes up, 1..31. */
static inline int32_t difference_take(const struct code *dc, struct bits_position at)
{
    int before = at.count;
    int difference = position_value(&at, code_take(dc, &at));

    return difference * 32 + (before - at.count);
}

/* The difference of a block's first term to that before, likewise. */
static inline int32_t difference_at(const struct component *component, const uint8_t *data,
                                    uint32_t start)
{
    uint32_t window;

    memcpy(&window, data + (start >> 3), sizeof window);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    window = __builtin_bswap32(window);
#endif
    window <<= start & 7;
    int32_t difference = component->differences[window >> (32 - DIFFERENCE_LOOKUP_BITS)];
    if (__builtin_expect(difference == 0, 0))
        difference = difference_take(component->dc, bits_position_at(data, start));
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
                last = (int16_t)(last + (difference_at(component, scan->bits.buffer, start) >> 5));
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

/* Takes the first terms of a component's blocks in `mcus` MCUs, one row after the other, and where
 * their AC codes begin. */
static void take_first_terms(struct scan *scan, int c, int mcus, const uint32_t *starts)
{
    const struct jpeg_plane *plane = &scan->planes.planes[c];
    struct component *component = &scan->components[c];
    struct first_terms *first = &scan->first;
    int last = component->last;

    starts += component->first;
    for (int i = 0; i < mcus; i++, starts += scan->walk.order.period)
        for (int y = 0; y < plane->down; y++)
            for (int x = 0; x < plane->across; x++) {
                uint32_t start = starts[y * plane->across + x];
                int32_t difference = difference_at(component, scan->bits.buffer, start);
                int block = i * plane->across + x;
                last = (int16_t)(last + (difference >> 5));
                first->terms[y][block] = (int16_t)last;
                first->starts[y][block] = start + (uint32_t)(difference & 31);
            }
    component->last = last;
}

/* Makes samples of up to a batch of a component's blocks in `mcus` MCUs, row by row. */
static void write_batch(struct scan *scan, int c, int mcu, int mcus, const uint32_t *starts)
{
    const struct jpeg_plane *plane = &scan->planes.planes[c];
    struct component *component = &scan->components[c];
    struct term_batch *batch = &scan->batch;
    size_t count = (size_t)(mcus * plane->across);
    size_t lanes = (count + BLOCK_LANES - 1) / BLOCK_LANES * BLOCK_LANES;
    uint8_t *to = plane->rows + mcu * plane->across * plane->scale;

    take_first_terms(scan, c, mcus, starts);
    for (int y = 0; y < plane->down; y++, to += (size_t)plane->scale * plane->stride) {
        memcpy(batch->starts, scan->first.starts[y], count * sizeof *batch->starts);
        term_batch_read(batch, plane->scale, component->terms, scan->bits.buffer, count);
        memcpy(batch->columns, scan->first.terms[y], count * sizeof *batch->columns);
        block_transform(plane->scale, batch->columns, plane->quanta, lanes, to, plane->stride);
    }
}

/* The same as write_samples() for a component of which each block gives more than one. */
static void write_batches(struct scan *scan, int c, int mcu, int mcus, const uint32_t *starts)
{
    int most = BLOCK_BATCH / scan->planes.planes[c].across;
    int batches = (mcus + most - 1) / most;

    for (; batches > 0; batches--) {
        int part = (mcus + batches - 1) / batches;
        write_batch(scan, c, mcu, part, starts);
        mcu += part;
        mcus -= part;
        starts += part * scan->walk.order.period;
    }
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
            write_batches(scan, c, mcu, mcus, starts);
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
        cinfo->comps_in_scan != cinfo->num_components || !jpeg_planes_apply(cinfo, coarse, 4))
        return false;
    for (int c = 0; c < cinfo->num_components; c++)
        if (!has_codes(cinfo, &cinfo->comp_info[c]))
            return false;
    return true;
}

/* Fills the lookup of differences whose code and bits lie within its bits. */
static void fill_differences(int32_t *differences, const struct code *dc)
{
    enum { SHIFT = LOOKUP_BITS - DIFFERENCE_LOOKUP_BITS };

    for (uint32_t window = 0; window < DIFFERENCE_LOOKUP_SIZE;) {
        struct symbol symbol = dc->symbols[window << SHIFT];
        struct bits_position at = {.window = (uint64_t)window << (64 - DIFFERENCE_LOOKUP_BITS)};
        int more = DIFFERENCE_LOOKUP_BITS - symbol.bits - symbol.value;
        int32_t difference = symbol.bits && more >= 0 ? difference_take(dc, at) : 0;
        for (uint32_t end = window + (difference ? 1U << more : 1); window < end; window++)
            differences[window] = difference;
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
    scan->components[c] = (struct component){.dc = &scan->dc[c],
                                             .ac = &scan->ac[c],
                                             .differences = scan->differences[c],
                                             .terms = &scan->terms[c]};
    if (!code_fill(&scan->dc[c], cinfo->dc_huff_tbl_ptrs[dc], DIFFERENCE_BITS_MAX) ||
        !code_fill(&scan->ac[c], cinfo->ac_huff_tbl_ptrs[ac], AC_VALUE_MAX))
        return false;
    code_fill_steps(&scan->ac[c]);
    code_fill_first_steps(&scan->dc[c], &scan->ac[c]);
    fill_differences(scan->differences[c], &scan->dc[c]);
    scan->terms[c].ac = NULL;
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
        if (scan->planes.planes[c].scale > 1 && !component->terms->ac)
            term_code_fill(component->terms, component->ac);
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
