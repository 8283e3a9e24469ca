/* What a result keeps, seen in the files themselves, by libjpeg's and libpng's own reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <lcms2.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "image/exif.h"
#include "image/jpeg.h"
#include "image/metadata.h"
#include "support/images.h"

enum { BOTH = IMAGE_KEEP_ICC | IMAGE_KEEP_EXIF };

/* What a file carries, in memory of its own. */
struct kept {
    uint8_t *icc, *exif; /* of Exif from the TIFF header on; NULL for none */
    size_t icc_size, exif_size;
    int app_count; /* of a JPEG's APP1 and APP2 segments */
    int channels;
};

static void *copied(const void *bytes, size_t size)
{
    void *copy = malloc(size);
    memcpy(copy, bytes, size);
    return copy;
}

static struct kept kept_by_jpeg(const uint8_t *bytes, size_t size)
{
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr error;
    struct kept kept = {0};
    unsigned icc_size = 0;
    cinfo.err = jpeg_std_error(&error);
    jpeg_create_decompress(&cinfo);
    jpeg_mem_src(&cinfo, bytes, size);
    jpeg_save_markers(&cinfo, JPEG_APP0 + 1, 0xffff);
    jpeg_save_markers(&cinfo, JPEG_APP0 + 2, 0xffff);
    jpeg_read_header(&cinfo, TRUE);
    for (jpeg_saved_marker_ptr m = cinfo.marker_list; m; m = m->next) {
        kept.app_count++;
        if (m->marker == JPEG_APP0 + 1 && !memcmp(m->data, "Exif\0\0", 6)) {
            kept.exif_size = m->data_length - 6;
            kept.exif = copied(m->data + 6, kept.exif_size);
        }
    }
    jpeg_read_icc_profile(&cinfo, &kept.icc, &icc_size);
    kept.channels = cinfo.num_components;
    kept.icc_size = icc_size;
    jpeg_destroy_decompress(&cinfo);
    return kept;
}

struct bytes_left {
    const uint8_t *bytes;
    size_t size;
};

static void take_bytes(png_structp png, png_bytep to, size_t size)
{
    struct bytes_left *left = png_get_io_ptr(png);
    if (size > left->size)
        png_error(png, "no more");
    memcpy(to, left->bytes, size);
    left->bytes += size;
    left->size -= size;
}

static struct kept kept_by_png(const uint8_t *bytes, size_t size)
{
    struct bytes_left left = {bytes, size};
    struct kept kept = {0};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_charp name;
    png_bytep icc, exif;
    int compression;
    png_uint_32 length;
    png_set_read_fn(png, &left, take_bytes);
    png_read_info(png, info);
    kept.channels = png_get_channels(png, info);
    if (png_get_iCCP(png, info, &name, &compression, &icc, &length)) {
        kept.icc = copied(icc, length);
        kept.icc_size = length;
    }
    if (png_get_eXIf_1(png, info, &length, &exif)) {
        kept.exif = copied(exif, length);
        kept.exif_size = length;
    }
    png_destroy_read_struct(&png, &info, NULL);
    return kept;
}

static void kept_done(struct kept *kept)
{
    free(kept->icc);
    free(kept->exif);
}

/* ---- profiles ---- */

struct profile {
    void *bytes;
    size_t size;
};

static struct profile save_profile(cmsHPROFILE profile)
{
    cmsUInt32Number size = 0;
    assert_non_null(profile);
    assert_true(cmsSaveProfileToMem(profile, NULL, &size));
    struct profile saved = {malloc(size), size};
    assert_true(cmsSaveProfileToMem(profile, saved.bytes, &size));
    cmsCloseProfile(profile);
    return saved;
}

static struct profile wide_profile(void)
{
    const cmsCIExyY d65 = {0.3127, 0.3290, 1};
    const cmsCIExyYTRIPLE p3 = {{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}};
    cmsToneCurve *gamma = cmsBuildGamma(NULL, 2.2);
    cmsToneCurve *curves[3] = {gamma, gamma, gamma};
    struct profile profile = save_profile(cmsCreateRGBProfile(&d65, &p3, curves));
    cmsFreeToneCurve(gamma);
    return profile;
}

