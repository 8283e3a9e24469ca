/* The libvips module: loaded late, started here, reads what JPEG and PNG are not.
 *
 * Its input is made by itself: a picture is written as WebP or AVIF and read back. GIF and TIFF are
 * small enough to be written by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <lcms2.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/colour.h"
#include "image/exif.h"
#include "image/module.h"
#include "image/module_private.h"
#include "support/images.h"

static int threads_of_this_process(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[200];
    int threads = 0;
    while (file && fgets(line, sizeof line, file))
        sscanf(line, "Threads: %d", &threads);
    if (file)
        fclose(file);
    return threads;
}

static void test_module_that_is_not_there_says_why(void **state)
{
    (void)state;
    struct image_module *module = NULL;
    char why[200] = "";
    assert_int_equal(image_module_load("/nonexistent/module.so", &module, why, sizeof why), -1);
    assert_non_null(strstr(why, "needs libvips, which cannot be loaded (/nonexistent/module.so: "));
    assert_null(module);
}

#ifdef VIPS_MODULE_FILE

static struct image_module *load(void **state)
{
    return *state;
}

static int set_up(void **state)
{
    struct image_module *module;
    char why[200];
    if (image_module_load(VIPS_MODULE_FILE, &module, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        return -1;
    }
    if (threads_of_this_process() != 1)
        return -1; /* a process that has only loaded it must be free to fork */
    *state = module;
    return image_module_start(module, false) ||
           image_module_start(module, false); /* twice does no harm */
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

/* A TIFF of one uncompressed strip: grey of 8 bits or RGB of 16, or inks. */
static struct test_file make_tiff(const struct pixels *p, int samples, int bits, int photometric,
                                  int orientation)
{
    enum { ENTRIES = 11, STRIP = 8 + 2 + ENTRIES * 12 + 4 + 8 };
    size_t data = (size_t)p->width * (size_t)p->height * (size_t)(samples * bits / 8);
    struct test_file file = {calloc(1, STRIP + data), STRIP + data};
    const uint32_t bits_at = STRIP - 8;
    const uint32_t entries[ENTRIES][4] = {
        {256, 4, 1, (uint32_t)p->width},
        {257, 4, 1, (uint32_t)p->height},
        {258, 3, (uint32_t)samples, samples == 1 ? (uint32_t)bits : bits_at},
        {259, 3, 1, 1},
        {262, 3, 1, (uint32_t)photometric},
        {273, 4, 1, STRIP},
        {274, 3, 1, (uint32_t)orientation},
        {277, 3, 1, (uint32_t)samples},
        {278, 4, 1, (uint32_t)p->height},
        {279, 4, 1, (uint32_t)data},
        {284, 3, 1, 1},
    };
    memcpy(file.bytes, "II*\0\x08\0\0\0\x0b\0", 10);
    for (int e = 0; e < ENTRIES; e++)
        for (int b = 0; b < 12; b++)
            file.bytes[10 + e * 12 + b] = (uint8_t)(b < 2   ? entries[e][0] >> 8 * b
                                                    : b < 4 ? entries[e][1] >> 8 * (b - 2)
                                                    : b < 8 ? entries[e][2] >> 8 * (b - 4)
                                                            : entries[e][3] >> 8 * (b - 8));
    for (int s = 0; s < 4; s++)
        file.bytes[bits_at + 2 * (uint32_t)s] = (uint8_t)bits;
    uint8_t *to = file.bytes + STRIP;
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++)
            for (int s = 0; s < samples; s++)
                for (int b = 0; b < bits / 8; b++)
                    *to++ = p->data[(size_t)y * p->stride + (size_t)(x * p->channels + s)];
    return file;
}

