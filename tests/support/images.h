/* Pictures for tests, made from nothing, and the files that hold them. */
#ifndef SUPPORT_IMAGES_H
#define SUPPORT_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/pixels.h"
#include "image/thumbnail.h"

/* A file in memory. */
struct test_file {
    uint8_t *bytes; /* free with test_file_done() */
    size_t size;
};

void test_file_done(struct test_file *file);

/* An open, unnamed file that holds bytes[0..size). Close it. */
int test_open(const void *bytes, size_t size);

/* A picture with slopes, edges and a little noise, the same for the same arguments. Channels is 1
 * or 4; with alpha the fourth channel falls from 255 to 0 from left to right, else it is 255. */
struct pixels test_picture(int width, int height, int channels, bool alpha);

enum test_coding { TEST_BASELINE, TEST_PROGRESSIVE, TEST_ARITHMETIC, TEST_SCANS };
enum test_colour { TEST_YCC, TEST_RGB, TEST_CMYK, TEST_YCCK };

struct test_jpeg {
    enum test_coding coding; /* TEST_SCANS: baseline, a scan for each component */
    enum test_colour colour; /* of pictures of 4 channels; 1 channel is grey */
    int sample_x, sample_y;  /* of the first component; 0 is 1 */
    int restart;             /* MCUs between restart markers; 0 is none */
    int orientation;         /* in an Exif block; 0 is none */
    const void *exif;        /* a whole block with its prefix instead, or NULL */
    size_t exif_size;
    const void *icc; /* profile to embed, or NULL */
    size_t icc_size;
    int second_x, second_y; /* sampling of the second component; 0 is 1 */
    int third_x, third_y;   /* of the third; likewise */
    bool no_adobe; /* leave Adobe's marker out; RGB is then known by its components' names */
};

/* `pixels` as JPEG of quality 95. CMYK is stored inverted, as Adobe does, unless it is without
 * Adobe's marker. */
struct test_file test_jpeg(const struct pixels *pixels, struct test_jpeg how);

struct test_png {
    int type;  /* PNG_COLOR_TYPE_… */
    int depth; /* bits */
    bool interlaced;
    bool transparent; /* by tRNS: a palette's first entry, or the first pixel's grey or RGB */
    int orientation;  /* in an eXIf chunk; 0 is none */
    const void *icc;
    size_t icc_size;
    double gamma;          /* gAMA: 1 / 2.2 and the like; 0 is none */
    const double *corners; /* cHRM: x and y of white, red, green and blue; NULL is none */
    bool srgb;             /* an sRGB chunk too */
    bool background;       /* with a bKGD chunk */
    int filters;           /* PNG_FILTER_… to choose from; 0 leaves it to libpng */
};

/* `pixels` as PNG. Depths below 8 and palettes hold its first channel only. */
struct test_file test_png(const struct pixels *pixels, struct test_png how);

/* An Exif block, "Exif" and two zeros first, that says nothing but the orientation. Returns its
 * size; `ret` has room for 64 bytes. */
size_t test_exif(int orientation, bool big_endian, uint8_t *ret);

/* A block as cameras write it, little-endian, with the prefix: an orientation, the maker "Example",
 * a place, and a preview in the second directory, which stands at the end or before the maker.
 * Returns its size; `ret` has room for TEST_CAMERA_EXIF_BYTES, and the preview's 40 bytes are 0xee.
 */
enum { TEST_CAMERA_EXIF_BYTES = 256 };
size_t test_camera_exif(int orientation, bool preview_last, uint8_t *ret);

/* A PNG or JPEG back to pixels: libpng's and libjpeg's own way, nothing of ours. */
struct pixels test_decode(const void *bytes, size_t size);

/* image_thumbnail() of bytes in memory; `kind` from the bytes. */
int test_thumbnail(const void *bytes, size_t size, const struct image_spec *spec,
                   const struct image_module *module, struct image_result *ret,
                   struct image_fault *fault);

/* Peak signal to noise ratio in dB, 99 for equal pictures, 0 for such of different size. Of the
 * fourth channel only when both have alpha; grey is compared as red, green and blue. */
double test_psnr(const struct pixels *a, const struct pixels *b);

/* True when both have the same size and the same samples. */
bool test_pixels_equal(const struct pixels *a, const struct pixels *b);

#endif
