/* Prints a fingerprint of every thumbnail of a set of generated pictures, one a line. same_bytes.sh
 * compares what differently compiled forms of this program print. */
#include <lcms2.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/images.h"

enum { WIDTH = 451, HEIGHT = 339 }; /* nothing divides them */

/* Source: FNV-1a, 64 bits. */
static uint64_t fingerprint(const uint8_t *bytes, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3;
    return hash;
}

/* Display P3: sRGB's curve, approached by a gamma of 2.2. */
static void *wide_profile(size_t *ret_size)
{
    const cmsCIExyYTRIPLE p3 = {{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}};
    const cmsCIExyY d65 = {0.3127, 0.3290, 1};
    cmsToneCurve *curve = cmsBuildGamma(NULL, 2.2);
    cmsToneCurve *curves[3] = {curve, curve, curve};
    cmsHPROFILE profile = cmsCreateRGBProfile(&d65, &p3, curves);
    cmsUInt32Number size = 0;

    cmsSaveProfileToMem(profile, NULL, &size);
    void *bytes = malloc(size);
    if (!bytes || !cmsSaveProfileToMem(profile, bytes, &size))
        abort();
    cmsCloseProfile(profile);
    cmsFreeToneCurve(curve);
    *ret_size = size;
    return bytes;
}

static void print_thumbs(const char *name, const struct test_file *file, struct image_spec *spec)
{
    struct image_result result;
    struct image_fault fault;

    if (test_thumbnail(file->bytes, file->size, spec, NULL, &result, &fault)) {
        fprintf(stderr, "%s: %s\n", name, fault.message);
        exit(1);
    }
    for (int i = 0; i < result.thumb_count; i++)
        printf(
            "%s, %s%s, sigma %g, %d x %d, %s: %016llx\n", name, image_kernel_names[spec->kernel],
            spec->exact ? ", exact" : "", spec->blur_sigma_px, result.thumbs[i].width,
            result.thumbs[i].height, image_kind_name(spec->format),
            (unsigned long long)fingerprint(result.thumbs[i].bytes, result.thumbs[i].size_bytes));
    image_result_done(&result);
}

static void print_lanczos3(const char *name, const struct test_file *file, struct image_spec spec)
{
    spec.kernel = IMAGE_LANCZOS3;
    print_thumbs(name, file, &spec);
    spec.exact = true;
    print_thumbs(name, file, &spec);
}

/* Every size is the largest of a call once: it decides how far the decoder shrinks. */
static void print_all(const char *name, struct test_file file)
{
    static const int sides[] = {400, 200, 100, 50, 7};
    static const double sigmas[] = {0, 2, 15};
    struct image_spec spec = image_spec_default();

    for (size_t s = 0; s < sizeof sides / sizeof *sides; s++)
        for (size_t b = 0; b < sizeof sigmas / sizeof *sigmas; b++)
            for (int jpeg = 0; jpeg < (sigmas[b] == 2 ? 2 : 1); jpeg++) {
                spec.boxes[0] = (struct image_box){sides[s], sides[s]};
                spec.boxes[1] = (struct image_box){sides[s] / 2, 0};
                spec.box_count = 2;
                spec.blur_sigma_px = sigmas[b];
                spec.format = jpeg ? IMAGE_KIND_JPEG : IMAGE_KIND_PNG;
                print_thumbs(name, &file, &spec);
                if (!jpeg)
                    print_lanczos3(name, &file, spec);
            }
    test_file_done(&file);
}

static void print_jpegs(const struct pixels *colour, const struct pixels *grey)
{
    size_t icc_size;
    void *icc = wide_profile(&icc_size);

    print_all("JPEG 4:4:4", test_jpeg(colour, (struct test_jpeg){0}));
    print_all("JPEG 4:2:0", test_jpeg(colour, (struct test_jpeg){.sample_x = 2, .sample_y = 2}));
    print_all(
        "JPEG 4:2:0, P3",
        test_jpeg(colour, (struct test_jpeg){
                              .sample_x = 2, .sample_y = 2, .icc = icc, .icc_size = icc_size}));
    print_all("JPEG 4:2:2, turned",
              test_jpeg(colour, (struct test_jpeg){.sample_x = 2, .orientation = 6}));
    print_all("JPEG progressive",
              test_jpeg(colour, (struct test_jpeg){
                                    .coding = TEST_PROGRESSIVE, .sample_x = 2, .sample_y = 2}));
    print_all("JPEG RGB", test_jpeg(colour, (struct test_jpeg){.colour = TEST_RGB}));
    print_all("JPEG CMYK", test_jpeg(colour, (struct test_jpeg){.colour = TEST_CMYK}));
    print_all("JPEG YCCK", test_jpeg(colour, (struct test_jpeg){.colour = TEST_YCCK}));
    print_all("JPEG grey", test_jpeg(grey, (struct test_jpeg){0}));
    print_all("PNG RGB, P3", test_png(colour, (struct test_png){.type = PNG_COLOR_TYPE_RGB,
                                                                .depth = 8,
                                                                .icc = icc,
                                                                .icc_size = icc_size}));
    free(icc);
}

static void print_pngs(const struct pixels *colour, const struct pixels *grey,
                       const struct pixels *clear)
{
    print_all("PNG RGB",
              test_png(colour, (struct test_png){.type = PNG_COLOR_TYPE_RGB, .depth = 8}));
    print_all("PNG RGB, 16 bits",
              test_png(colour, (struct test_png){.type = PNG_COLOR_TYPE_RGB, .depth = 16}));
    print_all("PNG RGBA",
              test_png(clear, (struct test_png){.type = PNG_COLOR_TYPE_RGB_ALPHA, .depth = 8}));
    print_all("PNG RGBA, interlaced",
              test_png(clear, (struct test_png){.type = PNG_COLOR_TYPE_RGB_ALPHA,
                                                .depth = 8,
                                                .interlaced = true}));
    print_all("PNG grey",
              test_png(grey, (struct test_png){.type = PNG_COLOR_TYPE_GRAY, .depth = 8}));
    print_all("PNG grey, 16 bits",
              test_png(grey, (struct test_png){.type = PNG_COLOR_TYPE_GRAY, .depth = 16}));
}

int main(void)
{
    struct pixels colour = test_picture(WIDTH, HEIGHT, 4, false);
    struct pixels grey = test_picture(WIDTH, HEIGHT, 1, false);
    struct pixels clear = test_picture(WIDTH, HEIGHT, 4, true);

    print_jpegs(&colour, &grey);
    print_pngs(&colour, &grey, &clear);
    pixels_done(&colour);
    pixels_done(&grey);
    pixels_done(&clear);
    return 0;
}