static struct profile grey_profile(void)
{
    cmsToneCurve *gamma = cmsBuildGamma(NULL, 1.8);
    struct profile profile = save_profile(cmsCreateGrayProfile(cmsD50_xyY(), gamma));
    cmsFreeToneCurve(gamma);
    return profile;
}

/* As wide_profile(), but of more bytes than two segments hold. */
static struct profile long_profile(void)
{
    struct profile wide = wide_profile();
    cmsHPROFILE profile = cmsOpenProfileFromMem(wide.bytes, (cmsUInt32Number)wide.size);
    size_t length = 70000;
    cmsMLU *text = cmsMLUalloc(NULL, 1);
    char *ascii = malloc(length);
    memset(ascii, 'x', length);
    ascii[length - 1] = 0;
    assert_true(cmsMLUsetASCII(text, "en", "US", ascii));
    assert_true(cmsWriteTag(profile, cmsSigCopyrightTag, text));
    cmsMLUfree(text);
    free(ascii);
    free(wide.bytes);
    return save_profile(profile);
}

/* ---- one picture, all the way ---- */

static struct image_spec spec_of(enum image_kind format, unsigned keep)
{
    struct image_spec spec = image_spec_default();
    spec.boxes[0] = (struct image_box){40, 40};
    spec.blur_sigma_px = 0;
    spec.format = format;
    spec.keep = keep;
    return spec;
}

/* Makes a thumbnail of `file` and ends the file. Free the thumb's bytes. */
static struct image_thumb make(struct test_file file, struct image_spec spec)
{
    struct image_result result;
    struct image_fault fault = {0};
    if (test_thumbnail(file.bytes, file.size, &spec, NULL, &result, &fault))
        fail_msg("%s", fault.message);
    struct image_thumb thumb = result.thumbs[0];
    result.thumbs[0].bytes = NULL;
    image_result_done(&result);
    test_file_done(&file);
    return thumb;
}

static struct kept keep(struct test_file file, struct image_spec spec)
{
    struct image_thumb thumb = make(file, spec);
    struct kept kept = spec.format == IMAGE_KIND_PNG ? kept_by_png(thumb.bytes, thumb.size_bytes)
                                                     : kept_by_jpeg(thumb.bytes, thumb.size_bytes);
    free(thumb.bytes);
    return kept;
}

static struct test_file jpeg_with(int channels, struct test_jpeg how)
{
    struct pixels p = test_picture(80, 60, channels, false);
    struct test_file file = test_jpeg(&p, how);
    pixels_done(&p);
    return file;
}

static struct test_file png_with(struct test_png how)
{
    struct pixels p = test_picture(80, 60, how.type == PNG_COLOR_TYPE_GRAY ? 1 : 4, false);
    struct test_file file = test_png(&p, how);
    pixels_done(&p);
    return file;
}

static const enum image_kind formats[] = {IMAGE_KIND_JPEG, IMAGE_KIND_PNG};

static void test_metadata_is_not_kept_unless_asked_for(void **state)
{
    (void)state;
    struct profile wide = wide_profile();
    uint8_t exif[TEST_CAMERA_EXIF_BYTES];
    size_t exif_size = test_camera_exif(6, true, exif);
    for (unsigned keep_what = 0; keep_what <= BOTH; keep_what++)
        for (int i = 0; i < 4; i++) {
            int f = i % 2;
            struct test_jpeg how = {
                .exif = exif, .exif_size = exif_size, .icc = wide.bytes, .icc_size = wide.size};
            struct image_spec spec = spec_of(formats[f], keep_what);
            spec.exact = i / 2;
            struct kept kept = keep(jpeg_with(4, how), spec);
            assert_int_equal(kept.icc != NULL, (keep_what & IMAGE_KEEP_ICC) != 0);
            assert_int_equal(kept.exif != NULL, (keep_what & IMAGE_KEEP_EXIF) != 0);
            if (formats[f] == IMAGE_KIND_JPEG)
                assert_int_equal(kept.app_count, (kept.icc != NULL) + (kept.exif != NULL));
            kept_done(&kept);
        }
    free(wide.bytes);
}

