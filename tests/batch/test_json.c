#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch/json.h"

/* What an object with one member comes to. */
static void expect_member(void (*member)(struct json *, const char *, const char *),
                          const char *value, const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    struct json json;
    json_begin(&json, file);
    member(&json, "k", value);
    json_end(&json);
    fclose(file);
    assert_string_equal(text, expected);
    free(text);
}

static void test_json_escapes_text(void **state)
{
    (void)state;
    expect_member(json_text, "a\"b\\c\n\x1b[31m\x7f",
                  "{\"k\":\"a\\\"b\\\\c\\u000a\\u001b[31m\\u007f\"}\n");
    expect_member(json_text, "Zürich 東京 🏔", "{\"k\":\"Zürich 東京 🏔\"}\n");
}

static void test_json_replaces_bytes_that_are_not_utf8_in_text(void **state)
{
    (void)state;
    expect_member(json_text, "a\xffz", "{\"k\":\"a\\ufffdz\"}\n");
    expect_member(json_text, "\xc0\xaf", "{\"k\":\"\\ufffd\\ufffd\"}\n");            /* overlong */
    expect_member(json_text, "\xed\xa0\x80", "{\"k\":\"\\ufffd\\ufffd\\ufffd\"}\n"); /* surrogate */
    expect_member(json_text, "\xe2\x82", "{\"k\":\"\\ufffd\\ufffd\"}\n");            /* cut */
}

static void test_json_keeps_the_bytes_of_a_path(void **state)
{
    (void)state;
    expect_member(json_path, "a/b.jpg", "{\"k\":\"a/b.jpg\"}\n");
    expect_member(json_path, "\xff", "{\"k\":{\"bytes\":\"/w==\"}}\n");
    expect_member(json_path, "a\xff", "{\"k\":{\"bytes\":\"Yf8=\"}}\n");
    expect_member(json_path, "ab\xff", "{\"k\":{\"bytes\":\"YWL/\"}}\n");
    expect_member(json_path, "abc\xff", "{\"k\":{\"bytes\":\"YWJj/w==\"}}\n");
}

static void test_json_separates_members_and_nests(void **state)
{
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    struct json json;
    (void)state;
    json_begin(&json, file);
    json_integer(&json, "a", -5);
    json_open(&json, "b", '[');
    json_integer(&json, NULL, 1);
    json_open(&json, NULL, '{');
    json_boolean(&json, "c", true);
    json_close(&json, '}');
    json_close(&json, ']');
    json_number(&json, "d", 1.25, 1);
    json_null(&json, "e");
    json_end(&json);
    fclose(file);
    assert_string_equal(text, "{\"a\":-5,\"b\":[1,{\"c\":true}],\"d\":1.2,\"e\":null}\n");
    free(text);
}

static void expect_number(double number, int decimals, const char *expected)
{
    char text[400] = "";
    FILE *file = fmemopen(text, sizeof text, "w");
    json_number(&(struct json){.file = file, .first = true}, NULL, number, decimals);
    fclose(file);
    assert_string_equal(text, expected);
}

static void test_json_rounds_numbers(void **state)
{
    (void)state;
    expect_number(0, 3, "0.000");
    expect_number(0.0004, 3, "0.000");
    expect_number(0.0006, 3, "0.001");
    expect_number(0.05, 3, "0.050");
    expect_number(12.3456, 3, "12.346");
    expect_number(9.9996, 3, "10.000");
    expect_number(999999999999.0, 3, "999999999999.000");
    expect_number(1e15, 3, "1000000000000000.000");
    expect_number(-1.5, 3, "-1.500");
    expect_number(0.123456789, 9, "0.123456789");
}

static void expect_integer(int64_t number, const char *expected)
{
    char text[40] = "";
    FILE *file = fmemopen(text, sizeof text, "w");
    json_integer(&(struct json){.file = file, .first = true}, NULL, number);
    fclose(file);
    assert_string_equal(text, expected);
}

static void test_json_writes_every_integer(void **state)
{
    (void)state;
    expect_integer(0, "0");
    expect_integer(10, "10");
    expect_integer(-7, "-7");
    expect_integer(INT64_MAX, "9223372036854775807");
    expect_integer(INT64_MIN, "-9223372036854775808");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_escapes_text),
        cmocka_unit_test(test_json_replaces_bytes_that_are_not_utf8_in_text),
        cmocka_unit_test(test_json_keeps_the_bytes_of_a_path),
        cmocka_unit_test(test_json_separates_members_and_nests),
        cmocka_unit_test(test_json_rounds_numbers),
        cmocka_unit_test(test_json_writes_every_integer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
