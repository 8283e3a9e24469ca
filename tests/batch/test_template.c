/* Templates and the names that they give. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "batch/template.h"

static struct template_words words_of(const char *dir, const char *rest, const char *stem)
{
    return (struct template_words){.dir = dir,
                                   .dir_length = (int)strlen(dir),
                                   .dir_rest = rest,
                                   .dir_rest_length = (int)strlen(rest),
                                   .stem = stem,
                                   .stem_length = (int)strlen(stem),
                                   .suffix = "",
                                   .ext = "jpg",
                                   .box = {320, 240}};
}

static void gives(const char *text, const struct template_words *words, const char *wanted)
{
    char name[100];
    assert_int_equal(template_expand(text, words, name, sizeof name), 0);
    assert_string_equal(name, wanted);
}

static void test_template_puts_words_in_their_places(void **state)
{
    (void)state;
    struct template_words words = words_of("a/", "b", "photo");
    gives("{dir}/{stem}{ext}", &words, "a/b/photo.jpg");
    gives("{size}/{w}-{h}-{stem}", &words, "320x240/320-240-photo");
    words.suffix = "-1f";
    gives("{stem}{ext}", &words, "photo-1f.jpg");
    words.box = (struct image_box){256, 256};
    gives("{size}", &words, "256");
    words.box = (struct image_box){0, 90};
    gives("{size}_{w}_{h}", &words, "x90__90");
}

static void test_template_needs_no_slash_where_there_is_no_folder(void **state)
{
    (void)state;
    struct template_words words = words_of("", "", "photo");
    gives("{dir}/{stem}{ext}", &words, "photo.jpg");
    gives("{dir}//x/{stem}", &words, "x/photo");
}

static void test_template_that_names_no_file_is_refused(void **state)
{
    (void)state;
    char name[100];
    struct template_words words = words_of("", "", "photo");
    words.box = (struct image_box){0, 90};
    assert_int_equal(template_expand("{dir}", &words, name, sizeof name), -EINVAL);
    assert_int_equal(template_expand("{w}", &words, name, sizeof name), -EINVAL);
    assert_int_equal(template_expand("/{dir}/{w}", &words, name, sizeof name), -EINVAL);
    assert_int_equal(template_expand("a/{w}", &words, name, sizeof name), -EINVAL);
}

static void test_template_that_leads_out_is_refused(void **state)
{
    (void)state;
    char name[100];
    struct template_words words = words_of("", "", "..");
    assert_int_equal(template_expand("{stem}/x", &words, name, sizeof name), -EINVAL);
    assert_int_equal(template_expand("a/{stem}", &words, name, sizeof name), -EINVAL);
    assert_int_equal(template_expand("{stem}{ext}", &words, name, sizeof name), 0);
    assert_non_null(template_check("../{stem}", false));
    assert_non_null(template_check("/{stem}", false));
    assert_non_null(template_check("{stem}/", false));
}

static void test_template_that_does_not_fit_is_told(void **state)
{
    (void)state;
    char name[12];
    struct template_words words = words_of("", "", "0123456");
    assert_int_equal(template_expand("{stem}{ext}", &words, name, sizeof name), 0);
    assert_int_equal(template_expand("{stem}{ext}", &words, name, sizeof name - 1), -ENAMETOOLONG);
}

static void test_template_checks_words(void **state)
{
    (void)state;
    assert_null(template_check("{dir}/{stem}{ext}", false));
    assert_null(template_check("{w}{h}{size}", true));
    assert_non_null(template_check("{stem}{ext}", true));
    assert_non_null(template_check("{stems}", false));
    assert_non_null(template_check("{}", false));
    assert_non_null(template_check("{stem", false));
    assert_non_null(template_check("stem}", false));
    assert_non_null(template_check("", false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_template_puts_words_in_their_places),
        cmocka_unit_test(test_template_needs_no_slash_where_there_is_no_folder),
        cmocka_unit_test(test_template_that_names_no_file_is_refused),
        cmocka_unit_test(test_template_that_leads_out_is_refused),
        cmocka_unit_test(test_template_that_does_not_fit_is_told),
        cmocka_unit_test(test_template_checks_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