/* A GIF without compression: every code is a literal, with a clear code in time. */
static struct test_file make_gif(const struct pixels *p)
{
    size_t count = (size_t)p->width * (size_t)p->height, at = 0;
    struct test_file file = {calloc(1, 2000 + count * 3), 0};
    uint8_t head[13] = "GIF89a";
    head[6] = (uint8_t)p->width;
    head[7] = (uint8_t)(p->width >> 8);
    head[8] = (uint8_t)p->height;
    head[9] = (uint8_t)(p->height >> 8);
    head[10] = 0xf6; /* 128 colours */
    memcpy(file.bytes, head, 13);
    for (int i = 0; i < 128; i++)
        memset(file.bytes + 13 + 3 * i, i * 2, 3);
    at = 13 + 3 * 128;
    file.bytes[at] = ',';
    memcpy(file.bytes + at + 5, head + 6, 4);
    file.bytes[at + 10] = 7; /* code size; codes of 8 bits are bytes */
    at += 11;
    for (size_t i = 0; i < count; i += 100) {
        size_t run = count - i < 100 ? count - i : 100;
        file.bytes[at++] = (uint8_t)(run + 1);
        file.bytes[at++] = 0x80; /* clear: the table never grows to 9 bits */
        for (size_t j = 0; j < run; j++)
            file.bytes[at++] = p->data[i + j] / 2;
    }
    memcpy(file.bytes + at, "\x01\x81\0;", 4);
    file.size = at + 4;
    return file;
}

static void *wide_profile(size_t *ret_size)
{
    const cmsCIExyY d65 = {0.3127, 0.3290, 1};
    const cmsCIExyYTRIPLE p3 = {{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}};
    cmsToneCurve *gamma = cmsBuildGamma(NULL, 2.2);
    cmsToneCurve *curves[3] = {gamma, gamma, gamma};
    cmsHPROFILE profile = cmsCreateRGBProfile(&d65, &p3, curves);
    cmsUInt32Number size = 0;
    assert_true(cmsSaveProfileToMem(profile, NULL, &size));
    void *bytes = malloc(size);
    assert_true(cmsSaveProfileToMem(profile, bytes, &size));
    cmsCloseProfile(profile);
    cmsFreeToneCurve(gamma);
    *ret_size = size;
    return bytes;
}

static struct image_spec spec_of(int box, enum image_kind format)
{
    struct image_spec spec = image_spec_default();
    spec.boxes[0] = (struct image_box){box, box};
    spec.format = format;
    spec.blur_sigma_px = 0;
    return spec;
}

/* `p` as WebP or AVIF, written by the module. Without a file when the encoder is not there. */
static struct test_file make_by_module(const struct image_module *module, const struct pixels *p,
                                       enum image_kind format)
{
    struct test_png how = {.type = p->alpha ? PNG_COLOR_TYPE_RGBA : PNG_COLOR_TYPE_RGB, .depth = 8};
    struct test_file png = test_png(p, how), file = {0};
    struct image_spec spec = spec_of(1000, format);
    struct image_result result;
    struct image_fault fault;
    spec.quality = 95;
    if (!test_thumbnail(png.bytes, png.size, &spec, module, &result, &fault)) {
        file = (struct test_file){result.thumbs[0].bytes, result.thumbs[0].size_bytes};
        result.thumbs[0].bytes = NULL;
        image_result_done(&result);
    } else if (fault.code != IMAGE_UNSUPPORTED) {
        fail_msg("%s", fault.message);
    }
    test_file_done(&png);
    return file;
}

/* Reads the file at full size and compares. */
static void check(const struct image_module *module, const struct test_file *file,
                  const struct pixels *want, double least_db)
{
    struct image_spec spec = spec_of(1000, IMAGE_KIND_PNG);
    struct image_result result;
    struct image_fault fault;
    if (test_thumbnail(file->bytes, file->size, &spec, module, &result, &fault))
        fail_msg("%s", fault.message);
    struct pixels p = test_decode(result.thumbs[0].bytes, result.thumbs[0].size_bytes);
    double db = test_psnr(&p, want);
    if (db < least_db)
        fail_msg("%.1f dB", db);
    pixels_done(&p);
    image_result_done(&result);
}

static void test_vips_reads_tiff(void **state)
{
    struct pixels p = test_picture(90, 70, 4, false), grey = test_picture(90, 70, 1, false);
    struct test_file file = make_tiff(&p, 3, 8, 2, 1);
    check(load(state), &file, &p, 99);
    test_file_done(&file);
    file = make_tiff(&p, 3, 16, 2, 1);
    check(load(state), &file, &p, 99);
    test_file_done(&file);
    file = make_tiff(&grey, 1, 8, 1, 1);
    check(load(state), &file, &grey, 99);
    test_file_done(&file);
    file = make_tiff(&p, 4, 8, 5, 1); /* inks */
    assert_int_equal(colour_to_srgb(&p, CODEC_CMYK, NULL, 0), 0);
    check(load(state), &file, &p, 99);
    test_file_done(&file);
    pixels_done(&p);
    pixels_done(&grey);
}

