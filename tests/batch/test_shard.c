#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch/plan.h"
#include "batch/shard.h"
#include "support/tree.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static void test_shard_is_read_as_i_of_n(void **state)
{
    (void)state;
    struct shard shard;
    assert_int_equal(shard_parse("3/16", &shard), 0);
    assert_int_equal(shard.index, 3);
    assert_int_equal(shard.count, 16);
    assert_int_equal(shard_parse("1000000/1000000", &shard), 0);
    static const char *const wrong[] = {
        "",     "3",     "/",         "3/",           "/3",
        "0/3",  "4/3",   "1/0",       "-1/3",         "+1/3",
        " 1/3", "1/3 ",  "1/1000001", "1/2/3",        "1.0/3",
        "a/b",  "0x1/3", "1//3",      "1/4294967297", "99999999999999999999/99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        shard = (struct shard){7, 8};
        assert_int_equal(shard_parse(wrong[i], &shard), -EINVAL);
        assert_int_equal(shard.index, 7);
    }
}

/* Hashes of whole names, made elsewhere: the rule must not change, or shards would. */
static void test_shard_is_the_hash_of_the_name(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *name;
        uint64_t hash;
    } vectors[] = {
        {"", "", UINT64_C(0x2d06800538d394c2)},
        {"", "a.jpg", UINT64_C(0x0169276d1980ff75)},
        {"", "a/b.jpg", UINT64_C(0x268571dfdaffb0cd)},
        {"a/", "b.jpg", UINT64_C(0x268571dfdaffb0cd)},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        for (uint32_t count = 1; count <= 1000000; count = count * 3 + 1)
            for (uint32_t index = 1; index <= 3 && index <= count; index++) {
                struct shard shard = {(uint32_t)(vectors[i].hash % count) + index, count};
                if (shard.index <= count)
                    assert_int_equal(shard_has(&shard, vectors[i].prefix, vectors[i].name),
                                     index == 1);
            }
}

/* Long names, whose hash has another way than that of short ones. */
static void test_shard_hashes_prefix_and_name_as_one(void **state)
{
    (void)state;
    char whole[2000], prefix[2000];
    for (size_t length = 0; length < sizeof whole - 1; length += 37) {
        memset(whole, 'x', length);
        whole[length] = '\0';
        uint64_t hash = XXH3_64bits(whole, length);
        for (size_t cut = 0; cut <= length; cut += 97) {
            memcpy(prefix, whole, cut);
            prefix[cut] = '\0';
            struct shard shard = {(uint32_t)(hash % 1000) + 1, 1000};
            assert_true(shard_has(&shard, prefix, whole + cut));
        }
    }
}

static void test_shard_of_none_has_all(void **state)
{
    (void)state;
    assert_true(shard_has(&(struct shard){0}, "a/", "b.jpg"));
}

/* ---- Plans ---------------------------------------------------------------------------------- */

struct planned {
    char folder[TREE_PATH_BYTES];
    struct image_spec spec;
    struct scan scan;
    struct plan plan;
};

static void plan_shard(const char *root, struct shard shard, struct planned *ret)
{
    const char *bad;
    ret->spec = image_spec_default();
    snprintf(ret->folder, sizeof ret->folder, "%s", tree_path(root, "in"));
    char *paths[] = {ret->folder, ret->folder};
    struct scan_options scan = {.paths = paths, .path_count = 2};
    struct plan_options options = {.spec = &ret->spec, .output = "thumbs", .shard = shard};
    assert_int_equal(scan_run(&scan, &ret->scan, &bad), 0);
    assert_int_equal(plan_make(&options, &ret->scan, &ret->plan), 0);
}

static void planned_done(struct planned *planned)
{
    plan_done(&planned->plan);
    scan_done(&planned->scan);
}

static void files_make(const char *root, int count)
{
    for (int i = 0; i < count; i++) {
        char name[40];
        snprintf(name, sizeof name, "in/%d/%d.jpg", i % 7, i);
        tree_write(root, name, "x", 1);
    }
}

/* The folder is named twice; each picture belongs to one shard all the same, and once. */
static void test_plans_of_shards_are_a_whole_without_overlap(void **state)
{
    enum { FILES = 200 };
    files_make(*state, FILES);
    for (uint32_t count = 1; count <= 16; count++) {
        int seen[2 * FILES] = {0};
        for (uint32_t index = 1; index <= count; index++) {
            struct planned planned;
            plan_shard(*state, (struct shard){index, count}, &planned);
            assert_int_equal(planned.scan.count, 2 * FILES);
            assert_int_equal(planned.plan.all, FILES);
            for (size_t i = 0; i < planned.plan.count; i++)
                seen[planned.plan.order[i]]++;
            for (size_t i = 1; i < planned.plan.count; i++)
                assert_true(planned.plan.order[i - 1] < planned.plan.order[i]);
            planned_done(&planned);
        }
        for (int i = 0; i < 2 * FILES; i++)
            assert_int_equal(seen[i], i < FILES);
    }
}

static void test_plan_of_a_shard_keeps_its_pictures_when_others_come(void **state)
{
    struct planned before, after;
    const struct shard shard = {2, 5};
    files_make(*state, 50);
    plan_shard(*state, shard, &before);
    files_make(*state, 150);
    plan_shard(*state, shard, &after);
    assert_true(before.plan.count > 0 && before.plan.count < after.plan.count);
    for (size_t i = 0, k = 0; i < before.plan.count; i++, k++) {
        const char *name = scan_name(&before.scan.inputs[before.plan.order[i]]);
        while (k < after.plan.count &&
               strcmp(scan_name(&after.scan.inputs[after.plan.order[k]]), name) != 0)
            k++;
        assert_true(k < after.plan.count);
    }
    planned_done(&before);
    planned_done(&after);
}

static void test_plan_of_every_shard_sees_every_clash(void **state)
{
    tree_write(*state, "in/a.jpg", "x", 1);
    tree_write(*state, "in/A.jpg", "x", 1);
    for (uint32_t index = 1; index <= 64; index++) {
        struct planned planned;
        plan_shard(*state, (struct shard){index, 64}, &planned);
        assert_int_equal(planned.plan.problem_count, 1);
        planned_done(&planned);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shard_is_read_as_i_of_n),
        cmocka_unit_test(test_shard_is_the_hash_of_the_name),
        cmocka_unit_test(test_shard_hashes_prefix_and_name_as_one),
        cmocka_unit_test(test_shard_of_none_has_all),
        TREE_TEST(test_plans_of_shards_are_a_whole_without_overlap),
        TREE_TEST(test_plan_of_a_shard_keeps_its_pictures_when_others_come),
        TREE_TEST(test_plan_of_every_shard_sees_every_clash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
