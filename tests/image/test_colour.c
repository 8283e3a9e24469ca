/* Profiles are honoured, sRGB is left alone, and a lie is as good as no profile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <lcms2.h>
#include <math.h>
#include <png.h>
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
        struct pixels by_lcms = test_picture(60, 40, 4, true);
        assert_int_equal(colour_to_srgb_by_lcms(&by_lcms, CODEC_RGB, icc, size), 0);
        assert_memory_equal(by_lcms.data, q.data, 60 * 40 * 4);
        pixels_done(&by_lcms);
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

/* The light that libvips 8.14.1 gives for these inks: vips_colourspace() from CMYK to sRGB. */
static void test_colour_inks_without_a_profile_look_as_with_libvips(void **state)
{
    (void)state;
    static const uint8_t inks[][4] = {
        {0, 0, 0, 0},         {255, 0, 0, 0},       {0, 255, 0, 0},       {0, 0, 255, 0},
        {0, 0, 0, 255},       {255, 255, 255, 255}, {255, 255, 0, 0},     {255, 255, 255, 0},
        {0, 0, 0, 127},       {127, 0, 0, 0},       {160, 128, 160, 255}, {128, 224, 208, 96},
        {80, 160, 144, 144},  {176, 96, 32, 224},   {160, 32, 208, 0},    {0, 48, 112, 192},
        {48, 255, 160, 96},   {208, 128, 96, 16},   {80, 32, 48, 64},     {224, 80, 0, 48},
        {144, 160, 240, 144}, {144, 192, 128, 192}, {16, 224, 144, 96},   {176, 176, 32, 160},
        {112, 160, 128, 224}, {48, 64, 192, 32},    {32, 80, 80, 240},    {96, 16, 176, 96},
        {16, 255, 80, 0},     {0, 80, 208, 80},     {240, 16, 240, 160},  {224, 192, 112, 112},
        {224, 144, 224, 64},  {160, 160, 96, 160},  {144, 96, 64, 64},    {160, 160, 240, 16},
        {240, 240, 176, 48},  {64, 64, 128, 255},   {160, 0, 128, 255},   {192, 192, 224, 176},
        {224, 112, 96, 48},   {160, 255, 128, 48},  {176, 208, 0, 0},     {255, 96, 32, 0},
        {240, 255, 144, 80},  {96, 192, 192, 80},   {208, 48, 112, 64},   {160, 128, 112, 64},
        {144, 48, 192, 112},  {64, 64, 96, 128}};
    static const uint8_t light[][3] = {
        {255, 255, 255}, {0, 157, 228}, {235, 30, 132}, {255, 238, 0},   {40, 35, 43},
        {31, 34, 43},    {26, 39, 123}, {47, 39, 55},   {137, 136, 137}, {73, 196, 241},
        {30, 30, 38},    {105, 52, 57}, {102, 68, 69},  {35, 45, 58},    {100, 155, 86},
        {96, 81, 70},    {138, 37, 65}, {48, 102, 126}, {136, 153, 155}, {0, 113, 163},
        {80, 63, 48},    {59, 45, 57},  {154, 56, 73},  {56, 55, 81},    {52, 41, 50},
        {188, 154, 82},  {47, 40, 45},  {119, 132, 84}, {220, 35, 108},  {183, 129, 61},
        {0, 77, 53},     {43, 55, 80},  {50, 79, 63},   {65, 60, 74},    {96, 113, 130},
        {113, 90, 60},   {51, 44, 71},  {35, 33, 38},   {27, 33, 39},    {52, 45, 47},
        {4, 99, 119},    {102, 39, 83}, {96, 71, 141},  {0, 115, 167},   {47, 36, 72},
        {127, 70, 65},   {0, 119, 120}, {92, 98, 106},  {87, 107, 72},   {117, 109, 99}};
    enum { COUNT = sizeof inks / sizeof *inks };
    for (int inverted = 0; inverted <= 1; inverted++) {
        struct pixels p;
        assert_int_equal(pixels_init(&p, COUNT, 1, 4), 0);
        for (int i = 0; i < COUNT * 4; i++)
            p.data[i] = inverted ? (uint8_t)(255 - inks[i / 4][i % 4]) : inks[i / 4][i % 4];
        assert_int_equal(colour_to_srgb(&p, inverted ? CODEC_CMYK_INVERTED : CODEC_CMYK, NULL, 0),
                         0);
        assert_memory_equal(p.data, light[0], 3); /* paper is white */
        for (int i = 0; i < COUNT * 3; i++)
            assert_in_range(p.data[i / 3 * 4 + i % 3] + 6, light[i / 3][i % 3],
                            light[i / 3][i % 3] + 12);
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

/* ---- against lcms, used plainly, on one colour all the way through a file ---- */

struct icc {
    void *bytes;
    size_t size;
};

static void lcms_says(struct icc icc, cmsUInt32Number format, const uint8_t *from, uint8_t *ret)
{
    cmsHPROFILE profile = cmsOpenProfileFromMem(icc.bytes, (cmsUInt32Number)icc.size);
    cmsHPROFILE srgb = cmsCreate_sRGBProfile();
    cmsHTRANSFORM transform =
        cmsCreateTransform(profile, format, srgb, TYPE_RGB_8, INTENT_RELATIVE_COLORIMETRIC,
                           cmsFLAGS_BLACKPOINTCOMPENSATION | cmsFLAGS_NOOPTIMIZE);
    assert_non_null(transform);
    cmsDoTransform(transform, from, ret, 1);
    cmsDeleteTransform(transform);
    cmsCloseProfile(profile);
    cmsCloseProfile(srgb);
}

static struct pixels plain_picture(const uint8_t *colour, int channels)
{
    struct pixels p;
    assert_int_equal(pixels_init(&p, 32, 32, channels), 0);
    for (size_t i = 0; i < p.stride * 32; i++)
        p.data[i] = colour[i % (size_t)channels];
    return p;
}

/* The file's thumbnail, at its centre; ends the file. */
static void centre_of(struct test_file file, uint8_t *ret)
{
    struct image_spec spec = image_spec_default();
    struct image_result result;
    struct image_fault fault = {0};
    spec.boxes[0] = (struct image_box){16, 16};
    spec.format = IMAGE_KIND_PNG;
    if (test_thumbnail(file.bytes, file.size, &spec, NULL, &result, &fault))
        fail_msg("%s", fault.message);
    struct pixels p = test_decode(result.thumbs[0].bytes, result.thumbs[0].size_bytes);
    for (int c = 0; c < 3; c++)
        ret[c] = p.data[8 * p.stride + (size_t)(8 * p.channels + (p.channels == 1 ? 0 : c))];
    pixels_done(&p);
    image_result_done(&result);
    test_file_done(&file);
}

static void check_near(const uint8_t *ours, const uint8_t *want, int levels)
{
    for (int c = 0; c < 3; c++)
        if (abs(ours[c] - want[c]) > levels)
            fail_msg("%d %d %d, not %d %d %d", ours[0], ours[1], ours[2], want[0], want[1],
                     want[2]);
}

/* What a JPEG holds is not quite the colour: it rounds on the way to YCbCr and back. */
static void check_rgb(struct icc icc, const uint8_t *colour)
{
    struct pixels p = plain_picture(colour, 4);
    struct test_png png = {PNG_COLOR_TYPE_RGB, 8, .icc = icc.bytes, .icc_size = icc.size};
    struct test_file jpeg =
        test_jpeg(&p, (struct test_jpeg){.icc = icc.bytes, .icc_size = icc.size});
    struct pixels stored = test_decode(jpeg.bytes, jpeg.size);
    uint8_t want[3], ours[3];
    lcms_says(icc, TYPE_RGBA_8, colour, want);
    assert_true(abs(want[0] - colour[0]) + abs(want[1] - colour[1]) + abs(want[2] - colour[2]) > 9);
    centre_of(test_png(&p, png), ours);
    check_near(ours, want, 1);
    lcms_says(icc, TYPE_RGBA_8, stored.data, want);
    centre_of(jpeg, ours);
    check_near(ours, want, 1);
    pixels_done(&stored);
    pixels_done(&p);
}

static void test_colour_wide_red_and_green_come_out_as_lcms_gives_them(void **state)
{
    (void)state;
    for (int adobe = 0; adobe <= 1; adobe++) {
        struct icc icc;
        icc.bytes = save_profile(wide_profile(adobe), &icc.size);
        check_rgb(icc, (const uint8_t[4]){200, 60, 50, 255});
        check_rgb(icc, (const uint8_t[4]){90, 190, 80, 255});
        check_rgb(icc, (const uint8_t[4]){240, 120, 0, 255}); /* more than sRGB holds */
        free(icc.bytes);
    }
}

/* What the sampler of a table of Lab is given. */
static cmsInt32Number sample_inks(const cmsUInt16Number in[], cmsUInt16Number out[], void *unused)
{
    double ink[4], light = 1;
    (void)unused;
    for (int i = 0; i < 4; i++)
        ink[i] = in[i] / 65535.0;
    for (int i = 0; i < 4; i++)
        light *= 1 - ink[i] * (i == 2 ? 0.1 : i == 3 ? 0.9 : 0.5);
    cmsCIELab lab = {100 * light, 60 * (ink[1] - ink[0]) * (1 - ink[3]),
                     70 * (ink[2] - ink[0] / 2 - ink[1] / 3) * (1 - ink[3])};
    cmsFloat2LabEncodedV2(out, &lab);
    return TRUE;
}

static cmsInt32Number sample_rgb(const cmsUInt16Number in[], cmsUInt16Number out[], void *unused)
{
    cmsCIELab lab = {(in[0] + in[1] * 2.0 + in[2]) / 4 / 655.35, 90.0 * (in[0] - in[1]) / 65535,
                     90.0 * (in[1] - in[2]) / 65535};
    (void)unused;
    cmsFloat2LabEncodedV2(out, &lab);
    return TRUE;
}

/* A profile that is nothing but a table from `channels` channels to Lab. */
static struct icc table_profile(unsigned channels)
{
    cmsHPROFILE profile = cmsCreateProfilePlaceholder(NULL);
    cmsPipeline *pipeline = cmsPipelineAlloc(NULL, channels, 3);
    cmsStage *table = cmsStageAllocCLut16bit(NULL, 9, channels, 3, NULL);
    struct icc icc;
    cmsSetProfileVersion(profile, 2.1);
    cmsSetDeviceClass(profile, channels == 4 ? cmsSigOutputClass : cmsSigInputClass);
    cmsSetColorSpace(profile, channels == 4 ? cmsSigCmykData : cmsSigRgbData);
    cmsSetPCS(profile, cmsSigLabData);
    assert_true(cmsStageSampleCLut16bit(table, channels == 4 ? sample_inks : sample_rgb, NULL, 0));
    assert_true(cmsPipelineInsertStage(pipeline, cmsAT_END, table));
    assert_true(cmsWriteTag(profile, cmsSigAToB0Tag, pipeline));
    cmsPipelineFree(pipeline);
    icc.bytes = save_profile(profile, &icc.size);
    return icc;
}

static void test_colour_profile_of_a_table_is_honoured(void **state)
{
    (void)state;
    struct icc icc = table_profile(3);
    check_rgb(icc, (const uint8_t[4]){200, 60, 50, 255});
    check_rgb(icc, (const uint8_t[4]){90, 190, 80, 255});
    free(icc.bytes);
}

static void test_colour_inks_with_a_profile_come_out_as_lcms_gives_them(void **state)
{
    (void)state;
    static const uint8_t colours[][4] = {{200, 30, 20, 10}, {10, 220, 190, 30}, {0, 0, 0, 180}};
    struct icc icc = table_profile(4);
    for (int i = 0; i < 3; i++) {
        uint8_t stored[4], want[3], ours[3];
        for (int c = 0; c < 4; c++)
            stored[c] = (uint8_t)(255 - colours[i][c]); /* as Adobe writes it */
        struct pixels p = plain_picture(stored, 4);
        lcms_says(icc, TYPE_CMYK_8, colours[i], want);
        centre_of(test_jpeg(&p, (struct test_jpeg){.colour = TEST_CMYK,
                                                   .icc = icc.bytes,
                                                   .icc_size = icc.size}),
                  ours);
        check_near(ours, want, 3);
        pixels_done(&p);
    }
    free(icc.bytes);
}

static void test_colour_grey_of_gamma_18_gets_darker_by_the_formula(void **state)
{
    (void)state;
    struct icc icc;
    cmsToneCurve *curve = cmsBuildGamma(NULL, 1.8);
    icc.bytes = save_profile(cmsCreateGrayProfile(cmsD50_xyY(), curve), &icc.size);
    cmsFreeToneCurve(curve);
    for (int value = 40; value <= 240; value += 50) {
        uint8_t grey = (uint8_t)value, want[3], ours[3];
        struct pixels p = plain_picture(&grey, 1);
        lcms_says(icc, TYPE_GRAY_8, &grey, want);
        assert_true(want[1] != value);
        centre_of(test_png(&p, (struct test_png){PNG_COLOR_TYPE_GRAY, 8, .icc = icc.bytes,
                                                 .icc_size = icc.size}),
                  ours);
        check_near(ours, want, 1);
        pixels_done(&p);
    }
    free(icc.bytes);
}

/* ---- PNG's gAMA, cHRM and sRGB ---- */

static const double adobe_corners[8] = {0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06};
static const double srgb_corners[8] = {0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06};

static void png_gives(const uint8_t *colour, struct test_png how, uint8_t *ret)
{
    struct pixels p = plain_picture(colour, how.type == PNG_COLOR_TYPE_GRAY ? 1 : 4);
    centre_of(test_png(&p, how), ret);
    pixels_done(&p);
}

static void test_colour_png_that_means_srgb_is_left_alone(void **state)
{
    (void)state;
    const uint8_t colour[4] = {90, 190, 30, 255};
    const struct test_png how[] = {
        {PNG_COLOR_TYPE_RGB, 8, .gamma = 0.45455},
        {PNG_COLOR_TYPE_RGB, 8, .gamma = 0.45455, .corners = srgb_corners},
        {PNG_COLOR_TYPE_RGB, 8, .corners = adobe_corners},
        {PNG_COLOR_TYPE_RGB, 8, .srgb = true, .gamma = 0.45455, .corners = srgb_corners},
        {PNG_COLOR_TYPE_RGB, 8, .srgb = true},
    };
    for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
        uint8_t ours[3];
        png_gives(colour, how[i], ours);
        check_near(ours, colour, 0);
    }
}

/* sRGB's sample for so much light. */
static int srgb_sample(double light)
{
    double v = light <= 0.0031308 ? light * 12.92 : 1.055 * pow(light, 1 / 2.4) - 0.055;
    return (int)lround(255 * v);
}

static void test_colour_png_gamma_is_honoured(void **state)
{
    (void)state;
    const double gammas[] = {1, 1 / 1.8, 0.3};
    for (int g = 0; g < 3; g++)
        for (int grey = 0; grey <= 1; grey++) {
            const uint8_t colour[4] = {30, 190, 120, 255};
            uint8_t ours[3], want[3];
            struct test_png how = {grey ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, 8,
                                   .gamma = gammas[g]};
            for (int c = 0; c < 3; c++)
                want[c] = (uint8_t)srgb_sample(pow(colour[grey ? 0 : c] / 255.0, 1 / gammas[g]));
            png_gives(colour, how, ours);
            check_near(ours, want, 1);
        }
}

static void test_colour_png_corners_are_honoured_beside_gamma(void **state)
{
    (void)state;
    const uint8_t colour[4] = {90, 190, 80, 255};
    struct icc icc;
    uint8_t ours[3], want[3];
    icc.bytes = save_profile(wide_profile(true), &icc.size);
    lcms_says(icc, TYPE_RGBA_8, colour, want);
    png_gives(colour,
              (struct test_png){PNG_COLOR_TYPE_RGB, 8, .gamma = 1 / 2.2, .corners = adobe_corners},
              ours);
    check_near(ours, want, 1);
    free(icc.bytes);
}

static void test_colour_senseless_gamma_and_corners_change_nothing(void **state)
{
    (void)state;
    const double none[8] = {0}, flat[8] = {0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3};
    const double gammas[] = {-1, 0, 1e-9, 1e9, NAN};
    const uint8_t colour[4] = {90, 190, 80, 255};
    struct pixels p = plain_picture(colour, 4);
    for (int i = 0; i < 5; i++)
        assert_int_equal(colour_from_gamma(&p, CODEC_RGB, gammas[i], none), 0);
    assert_memory_equal(p.data, colour, 4);
    assert_int_equal(colour_from_gamma(&p, CODEC_RGB, 0.5, flat), 0); /* whatever comes, no crash */
    pixels_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_colour_srgb_is_left_alone),
        cmocka_unit_test(test_colour_converts_as_lcms_does_and_keeps_alpha),
        cmocka_unit_test(test_colour_grey_with_a_profile_stays_one_channel),
        cmocka_unit_test(test_colour_inks_without_a_profile_look_as_with_libvips),
        cmocka_unit_test(test_colour_a_wrong_or_broken_profile_is_ignored),
        cmocka_unit_test(test_colour_wide_red_and_green_come_out_as_lcms_gives_them),
        cmocka_unit_test(test_colour_profile_of_a_table_is_honoured),
        cmocka_unit_test(test_colour_inks_with_a_profile_come_out_as_lcms_gives_them),
        cmocka_unit_test(test_colour_grey_of_gamma_18_gets_darker_by_the_formula),
        cmocka_unit_test(test_colour_png_that_means_srgb_is_left_alone),
        cmocka_unit_test(test_colour_png_gamma_is_honoured),
        cmocka_unit_test(test_colour_png_corners_are_honoured_beside_gamma),
        cmocka_unit_test(test_colour_senseless_gamma_and_corners_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