static void test_vips_pictures_are_turned_upright_once(void **state)
{
    struct pixels p = test_picture(90, 70, 4, false);
    struct test_file file = make_tiff(&p, 3, 8, 2, 6);
    struct image_spec spec = spec_of(1000, IMAGE_KIND_PNG);
    struct image_result result;
    struct image_fault fault;
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, load(state), &result, &fault), 0);
    assert_int_equal(result.width, 70);
    assert_int_equal(result.height, 90);
    struct pixels q = test_decode(result.thumbs[0].bytes, result.thumbs[0].size_bytes);
    assert_memory_equal(q.data + 69 * 4, p.data, 3); /* the first pixel is at the top right */
    pixels_done(&q);
    image_result_done(&result);
    test_file_done(&file);
    pixels_done(&p);
}

static void test_vips_reads_gif(void **state)
{
    struct pixels grey = test_picture(90, 70, 1, false), p;
    struct test_file file = make_gif(&grey);
    struct image_spec spec = spec_of(1000, IMAGE_KIND_PNG);
    struct image_result result;
    struct image_fault fault;
    if (test_thumbnail(file.bytes, file.size, &spec, load(state), &result, &fault))
        fail_msg("%s", fault.message);
    p = test_decode(result.thumbs[0].bytes, result.thumbs[0].size_bytes);
    for (int i = 0; i < 90 * 70; i++)
        assert_int_equal(p.data[i * p.channels], grey.data[i] / 2 * 2);
    pixels_done(&p);
    image_result_done(&result);
    for (int percent = 0; percent < 99; percent += 3) {
        size_t cut = file.size * (size_t)percent / 100;
        assert_int_equal(test_thumbnail(file.bytes, cut, &spec, load(state), &result, &fault), -1);
    }
    test_file_done(&file);
    pixels_done(&grey);
}

static void check_written(void **state, enum image_kind format, bool alpha, double least_db)
{
    struct pixels p = test_picture(180, 140, 4, alpha);
    struct test_file file = make_by_module(load(state), &p, format);
    if (!file.bytes) {
        print_message("no encoder for %s here\n", image_kind_name(format));
        pixels_done(&p);
        skip();
    }
    assert_int_equal(image_kind_sniff(file.bytes, file.size), format);
    if (!alpha)
        check(load(state), &file, &p, least_db);
    struct image_spec spec = spec_of(50, IMAGE_KIND_JPEG);
    struct image_result result;
    struct image_fault fault;
    for (int percent = 0; percent < 100; percent += 2) {
        size_t cut = file.size * (size_t)percent / 100;
        if (!test_thumbnail(file.bytes, cut, &spec, load(state), &result, &fault))
            fail_msg("%s cut at %d %% is taken for whole", image_kind_name(format), percent);
        assert_true(fault.message[0] != 0 && !strchr(fault.message, '\n'));
    }
    test_file_done(&file);
    pixels_done(&p);
}

static void test_vips_writes_and_reads_webp(void **state)
{
    check_written(state, IMAGE_KIND_WEBP, false, 27);
}

static void test_vips_writes_and_reads_webp_with_alpha(void **state)
{
    check_written(state, IMAGE_KIND_WEBP, true, 27);
}

static void test_vips_writes_and_reads_avif(void **state)
{
    check_written(state, IMAGE_KIND_AVIF, false, 27);
}

/* A JPEG with a profile and Exif, as WebP or AVIF that keeps both. */
static struct test_file keep_by_module(const struct image_module *module, enum image_kind format,
                                       const void *icc, size_t icc_size)
{
    struct pixels p = test_picture(180, 140, 4, false);
    uint8_t exif[TEST_CAMERA_EXIF_BYTES];
    size_t exif_size = test_camera_exif(6, true, exif);
    struct test_file file = test_jpeg(
        &p,
        (struct test_jpeg){.exif = exif, .exif_size = exif_size, .icc = icc, .icc_size = icc_size});
    struct image_spec spec = spec_of(100, format);
    struct image_result result;
    struct image_fault fault;
    spec.keep = IMAGE_KEEP_ICC | IMAGE_KEEP_EXIF;
    if (test_thumbnail(file.bytes, file.size, &spec, module, &result, &fault))
        fail_msg("%s", fault.message);
    test_file_done(&file);
    file = (struct test_file){result.thumbs[0].bytes, result.thumbs[0].size_bytes};
    result.thumbs[0].bytes = NULL;
    image_result_done(&result);
    pixels_done(&p);
    return file;
}

