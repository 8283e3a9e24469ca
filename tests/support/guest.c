#include "support/guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vips/vips.h>

#include "image/module.h"

/* The pixels without a fourth channel that is not alpha. */
static uint8_t *pack(const struct pixels *pixels, int bands)
{
    uint8_t *packed = malloc((size_t)pixels->width * (size_t)pixels->height * (size_t)bands);
    uint8_t *to = packed;
    for (int y = 0; packed && y < pixels->height; y++)
        for (int x = 0; x < pixels->width; x++, to += bands)
            memcpy(to,
                   pixels->data + (size_t)y * pixels->stride + (size_t)x * (size_t)pixels->channels,
                   (size_t)bands);
    return packed;
}

struct test_file test_guest_file(const struct pixels *pixels, const char *suffix)
{
    int bands = pixels->channels == 1 ? 1 : pixels->alpha ? 4 : 3;
    uint8_t *packed = pack(pixels, bands);
    struct test_file file = {0};
    void *bytes = NULL;
    VipsImage *image = vips_image_new_from_memory(
        packed, (size_t)pixels->width * (size_t)pixels->height * (size_t)bands, pixels->width,
        pixels->height, bands, VIPS_FORMAT_UCHAR);
    image->Type = bands == 1 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    vips_concurrency_set(1);
    if (vips_image_write_to_buffer(image, suffix, &bytes, &file.size, NULL) == 0)
        file.bytes = bytes; /* g_malloc() is malloc() */
    vips_error_clear();
    g_object_unref(image);
    free(packed);
    return file;
}

/* By its own profile of inks, as libvips 8.14 does it by itself. Later ones bring colours that sRGB
 * has not nearer to grey when they come from XYZ, and cut them off, as 8.14 does, when they come
 * from Lab. */
static int import_inks(VipsImage *inks, VipsImage **ret)
{
    bool bends = vips_version(0) > 8 || vips_version(1) > 14;
    return vips_icc_import(inks, ret, "input_profile", "cmyk", "intent", VIPS_INTENT_RELATIVE,
                           "pcs", bends ? VIPS_PCS_LAB : VIPS_PCS_XYZ, NULL);
}

struct pixels test_guest_srgb_of_inks(const struct pixels *inks)
{
    struct pixels srgb = {0};
    VipsImage *from, *as_inks = NULL, *colours = NULL, *to = NULL;
    if (!vips_type_find("VipsOperation", "icc_import"))
        return srgb;
    from = vips_image_new_from_memory(inks->data, inks->stride * (size_t)inks->height, inks->width,
                                      inks->height, 4, VIPS_FORMAT_UCHAR);
    vips_concurrency_set(1);
    if (vips_copy(from, &as_inks, "interpretation", VIPS_INTERPRETATION_CMYK, NULL) == 0 &&
        import_inks(as_inks, &colours) == 0 &&
        vips_colourspace(colours, &to, VIPS_INTERPRETATION_sRGB, NULL) == 0 &&
        pixels_init(&srgb, to->Xsize, to->Ysize, 4) == 0) {
        size_t size;
        uint8_t *packed = vips_image_write_to_memory(to, &size); /* of three bands */
        for (size_t i = 0; packed && i < size; i++)
            srgb.data[i / 3 * 4 + i % 3] = packed[i];
        g_free(packed);
    }
    g_clear_object(&to);
    g_clear_object(&colours);
    g_clear_object(&as_inks);
    g_object_unref(from);
    return srgb;
}

static int set_up(void **state, bool untrusted)
{
    struct image_module *module;
    char why[200];
    if (image_module_load(VIPS_MODULE_FILE, &module, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        return -1;
    }
    *state = module;
    return image_module_start(module, untrusted);
}

int test_guest_set_up(void **state)
{
    return set_up(state, false);
}

int test_guest_set_up_untrusted(void **state)
{
    return set_up(state, true);
}

int test_guest_tear_down(void **state)
{
    free(*state);
    return 0;
}
