#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch/entry.h"
#include "batch/key.h"

static struct entry made(void)
{
    struct entry entry = {.src = "/photos/a\n\xff.jpg",
                          .name = "a.jpg",
                          .kind = IMAGE_KIND_JPEG,
                          .width = 600,
                          .height = 400,
                          .shrink = 8,
                          .output_count = 2,
                          .size_bytes = 9120,
                          .changed = {1700000000, 7},
                          .fingerprint = {9000, 0xfedcba9876543210},
                          .key = 0x0123456789abcdef};
    entry.outputs[0] = (struct run_output){(char *)"a.jpg", 60, 40, 500};
    entry.outputs[1] = (struct run_output){(char *)"a-\xff.jpg", 30, 20, 300};
    return entry;
}

static struct entry failed(void)
{
    struct entry entry = made();
    entry.failed = true;
    entry.output_count = 0;
    entry.code = "damaged";
    entry.message = "the data ends early";
    return entry;
}

/* The entry's line, without its end. */
static char *line_of(const struct entry *entry, size_t *ret_size)
{
    char *text;
    FILE *file = open_memstream(&text, ret_size);
    entry_write(file, entry);
    fclose(file);
    assert_int_equal(text[--*ret_size], '\n');
    assert_null(memchr(text, '\n', *ret_size));
    text[*ret_size] = '\0';
    return text;
}

static void test_entry_survives_the_way(void **state)
{
    struct entry entry = made(), result;
    size_t size;
    char *line = line_of(&entry, &size);
    (void)state;
    assert_true(entry_read(line, size, &result));
    assert_string_equal(result.src, entry.src);
    assert_string_equal(result.name, "a.jpg");
    assert_false(result.failed);
    assert_int_equal(result.kind, IMAGE_KIND_JPEG);
    assert_int_equal(result.width, 600);
    assert_int_equal(result.height, 400);
    assert_int_equal(result.shrink, 8);
    assert_int_equal(result.output_count, 2);
    assert_string_equal(result.outputs[1].path, entry.outputs[1].path);
    assert_int_equal(result.outputs[1].width, 30);
    assert_int_equal(result.outputs[1].size_bytes, 300);
    assert_null(result.code);
    assert_true(result.size_bytes == 9120 && result.key == entry.key);
    assert_true(result.changed.tv_sec == 1700000000 && result.changed.tv_nsec == 7);
    assert_true(result.fingerprint.reach == 9000 &&
                result.fingerprint.hash == entry.fingerprint.hash);
    free(line);
}

static void test_entry_of_a_failure_keeps_why_and_name(void **state)
{
    struct entry entry = failed(), result;
    entry.width = entry.height = 0;
    entry.fingerprint.reach = 0;
    entry.changed = (struct timespec){-5, 999999999};
    size_t size;
    char *line = line_of(&entry, &size);
    (void)state;
    assert_true(entry_read(line, size, &result));
    assert_true(result.failed);
    assert_string_equal(result.name, "a.jpg");
    assert_string_equal(result.code, "damaged");
    assert_string_equal(result.message, "the data ends early");
    assert_int_equal(result.output_count, 0);
    assert_true(result.fingerprint.reach == 0);
    assert_true(result.changed.tv_sec == -5 && result.changed.tv_nsec == 999999999);
    free(line);
}

static void test_entry_is_refused_at_any_shorter_length(void **state)
{
    struct entry entries[] = {made(), failed()}, result;
    (void)state;
    for (int i = 0; i < 2; i++) {
        size_t size;
        char *line = line_of(&entries[i], &size);
        for (size_t cut = 0; cut < size; cut++) {
            char *part = malloc(cut ? cut : 1);
            memcpy(part, line, cut);
            assert_false(entry_read(part, cut, &result));
            free(part);
        }
        free(line);
    }
}

/* Changes one part of a good line. Returns whether it is still read. */
static bool reads_with(const char *part, const char *instead)
{
    struct entry entry = made(), result;
    size_t size;
    char *line = line_of(&entry, &size), *at = strstr(line, part), changed[2000];
    assert_non_null(at);
    int length = snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - line), line, instead,
                          at + strlen(part));
    free(line);
    return entry_read(changed, (size_t)length, &result);
}

static void test_entry_is_refused_where_a_part_is_wrong(void **state)
{
    static const char *const wrong[][2] = {
        {"\"result\"", "\"start\""},
        {"\"made\"", "\"current\""},
        {"\"made\"", "\"failed\""},
        {"\"width\":600", "\"width\":0"},
        {"\"height\":400,", ""},
        {"\"shrink\":8", "\"shrink\":9999"},
        {"\"path\":\"a.jpg\",", ""},
        {"\"path\":\"a.jpg\"", "\"path\":\"\""},
        {"\"width\":60,", ""},
        {"\"bytes\":500", "\"bytes\":-5"},
        {"1700000000.0", "1700000000"},
        {"1700000000.", "."},
        {"\"read\":9000", "\"read\":9121"},
        {"fedcba9876543210", "fedcba987654321"},
        {"fedcba9876543210", "FEDCBA9876543210"},
        {"\"key\"", "\"kez\""},
        {"\"input\"", "\"output\""},
        {"\"src\":", "\"crs\":"},
    };
    (void)state;
    assert_true(reads_with("\"made\"", "\"made\",\"new\":{\"of\":[\"a later version\"]}"));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (reads_with(wrong[i][0], wrong[i][1]))
            fail_msg("read with %s", wrong[i][1]);
}

static void test_key_has_all_that_counts_and_no_more(void **state)
{
    struct image_spec plain = image_spec_default(), other = plain;
    uint64_t key = key_of(&plain, IMAGE_KIND_JPEG, "1");
    (void)state;
    assert_true(key == key_of(&other, IMAGE_KIND_JPEG, "1"));
    assert_true(key != key_of(&other, IMAGE_KIND_JPEG, "2"));
    assert_true(key != key_of(&other, IMAGE_KIND_WEBP, "1"));
    other.blur_sigma_px = 2.5;
    assert_true(key != key_of(&other, IMAGE_KIND_JPEG, "1"));
    other = plain;
    other.quality = 80;
    assert_true(key != key_of(&other, IMAGE_KIND_JPEG, "1"));
    assert_true(key_of(&plain, IMAGE_KIND_PNG, "1") == key_of(&other, IMAGE_KIND_PNG, "1"));
    other = plain;
    other.background[1] = 7;
    assert_true(key != key_of(&other, IMAGE_KIND_JPEG, "1"));
    assert_true(key_of(&plain, IMAGE_KIND_PNG, "1") == key_of(&other, IMAGE_KIND_PNG, "1"));
    other.fit = plain.fit = IMAGE_CONTAIN;
    assert_true(key_of(&plain, IMAGE_KIND_PNG, "1") != key_of(&other, IMAGE_KIND_PNG, "1"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entry_survives_the_way),
        cmocka_unit_test(test_entry_of_a_failure_keeps_why_and_name),
        cmocka_unit_test(test_entry_is_refused_at_any_shorter_length),
        cmocka_unit_test(test_entry_is_refused_where_a_part_is_wrong),
        cmocka_unit_test(test_key_has_all_that_counts_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