/* What the module's own decoder, which is libvips', finds in such a file. */
static void check_kept(const struct image_module *module, enum image_kind format)
{
    size_t icc_size;
    void *icc = wide_profile(&icc_size);
    struct test_file file = keep_by_module(module, format, icc, icc_size);
    struct image_spec limits = image_spec_default();
    struct image_fault fault;
    struct codec_header header;
    struct source source;
    void *decoder;
    int fd = test_open(file.bytes, file.size);
    assert_int_equal(source_init(&source, fd, (int64_t)file.size), 0);
    assert_int_equal(module->vips->codec->open(&source, &limits, &decoder, &header, &fault), 0);
    assert_int_equal(header.width, 78); /* upright */
    assert_int_equal(header.orientation, 1);
    assert_int_equal(header.icc_size, icc_size);
    assert_memory_equal(header.icc, icc, icc_size);
    assert_non_null(memmem(header.exif, header.exif_size, "Example", 8));
    assert_int_equal(exif_orientation(header.exif, header.exif_size), 1);
    module->vips->codec->close(decoder);
    source_done(&source);
    close(fd);
    test_file_done(&file);
    free(icc);
}

static void test_vips_keeps_profile_and_exif_in_webp(void **state)
{
    check_kept(load(state), IMAGE_KIND_WEBP);
}

static void test_vips_keeps_profile_and_exif_in_avif(void **state)
{
    struct pixels p = test_picture(20, 20, 4, false);
    struct test_file file = make_by_module(load(state), &p, IMAGE_KIND_AVIF);
    bool able = file.bytes != NULL;
    test_file_done(&file);
    pixels_done(&p);
    if (!able)
        skip();
    check_kept(load(state), IMAGE_KIND_AVIF);
}

/* Nothing but pixels: libvips would add Exif. */
static void test_vips_webp_without_metadata_is_one_chunk(void **state)
{
    struct pixels p = test_picture(90, 70, 4, false);
    struct test_file file = make_by_module(load(state), &p, IMAGE_KIND_WEBP);
    assert_memory_equal(file.bytes + 12, "VP8 ", 4);
    uint32_t length = (uint32_t)file.bytes[16] | (uint32_t)file.bytes[17] << 8;
    assert_int_equal(file.size, 20 + length + length % 2);
    test_file_done(&file);
    pixels_done(&p);
}

static void test_vips_quality_and_alpha_reach_the_file(void **state)
{
    const enum image_kind formats[] = {IMAGE_KIND_WEBP, IMAGE_KIND_AVIF};
    struct pixels p = test_picture(180, 140, 4, true);
    struct test_file png = test_png(&p, (struct test_png){.type = PNG_COLOR_TYPE_RGBA, .depth = 8});
    for (int f = 0; f < 2; f++) {
        size_t sizes[2];
        for (int good = 0; good <= 1; good++) {
            struct image_spec spec = spec_of(1000, formats[f]);
            struct image_result result, again;
            struct image_fault fault;
            spec.quality = good ? 95 : 30;
            if (test_thumbnail(png.bytes, png.size, &spec, load(state), &result, &fault))
                continue; /* no encoder */
            sizes[good] = result.thumbs[0].size_bytes;
            assert_int_equal(
                test_thumbnail(png.bytes, png.size, &spec, load(state), &again, &fault), 0);
            assert_int_equal(again.thumbs[0].size_bytes, sizes[good]);
            assert_memory_equal(again.thumbs[0].bytes, result.thumbs[0].bytes, sizes[good]);
            assert_true(!good || sizes[1] > sizes[0] * 3 / 2);
            struct test_file file = {result.thumbs[0].bytes, sizes[good]};
            check(load(state), &file, &p, good ? 27 : 20); /* of alpha too */
            image_result_done(&result);
            image_result_done(&again);
        }
    }
    test_file_done(&png);
    pixels_done(&p);
}

