/* Walks by several streams find what a walk symbol by symbol finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "image/jpeg_walk.h"

enum { SIZE_MAX_BYTES = BITS_BUFFER_BYTES, TAIL_BYTES = BITS_BLOCK_BYTES + 16 };

/* The tables that nearly every encoder uses: [0] for luma, [1] for chroma. */
struct tables {
    struct jpeg_compress_struct encoder; /* owns what the codes borrow */
    struct jpeg_error_mgr error;
    struct code dc[2], ac[2];
};

static struct tables *tables_create(void)
{
    struct tables *tables = calloc(1, sizeof *tables);
    struct jpeg_compress_struct *encoder = &tables->encoder;

    encoder->err = jpeg_std_error(&tables->error);
    jpeg_create_compress(encoder);
    encoder->in_color_space = JCS_RGB;
    encoder->input_components = 3;
    jpeg_set_defaults(encoder);
    for (int i = 0; i < 2; i++) {
        assert_true(code_fill(&tables->dc[i], encoder->dc_huff_tbl_ptrs[i], 15));
        assert_true(code_fill(&tables->ac[i], encoder->ac_huff_tbl_ptrs[i], 255));
        code_fill_steps(&tables->ac[i]);
        code_fill_first_steps(&tables->dc[i], &tables->ac[i]);
    }
    return tables;
}

static void tables_free(struct tables *tables)
{
    jpeg_destroy_compress(&tables->encoder);
    free(tables);
}

/* An order of so many blocks of luma, then of chroma. */
static void order_of(struct order *order, const struct tables *tables, int luma, int chroma)
{
    *order = (struct order){0};
    for (int i = 0; i < luma + chroma; i++)
        order_add(order, &tables->dc[i >= luma], &tables->ac[i >= luma]);
    order_close(order);
}

/* What a walk comes to. */
struct found {
    uint32_t *starts; /* owned */
    size_t count, whole;
    uint32_t bit;
    enum walk_result rc;
};

/* Goes block by block, symbol by symbol. */
static struct found find_plainly(const struct order *order, const uint8_t *data, uint32_t size,
                                 size_t wanted)
{
    struct found found = {.starts = malloc(4 * (size_t)size * sizeof *found.starts + 64)};
    const struct place *place = order->places;
    uint32_t end = 8 * size;

    for (; found.whole < wanted; found.whole++, place = place->places[1])
        for (int term = 0; term < 64;) {
            struct bits_position at = bits_position_at(data, found.bit);
            int before = at.count;
            int value = code_take(term ? place->ac : place->dc, &at);
            uint32_t bits =
                (uint32_t)(before - at.count) + (value < 0 ? 16U : (unsigned)value & 15);
            if (found.bit + bits > end || value < 0) {
                found.rc = found.bit + bits > end ? WALK_SHORT : WALK_BAD_CODE;
                return found;
            }
            if (term == 0)
                found.starts[found.count++] = found.bit;
            found.bit += bits;
            int terms = code_terms((uint8_t)value);
            term += term == 0 ? 1 : terms ? terms : 64;
        }
    return found;
}

static void check_last(const struct order *order, const uint8_t *data, uint32_t size, size_t wanted)
{
    struct walk walk = {.order = *order};
    struct found plain = find_plainly(order, data, size, wanted);

    order_close(&walk.order);
    assert_true(walk_init(&walk));
    walk_reset(&walk, 0);
    enum walk_result rc = walk_find(&walk, data, size, true, wanted);
    assert_int_equal(rc, plain.rc);
    assert_int_equal(walk.found, plain.count);
    assert_int_equal(walk_whole(&walk), plain.whole);
    assert_int_equal(walk.bit, plain.bit);
    assert_memory_equal(walk.starts, plain.starts, plain.count * sizeof *plain.starts);
    walk_done(&walk);
    free(plain.starts);
}

/* In two buffers, of which the first is left in the middle of a block, for what is near its end. */
static void check_buffers(const struct order *order, const uint8_t *data, uint32_t size)
{
    struct walk walk = {.order = *order};
    struct found plain = find_plainly(order, data, size, SIZE_MAX);
    uint32_t cut = size / 2 + (uint32_t)rand() % (size / 4);

    order_close(&walk.order);
    assert_true(walk_init(&walk));
    walk_reset(&walk, 0);
    enum walk_result rc = walk_find(&walk, data, cut, false, SIZE_MAX);
    size_t whole = walk_whole(&walk);
    assert_memory_equal(walk.starts, plain.starts, whole * sizeof *plain.starts);
    if (!rc) {
        assert_true(8 * cut < walk.bit + 8 * BITS_BLOCK_BYTES);
        uint32_t keep = (whole < walk.found ? walk.starts[whole] : walk.bit) / 8;
        walk_drop(&walk, whole, keep);
        rc = walk_find(&walk, data + keep, size - keep, true, SIZE_MAX);
        assert_int_equal(whole + walk.found, plain.count);
        for (size_t i = 0; i < walk.found; i++)
            assert_int_equal(walk.starts[i] + 8 * keep, plain.starts[whole + i]);
    }
    assert_int_equal(rc, plain.rc);
    walk_done(&walk);
    free(plain.starts);
}

