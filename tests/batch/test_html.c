#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch/html.h"

static void expect(void (*write)(FILE *, const char *), const char *text, const char *expected)
{
    char *found = NULL;
    size_t size;
    FILE *file = open_memstream(&found, &size);
    write(file, text);
    fclose(file);
    assert_string_equal(found, expected);
    free(found);
}

static void test_html_text_is_no_markup(void **state)
{
    (void)state;
    expect(html_text, "<b a=\"1\" c='2'>&amp;</b>",
           "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;&lt;/b&gt;");
    expect(html_text, "Zürich 東京 🏔", "Zürich 東京 🏔");
    expect(html_text, "", "");
}

static void test_html_text_shows_what_cannot_stand_there(void **state)
{
    (void)state;
    expect(html_text, "a\nb\x1b\x7f", "a&#x240a;b&#x241b;&#x2421;");
    expect(html_text, "a\xc2\x80\xc2\x9f\xc2\xa0", "a\xef\xbf\xbd\xef\xbf\xbd\xc2\xa0");
    expect(html_text, "a\xffz\xe2\x82", "a\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd");
    expect(html_text, "\xc0\xbcscript>", "\xef\xbf\xbd\xef\xbf\xbdscript&gt;"); /* overlong < */
}

static void test_html_url_keeps_every_byte(void **state)
{
    char name[256], *found = NULL;
    size_t size;
    (void)state;
    expect(html_url, "a/b-c_d.e~f", "a/b-c_d.e~f");
    expect(html_url, "a b#c?d%e\"f:g", "a%20b%23c%3Fd%25e%22f%3Ag");
    for (int i = 1; i < 256; i++)
        name[i - 1] = (char)i;
    name[255] = '\0';
    FILE *file = open_memstream(&found, &size);
    html_url(file, name);
    fclose(file);
    const char *at = found;
    for (int i = 1; i < 256; i++) {
        unsigned byte = (unsigned char)*at;
        if (byte == '%')
            assert_int_equal(sscanf(at, "%%%2X", &byte), 1);
        assert_int_equal(byte, i);
        at += *at == '%' ? 3 : 1;
    }
    assert_int_equal(*at, '\0');
    free(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_html_text_is_no_markup),
        cmocka_unit_test(test_html_text_shows_what_cannot_stand_there),
        cmocka_unit_test(test_html_url_keeps_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