static void test_vips_tiff_that_is_cut_is_damaged(void **state)
{
    struct pixels p = test_picture(90, 70, 4, false);
    struct test_file file = make_tiff(&p, 3, 8, 2, 1);
    struct image_spec spec = spec_of(50, IMAGE_KIND_PNG);
    struct image_result result;
    struct image_fault fault;
    for (int percent = 1; percent < 100; percent++) {
        size_t cut = file.size * (size_t)percent / 100;
        assert_int_equal(test_thumbnail(file.bytes, cut, &spec, load(state), &result, &fault), -1);
        assert_int_equal(fault.code, IMAGE_DAMAGED);
    }
    test_file_done(&file);
    pixels_done(&p);
}

static void test_vips_refuses_large_pictures_from_the_header(void **state)
{
    struct pixels p = test_picture(90, 70, 4, false);
    struct test_file file = make_tiff(&p, 3, 8, 2, 1);
    struct image_spec spec = spec_of(50, IMAGE_KIND_PNG);
    struct image_result result;
    struct image_fault fault;
    spec.max_pixels = 90 * 70 - 1;
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, load(state), &result, &fault),
                     -1);
    assert_int_equal(fault.code, IMAGE_LIMIT);
    test_file_done(&file);
    pixels_done(&p);
}

static void test_vips_survives_flipped_bits(void **state)
{
    struct pixels p = test_picture(60, 40, 4, false);
    struct test_file files[] = {make_tiff(&p, 3, 8, 2, 1),
                                make_by_module(load(state), &p, IMAGE_KIND_WEBP)};
    struct image_spec spec = spec_of(50, IMAGE_KIND_PNG);
    srand(13);
    for (int i = 0; i < 600; i++) {
        struct test_file *file = &files[i % 2];
        struct image_result result;
        struct image_fault fault;
        size_t at = (size_t)rand() % (file->size < 300 ? file->size : 300);
        uint8_t bit = (uint8_t)(1 << rand() % 8);
        file->bytes[at] ^= bit;
        if (!test_thumbnail(file->bytes, file->size, &spec, load(state), &result, &fault))
            image_result_done(&result);
        file->bytes[at] ^= bit;
    }
    test_file_done(&files[0]);
    test_file_done(&files[1]);
    pixels_done(&p);
}

/* TIFF and GIF are pulled by the caller alone. (libwebp and the decoders of HEIF start threads of
 * their own, which end with the picture.) */
static void test_vips_starts_no_thread_for_tiff(void **state)
{
    struct pixels p = test_picture(90, 70, 4, false);
    struct test_file file = make_tiff(&p, 3, 8, 2, 1);
    int before = threads_of_this_process();
    check(load(state), &file, &p, 99);
    assert_int_equal(threads_of_this_process(), before);
    test_file_done(&file);
    pixels_done(&p);
}

#endif

int main(void)
{
    const struct CMUnitTest without[] = {
        cmocka_unit_test(test_module_that_is_not_there_says_why),
    };
    int failed = cmocka_run_group_tests_name("module", without, NULL, NULL);
#ifdef VIPS_MODULE_FILE
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vips_starts_no_thread_for_tiff),
        cmocka_unit_test(test_vips_reads_tiff),
        cmocka_unit_test(test_vips_pictures_are_turned_upright_once),
        cmocka_unit_test(test_vips_reads_gif),
        cmocka_unit_test(test_vips_writes_and_reads_webp),
        cmocka_unit_test(test_vips_writes_and_reads_webp_with_alpha),
        cmocka_unit_test(test_vips_writes_and_reads_avif),
        cmocka_unit_test(test_vips_keeps_profile_and_exif_in_webp),
        cmocka_unit_test(test_vips_keeps_profile_and_exif_in_avif),
        cmocka_unit_test(test_vips_webp_without_metadata_is_one_chunk),
        cmocka_unit_test(test_vips_quality_and_alpha_reach_the_file),
        cmocka_unit_test(test_vips_tiff_that_is_cut_is_damaged),
        cmocka_unit_test(test_vips_refuses_large_pictures_from_the_header),
        cmocka_unit_test(test_vips_survives_flipped_bits),
    };
    failed += cmocka_run_group_tests_name("vips", tests, set_up, tear_down);
#endif
    return failed;
}
