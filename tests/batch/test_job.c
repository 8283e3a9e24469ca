#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch/job.h"
#include "support/images.h"

/* A true result: a picture and the thumbnail that the image layer made of it. */
struct truth {
    struct job job;
    struct job_result result;
    uint8_t *bytes;
    size_t size;
};

static int truth_make(void **state)
{
    struct truth *truth = calloc(1, sizeof *truth);
    struct pixels pixels = test_picture(300, 200, 4, false);
    struct test_file file = test_jpeg(&pixels, (struct test_jpeg){0});
    if (!truth)
        return -1;
    truth->job = (struct job){
        .spec = image_spec_default(), .size_bytes = (int64_t)file.size, .kind = IMAGE_KIND_JPEG};
    truth->job.spec.boxes[0] = (struct image_box){60, 60};
    int error = test_thumbnail(file.bytes, file.size, &truth->job.spec, NULL, &truth->result.image,
                               &truth->result.fault);
    truth->result.fault = (struct image_fault){.code = IMAGE_OK};
    truth->result.begin_ms = 3e9; /* a machine that has been up for a month */
    truth->result.total_ms = 1.5;
    truth->size = job_result_size(&truth->result);
    truth->bytes = malloc(truth->size);
    if (truth->bytes)
        job_result_encode(&truth->result, truth->bytes);
    test_file_done(&file);
    pixels_done(&pixels);
    *state = truth;
    return error;
}

static int truth_free(void **state)
{
    struct truth *truth = *state;
    image_result_done(&truth->result.image);
    free(truth->bytes);
    free(truth);
    return 0;
}

static int decode(const struct truth *truth, struct job_result *ret)
{
    const char *why = NULL;
    int error = job_result_decode(truth->bytes, truth->size, &truth->job, ret, &why);
    if (error != 0)
        assert_non_null(why);
    return error;
}

static void test_job_result_survives_the_way(void **state)
{
    struct truth *truth = *state;
    struct job_result result;
    assert_int_equal(decode(truth, &result), 0);
    assert_int_equal(result.image.width, 300);
    assert_int_equal(result.image.height, 200);
    assert_int_equal(result.image.thumb_count, 1);
    assert_int_equal(result.image.thumbs[0].width, 60);
    assert_int_equal(result.image.thumbs[0].height, 40);
    assert_int_equal(result.image.thumbs[0].size_bytes, truth->result.image.thumbs[0].size_bytes);
    assert_memory_equal(result.image.thumbs[0].bytes, truth->result.image.thumbs[0].bytes,
                        result.image.thumbs[0].size_bytes);
    assert_true(result.begin_ms == 3e9);
    assert_true(result.total_ms > 1.4 && result.total_ms < 1.6);
}

static void test_job_result_tells_a_failure(void **state)
{
    struct truth *truth = *state;
    struct job_result failure = {.fault = {.code = IMAGE_LIMIT, .message = "too large"}}, result;
    const char *why;
    uint8_t bytes[8192];
    assert_true(job_result_size(&failure) <= sizeof bytes);
    job_result_encode(&failure, bytes);
    assert_int_equal(
        job_result_decode(bytes, job_result_size(&failure), &truth->job, &result, &why), 0);
    assert_int_equal(result.fault.code, IMAGE_LIMIT);
    assert_string_equal(result.fault.message, "too large");
}

/* A worker may tell of damage only where damaged pictures are made. */
static void test_job_result_tells_damage_beside_the_picture(void **state)
{
    struct truth *truth = *state;
    struct job_result result;
    image_fail(&truth->result.image.damage, IMAGE_DAMAGED, "the data end");
    job_result_encode(&truth->result, truth->bytes);
    assert_int_equal(decode(truth, &result), -EPROTO);
    truth->job.spec.on_damage = IMAGE_DAMAGE_ACCEPTED;
    assert_int_equal(decode(truth, &result), 0);
    assert_int_equal(result.fault.code, IMAGE_OK);
    assert_int_equal(result.image.thumb_count, 1);
    assert_int_equal(result.image.damage.code, IMAGE_DAMAGED);
    assert_string_equal(result.image.damage.message, "the data end");
    for (int code = IMAGE_UNSUPPORTED; code < 100; code++) {
        truth->result.image.damage.code = (enum image_code)code;
        job_result_encode(&truth->result, truth->bytes);
        assert_int_equal(decode(truth, &result), -EPROTO);
    }
}

