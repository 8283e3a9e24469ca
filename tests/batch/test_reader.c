#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch/json.h"
#include "batch/reader.h"

/* A copy of the text alone, so that the sanitizer sees a byte too many. */
static struct reader begin(const char *text, char **ret_copy)
{
    struct reader reader;
    size_t size = strlen(text);
    *ret_copy = malloc(size ? size : 1);
    assert_non_null(*ret_copy);
    memcpy(*ret_copy, text, size);
    reader_init(&reader, *ret_copy, size);
    return reader;
}

static void test_reader_reads_what_json_writes(void **state)
{
    static const char odd[] = "a\"b\\c\n\x01\xc3\xa4", raw[] = "x\xff\xfe/y.jpg";
    char *text;
    size_t size;
    struct json json;
    struct reader reader;
    FILE *file = open_memstream(&text, &size);
    (void)state;
    json_begin(&json, file);
    json_text(&json, "text", odd);
    json_path(&json, "path", raw);
    json_path(&json, "plain", "p/q");
    json_integer(&json, "number", -12345678901);
    json_number(&json, "half", 0.5, 3);
    json_open(&json, "list", '[');
    json_boolean(&json, NULL, true);
    json_close(&json, ']');
    json_end(&json);
    fclose(file);
    reader_init(&reader, text, size - 1);
    reader_enter(&reader, '{');
    assert_string_equal(reader_member(&reader), "text");
    assert_string_equal(reader_text(&reader), odd);
    assert_string_equal(reader_member(&reader), "path");
    assert_string_equal(reader_path(&reader), raw);
    assert_string_equal(reader_member(&reader), "plain");
    assert_string_equal(reader_path(&reader), "p/q");
    assert_string_equal(reader_member(&reader), "number");
    assert_true(reader_integer(&reader) == -12345678901);
    assert_string_equal(reader_member(&reader), "half");
    reader_skip(&reader);
    assert_string_equal(reader_member(&reader), "list");
    reader_enter(&reader, '[');
    assert_true(reader_element(&reader));
    reader_skip(&reader);
    assert_false(reader_element(&reader));
    assert_null(reader_member(&reader));
    assert_true(reader_done(&reader));
    free(text);
}

/* Skips all of a text. Returns whether it was JSON. */
static bool is_read(const char *text)
{
    char *copy;
    struct reader reader = begin(text, &copy);
    reader_skip(&reader);
    bool done = reader_done(&reader);
    free(copy);
    return done;
}

static void test_reader_skips_any_value(void **state)
{
    static const char *const values[] = {"1",
                                         "-0.5e+9",
                                         "true",
                                         "null",
                                         "\"\\u00e4\\n\"",
                                         "{}",
                                         "[]",
                                         "[[],{},[1,2,{\"a\":[3]}]]",
                                         "{ \"a\" : { \"b\" : [ 1 , 2 ] } , \"c\" : null}"};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_true(is_read(values[i]));
}

static void test_reader_refuses_what_is_no_json(void **state)
{
    static const char *const values[] = {"",
                                         "{",
                                         "{\"a\"",
                                         "{\"a\":",
                                         "{\"a\":1",
                                         "{\"a\":1,}",
                                         "{\"a\":1 \"b\":2}",
                                         "{,}",
                                         "[1 2]",
                                         "[,1]",
                                         "]",
                                         "\"a",
                                         "\"a\\",
                                         "\"a\\u12",
                                         "\"\\u0000\"",
                                         "\"\\ud83d\\ude00\"",
                                         "\"\\x41\"",
                                         "\"a\nb\"",
                                         "{1:2}",
                                         "{}x",
                                         "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]"};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (is_read(values[i]))
            fail_msg("%s was read", values[i]);
}

static int64_t integer_of(const char *text, bool *ret_done)
{
    char *copy;
    struct reader reader = begin(text, &copy);
    int64_t number = reader_integer(&reader);
    *ret_done = reader_done(&reader);
    free(copy);
    return number;
}

static void test_reader_takes_whole_numbers_only(void **state)
{
    static const char *const wrong[] = {"", "-", "1.5", "1e3", "\"1\"", "99999999999999999999"};
    bool done;
    (void)state;
    assert_true(integer_of("900719925474099300", &done) == 900719925474099300 && done);
    assert_true(integer_of("0", &done) == 0 && done);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        (void)integer_of(wrong[i], &done);
        assert_false(done);
    }
}

static void test_reader_refuses_a_path_with_a_nul(void **state)
{
    static const char *const wrong[] = {"{\"bytes\":\"AA==\"}", "{\"bytes\":\"A*==\"}",
                                        "{\"other\":\"QQ==\"}", "{}", "7"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *copy;
        struct reader reader = begin(wrong[i], &copy);
        assert_string_equal(reader_path(&reader), "");
        assert_true(reader.bad);
        free(copy);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_reads_what_json_writes),
        cmocka_unit_test(test_reader_skips_any_value),
        cmocka_unit_test(test_reader_refuses_what_is_no_json),
        cmocka_unit_test(test_reader_takes_whole_numbers_only),
        cmocka_unit_test(test_reader_refuses_a_path_with_a_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
