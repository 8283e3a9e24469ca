/* Makes the sample photos: painted scenes, saved the ways that cameras, phones and programs save
 * theirs, and one that is cut in the middle.
 * Usage: make_photos FOLDER      an executor of processes paints them */
#include <mproc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jpeglib.h>
#include <png.h>

#include "scene.h"

enum form { FORM_JPEG, FORM_PROGRESSIVE, FORM_GREY, FORM_CUT, FORM_PNG, FORM_PNG_ALPHA };

struct photo {
    const char *name; /* below the folder */
    enum scene_kind scene;
    enum form form;    /* how it is saved */
    int width, height; /* upright */
    int orientation;   /* EXIF, 0: no EXIF */
};

static const struct photo photos[] = {
    {"2023/alps.jpg", SCENE_MOUNTAINS, FORM_JPEG, 3000, 2000, 1},
    {"2023/beach.jpg", SCENE_SEA, FORM_JPEG, 3000, 2000, 1},
    {"2023/camp at night.jpg", SCENE_NIGHT, FORM_JPEG, 3000, 2000, 0},
    {"2023/desert.jpg", SCENE_DUNES, FORM_PROGRESSIVE, 3000, 2000, 0},
    {"2023/flowers.jpg", SCENE_MEADOW, FORM_PROGRESSIVE, 3000, 2000, 1},
    {"2024/phone/upside-down.jpg", SCENE_SEA, FORM_JPEG, 2400, 1800, 3},
    {"2024/phone/portrait-left.jpg", SCENE_MOUNTAINS, FORM_JPEG, 1800, 2400, 8},
    {"2024/phone/portrait-right.jpg", SCENE_DUNES, FORM_JPEG, 1800, 2400, 6},
    {"2024/phone/mirrored.jpg", SCENE_MEADOW, FORM_JPEG, 2400, 1800, 2},
    {"2024/panorama.jpg", SCENE_MOUNTAINS, FORM_JPEG, 6000, 1500, 0},
    {"2024/old-print.jpg", SCENE_SEA, FORM_GREY, 2400, 1600, 0},
    {"2024/tall.jpg", SCENE_DUNES, FORM_JPEG, 1200, 2800, 0},
    {"art/meadow.png", SCENE_MEADOW, FORM_PNG, 1600, 1000, 0},
    {"art/balloon.png", SCENE_SEA, FORM_PNG_ALPHA, 900, 1100, 0},
    {"art/stars.png", SCENE_NIGHT, FORM_PNG, 1600, 1200, 0},
    {"broken/card-was-pulled.jpg", SCENE_MOUNTAINS, FORM_CUT, 3000, 2000, 0},
};

/* ---- Saving --------------------------------------------------------------------------------- */

/* An EXIF block that holds an orientation and nothing else. */
static void exif_write(struct jpeg_compress_struct *jpeg, int orientation)
{
    unsigned char exif[] = {'E', 'x',  'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1,
                            1,   0x12, 0,   3,   0, 0, 0,   1,   0, 0,  0, 0, 0, 0, 0, 0};
    exif[25] = (unsigned char)orientation;
    jpeg_write_marker(jpeg, JPEG_APP0 + 1, exif, sizeof exif);
}

static void rgb_to_grey(uint8_t *rgb, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++)
        rgb[i] = (uint8_t)((rgb[3 * i] * 77 + rgb[3 * i + 1] * 150 + rgb[3 * i + 2] * 29) >> 8);
}

/* A camera that is held sideways stores its picture sideways, and notes in EXIF how to turn it.
 * Orientations 5 to 8 store rows for columns. */
static bool stored_sideways(const struct photo *photo)
{
    return photo->orientation >= 5;
}

/* Copies one stored row out of the upright picture. Source: EXIF 2.32, tag 0x0112. */
static void stored_row(const struct photo *photo, const uint8_t *upright, int channels, int row,
                       uint8_t *to)
{
    int last_x = photo->width - 1, last_y = photo->height - 1;
    int count = stored_sideways(photo) ? photo->height : photo->width;
    for (int i = 0; i < count; i++, to += channels) {
        int x = stored_sideways(photo) ? row : i, y = stored_sideways(photo) ? i : row;
        int orientation = photo->orientation;
        bool flip_x = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
        bool flip_y = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
        x = flip_x ? last_x - x : x;
        y = flip_y ? last_y - y : y;
        memcpy(to, upright + ((size_t)y * photo->width + x) * channels, (size_t)channels);
    }
}