static void test_metadata_profile_is_kept_byte_by_byte(void **state)
{
    (void)state;
    for (int large = 0; large <= 1; large++) {
        struct profile profile = large ? long_profile() : wide_profile();
        for (int f = 0; f < 2; f++)
            for (int from_png = 0; from_png <= 1; from_png++) {
                struct test_file file =
                    from_png
                        ? png_with((struct test_png){PNG_COLOR_TYPE_RGB, 8, .icc = profile.bytes,
                                                     .icc_size = profile.size})
                        : jpeg_with(4, (struct test_jpeg){.icc = profile.bytes,
                                                          .icc_size = profile.size});
                struct kept kept = keep(file, spec_of(formats[f], BOTH));
                assert_int_equal(kept.icc_size, profile.size);
                assert_memory_equal(kept.icc, profile.bytes, profile.size);
                if (formats[f] == IMAGE_KIND_JPEG)
                    assert_int_equal(kept.app_count, large ? 3 : 1); /* segments of 65519 bytes */
                kept_done(&kept);
            }
        free(profile.bytes);
    }
}

static void test_metadata_kept_profile_leaves_the_pixels_alone(void **state)
{
    (void)state;
    struct profile wide = wide_profile();
    struct test_jpeg how = {.icc = wide.bytes, .icc_size = wide.size};
    struct image_spec spec = spec_of(IMAGE_KIND_PNG, IMAGE_KEEP_ICC);
    struct image_thumb kept = make(jpeg_with(4, how), spec);
    struct image_thumb plain = make(jpeg_with(4, (struct test_jpeg){0}), spec);
    struct image_thumb converted = make(jpeg_with(4, how), spec_of(IMAGE_KIND_PNG, 0));
    struct pixels a = test_decode(kept.bytes, kept.size_bytes);
    struct pixels b = test_decode(plain.bytes, plain.size_bytes);
    struct pixels c = test_decode(converted.bytes, converted.size_bytes);
    assert_true(test_psnr(&a, &b) == 99);
    assert_true(test_psnr(&a, &c) < 45);
    pixels_done(&a);
    pixels_done(&b);
    pixels_done(&c);
    free(kept.bytes);
    free(plain.bytes);
    free(converted.bytes);
    free(wide.bytes);
}

static void test_metadata_is_kept_by_the_exact_way_too(void **state)
{
    (void)state;
    struct profile wide = wide_profile();
    uint8_t exif[TEST_CAMERA_EXIF_BYTES];
    size_t exif_size = test_camera_exif(6, true, exif);
    struct test_jpeg how = {
        .exif = exif, .exif_size = exif_size, .icc = wide.bytes, .icc_size = wide.size};
    for (int f = 0; f < 2; f++) {
        struct image_spec spec = spec_of(formats[f], BOTH);
        spec.exact = true;
        struct kept kept = keep(jpeg_with(4, how), spec);
        assert_int_equal(kept.icc_size, wide.size);
        assert_memory_equal(kept.icc, wide.bytes, wide.size);
        assert_int_equal(exif_orientation(kept.exif, kept.exif_size), 1);
        kept_done(&kept);
    }
    free(wide.bytes);
}

/* Damage that shows amid the rows has the picture opened a second time. */
static void test_metadata_outlives_the_decoder_that_found_damage(void **state)
{
    (void)state;
    struct profile wide = wide_profile();
    struct test_jpeg how = {.icc = wide.bytes, .icc_size = wide.size};
    for (int exact = 0; exact <= 1; exact++)
        for (int f = 0; f < 2; f++) {
            struct image_spec spec = spec_of(formats[f], IMAGE_KEEP_ICC);
            struct test_file file = jpeg_with(4, how);
            file.size -= 400;
            spec.on_damage = IMAGE_DAMAGE_WARNS;
            spec.exact = exact;
            struct kept kept = keep(file, spec);
            assert_int_equal(kept.icc_size, wide.size);
            assert_memory_equal(kept.icc, wide.bytes, wide.size);
            kept_done(&kept);
        }
    free(wide.bytes);
}

static void test_metadata_of_inks_is_dropped_and_the_picture_is_srgb(void **state)
{
    (void)state;
    cmsHPROFILE inks = cmsCreateInkLimitingDeviceLink(cmsSigCmykData, 300);
    struct profile profile = save_profile(inks);
    struct test_jpeg how = {.colour = TEST_CMYK, .icc = profile.bytes, .icc_size = profile.size};
    for (int f = 0; f < 2; f++) {
        struct kept kept = keep(jpeg_with(4, how), spec_of(formats[f], IMAGE_KEEP_ICC));
        assert_null(kept.icc);
        assert_int_equal(kept.channels, 3);
        kept_done(&kept);
    }
    free(profile.bytes);
}

