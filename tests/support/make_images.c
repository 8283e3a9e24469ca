/* Makes a folder of small pictures, good and bad, for the tests of the program.
 * Usage: make_images good FOLDER       a few of each kind that can be read
 *        make_images bad FOLDER        files that cannot, one fault each
 *        make_images many FOLDER N     N JPEGs of a few milliseconds each
 *        make_images seeds FOLDER      tiny JPEGs of every coding and sampling, to be mutated
 *        make_images heavy FOLDER N    N of 1500 x 1000 pixels, progressive or interlaced: what
 * takes memory for all of the picture make_images large FOLDER      JPEGs of 100 megapixels, 4:2:0,
 * baseline and progressive */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <png.h>

#include "support/images.h"
#include "support/tree.h"

static void put(const char *folder, const char *name, struct test_file file)
{
    tree_write(folder, name, file.bytes, file.size);
    test_file_done(&file);
}

static void make_good(const char *folder)
{
    struct pixels colour = test_picture(300, 200, 4, false);
    struct pixels grey = test_picture(200, 300, 1, false);
    struct pixels clear = test_picture(120, 90, 4, true);
    put(folder, "a/baseline.jpg", test_jpeg(&colour, (struct test_jpeg){0}));
    put(folder, "a/progressive.jpeg",
        test_jpeg(&colour, (struct test_jpeg){.coding = TEST_PROGRESSIVE}));
    put(folder, "a/turned.JPG", test_jpeg(&colour, (struct test_jpeg){.orientation = 6}));
    put(folder, "b/grey.jpg", test_jpeg(&grey, (struct test_jpeg){0}));
    put(folder, "b/alpha.png",
        test_png(&clear, (struct test_png){.type = PNG_COLOR_TYPE_RGB_ALPHA, .depth = 8}));
    put(folder, "b/interlaced.png",
        test_png(&colour,
                 (struct test_png){.type = PNG_COLOR_TYPE_RGB, .depth = 16, .interlaced = true}));
    pixels_done(&colour);
    pixels_done(&grey);
    pixels_done(&clear);
}

static void put_cut(const char *folder, const char *name, struct test_file file)
{
    file.size /= 2;
    put(folder, name, file);
}

/* A PNG whose header tells 60000 x 60000 and which holds next to nothing. */
static void make_bomb(const char *folder)
{
    struct pixels small = test_picture(8, 8, 4, false);
    struct test_file file =
        test_png(&small, (struct test_png){.type = PNG_COLOR_TYPE_RGB, .depth = 8});
    static const uint8_t header[17] = {'I', 'H',  'D',  'R', 0, 0, 0xea, 0x60, 0,
                                       0,   0xea, 0x60, 8,   2, 0, 0,    0};
    memcpy(file.bytes + 12, header, sizeof header);
    /* The checksum of those bytes, made bit by bit. */
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < sizeof header; i++) {
        crc ^= header[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    for (int i = 0; i < 4; i++)
        file.bytes[12 + sizeof header + (size_t)i] = (uint8_t)(~crc >> (24 - 8 * i));
    put(folder, "bomb.png", file);
    pixels_done(&small);
}

static void make_bad(const char *folder)
{
    struct pixels colour = test_picture(300, 200, 4, false);
    struct test_png rgb = {.type = PNG_COLOR_TYPE_RGB, .depth = 8};
    tree_write(folder, "empty.jpg", "", 0);
    tree_write(folder, "text.jpg", "<html>not a picture</html>\n", 27);
    put_cut(folder, "cut.jpg", test_jpeg(&colour, (struct test_jpeg){0}));
    put_cut(folder, "cut-progressive.jpg",
            test_jpeg(&colour, (struct test_jpeg){.coding = TEST_PROGRESSIVE}));
    put_cut(folder, "cut.png", test_png(&colour, rgb));
    make_bomb(folder);
    if (mkfifo(tree_path(folder, "fifo.jpg"), 0666) != 0)
        abort();
    put(folder, "unreadable.jpg", test_jpeg(&colour, (struct test_jpeg){0}));
    chmod(tree_path(folder, "unreadable.jpg"), 0);
    put(folder, "folder.jpg/inside.jpg", test_jpeg(&colour, (struct test_jpeg){0}));
    pixels_done(&colour);
}

static void make_many(const char *folder, int count)
{
    struct pixels picture = test_picture(1000, 750, 4, false);
    for (int i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%d/%04d.jpg", i % 10, i);
        for (int x = 0; x < 400; x++) /* each a little different */
            picture.data[x] = (uint8_t)(i * 7 + x * (i % 5));
        put(folder, name, test_jpeg(&picture, (struct test_jpeg){0}));
    }
    pixels_done(&picture);
}

static void make_seeds(const char *folder)
{
    static const int samplings[][2] = {{1, 1}, {2, 2}, {2, 1}, {1, 2}, {4, 2}};
    for (int i = 0; i < 60; i++) {
        char name[64];
        int channels = i % 3 == 2 ? 1 : 4;
        struct pixels picture = test_picture(17 + 8 * (i % 4), 9 + 8 * (i % 5), channels, false);
        struct test_jpeg how = {.coding = i % 2 ? TEST_PROGRESSIVE : TEST_BASELINE,
                                .sample_x = samplings[i / 2 % 5][0],
                                .sample_y = samplings[i / 2 % 5][1],
                                .restart = i / 10 % 3};
        snprintf(name, sizeof name, "%02d.jpg", i);
        put(folder, name, test_jpeg(&picture, how));
        pixels_done(&picture);
    }
}

static void make_heavy(const char *folder, int count)
{
    struct pixels picture = test_picture(1500, 1000, 4, false);
    struct test_file jpeg = test_jpeg(&picture, (struct test_jpeg){.coding = TEST_PROGRESSIVE});
    struct test_file png = test_png(
        &picture, (struct test_png){.type = PNG_COLOR_TYPE_RGB, .depth = 8, .interlaced = true});
    for (int i = 0; i < count; i++) {
        char name[64];
        const struct test_file *file = i % 2 ? &png : &jpeg;
        snprintf(name, sizeof name, "%02d.%s", i, i % 2 ? "png" : "jpg");
        tree_write(folder, name, file->bytes, file->size);
    }
    test_file_done(&jpeg);
    test_file_done(&png);
    pixels_done(&picture);
}

static void make_large(const char *folder)
{
    struct pixels picture = test_picture(11600, 8700, 4, false);
    struct test_jpeg how = {.sample_x = 2, .sample_y = 2};
    put(folder, "baseline.jpg", test_jpeg(&picture, how));
    how.coding = TEST_PROGRESSIVE;
    put(folder, "progressive.jpg", test_jpeg(&picture, how));
    pixels_done(&picture);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "good") == 0)
        make_good(argv[2]);
    else if (argc == 3 && strcmp(argv[1], "bad") == 0)
        make_bad(argv[2]);
    else if (argc == 4 && strcmp(argv[1], "many") == 0)
        make_many(argv[2], atoi(argv[3]));
    else if (argc == 3 && strcmp(argv[1], "seeds") == 0)
        make_seeds(argv[2]);
    else if (argc == 4 && strcmp(argv[1], "heavy") == 0)
        make_heavy(argv[2], atoi(argv[3]));
    else if (argc == 3 && strcmp(argv[1], "large") == 0)
        make_large(argv[2]);
    else
        return 2;
    return 0;
}
