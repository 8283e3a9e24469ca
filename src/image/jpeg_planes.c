/* Planes: where their rows lie, and colours. */
#include "image/jpeg_planes.h"
#include "image/vector.h"

#include <stdlib.h>
#include <string.h>

#if JPEG_LIB_VERSION >= 70 /* it has one for either side there, which are equal */
#define DCT_scaled_size     DCT_h_scaled_size
#define min_DCT_scaled_size min_DCT_h_scaled_size
#endif

/* ---- which pictures ---- */

static bool has_table(const struct jpeg_decompress_struct *cinfo,
                      const jpeg_component_info *component)
{
    int number = component->quant_tbl_no;

    return number >= 0 && number < NUM_QUANT_TBLS && cinfo->quant_tbl_ptrs[number];
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

/* Samples along either side of a block. */
static int plane_scale(const struct jpeg_decompress_struct *cinfo, int c, bool coarse)
{
    return coarse ? cinfo->min_DCT_scaled_size : cinfo->comp_info[c].DCT_scaled_size;
}

bool jpeg_planes_apply(const struct jpeg_decompress_struct *cinfo, bool coarse, int scale_max)
{
    int count = cinfo->num_components;
    int blocks = 0; /* of an MCU */

    if (cinfo->jpeg_color_space == JCS_GRAYSCALE ? count != 1
                                                 : count != 3 || !has_plain_sampling(cinfo))
        return false;
    for (int c = 0; c < count; c++) {
        const jpeg_component_info *component = &cinfo->comp_info[c];
        if (!has_table(cinfo, component) || plane_scale(cinfo, c, coarse) > scale_max)
            return false;
        blocks += component->h_samp_factor * component->v_samp_factor;
    }
    return count == 1 || blocks <= D_MAX_BLOCKS_IN_MCU; /* more are libjpeg's to refuse */
}

/* ---- their rows ---- */

static void plane_init(struct jpeg_plane *plane, const struct jpeg_decompress_struct *cinfo, int c,
                       bool coarse, int mcus)
{
    const jpeg_component_info *component = &cinfo->comp_info[c];
    const UINT16 *quanta = cinfo->quant_tbl_ptrs[component->quant_tbl_no]->quantval;
    bool alone = cinfo->num_components == 1;

    plane->across = alone ? 1 : component->h_samp_factor;
    plane->down = alone ? 1 : component->v_samp_factor;
    plane->scale = plane_scale(cinfo, c, coarse);
    plane->width = (size_t)mcus * (size_t)(plane->across * plane->scale);
    plane->stride = plane->width + (size_t)(BLOCK_LANES * plane->scale);
    block_quanta_fill(plane->quanta, quanta);
}

bool jpeg_planes_init(struct jpeg_planes *planes, const struct jpeg_decompress_struct *cinfo,
                      bool coarse)
{
    const jpeg_component_info *first = cinfo->comp_info;
    bool alone = cinfo->num_components == 1;
    size_t total = 0;

    planes->count = cinfo->num_components;
    planes->space = cinfo->jpeg_color_space;
    planes->mcus = alone ? (int)first->width_in_blocks
                         : ((int)cinfo->image_width - 1) / (8 * first->h_samp_factor) + 1;
    planes->mcu_rows = alone ? (int)first->height_in_blocks
                             : ((int)cinfo->image_height - 1) / (8 * first->v_samp_factor) + 1;
    for (int c = 0; c < planes->count; c++) {
        struct jpeg_plane *plane = &planes->planes[c];
        plane_init(plane, cinfo, c, coarse, planes->mcus);
        total += plane->stride * (size_t)(plane->down * plane->scale);
    }
    planes->samples = malloc(total);
    planes->shifts = malloc(6 * planes->planes[0].stride * sizeof *planes->shifts);
    if (!planes->samples || !planes->shifts)
        return false;
    uint8_t *rows = planes->samples;
    for (int c = 0; c < planes->count; c++) {
        struct jpeg_plane *plane = &planes->planes[c];
        plane->rows = rows;
        rows += plane->stride * (size_t)(plane->down * plane->scale);
    }
    return true;
}

void jpeg_planes_done(struct jpeg_planes *planes)
{
    free(planes->samples);
    free(planes->shifts);
    planes->samples = NULL;
    planes->shifts = NULL;
}

/* ---- colours ---- */

/* What a row of chroma adds to red, green and blue. Source: ITU-T T.871, section 7, in units of
 * 2^-16; what is a whole sample of a weight is added apart, so that the rest fits 16 bits. (Not
 * inlined, for the reason that filter.c gives.) */
static VECTOR_CLONES void fill_shifts(const uint8_t *restrict blue, const uint8_t *restrict red,
                                      size_t count, int16_t *restrict to_red,
                                      int16_t *restrict to_green, int16_t *restrict to_blue)
{
    const int16_t red_red = 26345, green_blue = -22554, green_red = 18734, blue_blue = -14942;

    for (size_t x = 0; x < count; x++) {
        int16_t cb = (int16_t)(blue[x] - 128), cr = (int16_t)(red[x] - 128);
        to_red[x] = (int16_t)(cr + ((red_red * cr + 32768) >> 16));
        to_green[x] = (int16_t)(((green_blue * cb + green_red * cr + 32768) >> 16) - cr);
        to_blue[x] = (int16_t)(2 * cb + ((blue_blue * cb + 32768) >> 16));
    }
}

static VECTOR_CLONES void spread_twice(const int16_t *restrict values, size_t count,
                                       int16_t *restrict to)
{
    for (size_t i = 0; i < count; i++)
        to[2 * i] = to[2 * i + 1] = values[i];
}

/* Writes each of `count` values so often. */
static void spread(const int16_t *values, size_t count, size_t repeat, int16_t *to)
{
    if (repeat == 2)
        spread_twice(values, count, to);
    else
        for (size_t i = 0; i < count * repeat; i++)
            to[i] = values[i / repeat];
}

static inline uint8_t shifted(uint8_t luma, int16_t shift)
{
    int16_t value = (int16_t)(luma + shift);

    value = value < 0 ? 0 : value;
    return (uint8_t)(value > 255 ? 255 : value);
}

/* (Not inlined, for the reason that filter.c gives.) */
static VECTOR_CLONES void write_colours(const uint8_t *restrict luma,
                                        const int16_t *restrict shifts, size_t stride, int width,
                                        uint8_t *restrict to)
{
    for (int x = 0; x < width; x++) {
        to[4 * x] = shifted(luma[x], shifts[x]);
        to[4 * x + 1] = shifted(luma[x], shifts[stride + (size_t)x]);
        to[4 * x + 2] = shifted(luma[x], shifts[2 * stride + (size_t)x]);
        to[4 * x + 3] = 255;
    }
}

/* Rows of samples that the plane has for a row of MCUs. */
static int plane_rows(const struct jpeg_plane *plane)
{
    return plane->down * plane->scale;
}

/* The row of plane `c` that belongs to row `y` of luma. */
static const uint8_t *plane_row(const struct jpeg_planes *planes, int c, int y)
{
    const struct jpeg_plane *plane = &planes->planes[c];
    int luma_rows = plane_rows(&planes->planes[0]);

    return plane->rows + (size_t)(y * plane_rows(plane) / luma_rows) * plane->stride;
}

static void write_luma_chroma(struct jpeg_planes *planes, int y, int width, uint8_t *to)
{
    const struct jpeg_plane *luma = &planes->planes[0], *chroma = &planes->planes[1];
    size_t repeat = luma->width / chroma->width; /* columns of luma to one of chroma */

    if (y % (plane_rows(luma) / plane_rows(chroma)) == 0) {
        int16_t *shifts = planes->shifts + (repeat > 1 ? 3 * luma->stride : 0);
        fill_shifts(plane_row(planes, 1, y), plane_row(planes, 2, y), chroma->width, shifts,
                    shifts + luma->stride, shifts + 2 * luma->stride);
        for (size_t c = 0; c < 3 && repeat > 1; c++)
            spread(shifts + c * luma->stride, chroma->width, repeat,
                   planes->shifts + c * luma->stride);
    }
    write_colours(plane_row(planes, 0, y), planes->shifts, luma->stride, width, to);
}

/* RGB's three planes are of one size, as jpeg_planes_apply() saw to. */
static void write_rgb(const struct jpeg_planes *planes, int y, int width, uint8_t *to)
{
    for (int x = 0; x < width; x++, to += 4) {
        for (int c = 0; c < 3; c++)
            to[c] = plane_row(planes, c, y)[x];
        to[3] = 255;
    }
}

void jpeg_planes_write(struct jpeg_planes *planes, struct reduce *sink)
{
    for (int y = 0; y < plane_rows(&planes->planes[0]) && sink->rows < sink->height; y++) {
        uint8_t *to = reduce_row(sink);
        if (planes->space == JCS_GRAYSCALE)
            memcpy(to, plane_row(planes, 0, y), (size_t)sink->width);
        else if (planes->space == JCS_RGB)
            write_rgb(planes, y, sink->width, to);
        else
            write_luma_chroma(planes, y, sink->width, to);
        reduce_commit(sink);
    }
}