static void test_metadata_grey_profile_stays_with_grey_only(void **state)
{
    (void)state;
    struct profile grey = grey_profile(), wide = wide_profile();
    for (int f = 0; f < 2; f++) {
        struct test_jpeg how = {.icc = grey.bytes, .icc_size = grey.size};
        struct kept kept = keep(jpeg_with(1, how), spec_of(formats[f], IMAGE_KEEP_ICC));
        assert_int_equal(kept.icc_size, grey.size);
        kept_done(&kept);
        kept = keep(jpeg_with(4, how), spec_of(formats[f], IMAGE_KEEP_ICC));
        assert_null(kept.icc);
        kept_done(&kept);
        how = (struct test_jpeg){.icc = wide.bytes, .icc_size = wide.size};
        kept = keep(jpeg_with(1, how), spec_of(formats[f], IMAGE_KEEP_ICC));
        assert_null(kept.icc);
        kept_done(&kept);
    }
    free(grey.bytes);
    free(wide.bytes);
}

static void test_metadata_grey_profile_goes_where_the_border_is_coloured(void **state)
{
    (void)state;
    struct profile grey = grey_profile();
    struct test_jpeg how = {.icc = grey.bytes, .icc_size = grey.size};
    for (int f = 0; f < 2; f++)
        for (int coloured = 0; coloured <= 1; coloured++) {
            struct image_spec spec = spec_of(formats[f], IMAGE_KEEP_ICC);
            spec.fit = IMAGE_CONTAIN;
            spec.background[1] = coloured ? 0 : 255;
            struct kept kept = keep(jpeg_with(1, how), spec);
            assert_int_equal(kept.icc != NULL, !coloured);
            assert_int_equal(kept.channels, coloured ? 3 : 1);
            kept_done(&kept);
        }
    free(grey.bytes);
}

/* Colours that are grey in every pixel are written as colours all the same: the profile is theirs.
 */
static void test_metadata_profile_for_colours_keeps_a_png_of_colours(void **state)
{
    (void)state;
    struct profile wide = wide_profile();
    struct pixels p = test_picture(80, 60, 4, false);
    for (size_t i = 0; i < p.stride * 60; i += 4)
        p.data[i + 1] = p.data[i + 2] = p.data[i];
    struct test_png how = {PNG_COLOR_TYPE_RGB, 8, .icc = wide.bytes, .icc_size = wide.size};
    struct kept kept = keep(test_png(&p, how), spec_of(IMAGE_KIND_PNG, IMAGE_KEEP_ICC));
    assert_int_equal(kept.icc_size, wide.size);
    kept_done(&kept);
    pixels_done(&p);
    free(wide.bytes);
}

static void test_metadata_profile_too_long_or_broken_is_not_kept(void **state)
{
    (void)state;
    struct profile wide = wide_profile();
    struct codec_header header = {.colour = CODEC_RGB, .icc = wide.bytes, .icc_size = wide.size};
    struct image_spec spec = spec_of(IMAGE_KIND_JPEG, IMAGE_KEEP_ICC);
    struct metadata metadata;
    assert_int_equal(metadata_init(&metadata, &header, &spec, true), 0);
    assert_ptr_equal(metadata.icc, wide.bytes);
    header.icc_size = 100;
    assert_int_equal(metadata_init(&metadata, &header, &spec, true), 0);
    assert_null(metadata.icc);
    uint8_t *large = calloc(1, METADATA_BYTES_MAX + 1); /* a true profile, and zeros behind it */
    memcpy(large, wide.bytes, wide.size);
    for (int more = 0; more <= 1; more++) {
        header.icc = large;
        header.icc_size = METADATA_BYTES_MAX + (size_t)more;
        for (int b = 0; b < 4; b++)
            large[b] = (uint8_t)(header.icc_size >> (24 - 8 * b));
        assert_int_equal(metadata_init(&metadata, &header, &spec, true), 0);
        assert_int_equal(metadata.icc != NULL, !more);
    }
    free(large);
    free(wide.bytes);
}

