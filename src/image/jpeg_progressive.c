/* The scans of a progressive JPEG.
 *
 * The actors: `segments` lead from scan to scan (jpeg_segment.h), a `layer` keeps one component's
 * terms, `bits` and `code` are the entropy-coded data and the table for them, and the picture owns
 * them all. A scan calls one of four functions for each of its blocks: for the first terms or the
 * others, when they come first or as one bit more.
 *
 * Like the walk over a baseline scan, nothing in here allocates once data are being read. */
#include "image/jpeg_progressive.h"

#include <stdlib.h>
#include <string.h>

#include "image/jpeg_block.h"
#include "image/jpeg_code.h"
#include "image/jpeg_planes.h"
#include "image/jpeg_segment.h"

enum {
    DIFFERENCE_BITS_MAX = 15,
    AC_VALUE_MAX = 255,
    FINE_PLACES = BLOCK_KEPT + 1, /* and one for all others */
};

/* What is kept of a block that gives 2 x 2 samples. */
struct fine_block {
    uint64_t nonzero; /* a bit for each of the 64 terms */
    int16_t terms[FINE_PLACES];
};

/* What is kept of a component. */
struct layer {
    int width, height;         /* blocks of the picture, without padding */
    int stride, rows;          /* blocks that are kept, with padding up to whole MCUs */
    int16_t *first;            /* their first terms; owned */
    struct fine_block *fine;   /* their other terms, or NULL where those are not needed; owned */
    int8_t known[BLOCK_TERMS]; /* lowest bit of each term that has come; -1 when none has */
};

struct jpeg_progressive {
    struct jpeg_segments segments;
    struct jpeg_planes planes;
    struct layer layers[JPEG_PLANES_MAX];
    uint8_t places[BLOCK_TERMS + BLOCK_RUN_MAX];
    struct jpeg_scan scan; /* the one under way */
    struct bits bits;
    struct code codes[SCAN_COMPONENTS_MAX]; /* of each component in the scan */
    int last[SCAN_COMPONENTS_MAX];          /* first term of the block before */
    int blocks_to_skip;                     /* that have nothing in this scan */
    int until_restart;                      /* MCUs until the next restart marker */
    int restarts;                           /* markers gone by */
};

/* ---- first terms ---- */

static bool take_first(struct jpeg_progressive *p, int i, size_t block)
{
    struct layer *layer = &p->layers[p->scan.components[i]];

    position_refill(&p->bits.at);
    int size = code_take(&p->codes[i], &p->bits.at);
    if (size < 0)
        return false;
    p->last[i] = (int16_t)(p->last[i] + position_value(&p->bits.at, size));
    layer->first[block] = (int16_t)(p->last[i] * (1 << p->scan.low));
    return true;
}

static inline int take_bit(struct bits *bits)
{
    if (bits->at.count < 1)
        position_refill(&bits->at);
    int bit = (int)(bits->at.window >> 63);
    position_skip(&bits->at, 1);
    return bit;
}

static bool refine_first(struct jpeg_progressive *p, int i, size_t block)
{
    struct layer *layer = &p->layers[p->scan.components[i]];

    if (take_bit(&p->bits))
        layer->first[block] = (int16_t)(layer->first[block] | 1 << p->scan.low);
    return true;
}

/* ---- the other terms ---- */

/* What an AC symbol of a progressive scan says. */
struct ac_symbol {
    int run;  /* of zeros before the term */
    int size; /* bits of the term; 0: none, but sixteen zeros, or an end */
    bool ends;
};

/* Takes a symbol, and after an end of band how many blocks it ends, this one included, into
 * blocks_to_skip. Returns false at no code. */
static inline bool take_symbol(struct jpeg_progressive *p, struct ac_symbol *ret)
{
    position_refill(&p->bits.at);
    int value = code_take(&p->codes[0], &p->bits.at);

    if (value < 0)
        return false;
    *ret = (struct ac_symbol){.run = value >> 4, .size = value & 15};
    ret->ends = ret->size == 0 && ret->run < 15;
    if (ret->ends) {
        int more = (int)(p->bits.at.window >> 1 >> (63 - ret->run));
        position_skip(&p->bits.at, ret->run);
        p->blocks_to_skip = (1 << ret->run) + more;
    }
    return true;
}