static void save_jpeg(const struct photo *photo, FILE *file, const uint8_t *pixels)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    int channels = photo->form == FORM_GREY ? 1 : 3;
    uint8_t line[3 * 6000];
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = (JDIMENSION)(stored_sideways(photo) ? photo->height : photo->width);
    jpeg.image_height = (JDIMENSION)(stored_sideways(photo) ? photo->width : photo->height);
    jpeg.input_components = channels;
    jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 92, TRUE);
    if (photo->form == FORM_PROGRESSIVE)
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    if (photo->orientation)
        exif_write(&jpeg, photo->orientation);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = line;
        stored_row(photo, pixels, channels, (int)jpeg.next_scanline, line);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
}

static int save_png(const struct photo *photo, FILE *file, const uint8_t *pixels)
{
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)photo->width,
                     .height = (png_uint_32)photo->height,
                     .format = photo->form == FORM_PNG_ALPHA ? PNG_FORMAT_RGBA : PNG_FORMAT_RGB};
    return png_image_write_to_stdio(&png, file, 0, pixels, 0, NULL);
}

/* Takes the last part of a file away, as a card does that is pulled too early. */
static int cut(const char *path)
{
    struct stat stat_buffer;
    return stat(path, &stat_buffer) == 0 && truncate(path, stat_buffer.st_size * 3 / 5) == 0;
}

/* ---- One photo ------------------------------------------------------------------------------ */

static void paint(const struct photo *photo, uint8_t *pixels)
{
    unsigned seed = (unsigned)(photo - photos) + 1;
    size_t count = (size_t)photo->width * (size_t)photo->height;
    if (photo->form == FORM_PNG_ALPHA)
        scene_paint_balloon(seed, pixels, photo->width, photo->height);
    else
        scene_paint(photo->scene, seed, pixels, photo->width, photo->height);
    if (photo->form == FORM_GREY)
        rgb_to_grey(pixels, count);
}

static void folders_make(const char *path)
{
    char part[4096];
    for (const char *slash = path; (slash = strchr(slash + 1, '/'));) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        mkdir(part, 0777);
    }
}

static int make_photo(struct mp_task *task, const void *arg, size_t size)
{
    const struct photo *photo = &photos[*(const int *)arg];
    char path[4096];
    (void)size;
    snprintf(path, sizeof path, "%s/%s", (const char *)mp_task_ctx(task), photo->name);
    folders_make(path);
    FILE *file = fopen(path, "wbe");
    uint8_t *pixels = malloc((size_t)photo->width * (size_t)photo->height * 4);
    if (!file || !pixels)
        return mp_task_fail(task, 1, "cannot make %s", path);
    paint(photo, pixels);
    if (photo->form == FORM_PNG || photo->form == FORM_PNG_ALPHA)
        save_png(photo, file, pixels);
    else
        save_jpeg(photo, file, pixels);
    free(pixels);
    int bad = ferror(file) | (fclose(file) != 0);
    if (photo->form == FORM_CUT)
        bad |= !cut(path);
    return bad ? mp_task_fail(task, 1, "cannot write %s", path) : 0;
}

int main(int argc, char **argv)
{
    enum { COUNT = sizeof photos / sizeof *photos };
    struct mp_executor *executor;
    struct mp_future *futures[COUNT];
    int failed = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: make_photos FOLDER\n");
        return 2;
    }
    if (mp_executor_create(&(struct mp_executor_options){.ctx = argv[1]}, &executor) < 0)
        return 1;
    for (int i = 0; i < COUNT; i++)
        if (mp_executor_submit(executor, make_photo, &i, sizeof i, NULL, &futures[i]) < 0)
            return 1;
    for (int i = 0; i < COUNT; i++) {
        const void *data;
        size_t size;
        if (mp_future_result(futures[i], MP_FOREVER, &data, &size) < 0) {
            fprintf(stderr, "make_photos: %s\n", mp_future_fault(futures[i])->message);
            failed = 1;
        }
        mp_future_free(futures[i]);
    }
    mp_executor_free(executor);
    return failed;
}
