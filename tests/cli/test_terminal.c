#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/terminal.h"

static void test_cut_counts_columns_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(terminal_cut("abc", 2), 2);
    assert_int_equal(terminal_cut("abc", 9), 3);
    assert_int_equal(terminal_cut("äöü", 2), 4);
    assert_int_equal(terminal_cut("写真", 4), 6);
    assert_int_equal(terminal_cut("写真", 3), 3);       /* half of one does not fit */
    assert_int_equal(terminal_cut("e\xcc\x81x", 1), 3); /* an accent takes no column */
    assert_int_equal(terminal_cut("", 5), 0);
}

static void test_cut_takes_a_column_for_what_is_not_utf8(void **state)
{
    (void)state;
    assert_int_equal(terminal_cut("\xff\xfe\xfd", 2), 2);
    assert_int_equal(terminal_cut("\xe5\x86", 9), 2); /* the beginning of a character */
}

static void expect_tame(const char *text, const char *expected)
{
    char tame[40];
    terminal_tame(text, tame, sizeof tame);
    assert_string_equal(tame, expected);
}

static void test_tame_takes_control_away(void **state)
{
    (void)state;
    expect_tame("a\nb\x1b[31mc\x7f", "a?b?[31mc?");
    expect_tame("\xc2\x9b"
                "31m",
                "??31m"); /* CSI as one character */
    expect_tame("\xc2\xb5 写", "\xc2\xb5 写");
}

static void test_tame_cuts_to_the_size(void **state)
{
    char tame[4];
    (void)state;
    terminal_tame("abcdef", tame, sizeof tame);
    assert_string_equal(tame, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_counts_columns_not_bytes),
        cmocka_unit_test(test_cut_takes_a_column_for_what_is_not_utf8),
        cmocka_unit_test(test_tame_takes_control_away),
        cmocka_unit_test(test_tame_cuts_to_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
