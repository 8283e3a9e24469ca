/* Makes a folder of pictures that libvips reads, small and above a megapixel, for fuzz_guests to
 * begin with: make_guests FOLDER */
#include <stdio.h>
#include <string.h>

#include "support/guest.h"
#include "support/tree.h"

static const char *const kinds[] = {"webp[Q=50]",
                                    "webp[lossless]",
                                    "gif",
                                    "tif",
                                    "tif[compression=lzw]",
                                    "tif[compression=deflate,predictor=horizontal]",
                                    "tif[compression=jpeg,tile]",
                                    "tif[compression=packbits,pyramid,tile]",
                                    "tif[bitdepth=1]",
                                    "avif",
                                    "heic",
                                    "ppm",
                                    "jp2k",
                                    "jxl"};

static void make(const char *folder, const struct pixels *pixels, const char *size)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char suffix[80], name[80];
        snprintf(suffix, sizeof suffix, ".%s", kinds[i]);
        struct test_file file = test_guest_file(pixels, suffix);
        snprintf(name, sizeof name, "%s-%02zu.%.*s", size, i, (int)strcspn(kinds[i], "["),
                 kinds[i]);
        if (file.bytes && file.size < 100000)
            tree_write(folder, name, file.bytes, file.size);
        test_file_done(&file);
    }
}

/* One colour, so that it takes few bytes. */
static struct pixels plain(int width, int height)
{
    struct pixels pixels = test_picture(width, height, 4, false);

    for (int y = 0; y < height; y++)
        memset(pixels.data + (size_t)y * pixels.stride, 90, pixels.stride);
    return pixels;
}

int main(int argc, char **argv)
{
    void *state;
    struct pixels small = test_picture(40, 30, 4, false), clear = test_picture(33, 20, 4, true),
                  large = plain(1200, 1000);

    if (argc != 2 || test_guest_set_up(&state))
        return 2;
    make(argv[1], &small, "small");
    make(argv[1], &clear, "clear");
    make(argv[1], &large, "large");
    pixels_done(&small);
    pixels_done(&clear);
    pixels_done(&large);
    return test_guest_tear_down(&state);
}