/* A length that is no multiple of 4 is one of the things that libpng minds and lcms does not. */
static void test_metadata_profile_that_png_refuses_is_converted(void **state)
{
    (void)state;
    struct profile wide = wide_profile();
    uint8_t *odd = calloc(1, wide.size + 1);
    memcpy(odd, wide.bytes, wide.size);
    for (int b = 0; b < 4; b++)
        odd[b] = (uint8_t)((wide.size + 1) >> (24 - 8 * b));
    struct test_jpeg how = {.icc = odd, .icc_size = wide.size + 1};
    struct image_thumb asked = make(jpeg_with(4, how), spec_of(IMAGE_KIND_PNG, IMAGE_KEEP_ICC));
    struct image_thumb plain = make(jpeg_with(4, how), spec_of(IMAGE_KIND_PNG, 0));
    assert_int_equal(asked.size_bytes, plain.size_bytes);
    assert_memory_equal(asked.bytes, plain.bytes, plain.size_bytes);
    struct kept kept = keep(jpeg_with(4, how), spec_of(IMAGE_KIND_JPEG, IMAGE_KEEP_ICC));
    assert_int_equal(kept.icc_size, wide.size + 1);
    kept_done(&kept);
    free(asked.bytes);
    free(plain.bytes);
    free(odd);
    free(wide.bytes);
}

static void test_metadata_exif_is_upright_unless_the_picture_is_not(void **state)
{
    (void)state;
    uint8_t exif[TEST_CAMERA_EXIF_BYTES];
    size_t exif_size = test_camera_exif(6, true, exif);
    for (int rotate = 0; rotate <= 1; rotate++)
        for (int f = 0; f < 2; f++)
            for (int from_png = 0; from_png <= 1; from_png++) {
                struct image_spec spec = spec_of(formats[f], IMAGE_KEEP_EXIF);
                spec.rotate = rotate;
                struct test_file file =
                    from_png
                        ? png_with((struct test_png){PNG_COLOR_TYPE_RGB, 8, .orientation = 6})
                        : jpeg_with(4, (struct test_jpeg){.exif = exif, .exif_size = exif_size});
                struct kept kept = keep(file, spec);
                assert_non_null(kept.exif);
                assert_int_equal(exif_orientation(kept.exif, kept.exif_size), rotate ? 1 : 6);
                if (!from_png)
                    assert_non_null(memmem(kept.exif, kept.exif_size, "Example", 8));
                kept_done(&kept);
            }
}

static void test_metadata_exif_larger_than_a_segment_is_left_out(void **state)
{
    (void)state;
    enum { FITS = 65533 - 6 };
    uint8_t *block = calloc(1, FITS + 1), *bytes;
    size_t size;
    struct pixels p = test_picture(20, 10, 4, false);
    struct image_spec spec = image_spec_default();
    struct image_fault fault;
    memcpy(block, "II*\0\x08\0\0\0", 8);
    for (size_t more = 0; more <= 1; more++) {
        struct metadata metadata = {.exif = block, .exif_size = FITS + more};
        assert_int_equal(jpeg_encode(&p, &spec, &metadata, &bytes, &size, &fault), 0);
        struct kept kept = kept_by_jpeg(bytes, size);
        assert_int_equal(kept.exif_size, more ? 0 : FITS);
        kept_done(&kept);
        free(bytes);
    }
    pixels_done(&p);
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metadata_is_not_kept_unless_asked_for),
        cmocka_unit_test(test_metadata_profile_is_kept_byte_by_byte),
        cmocka_unit_test(test_metadata_kept_profile_leaves_the_pixels_alone),
        cmocka_unit_test(test_metadata_is_kept_by_the_exact_way_too),
        cmocka_unit_test(test_metadata_outlives_the_decoder_that_found_damage),
        cmocka_unit_test(test_metadata_of_inks_is_dropped_and_the_picture_is_srgb),
        cmocka_unit_test(test_metadata_grey_profile_stays_with_grey_only),
        cmocka_unit_test(test_metadata_grey_profile_goes_where_the_border_is_coloured),
        cmocka_unit_test(test_metadata_profile_for_colours_keeps_a_png_of_colours),
        cmocka_unit_test(test_metadata_profile_too_long_or_broken_is_not_kept),
        cmocka_unit_test(test_metadata_profile_that_png_refuses_is_converted),
        cmocka_unit_test(test_metadata_exif_is_upright_unless_the_picture_is_not),
        cmocka_unit_test(test_metadata_exif_larger_than_a_segment_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
