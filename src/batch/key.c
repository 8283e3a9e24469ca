#include "batch/key.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* All that counts, without gaps, so that it can be hashed as bytes. */
struct choices {
    int64_t boxes[IMAGE_SIZES_MAX][2];
    int64_t box_count, fit, gravity, upscale, exact, kernel, rotate;
    int64_t format, quality, full_chroma, progressive, background, keep, on_damage;
    int64_t max_pixels, max_scans;
    double blur_sigma_px;
};

static struct choices choices_of(const struct image_spec *spec, enum image_kind format)
{
    bool jpeg = format == IMAGE_KIND_JPEG;
    bool bordered = spec->fit == IMAGE_CONTAIN;
    bool placed = bordered || spec->fit == IMAGE_COVER;
    struct choices choices = {.box_count = spec->box_count,
                              .fit = spec->fit,
                              .gravity = placed ? spec->gravity : IMAGE_CENTRE,
                              .upscale = spec->upscale,
                              .exact = spec->exact,
                              .kernel = spec->kernel,
                              .rotate = spec->rotate,
                              .format = format,
                              .quality = format == IMAGE_KIND_PNG ? 0 : spec->quality,
                              .full_chroma = jpeg && spec->full_chroma,
                              .progressive = jpeg && spec->progressive,
                              .keep = spec->keep,
                              .on_damage = spec->on_damage,
                              .max_pixels = spec->max_pixels,
                              .max_scans = spec->max_scans,
                              .blur_sigma_px = spec->blur_sigma_px};
    if (jpeg || bordered)
        choices.background =
            spec->background[0] << 16 | spec->background[1] << 8 | spec->background[2];
    for (int i = 0; i < spec->box_count; i++) {
        choices.boxes[i][0] = spec->boxes[i].width;
        choices.boxes[i][1] = spec->boxes[i].height;
    }
    return choices;
}

uint64_t key_of(const struct image_spec *spec, enum image_kind format, const char *versions)
{
    struct choices choices = choices_of(spec, format);
    uint64_t seed = XXH3_64bits(versions, strlen(versions));
    return XXH3_64bits_withSeed(&choices, sizeof choices, seed);
}