/* A term that was zero. Wild ones have lost their upper bits, and may be zero still. */
static inline void set_term(struct jpeg_progressive *p, struct fine_block *fine, int term,
                            int value)
{
    int16_t cut = (int16_t)(value * (1 << p->scan.low));

    fine->terms[p->places[term]] = cut;
    fine->nonzero |= (uint64_t)(cut != 0) << term;
}

static bool take_others(struct jpeg_progressive *p, int i, size_t block)
{
    const struct jpeg_scan *scan = &p->scan;
    struct fine_block *fine = &p->layers[scan->components[i]].fine[block];

    for (int term = scan->first; term <= scan->last && !p->blocks_to_skip; term++) {
        struct ac_symbol symbol;
        if (!take_symbol(p, &symbol))
            return false;
        if (symbol.ends)
            break;
        term += symbol.run;
        if (symbol.size == 0)
            continue;
        if (term > scan->last)
            return false;
        set_term(p, fine, term, position_value(&p->bits.at, symbol.size));
    }
    p->blocks_to_skip -= p->blocks_to_skip > 0;
    return true;
}

/* One bit more of a term that is not zero. */
static inline void refine_term(struct jpeg_progressive *p, struct fine_block *fine, int term)
{
    int16_t *value = &fine->terms[p->places[term]];
    int step = 1 << p->scan.low;

    if (take_bit(&p->bits) && !(*value & step))
        *value = (int16_t)(*value + (*value >= 0 ? step : -step));
}

/* Refines terms from *term on until `zeros` zeros have gone by and another comes, or the band ends.
 * *term is then that zero's, or behind the band. */
static inline void refine_run(struct jpeg_progressive *p, struct fine_block *fine, int zeros,
                              int *term)
{
    for (; *term <= p->scan.last; ++*term) {
        if (fine->nonzero >> *term & 1)
            refine_term(p, fine, *term);
        else if (zeros-- == 0)
            break;
    }
}

static bool refine_others(struct jpeg_progressive *p, int i, size_t block)
{
    const struct jpeg_scan *scan = &p->scan;
    struct fine_block *fine = &p->layers[scan->components[i]].fine[block];
    int term = scan->first;

    for (; term <= scan->last && !p->blocks_to_skip; term++) {
        struct ac_symbol symbol;
        if (!take_symbol(p, &symbol) || symbol.size > 1)
            return false;
        if (symbol.ends)
            break;
        int value = !symbol.size ? 0 : take_bit(&p->bits) ? 1 : -1; /* its sign */
        refine_run(p, fine, symbol.run, &term);
        if (!value)
            continue;
        if (term > scan->last)
            return false;
        set_term(p, fine, term, value);
    }
    if (p->blocks_to_skip) {
        refine_run(p, fine, BLOCK_TERMS, &term);
        p->blocks_to_skip--;
    }
    return true;
}

/* ---- scans ---- */

typedef bool block_fn(struct jpeg_progressive *p, int i, size_t block);

static bool restart(struct jpeg_progressive *p)
{
    if (!bits_restart(&p->bits, p->restarts++ & 7))
        return false;
    memset(p->last, 0, sizeof p->last);
    p->blocks_to_skip = 0;
    p->until_restart = p->segments.restart;
    return true;
}

/* What comes before each MCU. */
static bool mcu_begin(struct jpeg_progressive *p)
{
    if (p->segments.restart && p->until_restart-- == 0) {
        if (!restart(p))
            return false;
        p->until_restart--;
    }
    return true;
}

static inline bool block_read(struct jpeg_progressive *p, block_fn *read, int i, size_t block)
{
    bits_reserve(&p->bits);
    return read(p, i, block) && !bits_overrun(&p->bits);
}

/* A scan of one component has MCUs of one block, and no padding. */
static bool scan_read_alone(struct jpeg_progressive *p, block_fn *read)
{
    const struct layer *layer = &p->layers[p->scan.components[0]];

    for (int y = 0; y < layer->height; y++)
        for (int x = 0; x < layer->width; x++)
            if (!mcu_begin(p) ||
                !block_read(p, read, 0, (size_t)y * (size_t)layer->stride + (size_t)x))
                return false;
    return true;
}

/* The blocks of component `i` of the scan in one MCU. */
static bool mcu_read(struct jpeg_progressive *p, block_fn *read, int i, int row, int mcu)
{
    const struct layer *layer = &p->layers[p->scan.components[i]];
    const struct jpeg_plane *plane = &p->planes.planes[p->scan.components[i]];

    for (int y = row * plane->down; y < (row + 1) * plane->down; y++)
        for (int x = mcu * plane->across; x < (mcu + 1) * plane->across; x++)
            if (!block_read(p, read, i, (size_t)y * (size_t)layer->stride + (size_t)x))
                return false;
    return true;
}

