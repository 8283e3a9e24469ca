/* Profiles are honoured, sRGB is left alone, and a lie is as good as no profile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <lcms2.h>
#include <stdlib.h>
#include <string.h>

#include "image/colour.h"
#include "support/images.h"

static void *save_profile(cmsHPROFILE profile, size_t *ret_size)
{
    cmsUInt32Number size = 0;
    assert_non_null(profile);
    assert_true(cmsSaveProfileToMem(profile, NULL, &size));
    void *bytes = malloc(size);
    assert_true(cmsSaveProfileToMem(profile, bytes, &size));
    cmsCloseProfile(profile);
    *ret_size = size;
    return bytes;
}

/* Display P3's colorants with sRGB's curve, or Adobe RGB's with a gamma of 2.2. */
static cmsHPROFILE wide_profile(bool adobe)
{
    const cmsCIExyY d65 = {0.3127, 0.3290, 1};
    const cmsCIExyYTRIPLE p3 = {{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}};
    const cmsCIExyYTRIPLE rgb = {{0.640, 0.330, 1}, {0.210, 0.710, 1}, {0.150, 0.060, 1}};
    cmsToneCurve *gamma = cmsBuildGamma(NULL, 2.2);
    cmsToneCurve *curves[3] = {gamma, gamma, gamma};
    cmsHPROFILE profile = cmsCreateRGBProfile(&d65, adobe ? &rgb : &p3, curves);
    cmsFreeToneCurve(gamma);
    return profile;
}

static void test_colour_srgb_is_left_alone(void **state)
{
    (void)state;
    size_t size;
    void *icc = save_profile(cmsCreate_sRGBProfile(), &size);
    struct pixels p = test_picture(60, 40, 4, true), q = test_picture(60, 40, 4, true);
    assert_int_equal(colour_to_srgb(&p, CODEC_RGB, icc, size), 0);
    assert_memory_equal(p.data, q.data, 60 * 40 * 4);
    assert_int_equal(colour_to_srgb(&p, CODEC_RGB, NULL, 0), 0);
    assert_memory_equal(p.data, q.data, 60 * 40 * 4);
    pixels_done(&p);
    pixels_done(&q);
    free(icc);
}

/* Against lcms itself, used plainly. */
static void test_colour_converts_as_lcms_does_and_keeps_alpha(void **state)
{
    (void)state;
    for (int adobe = 0; adobe <= 1; adobe++) {
        size_t size;
        void *icc = save_profile(wide_profile(adobe), &size);
        struct pixels p = test_picture(60, 40, 4, true), q = test_picture(60, 40, 4, true);
        cmsHPROFILE from = cmsOpenProfileFromMem(icc, (cmsUInt32Number)size);
        cmsHPROFILE to = cmsCreate_sRGBProfile();
        cmsHTRANSFORM transform =
            cmsCreateTransform(from, TYPE_RGBA_8, to, TYPE_RGBA_8, INTENT_RELATIVE_COLORIMETRIC,
                               cmsFLAGS_BLACKPOINTCOMPENSATION | cmsFLAGS_COPY_ALPHA);
        cmsDoTransform(transform, q.data, q.data, 60 * 40);
        assert_int_equal(colour_to_srgb(&p, CODEC_RGB, icc, size), 0);
        for (int i = 0; i < 60 * 40 * 4; i++)
            assert_in_range(p.data[i] + 1, q.data[i], q.data[i] + 2); /* 1 level at most */
        cmsDeleteTransform(transform);
        cmsCloseProfile(from);
        cmsCloseProfile(to);
        pixels_done(&q);
        q = test_picture(60, 40, 4, true);
        assert_true(test_psnr(&p, &q) < 45); /* it did something */
        pixels_done(&p);
        pixels_done(&q);
        free(icc);
    }
}

static void test_colour_grey_with_a_profile_stays_one_channel(void **state)
{
    (void)state;
    size_t size;
    cmsToneCurve *linear = cmsBuildGamma(NULL, 1.0);
    void *icc = save_profile(cmsCreateGrayProfile(cmsD50_xyY(), linear), &size);
    cmsFreeToneCurve(linear);
    struct pixels p;
    assert_int_equal(pixels_init(&p, 3, 1, 1), 0);
    memcpy(p.data, "\x00\x80\xff", 3);
    assert_int_equal(colour_to_srgb(&p, CODEC_GREY, icc, size), 0);
    assert_int_equal(p.channels, 1);
    assert_int_equal(p.data[0], 0);
    assert_in_range(p.data[1], 186, 190); /* half of the light */
    assert_int_equal(p.data[2], 255);
    pixels_done(&p);
    free(icc);
}

static void test_colour_inks_become_light_without_a_profile(void **state)
{
    (void)state;
    struct pixels p;
    const uint8_t inks[] = {0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 255, 0, 128, 0, 0};
    const uint8_t light[] = {255, 255, 255, 0, 255, 255, 0, 0, 0, 255, 127, 255};
    for (int inverted = 0; inverted <= 1; inverted++) {
        assert_int_equal(pixels_init(&p, 4, 1, 4), 0);
        for (int i = 0; i < 16; i++)
            p.data[i] = inverted ? (uint8_t)(255 - inks[i]) : inks[i];
        assert_int_equal(colour_to_srgb(&p, inverted ? CODEC_CMYK_INVERTED : CODEC_CMYK, NULL, 0),
                         0);
        for (int i = 0; i < 4; i++)
            assert_memory_equal(p.data + 4 * i, light + 3 * i, 3);
        pixels_done(&p);
    }
}

static void test_colour_a_wrong_or_broken_profile_is_ignored(void **state)
{
    (void)state;
    size_t size;
    uint8_t *icc = save_profile(wide_profile(false), &size);
    struct pixels grey = test_picture(60, 40, 1, false), same = test_picture(60, 40, 1, false);
    assert_int_equal(colour_to_srgb(&grey, CODEC_GREY, icc, size), 0); /* RGB's, on grey */
    assert_memory_equal(grey.data, same.data, 60 * 40);
    struct pixels p = test_picture(60, 40, 4, false), q = test_picture(60, 40, 4, false);
    assert_int_equal(colour_to_srgb(&p, CODEC_RGB, (const uint8_t *)"no profile", 10), 0);
    assert_int_equal(colour_to_srgb(&p, CODEC_RGB, icc, 100), 0);
    assert_memory_equal(p.data, q.data, 60 * 40 * 4);
    srand(9);
    for (int i = 0; i < 1000; i++) { /* flipped bits: whatever comes, no crash */
        uint8_t *copy = malloc(size);
        memcpy(copy, icc, size);
        copy[(size_t)rand() % size] ^= (uint8_t)(1 << rand() % 8);
        assert_int_equal(colour_to_srgb(&p, CODEC_RGB, copy, size), 0);
        free(copy);
    }
    pixels_done(&grey);
    pixels_done(&same);
    pixels_done(&p);
    pixels_done(&q);
    free(icc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_colour_srgb_is_left_alone),
        cmocka_unit_test(test_colour_converts_as_lcms_does_and_keeps_alpha),
        cmocka_unit_test(test_colour_grey_with_a_profile_stays_one_channel),
        cmocka_unit_test(test_colour_inks_become_light_without_a_profile),
        cmocka_unit_test(test_colour_a_wrong_or_broken_profile_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
