/* The walk over a JPEG's blocks.
 *
 * The actors: `bits` hands out the entropy-coded data (jpeg_bits.h), a `code` knows one Huffman
 * table (jpeg_code.h), a `plane` holds one row of MCUs of one component, a sample per block, and
 * the `walk` owns them all.
 *
 * Nothing in here allocates but jpeg_dc_read(), which would leak it if the source manager left by
 * longjmp; ours remembers errors and hands out an end marker. */
#include "image/jpeg_dc.h"

#include <stdlib.h>
#include <string.h>

#include "image/jpeg_code.h"

enum { COMPONENTS_MAX = 3, DIFFERENCE_BITS_MAX = 15, AC_VALUE_MAX = 255 };

/* ---- blocks ---- */

/* Takes the difference of a block's first term to that before. Returns false at no code. */
static inline bool take_difference(const struct code *code, struct bits *bits, int *ret)
{
    position_refill(&bits->at);
    int size = code_take(code, bits);

    if (size < 0)
        return false;
    int value = size ? (int)(bits->at.window >> (64 - size)) : 0;
    if (size && value < 1 << (size - 1)) /* its first bit is the sign, inverted */
        value -= (1 << size) - 1;
    position_skip(&bits->at, size);
    *ret = value;
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

struct plane {
    const struct code *dc, *ac;
    int across, down; /* blocks of an MCU */
    int quantum;      /* what its first terms are multiplied by */
    int last;         /* the first term of the block before */
    size_t stride;    /* samples of a row */
    uint8_t *rows;    /* `down` of them; in the walk's samples */
};

struct walk {
    struct bits bits;
    struct code dc[NUM_HUFF_TBLS], ac[NUM_HUFF_TBLS]; /* those that the scan uses */
    struct plane planes[COMPONENTS_MAX];
    int plane_count;
    int mcus, mcu_rows; /* across and down */
    int restart;        /* MCUs between restart markers; 0 is none */
    int until_restart;  /* MCUs until the next */
    int restarts;       /* markers gone by */
    uint8_t *samples;   /* a row of MCUs of all planes; owned */
    int16_t *shifts;    /* three rows: what chroma adds to red, green and blue; owned */
};

/* The block's mean as a sample: its first term is eight times that, less 128. */
static inline uint8_t sample_of(int term, int quantum)
{
    int value = (((int16_t)term * quantum + 4) >> 3) + 128;

    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* One component's blocks of an MCU, a sample each. */
static inline enum jpeg_dc_result walk_blocks(struct bits *bits, struct plane *plane, int mcu)
{
    for (int y = 0; y < plane->down; y++)
        for (int x = 0; x < plane->across; x++) {
            int difference;
            bits_reserve(bits);
            if (!take_difference(plane->dc, bits, &difference) || !skip_terms(plane->ac, bits))
                return bits_overrun(bits) ? JPEG_DC_SHORT : JPEG_DC_BAD_CODE;
            if (bits_overrun(bits))
                return JPEG_DC_SHORT;
            plane->last = (int16_t)(plane->last + difference);
            plane->rows[(size_t)y * plane->stride + (size_t)(mcu * plane->across + x)] =
                sample_of(plane->last, plane->quantum);
        }
    return JPEG_DC_OK;
}

static bool walk_restart(struct walk *walk)
{
    if (!bits_restart(&walk->bits, walk->restarts++ & 7))
        return false;
    for (int c = 0; c < walk->plane_count; c++)
        walk->planes[c].last = 0;
    walk->until_restart = walk->restart;
    return true;
}

static enum jpeg_dc_result walk_mcu_row(struct walk *walk)
{
    for (int mcu = 0; mcu < walk->mcus; mcu++) {
        if (walk->restart && walk->until_restart-- == 0) {
            if (!walk_restart(walk))
                return JPEG_DC_BAD_MARKER;
            walk->until_restart--;
        }
        for (int c = 0; c < walk->plane_count; c++) {
            enum jpeg_dc_result rc = walk_blocks(&walk->bits, &walk->planes[c], mcu);
            if (rc)
                return rc;
        }
    }
    return JPEG_DC_OK;
}

/* ---- colours ---- */

/* What a row of chroma adds to red, green and blue, each sample `repeat` times: once for every
 * column of luma. Source: ITU-T T.871, section 7. */
static void fill_shifts(const uint8_t *blue, const uint8_t *red, int count, int repeat,
                        int16_t *shifts, size_t stride)
{
    for (int x = 0; x < count; x++) {
        int cb = blue[x] - 128, cr = red[x] - 128;
        int16_t to_red = (int16_t)((91881 * cr + 32768) >> 16);
        int16_t to_green = (int16_t)((-22554 * cb - 46802 * cr + 32768) >> 16);
        int16_t to_blue = (int16_t)((116130 * cb + 32768) >> 16);
        for (int i = 0; i < repeat; i++, shifts++) {
            shifts[0] = to_red;
            shifts[stride] = to_green;
            shifts[2 * stride] = to_blue;
        }
    }
}

static inline uint8_t shifted(uint8_t luma, int16_t shift)
{
    int16_t value = (int16_t)(luma + shift);

    value = value < 0 ? 0 : value;
    return (uint8_t)(value > 255 ? 255 : value);
}

/* (Not inlined, for the reason that filter.c gives.) */
static __attribute__((noinline)) void write_colours(const uint8_t *restrict luma,
                                                    const int16_t *restrict shifts, size_t stride,
                                                    int width, uint8_t *restrict to)
{
    for (int x = 0; x < width; x++) {
        to[4 * x] = shifted(luma[x], shifts[x]);
        to[4 * x + 1] = shifted(luma[x], shifts[stride + (size_t)x]);
        to[4 * x + 2] = shifted(luma[x], shifts[2 * stride + (size_t)x]);
        to[4 * x + 3] = 255;
    }
}

static const uint8_t *plane_row(const struct walk *walk, int c, int y)
{
    const struct plane *plane = &walk->planes[c];

    return plane->rows + (size_t)(y * plane->down / walk->planes[0].down) * plane->stride;
}

/* Writes row `y` of the row of MCUs. RGB's three planes are of one size, as jpeg_dc_applies() saw
 * to. */
static void write_row(struct walk *walk, J_COLOR_SPACE space, int y, struct reduce *sink)
{
    uint8_t *to = reduce_row(sink);
    const struct plane *luma = &walk->planes[0], *chroma = &walk->planes[1];

    if (space == JCS_GRAYSCALE) {
        memcpy(to, plane_row(walk, 0, y), (size_t)sink->width);
    } else if (space == JCS_RGB) {
        for (int x = 0; x < sink->width; x++, to += 4) {
            for (int c = 0; c < 3; c++)
                to[c] = plane_row(walk, c, y)[x];
            to[3] = 255;
        }
    } else {
        if (y % (luma->down / chroma->down) == 0)
            fill_shifts(plane_row(walk, 1, y), plane_row(walk, 2, y), (int)chroma->stride,
                        luma->across / chroma->across, walk->shifts, luma->stride);
        write_colours(plane_row(walk, 0, y), walk->shifts, luma->stride, sink->width, to);
    }
    reduce_commit(sink);
}

/* ---- the scan ---- */

static bool has_tables(const struct jpeg_decompress_struct *cinfo,
                       const jpeg_component_info *component)
{
    int dc = component->dc_tbl_no, ac = component->ac_tbl_no, quantum = component->quant_tbl_no;

    return dc >= 0 && dc < NUM_HUFF_TBLS && cinfo->dc_huff_tbl_ptrs[dc] && ac >= 0 &&
           ac < NUM_HUFF_TBLS && cinfo->ac_huff_tbl_ptrs[ac] && quantum >= 0 &&
           quantum < NUM_QUANT_TBLS && cinfo->quant_tbl_ptrs[quantum];
}

/* Chroma as a whole part of luma, and the same for both. */
static bool has_plain_sampling(const struct jpeg_decompress_struct *cinfo)
{
    const jpeg_component_info *first = cinfo->comp_info, *second = first + 1, *third = first + 2;
    bool equal = second->h_samp_factor == first->h_samp_factor &&
                 second->v_samp_factor == first->v_samp_factor;

    return second->h_samp_factor == third->h_samp_factor &&
           second->v_samp_factor == third->v_samp_factor &&
           first->h_samp_factor % second->h_samp_factor == 0 &&
           first->v_samp_factor % second->v_samp_factor == 0 &&
           (equal || cinfo->jpeg_color_space == JCS_YCbCr);
}

bool jpeg_dc_applies(const struct jpeg_decompress_struct *cinfo, const struct reduce *sink)
{
    int count = cinfo->num_components;
    bool coarse = sink->factor_x >= 2 && sink->factor_y >= 2;
    int blocks = 0; /* of an MCU */

    if (cinfo->progressive_mode || cinfo->arith_code || cinfo->data_precision != 8 ||
        cinfo->comps_in_scan != count)
        return false;
    if (cinfo->jpeg_color_space == JCS_GRAYSCALE ? count != 1
                                                 : count != 3 || !has_plain_sampling(cinfo))
        return false;
    for (int c = 0; c < count; c++) {
        const jpeg_component_info *component = &cinfo->comp_info[c];
        if (!has_tables(cinfo, component) || (component->DCT_scaled_size > 1 && !coarse))
            return false;
        blocks += component->h_samp_factor * component->v_samp_factor;
    }
    return count == 1 || blocks <= D_MAX_BLOCKS_IN_MCU; /* more are libjpeg's to refuse */
}

static bool walk_codes(struct walk *walk, const struct jpeg_decompress_struct *cinfo)
{
    bool dc_done[NUM_HUFF_TBLS] = {false}, ac_done[NUM_HUFF_TBLS] = {false};

    for (int c = 0; c < walk->plane_count; c++) {
        int dc = cinfo->comp_info[c].dc_tbl_no, ac = cinfo->comp_info[c].ac_tbl_no;
        if (!dc_done[dc] &&
            !code_fill(&walk->dc[dc], cinfo->dc_huff_tbl_ptrs[dc], DIFFERENCE_BITS_MAX))
            return false;
        if (!ac_done[ac] && !code_fill(&walk->ac[ac], cinfo->ac_huff_tbl_ptrs[ac], AC_VALUE_MAX))
            return false;
        if (!ac_done[ac])
            code_fill_skips(&walk->ac[ac]);
        dc_done[dc] = ac_done[ac] = true;
        walk->planes[c].dc = &walk->dc[dc];
        walk->planes[c].ac = &walk->ac[ac];
    }
    return true;
}

/* A scan of one component has MCUs of one block, whatever its sampling. */
static bool walk_planes(struct walk *walk, const struct jpeg_decompress_struct *cinfo)
{
    const jpeg_component_info *first = cinfo->comp_info;
    bool alone = walk->plane_count == 1;
    size_t total = 0;

    walk->mcus = alone ? (int)first->width_in_blocks
                       : ((int)cinfo->image_width - 1) / (8 * first->h_samp_factor) + 1;
    walk->mcu_rows = alone ? (int)first->height_in_blocks
                           : ((int)cinfo->image_height - 1) / (8 * first->v_samp_factor) + 1;
    for (int c = 0; c < walk->plane_count; c++) {
        struct plane *plane = &walk->planes[c];
        plane->across = alone ? 1 : first[c].h_samp_factor;
        plane->down = alone ? 1 : first[c].v_samp_factor;
        plane->quantum = cinfo->quant_tbl_ptrs[first[c].quant_tbl_no]->quantval[0];
        plane->stride = (size_t)walk->mcus * (size_t)plane->across;
        total += plane->stride * (size_t)plane->down;
    }
    walk->samples = malloc(total);
    walk->shifts = malloc(3 * walk->planes[0].stride * sizeof *walk->shifts);
    if (!walk->samples || !walk->shifts)
        return false;
    uint8_t *rows = walk->samples;
    for (int c = 0; c < walk->plane_count; c++) {
        walk->planes[c].rows = rows;
        rows += walk->planes[c].stride * (size_t)walk->planes[c].down;
    }
    return true;
}

static enum jpeg_dc_result walk_scan(struct walk *walk, J_COLOR_SPACE space, struct reduce *sink)
{
    for (int row = 0; row < walk->mcu_rows; row++) {
        enum jpeg_dc_result rc = walk_mcu_row(walk);
        if (rc)
            return rc;
        for (int y = 0; y < walk->planes[0].down && sink->rows < sink->height; y++)
            write_row(walk, space, y, sink);
    }
    return JPEG_DC_OK;
}

enum jpeg_dc_result jpeg_dc_read(struct jpeg_decompress_struct *cinfo, struct reduce *sink)
{
    struct walk *walk = calloc(1, sizeof *walk);
    enum jpeg_dc_result rc = JPEG_DC_MEMORY;

    if (!walk)
        return rc;
    walk->plane_count = cinfo->num_components;
    walk->restart = walk->until_restart = (int)cinfo->restart_interval;
    bits_init(&walk->bits, cinfo);
    if (!walk_codes(walk, cinfo))
        rc = JPEG_DC_BAD_TABLE;
    else if (walk_planes(walk, cinfo))
        rc = walk_scan(walk, cinfo->jpeg_color_space, sink);
    free(walk->samples);
    free(walk->shifts);
    free(walk);
    return rc;
}