static bool scan_read_mcus(struct jpeg_progressive *p, block_fn *read)
{
    for (int row = 0; row < p->planes.mcu_rows; row++)
        for (int mcu = 0; mcu < p->planes.mcus; mcu++) {
            if (!mcu_begin(p))
                return false;
            for (int i = 0; i < p->scan.count; i++)
                if (!mcu_read(p, read, i, row, mcu))
                    return false;
        }
    return true;
}

static bool scan_codes(struct jpeg_progressive *p)
{
    const struct jpeg_scan *scan = &p->scan;

    for (int i = 0; i < scan->count; i++) {
        const JHUFF_TBL *table =
            scan->first ? &p->segments.ac[scan->ac[i]] : &p->segments.dc[scan->dc[i]];
        if (!code_fill(&p->codes[i], table, scan->first ? AC_VALUE_MAX : DIFFERENCE_BITS_MAX))
            return false;
    }
    return true;
}

/* Takes note of what the scan brings. Returns false where it does not follow on what came before,
 * which libjpeg warns of. */
static bool scan_follows(struct jpeg_progressive *p)
{
    const struct jpeg_scan *scan = &p->scan;

    for (int i = 0; i < scan->count; i++) {
        int8_t *known = p->layers[scan->components[i]].known;
        if (scan->first > 0 && known[0] < 0)
            return false;
        for (int term = scan->first; term <= scan->last; term++) {
            if (scan->high != (known[term] < 0 ? 0 : known[term]) ||
                (scan->high == 0 && known[term] == 0))
                return false;
            known[term] = (int8_t)scan->low;
        }
    }
    return true;
}

/* True when something in the scan is needed. */
static bool scan_counts(const struct jpeg_progressive *p)
{
    return p->scan.first == 0 || p->layers[p->scan.components[0]].fine;
}

/* Reads the scan or jumps over it. Returns the marker behind it, or -1. */
static int scan_read(struct jpeg_progressive *p)
{
    const struct jpeg_scan *scan = &p->scan;
    bool refines = scan->high > 0;
    block_fn *read = scan->first == 0 ? refines ? refine_first : take_first
                     : refines        ? refine_others
                                      : take_others;

    if (!scan_follows(p))
        return -1;
    if (!scan_counts(p))
        return jpeg_segments_jump(&p->segments);
    if (!(scan->first == 0 && refines) && !scan_codes(p))
        return -1;
    bits_init(&p->bits, p->segments.cinfo);
    memset(p->last, 0, sizeof p->last);
    p->blocks_to_skip = p->restarts = 0;
    p->until_restart = p->segments.restart;
    if (!(scan->count == 1 ? scan_read_alone(p, read) : scan_read_mcus(p, read)))
        return -1;
    return bits_finish(&p->bits);
}

/* ---- the picture ---- */

static bool layer_init(struct layer *layer, const jpeg_component_info *component,
                       const struct jpeg_planes *planes, const struct jpeg_plane *plane)
{
    layer->width = (int)component->width_in_blocks;
    layer->height = (int)component->height_in_blocks;
    layer->stride = planes->mcus * plane->across;
    layer->rows = planes->mcu_rows * plane->down;
    memset(layer->known, -1, sizeof layer->known);
    size_t blocks = (size_t)layer->stride * (size_t)layer->rows;
    layer->first = calloc(blocks, sizeof *layer->first);
    if (plane->scale > 1)
        layer->fine = calloc(blocks, sizeof *layer->fine);
    return layer->first && (plane->scale == 1 || layer->fine);
}

int64_t jpeg_progressive_need(const struct jpeg_decompress_struct *cinfo, bool coarse)
{
    int64_t bytes = (int64_t)cinfo->image_width * 32 + (1 << 17); /* planes, and the struct */

    for (int c = 0; c < cinfo->num_components; c++) {
        const jpeg_component_info *component = &cinfo->comp_info[c];
        int64_t width = component->width_in_blocks + (unsigned)component->h_samp_factor;
        int64_t height = component->height_in_blocks + (unsigned)component->v_samp_factor;
        bool fine = !coarse && c > 0;
        bytes +=
            width * height * (int64_t)(sizeof(int16_t) + (fine ? sizeof(struct fine_block) : 0));
    }
    return bytes;
}

