/* What to make of a picture: the sizes, the blur and the output's coding. */
#ifndef IMAGE_SPEC_H
#define IMAGE_SPEC_H

#include <stdbool.h>
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

/* How a box is met. All but IMAGE_INSIDE need both of its sides. */
enum image_fit {
    IMAGE_INSIDE = 0, /* as large as fits, the aspect ratio kept */
    IMAGE_COVER,      /* as small as covers it, and what sticks out is cropped */
    IMAGE_FILL,       /* the box's size, whatever becomes of the aspect ratio */
    IMAGE_CONTAIN,    /* as IMAGE_INSIDE, with a border up to the box's size */
};

/* Which part a crop keeps, and where in its border a picture stands: column + 3 * row. */
enum image_gravity {
    IMAGE_NORTH_WEST = 0,
    IMAGE_NORTH,
    IMAGE_NORTH_EAST,
    IMAGE_WEST,
    IMAGE_CENTRE,
    IMAGE_EAST,
    IMAGE_SOUTH_WEST,
    IMAGE_SOUTH,
    IMAGE_SOUTH_EAST,
};

/* The filter that makes few pixels of many. */
enum image_kernel {
    IMAGE_BICUBIC = 0, /* a = -0.5, with Pillow's reduction before it: soft */
    IMAGE_LANCZOS3,    /* sharp */
};

/* What becomes of a picture whose data are damaged. */
enum image_on_damage {
    IMAGE_DAMAGE_FAILS = 0,
    IMAGE_DAMAGE_WARNS,   /* made of what there is, and the damage is told */
    IMAGE_DAMAGE_ACCEPTED /* the same, and nothing is said */
};

/* Metadata that a result keeps. */
enum {
    IMAGE_KEEP_ICC = 1, /* the profile, and the pixels stay in its colours */
    IMAGE_KEEP_EXIF = 2 /* EXIF, with the orientation that the result has */
};

/* What users call these, in the order of the enums; each list ends with NULL. */
extern const char *const image_fit_names[];
extern const char *const image_gravity_names[];
extern const char *const image_kernel_names[];
extern const char *const image_on_damage_names[];
extern const char *const image_keep_names[]; /* by the sum of IMAGE_KEEP_… */

struct image_spec {
    struct image_box boxes[IMAGE_SIZES_MAX];
    int box_count; /* 1..IMAGE_SIZES_MAX */
    enum image_fit fit;
    enum image_gravity gravity;     /* for IMAGE_COVER and IMAGE_CONTAIN */
    bool upscale;                   /* a picture may be enlarged */
    double blur_sigma_px;           /* standard deviation in source pixels; 0 is none */
    bool exact;                     /* at full size: exact.h, and with Lanczos-3 neutral.h */
    enum image_kernel kernel;       /* that resizes */
    bool rotate;                    /* by what EXIF says */
    enum image_kind format;         /* of the results: JPEG, PNG, WebP or AVIF */
    int quality;                    /* 1..100, lossy formats */
    bool full_chroma;               /* of a JPEG: 4:4:4, not 4:2:0 */
    bool progressive;               /* a JPEG */
    uint8_t background[3];          /* red, green, blue: under alpha, and of borders */
    unsigned keep;                  /* the sum of IMAGE_KEEP_… */
    enum image_on_damage on_damage; /* what becomes of a damaged picture */
    bool allow_untrusted;           /* read what libvips calls untrusted */
    int64_t max_pixels;             /* a picture with more is refused from its header */
    int max_scans;                  /* a progressive JPEG with more is refused */
    int64_t
        max_memory; /* bytes: a picture that takes more is refused from its header; 0: none is */
};

/* One box of 256 x 256, inside, centre, sigma 2, bicubic, upright, JPEG of quality 75 and 4:2:0,
 * white, nothing kept, damage fails, 268402689 pixels, 500 scans, memory without a limit. */
struct image_spec image_spec_default(void);

/* Parses "256", "320x240", "320x" or "x240". Returns 0, or -EINVAL. */
int image_box_parse(const char *text, struct image_box *ret);

/* Parses "white", "black", "grey", "#rgb" or "#rrggbb" into red, green, blue. Returns 0, or
 * -EINVAL. */
int image_colour_parse(const char *text, uint8_t ret[3]);

#endif