/* Bytes of which a share of `ones` in 256 is not 0: the fewer, the shorter the blocks. */
static void fill(uint8_t *data, uint32_t size, int ones)
{
    for (uint32_t i = 0; i < size; i++)
        data[i] = rand() % 256 < ones ? (uint8_t)rand() : 0;
    memset(data + size, 0, TAIL_BYTES);
}

static void test_streams_find_what_a_plain_walk_finds(void **state)
{
    (void)state;
    static const int shapes[][2] = {{1, 0}, {1, 2}, {2, 2}, {4, 2}, {3, 0}, {8, 2}};
    static const int shares[] = {256, 200, 60, 10, 0};
    struct tables *tables = tables_create();
    uint8_t *data = malloc(SIZE_MAX_BYTES + TAIL_BYTES);
    srand(7);
    for (size_t shape = 0; shape < sizeof shapes / sizeof *shapes; shape++) {
        struct order order;
        order_of(&order, tables, shapes[shape][0], shapes[shape][1]);
        for (int round = 0; round < 60; round++) {
            uint32_t size = 3100 + (uint32_t)rand() % (SIZE_MAX_BYTES - 3100);
            fill(data, size, shares[round % 5]);
            check_last(&order, data, size, SIZE_MAX);
            check_last(&order, data, size, (size_t)rand() % (size / 2) + 1);
            check_buffers(&order, data, size);
        }
    }
    free(data);
    tables_free(tables);
}

static void test_the_last_bytes_are_walked_over_to_the_bit(void **state)
{
    (void)state;
    struct tables *tables = tables_create();
    uint8_t data[200 + TAIL_BYTES];
    struct order order;
    srand(8);
    order_of(&order, tables, 4, 2);
    for (uint32_t size = 1; size <= 200; size++)
        for (int round = 0; round < 20; round++) {
            fill(data, size, round % 2 ? 256 : 40);
            check_last(&order, data, size, SIZE_MAX);
            check_last(&order, data, size, 3);
        }
    tables_free(tables);
}

/* Without it, a picture would be taken for damaged by what lies behind its last block. */
static void test_what_lies_behind_the_blocks_wanted_is_no_matter(void **state)
{
    (void)state;
    struct tables *tables = tables_create();
    uint8_t *data = malloc(SIZE_MAX_BYTES + TAIL_BYTES);
    struct order order;
    order_of(&order, tables, 1, 0);
    memset(data, 0, SIZE_MAX_BYTES + TAIL_BYTES);
    memset(data + 5000, 0xff, 20000); /* is no code */
    struct found plain = find_plainly(&order, data, SIZE_MAX_BYTES, SIZE_MAX);
    assert_int_equal(plain.rc, WALK_BAD_CODE);
    check_last(&order, data, SIZE_MAX_BYTES, SIZE_MAX);
    check_last(&order, data, SIZE_MAX_BYTES, plain.whole);
    free(plain.starts);
    free(data);
    tables_free(tables);
}

/* An even picture's own tables have one symbol each, of one bit: no blocks can be shorter. */
static void test_streams_of_the_shortest_blocks_keep_apart(void **state)
{
    (void)state;
    static const JHUFF_TBL table = {.bits = {[1] = 1}};
    struct tables *tables = tables_create();
    uint8_t *data = calloc(SIZE_MAX_BYTES + TAIL_BYTES, 1);
    struct order order;
    for (int i = 0; i < 2; i++) {
        assert_true(code_fill(&tables->dc[i], &table, 15));
        assert_true(code_fill(&tables->ac[i], &table, 255));
        code_fill_steps(&tables->ac[i]);
        code_fill_first_steps(&tables->dc[i], &tables->ac[i]);
    }
    for (int luma = 1; luma <= 4; luma++) {
        order_of(&order, tables, luma, luma == 4 ? 2 : 0);
        for (uint32_t size = 3000; size < 3200; size++)
            check_last(&order, data, size, SIZE_MAX);
        check_last(&order, data, SIZE_MAX_BYTES, SIZE_MAX);
    }
    free(data);
    tables_free(tables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_find_what_a_plain_walk_finds),
        cmocka_unit_test(test_streams_of_the_shortest_blocks_keep_apart),
        cmocka_unit_test(test_the_last_bytes_are_walked_over_to_the_bit),
        cmocka_unit_test(test_what_lies_behind_the_blocks_wanted_is_no_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
