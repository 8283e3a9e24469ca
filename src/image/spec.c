/* The spec: its defaults, and how a box is written. */
#include "image/spec.h"

#include <errno.h>
#include <string.h>

const char *const image_fit_names[] = {"inside", "cover", "fill", "contain", NULL};
const char *const image_gravity_names[] = {"northwest", "north", "northeast", "west",
                                           "centre",    "east",  "southwest", "south",
                                           "southeast", NULL};
const char *const image_kernel_names[] = {"bicubic", "lanczos3", NULL};
const char *const image_on_damage_names[] = {"fail", "warn", "accept", NULL};
const char *const image_keep_names[] = {"none", "icc", "exif", "all", NULL};

struct image_spec image_spec_default(void)
{
    return (struct image_spec){
        .boxes = {{256, 256}},
        .box_count = 1,
        .gravity = IMAGE_CENTRE,
        .blur_sigma_px = 2,
        .rotate = true,
        .format = IMAGE_KIND_JPEG,
        .quality = 75,
        .background = {255, 255, 255},
        .max_pixels = 268402689,
        .max_scans = 500,
    };
}

/* Reads digits at *text and moves it past them. Returns 1..IMAGE_SIDE_MAX, 0 without a digit, or
 * -1 for a number out of range. */
static int side_parse(const char **text)
{
    int side = 0;
    const char *start = *text;

    for (; **text >= '0' && **text <= '9'; (*text)++) {
        side = side * 10 + (**text - '0');
        if (side > IMAGE_SIDE_MAX)
            return -1;
    }
    return *text > start && side == 0 ? -1 : side;
}

int image_box_parse(const char *text, struct image_box *ret)
{
    struct image_box box;

    box.width = side_parse(&text);
    if (*text == '\0') {
        box.height = box.width;
    } else if (*text == 'x') {
        text++;
        box.height = side_parse(&text);
    } else {
        return -EINVAL;
    }
    if (*text || box.width < 0 || box.height < 0 || (box.width == 0 && box.height == 0))
        return -EINVAL;
    *ret = box;
    return 0;
}

/* Returns 0..15, or -1. */
static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) % 16 : -1;
}

/* Reads the digits behind the #: one for each channel, or two. */
static int hex_parse(const char *text, uint8_t ret[3])
{
    size_t per_channel = strlen(text) / 3;

    if ((per_channel != 1 && per_channel != 2) || strlen(text) != 3 * per_channel)
        return -EINVAL;
    for (int c = 0; c < 3; c++) {
        int high = hex_digit(text[0]), low = hex_digit(text[per_channel - 1]);
        if (high < 0 || low < 0)
            return -EINVAL;
        ret[c] = (uint8_t)(high * 16 + low);
        text += per_channel;
    }
    return 0;
}

int image_colour_parse(const char *text, uint8_t ret[3])
{
    static const struct {
        const char *name;
        uint8_t grey;
    } names[] = {{"white", 255}, {"black", 0}, {"grey", 128}, {"gray", 128}};
    uint8_t colour[3];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i].name) == 0) {
            memset(ret, names[i].grey, 3);
            return 0;
        }
    if (text[0] != '#' || hex_parse(text + 1, colour))
        return -EINVAL;
    memcpy(ret, colour, sizeof colour);
    return 0;
}