static bool picture_init(struct jpeg_progressive *p, struct jpeg_decompress_struct *cinfo,
                         bool coarse)
{
    block_places_fill(p->places);
    if (!jpeg_segments_init(&p->segments, cinfo, &p->scan) ||
        !jpeg_planes_init(&p->planes, cinfo, coarse))
        return false;
    for (int c = 0; c < p->planes.count; c++)
        if (!layer_init(&p->layers[c], &cinfo->comp_info[c], &p->planes, &p->planes.planes[c]))
            return false;
    return true;
}

/* Reads up to the end marker. Returns false when a component's first terms are not all there. */
static bool scans_read(struct jpeg_progressive *p, int max_scans)
{
    int more = 1;

    for (int scans = 1; more == 1; scans++) {
        int marker = scans <= max_scans ? scan_read(p) : -1;
        more = marker < 0 ? -1 : jpeg_segments_next(&p->segments, marker, &p->scan);
    }
    for (int c = 0; c < p->planes.count; c++)
        if (p->layers[c].known[0] != 0)
            return false;
    return more == 0;
}

bool jpeg_progressive_applies(const struct jpeg_decompress_struct *cinfo, bool coarse)
{
    return cinfo->progressive_mode && !cinfo->arith_code && cinfo->data_precision == 8 &&
           cinfo->scale_denom == 8 && jpeg_planes_apply(cinfo, coarse, 2);
}

struct jpeg_progressive *jpeg_progressive_read(struct jpeg_decompress_struct *cinfo, bool coarse,
                                               int max_scans)
{
    struct jpeg_progressive *p = calloc(1, sizeof *p);

    if (p && picture_init(p, cinfo, coarse) && scans_read(p, max_scans))
        return p;
    jpeg_progressive_free(p);
    return NULL;
}

/* Makes samples of up to a batch of blocks, each of which gives 2 x 2. */
static void batch_fill(const uint8_t *places, const struct layer *layer,
                       const struct jpeg_plane *plane, size_t block, size_t count, uint8_t *to)
{
    int16_t columns[BLOCK_TERMS * BLOCK_COLUMN] = {0};
    size_t lanes = (count + BLOCK_LANES - 1) / BLOCK_LANES * BLOCK_LANES;

    for (size_t i = 0; i < count; i++)
        columns[i] = layer->first[block + i];
    for (size_t term = 1; term < BLOCK_TERMS; term++)
        for (size_t i = 0; i < count && places[term] < BLOCK_KEPT; i++)
            columns[term * BLOCK_COLUMN + i] = layer->fine[block + i].terms[places[term]];
    block_transform(2, columns, plane->quanta, lanes, to, plane->stride);
}

/* One component's samples of a row of blocks. */
static void row_fill(const uint8_t *places, const struct layer *layer,
                     const struct jpeg_plane *plane, int row, uint8_t *to)
{
    size_t width = (size_t)layer->stride, block = (size_t)row * width;

    if (plane->scale == 1)
        for (size_t x = 0; x < width; x++)
            to[x] = block_sample(layer->first[block + x], plane->quanta[0]);
    else
        for (size_t x = 0; x < width; x += BLOCK_BATCH)
            batch_fill(places, layer, plane, block + x,
                       width - x < BLOCK_BATCH ? width - x : BLOCK_BATCH, to + 2 * x);
}

void jpeg_progressive_write(struct jpeg_progressive *p, struct reduce *sink)
{
    for (int row = 0; row < p->planes.mcu_rows; row++) {
        for (int c = 0; c < p->planes.count; c++) {
            const struct jpeg_plane *plane = &p->planes.planes[c];
            for (int y = 0; y < plane->down; y++)
                row_fill(p->places, &p->layers[c], plane, row * plane->down + y,
                         plane->rows + (size_t)(y * plane->scale) * plane->stride);
        }
        jpeg_planes_write(&p->planes, sink);
    }
}

void jpeg_progressive_free(struct jpeg_progressive *p)
{
    if (!p)
        return;
    for (int c = 0; c < JPEG_PLANES_MAX; c++) {
        free(p->layers[c].first);
        free(p->layers[c].fine);
    }
    jpeg_planes_done(&p->planes);
    free(p);
}