static void test_job_result_is_refused_at_any_shorter_length(void **state)
{
    struct truth *truth = *state;
    size_t whole = truth->size;
    for (truth->size = 0; truth->size < whole; truth->size++) {
        struct job_result result;
        /* A copy of just that size, so that a read behind its end is seen. */
        uint8_t *copy = malloc(truth->size + 1);
        const char *why;
        assert_non_null(copy);
        memcpy(copy, truth->bytes, truth->size);
        uint8_t *exact = realloc(copy, truth->size ? truth->size : 1);
        assert_int_equal(job_result_decode(exact, truth->size, &truth->job, &result, &why),
                         -EPROTO);
        free(exact);
    }
}

static void test_job_result_of_another_size_or_format_is_refused(void **state)
{
    struct truth *truth = *state;
    struct job_result result;
    truth->job.spec.boxes[0] = (struct image_box){61, 61};
    assert_int_equal(decode(truth, &result), -EPROTO);
    truth->job.spec.boxes[0] = (struct image_box){60, 60};
    truth->job.spec.format = IMAGE_KIND_PNG;
    assert_int_equal(decode(truth, &result), -EPROTO);
    truth->job.spec.format = IMAGE_KIND_JPEG;
    truth->job.spec.max_pixels = 300 * 200 - 1;
    assert_int_equal(decode(truth, &result), -EPROTO);
}

static void test_job_result_that_lies_about_the_size_inside_is_refused(void **state)
{
    struct truth *truth = *state;
    struct job_result result;
    /* Tell a picture of 320 x 200: the thumbnail should then be 60 x 37 or 38, and is not. */
    truth->result.image.width = 320;
    job_result_encode(&truth->result, truth->bytes);
    assert_int_equal(decode(truth, &result), -EPROTO);
    truth->result.image.thumbs[0].height = 38;
    job_result_encode(&truth->result, truth->bytes);
    assert_int_equal(decode(truth, &result), -EPROTO);
    truth->result.image.thumbs[0].height = 37;
    job_result_encode(&truth->result, truth->bytes);
    assert_int_equal(decode(truth, &result), -EPROTO);
}

static void test_job_result_with_bytes_too_many_is_refused(void **state)
{
    struct truth *truth = *state;
    struct job_result result;
    truth->bytes = realloc(truth->bytes, truth->size + 1);
    truth->bytes[truth->size++] = 0;
    assert_int_equal(decode(truth, &result), -EPROTO);
}

static void test_job_result_with_odd_times_is_made_printable(void **state)
{
    struct truth *truth = *state;
    struct job_result result;
    truth->result.begin_ms = -INFINITY;
    truth->result.total_ms = NAN;
    truth->result.image.ms.read = -5;
    truth->result.image.ms.encode = INFINITY;
    job_result_encode(&truth->result, truth->bytes);
    assert_int_equal(decode(truth, &result), 0);
    assert_true(result.begin_ms == 0);
    assert_true(result.total_ms == 0);
    assert_true(result.image.ms.read == 0);
    assert_true(result.image.ms.encode == 0);
}

static void test_job_result_with_any_byte_changed_is_safe(void **state)
{
    struct truth *truth = *state;
    srand(1);
    for (int i = 0; i < 20000; i++) {
        struct job_result result;
        const char *why;
        size_t at = (size_t)rand() % (truth->size < 600 ? truth->size : 600);
        uint8_t before = truth->bytes[at];
        truth->bytes[at] ^= (uint8_t)(1 << rand() % 8);
        if (job_result_decode(truth->bytes, truth->size, &truth->job, &result, &why) == 0 &&
            result.fault.code == IMAGE_OK) {
            const struct image_thumb *thumb = &result.image.thumbs[0];
            assert_true(thumb->bytes >= truth->bytes);
            assert_true(thumb->bytes + thumb->size_bytes <= truth->bytes + truth->size);
        }
        truth->bytes[at] = before;
    }
}

