/* What to make of a picture: the sizes, the blur and the output's coding. */
#ifndef IMAGE_SPEC_H
#define IMAGE_SPEC_H

#include <stdint.h>

#include "image/kind.h"

enum {
    IMAGE_SIZES_MAX = 16,   /* sizes from one decode */
    IMAGE_SIDE_MAX = 65500, /* pixels a side of a result: JPEG's own limit */
};

/* A box to fit, pixels. 0 leaves that side open. Not both are 0. */
struct image_box {
    int width, height;
};

struct image_spec {
    struct image_box boxes[IMAGE_SIZES_MAX];
    int box_count;          /* 1..IMAGE_SIZES_MAX */
    double blur_sigma_px;   /* standard deviation in source pixels; 0 is none */
    enum image_kind format; /* of the results: JPEG, PNG, WebP or AVIF */
    int quality;            /* 1..100, lossy formats */
    int64_t max_pixels;     /* a picture with more is refused from its header */
    int max_scans;          /* a progressive JPEG with more is refused */
};

/* One box of 256 x 256, sigma 2, JPEG of quality 75, 268402689 pixels, 500 scans. */
struct image_spec image_spec_default(void);

/* Parses "256", "320x240", "320x" or "x240". Returns 0, or -EINVAL. */
int image_box_parse(const char *text, struct image_box *ret);

#endif
