/* The spec: its defaults, and how a box is written. */
#include "image/spec.h"

#include <errno.h>

struct image_spec image_spec_default(void)
{
    return (struct image_spec){
        .boxes = {{256, 256}},
        .box_count = 1,
        .blur_sigma_px = 2,
        .format = IMAGE_KIND_JPEG,
        .quality = 75,
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