static void test_job_result_may_tell_only_of_a_comparison_that_was_asked_for(void **state)
{
    struct truth *truth = *state;
    struct job_result same = {.same = true, .image.fingerprint = {1, 2}}, result;
    uint8_t *bytes = malloc(job_result_size(&same) + 1);
    const char *why;
    assert_non_null(bytes);
    size_t size = job_result_size(&same);
    job_result_encode(&same, bytes);
    assert_int_equal(job_result_decode(bytes, size, &truth->job, &result, &why), -EPROTO);
    truth->job.known = (struct image_fingerprint){100, 7};
    assert_int_equal(job_result_decode(bytes, size, &truth->job, &result, &why), 0);
    assert_true(result.same);
    assert_int_equal(result.image.thumb_count, 0);
    assert_int_equal(job_result_decode(bytes, size + 1, &truth->job, &result, &why), -EPROTO);
    free(bytes);
}

static void test_job_result_has_no_fingerprint_beyond_the_file(void **state)
{
    struct truth *truth = *state;
    struct job_result result;
    static const int64_t wrong[] = {-1, INT64_MAX};
    for (int i = 0; i < 3; i++) {
        int64_t reach = i < 2 ? wrong[i] : truth->job.size_bytes;
        truth->result.image.fingerprint = (struct image_fingerprint){reach, 7};
        job_result_encode(&truth->result, truth->bytes);
        assert_int_equal(decode(truth, &result), 0);
        assert_true(result.image.fingerprint.reach == (i < 2 ? 0 : reach));
    }
}

#define TRUTH_TEST(test) cmocka_unit_test_setup_teardown(test, truth_make, truth_free)

/* 300 x 200 pixels came back as 60 x 40: right for some specs, and for no other. */
static void test_job_result_is_held_to_the_size_that_its_fit_gives(void **state)
{
    struct truth *truth = *state;
    struct job_result result;
    const struct image_spec kept = truth->job.spec;
    for (int fit = IMAGE_INSIDE; fit <= IMAGE_CONTAIN; fit++) {
        truth->job.spec.fit = (enum image_fit)fit;
        truth->job.spec.boxes[0] = (struct image_box){60, 60};
        assert_int_equal(decode(truth, &result), fit == IMAGE_INSIDE ? 0 : -EPROTO);
        truth->job.spec.boxes[0] = (struct image_box){60, 40};
        assert_int_equal(decode(truth, &result), 0);
        truth->job.spec.boxes[0] = (struct image_box){60, 400};
        assert_int_equal(decode(truth, &result), fit == IMAGE_INSIDE ? 0 : -EPROTO);
    }
    truth->job.spec = kept;
    truth->job.spec.boxes[0] = (struct image_box){600, 600};
    truth->job.spec.upscale = true;
    assert_int_equal(decode(truth, &result), -EPROTO);
    truth->job.spec = kept;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRUTH_TEST(test_job_result_may_tell_only_of_a_comparison_that_was_asked_for),
        TRUTH_TEST(test_job_result_has_no_fingerprint_beyond_the_file),
        TRUTH_TEST(test_job_result_survives_the_way),
        TRUTH_TEST(test_job_result_tells_a_failure),
        TRUTH_TEST(test_job_result_tells_damage_beside_the_picture),
        TRUTH_TEST(test_job_result_is_refused_at_any_shorter_length),
        TRUTH_TEST(test_job_result_of_another_size_or_format_is_refused),
        TRUTH_TEST(test_job_result_is_held_to_the_size_that_its_fit_gives),
        TRUTH_TEST(test_job_result_that_lies_about_the_size_inside_is_refused),
        TRUTH_TEST(test_job_result_with_bytes_too_many_is_refused),
        TRUTH_TEST(test_job_result_with_odd_times_is_made_printable),
        TRUTH_TEST(test_job_result_with_any_byte_changed_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
