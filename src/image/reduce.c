/* Reduction: columns are added down first, because that is a plain sum of rows that a compiler
 * turns into vector code; across comes once per finished row of boxes. */
#include "image/reduce.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/alpha.h"
#include "image/vector.h"

int reduce_init(struct reduce *reduce, int width, int height, int channels, bool alpha,
                int factor_x, int factor_y)
{
    *reduce = (struct reduce){.width = width,
                              .height = height,
                              .channels = channels,
                              .alpha = alpha,
                              .factor_x = factor_x,
                              .factor_y = factor_y};
    if (factor_x < 1 || factor_x > REDUCE_FACTOR_MAX || factor_y < 1 ||
        factor_y > REDUCE_FACTOR_MAX || width < 1 || height < 1)
        return -EINVAL;
    int rc = pixels_init(&reduce->out, (width - 1) / factor_x + 1, (height - 1) / factor_y + 1,
                         channels);
    if (rc)
        return rc;
    reduce->out.alpha = alpha;
    if (factor_x == 1 && factor_y == 1)
        return 0;
    size_t samples = (size_t)width * (size_t)channels;
    reduce->row = malloc(samples + 16);
    reduce->sums = calloc(samples, sizeof *reduce->sums);
    if (reduce->row && reduce->sums)
        return 0;
    reduce_done(reduce);
    return -ENOMEM;
}

void reduce_done(struct reduce *reduce)
{
    pixels_done(&reduce->out);
    free(reduce->row);
    free(reduce->sums);
    memset(reduce, 0, sizeof *reduce);
}

/* The first row of a box starts its sums, the others add to them. */
static VECTOR_CLONES void add_row(uint16_t *restrict sums, const uint8_t *restrict row,
                                  size_t samples, bool first)
{
    if (first)
        for (size_t i = 0; i < samples; i++)
            sums[i] = row[i];
    else
        for (size_t i = 0; i < samples; i++)
            sums[i] = (uint16_t)(sums[i] + row[i]);
}

/* The means of boxes of any size. The division by their count is a
 * product with a reciprocal of 40 bits: its error, below 2^24 / 2^40, is less than the distance of
 * any such quotient to the next whole number, 1 / 65536. */
static inline void write_large_boxes(const uint16_t *sums, int boxes, int columns, int rows,
                                     int channels, uint8_t *to)
{
    uint32_t count = (uint32_t)(columns * rows);
    uint64_t reciprocal = ((1ull << 40) + count - 1) / count;

    for (int box = 0; box < boxes; box++, to += channels) {
        uint32_t sum[4] = {0};
        for (int x = 0; x < columns; x++, sums += channels)
            for (int c = 0; c < channels; c++)
                sum[c] += sums[c];
        for (int c = 0; c < channels; c++)
            to[c] = (uint8_t)((sum[c] + count / 2) * reciprocal >> 40);
    }
}

/* The means of boxes of few pixels, whose sums fit 16 bits. They are added up across first, a block
 * at a time, so that the compiler can divide many at once. A reciprocal of 16 bits is enough for
 * them: the product of it and `count` is above 2^16 by less than `count`, and that times the sum,
 * which is below 256 x `count`, stays below 2^16. */
enum { SMALL_BOX = 16, BLOCK_BOXES = 128 };

typedef uint16_t pixel_sum __attribute__((vector_size(8)));

static inline void add_across(const uint16_t *sums, int boxes, int columns, int channels,
                              uint16_t start, uint16_t *to)
{
    for (int box = 0; box < boxes; box++, to += channels) {
        pixel_sum four = {start, start, start, start}, more;
        uint16_t one = start;
        for (int x = 0; x < columns; x++, sums += channels)
            if (channels == 4) {
                memcpy(&more, sums, sizeof more);
                four += more;
            } else {
                one = (uint16_t)(one + *sums);
            }
        if (channels == 4)
            memcpy(to, &four, sizeof four);
        else
            *to = one;
    }
}

static inline void divide(const uint16_t *restrict sums, int count, uint16_t reciprocal,
                          uint8_t *restrict to)
{
    for (int i = 0; i < count; i++)
        to[i] = (uint8_t)((uint32_t)(sums[i] * (uint32_t)reciprocal) >> 16);
}

static inline void write_small_boxes(const uint16_t *sums, int boxes, int columns, int rows,
                                     int channels, uint8_t *to)
{
    int count = columns * rows;
    uint16_t reciprocal = (uint16_t)(((1 << 16) + count - 1) / count);
    uint16_t across[BLOCK_BOXES * 4];

    for (int block; boxes > 0; boxes -= block) {
        block = boxes < BLOCK_BOXES ? boxes : BLOCK_BOXES;
        add_across(sums, block, columns, channels, (uint16_t)(count / 2), across);
        divide(across, block * channels, reciprocal, to);
        sums += (ptrdiff_t)block * columns * channels;
        to += (ptrdiff_t)block * channels;
    }
}

/* Writes the means of `boxes` boxes of columns x rows pixels. */
static inline void write_boxes(const uint16_t *sums, int boxes, int columns, int rows, int channels,
                               uint8_t *to)
{
    int count = columns * rows;

    if (count > 1 && count <= SMALL_BOX)
        write_small_boxes(sums, boxes, columns, rows, channels, to);
    else
        write_large_boxes(sums, boxes, columns, rows, channels, to);
}

/* Writes one row of means from the sums of `rows` rows: whole boxes, then what is left. */
static inline void write_row(const struct reduce *reduce, int rows, int channels, uint8_t *to)
{
    int whole = reduce->width / reduce->factor_x;
    int rest = reduce->width % reduce->factor_x;
    const uint16_t *last = reduce->sums + (ptrdiff_t)(reduce->width - rest) * channels;

    write_boxes(reduce->sums, whole, reduce->factor_x, rows, channels, to);
    if (rest)
        write_boxes(last, 1, rest, rows, channels, to + (ptrdiff_t)whole * channels);
}

uint8_t *reduce_row(struct reduce *reduce)
{
    assert(reduce->rows < reduce->height);
    if (reduce->row)
        return reduce->row;
    return reduce->out.data + (size_t)reduce->rows * reduce->out.stride;
}

void reduce_commit(struct reduce *reduce)
{
    uint8_t *row = reduce_row(reduce);
    int in_box = reduce->rows % reduce->factor_y; /* rows of this box before this one */
    int box = reduce->rows / reduce->factor_y;

    if (reduce->alpha)
        alpha_multiply(row, reduce->width);
    reduce->rows++;
    if (!reduce->row)
        return;
    add_row(reduce->sums, row, (size_t)reduce->width * (size_t)reduce->channels, in_box == 0);
    if (in_box + 1 < reduce->factor_y && reduce->rows < reduce->height)
        return;
    uint8_t *to = reduce->out.data + (size_t)box * reduce->out.stride;
    if (reduce->channels == 1) /* a constant for each, so that the inner loops unroll */
        write_row(reduce, in_box + 1, 1, to);
    else
        write_row(reduce, in_box + 1, 4, to);
}
