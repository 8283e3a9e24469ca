/* Orientation: a walk over the stored pixels that starts in one of the four corners. */
#include "image/orient.h"

#include <errno.h>
#include <string.h>

/* Where the upright picture's walk begins in the stored one, and whether its rows are the stored
 * columns. EXIF names the sides that the stored row 0 and column 0 show. */
struct walk {
    bool swap;   /* upright rows are stored columns */
    bool right;  /* begin at the last stored column */
    bool bottom; /* begin at the last stored row */
};

static const struct walk walks[9] = {
    [1] = {false, false, false}, [2] = {false, true, false}, [3] = {false, true, true},
    [4] = {false, false, true},  [5] = {true, false, false}, [6] = {true, false, true},
    [7] = {true, true, true},    [8] = {true, true, false},
};

static struct walk walk_of(int orientation)
{
    return walks[orientation >= 1 && orientation <= 8 ? orientation : 1];
}

struct pixels_box orient_box(struct pixels_box upright, int orientation, int width, int height)
{
    struct walk walk = walk_of(orientation);
    struct pixels_box stored = upright;

    if (walk.swap)
        stored = (struct pixels_box){upright.y, upright.x, upright.height, upright.width};
    if (walk.right)
        stored.x = width - stored.x - stored.width;
    if (walk.bottom)
        stored.y = height - stored.y - stored.height;
    return stored;
}

/* The pixel's size is a constant for the compiler wherever this is called. */
static inline void walk_pixels(const uint8_t *start, ptrdiff_t next_pixel, ptrdiff_t next_row,
                               size_t pixel, struct pixels *out)
{
    for (int y = 0; y < out->height; y++) {
        const uint8_t *from = start + y * next_row;
        uint8_t *to = out->data + (size_t)y * out->stride;
        for (int x = 0; x < out->width; x++, from += next_pixel, to += pixel)
            memcpy(to, from, pixel);
    }
}

int orient(struct pixels *pixels, int orientation)
{
    struct pixels out;
    struct walk walk = walk_of(orientation);
    ptrdiff_t across = pixels->channels, down = (ptrdiff_t)pixels->stride;
    const uint8_t *start = pixels->data;

    if (!walk.swap && !walk.right && !walk.bottom)
        return 0;
    int rc = pixels_init(&out, walk.swap ? pixels->height : pixels->width,
                         walk.swap ? pixels->width : pixels->height, pixels->channels);
    if (rc)
        return rc;
    if (walk.right) {
        start += (pixels->width - 1) * across;
        across = -across;
    }
    if (walk.bottom) {
        start += (pixels->height - 1) * down;
        down = -down;
    }
    if (pixels->channels == 1)
        walk_pixels(start, walk.swap ? down : across, walk.swap ? across : down, 1, &out);
    else
        walk_pixels(start, walk.swap ? down : across, walk.swap ? across : down, 4, &out);
    out.alpha = pixels->alpha;
    pixels_done(pixels);
    *pixels = out;
    return 0;
}
