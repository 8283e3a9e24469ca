/* Pictures for tests. Whatever fails here is the test's own fault and ends it. */
#include "support/images.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jpeglib.h>
#include <png.h>

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "tests/support/images.c: %s\n", what);
    abort();
}

void test_file_done(struct test_file *file)
{
    free(file->bytes);
    memset(file, 0, sizeof *file);
}

int test_open(const void *bytes, size_t size)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    require(fd >= 0 && (size == 0 || write(fd, bytes, size) == (ssize_t)size), "memfd");
    return fd;
}

struct pixels test_picture(int width, int height, int channels, bool alpha)
{
    struct pixels p;
    uint32_t noise = 1;

    require(pixels_init(&p, width, height, channels) == 0, "pixels");
    p.alpha = alpha;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t *to = p.data + (size_t)y * p.stride + (size_t)(x * channels);
            noise = noise * 1664525 + 1013904223;
            int edge = (x / 37 + y / 23) % 2 * 40;
            to[0] = (uint8_t)(x * 180 / width + edge + (int)(noise >> 29));
            if (channels == 1)
                continue;
            to[1] = (uint8_t)(y * 180 / height + edge);
            to[2] = (uint8_t)((x + y) * 180 / (width + height) + edge);
            to[3] = alpha ? (uint8_t)(255 - x * 255 / width) : 255;
        }
    return p;
}

size_t test_exif(int orientation, bool big_endian, uint8_t *ret)
{
    static const uint8_t little[] =
        "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0";
    static const uint8_t big[] = "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x01\0\0";
    enum { VALUE = 6 + 8 + 2 + 8, SIZE = VALUE + 4 + 4 };

    memset(ret, 0, SIZE);
    memcpy(ret, big_endian ? big : little, VALUE + 4);
    ret[VALUE + (big_endian ? 1 : 0)] = (uint8_t)orientation;
    return SIZE;
}

static uint8_t *put_little(uint8_t *to, int bytes, uint32_t value)
{
    while (bytes--) {
        *to++ = (uint8_t)value;
        value >>= 8;
    }
    return to;
}

static uint8_t *put_entry(uint8_t *to, uint32_t tag, uint32_t type, uint32_t count, uint32_t value)
{
    return put_little(put_little(put_little(put_little(to, 2, tag), 2, type), 4, count), 4, value);
}

size_t test_camera_exif(int orientation, bool preview_last, uint8_t *ret)
{
    enum {
        FIRST = 8,
        PLACE = FIRST + 2 + 36 + 4,
        SECOND = PLACE + 2 + 12 + 4,
        MAKER = 8,
        JPEG = 40
    };
    uint32_t behind = SECOND + 2 + 24 + 4;
    uint32_t maker = preview_last ? behind : behind + JPEG,
             jpeg = preview_last ? behind + MAKER : behind;
    uint8_t *tiff = ret + 6, *at;

    memset(ret, 0, TEST_CAMERA_EXIF_BYTES);
    memcpy(ret, "Exif\0\0II*\0\x08\0\0\0\x03", 15);
    at = put_entry(tiff + FIRST + 2, 0x010f, 2, MAKER, maker);
    at = put_entry(at, 0x0112, 3, 1, (uint32_t)orientation);
    put_little(put_entry(at, 0x8825, 4, 1, PLACE), 4, SECOND);
    tiff[PLACE] = 1;
    put_entry(tiff + PLACE + 2, 1, 2, 2, 'N'); /* north of the equator */
    tiff[SECOND] = 2;
    put_entry(put_entry(tiff + SECOND + 2, 0x0201, 4, 1, jpeg), 0x0202, 4, 1, JPEG);
    memcpy(tiff + maker, "Example", MAKER);
    memset(tiff + jpeg, 0xee, JPEG);
    return 6 + behind + MAKER + JPEG;
}

/* ---- JPEG ---- */

static void jpeg_markers(struct jpeg_compress_struct *cinfo, const struct test_jpeg *how)
{
    uint8_t exif[64];

    if (how->exif)
        jpeg_write_marker(cinfo, JPEG_APP0 + 1, how->exif, (unsigned)how->exif_size);
    else if (how->orientation)
        jpeg_write_marker(cinfo, JPEG_APP0 + 1, exif,
                          (unsigned)test_exif(how->orientation, false, exif));
    if (how->icc)
        jpeg_write_icc_profile(cinfo, how->icc, (unsigned)how->icc_size);
}

static void jpeg_colours(struct jpeg_compress_struct *cinfo, int channels, enum test_colour colour)
{
    static const J_COLOR_SPACE stored[] = {JCS_YCbCr, JCS_RGB, JCS_CMYK, JCS_YCCK};

    cinfo->input_components = channels;
    cinfo->in_color_space = channels == 1        ? JCS_GRAYSCALE
                            : colour < TEST_CMYK ? JCS_EXT_RGBX
                                                 : JCS_CMYK;
    jpeg_set_defaults(cinfo);
    jpeg_set_colorspace(cinfo, channels == 1 ? JCS_GRAYSCALE : stored[colour]);
}

static void jpeg_samplings(struct jpeg_compress_struct *cinfo, const struct test_jpeg *how)
{
    if (cinfo->num_components < 3)
        return;
    cinfo->comp_info[1].h_samp_factor = how->second_x ? how->second_x : 1;
    cinfo->comp_info[1].v_samp_factor = how->second_y ? how->second_y : 1;
    cinfo->comp_info[2].h_samp_factor = how->third_x ? how->third_x : 1;
    cinfo->comp_info[2].v_samp_factor = how->third_y ? how->third_y : 1;
}

struct test_file test_jpeg(const struct pixels *pixels, struct test_jpeg how)
{
    static const jpeg_scan_info scans[] = {
        {1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}};
    struct jpeg_compress_struct cinfo;
    struct jpeg_error_mgr error;
    struct test_file file = {0};
    unsigned long size = 0;

    cinfo.err = jpeg_std_error(&error);
    jpeg_create_compress(&cinfo);
    jpeg_mem_dest(&cinfo, &file.bytes, &size);
    cinfo.image_width = (unsigned)pixels->width;
    cinfo.image_height = (unsigned)pixels->height;
    jpeg_colours(&cinfo, pixels->channels, how.colour);
    jpeg_set_quality(&cinfo, 95, TRUE);
    cinfo.comp_info[0].h_samp_factor = how.sample_x ? how.sample_x : 1;
    cinfo.comp_info[0].v_samp_factor = how.sample_y ? how.sample_y : 1;
    jpeg_samplings(&cinfo, &how);
    if (how.no_adobe)
        cinfo.write_Adobe_marker = FALSE;
    cinfo.restart_interval = (unsigned)how.restart;
    cinfo.arith_code = how.coding == TEST_ARITHMETIC;
    if (how.coding == TEST_PROGRESSIVE)
        jpeg_simple_progression(&cinfo);
    if (how.coding == TEST_SCANS) {
        cinfo.scan_info = scans;
        cinfo.num_scans = cinfo.num_components;
    }
    jpeg_start_compress(&cinfo, TRUE);
    jpeg_markers(&cinfo, &how);
    while (cinfo.next_scanline < cinfo.image_height) {
        JSAMPROW row = pixels->data + (size_t)cinfo.next_scanline * pixels->stride;
        jpeg_write_scanlines(&cinfo, &row, 1);
    }
    jpeg_finish_compress(&cinfo);
    jpeg_destroy_compress(&cinfo);
    file.size = size;
    return file;
}

/* ---- PNG ---- */

static void png_append(png_structp png, png_bytep bytes, size_t size)
{
    struct test_file *file = png_get_io_ptr(png);

    file->bytes = realloc(file->bytes, file->size + size);
    require(file->bytes != NULL, "memory");
    memcpy(file->bytes + file->size, bytes, size);
    file->size += size;
}

static void png_palette(png_structp png, png_infop info, int depth, bool transparent)
{
    png_color palette[256];
    png_byte alpha[1] = {0};

    for (int i = 0; i < 256; i++)
        palette[i] = (png_color){(png_byte)i, (png_byte)(255 - i), (png_byte)(i / 2)};
    png_set_PLTE(png, info, palette, 1 << depth);
    if (transparent)
        png_set_tRNS(png, info, alpha, 1, NULL);
}

/* One row in the layout of `how`, from one of 1 or 4 channels. */
static void png_row(const uint8_t *from, int width, int channels, struct test_png how, uint8_t *to)
{
    bool colour = (how.type & PNG_COLOR_MASK_COLOR) && !(how.type & PNG_COLOR_MASK_PALETTE);
    int colours = colour ? 3 : 1, values = colours + ((how.type & PNG_COLOR_MASK_ALPHA) != 0);

    memset(to, 0, (size_t)width * 8);
    for (int x = 0; x < width; x++)
        for (int v = 0; v < values; v++) {
            int source = v == colours ? 3 : v;
            uint8_t value = from[x * channels + (source < channels ? source : 0)];
            int at = x * values + v;
            if (how.depth == 16)
                to[at * 2] = to[at * 2 + 1] = value;
            else if (how.depth == 8)
                to[at] = value;
            else
                to[at * how.depth / 8] |=
                    (uint8_t)(value >> (8 - how.depth) << (8 - how.depth - at * how.depth % 8));
        }
}

struct test_file test_png(const struct pixels *pixels, struct test_png how)
{
    struct test_file file = {0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    uint8_t *row = malloc((size_t)pixels->width * 8), exif[64];
    png_uint_16 first[3]; /* the first pixel, in the file's depth */

    require(png && info && row && !setjmp(png_jmpbuf(png)), "libpng");
    for (int c = 0; c < 3; c++) {
        int value = pixels->data[c < pixels->channels ? c : 0];
        first[c] = (png_uint_16)(how.depth == 16 ? value * 257 : value >> (8 - how.depth));
    }
    png_set_write_fn(png, &file, png_append, NULL);
    png_set_IHDR(png, info, (unsigned)pixels->width, (unsigned)pixels->height, how.depth, how.type,
                 how.interlaced, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (how.filters)
        png_set_filter(png, PNG_FILTER_TYPE_BASE, how.filters);
    if (how.type == PNG_COLOR_TYPE_PALETTE)
        png_palette(png, info, how.depth, how.transparent);
    else if (how.transparent)
        png_set_tRNS(png, info, NULL, 0,
                     &(png_color_16){0, first[0], first[1], first[2], first[0]});
    if (how.background)
        png_set_bKGD(png, info, &(png_color_16){0, first[0], first[1], first[2], first[0]});
    if (how.icc)
        png_set_iCCP(png, info, "profile", 0, how.icc, (unsigned)how.icc_size);
    if (how.srgb)
        png_set_sRGB(png, info, PNG_sRGB_INTENT_PERCEPTUAL);
    if (how.gamma > 0)
        png_set_gAMA(png, info, how.gamma);
    if (how.corners)
        png_set_cHRM(png, info, how.corners[0], how.corners[1], how.corners[2], how.corners[3],
                     how.corners[4], how.corners[5], how.corners[6], how.corners[7]);
    if (how.orientation)
        png_set_eXIf_1(png, info, (unsigned)test_exif(how.orientation, true, exif) - 6, exif + 6);
    png_write_info(png, info);
    for (int passes = png_set_interlace_handling(png); passes--;)
        for (int y = 0; y < pixels->height; y++) {
            png_row(pixels->data + (size_t)y * pixels->stride, pixels->width, pixels->channels, how,
                    row);
            png_write_row(png, row);
        }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    free(row);
    return file;
}

/* ---- back to pixels ---- */

static struct pixels decode_png(const void *bytes, size_t size)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    struct pixels p;

    require(png_image_begin_read_from_memory(&image, bytes, size), "not a PNG");
    bool alpha = image.format & PNG_FORMAT_FLAG_ALPHA;
    bool colour = alpha || (image.format & PNG_FORMAT_FLAG_COLOR);
    image.format = colour ? PNG_FORMAT_RGBA : PNG_FORMAT_GRAY;
    require(!pixels_init(&p, (int)image.width, (int)image.height, colour ? 4 : 1), "pixels");
    require(png_image_finish_read(&image, NULL, p.data, (int)p.stride, NULL), "a broken PNG");
    p.alpha = alpha;
    return p;
}

static struct pixels decode_jpeg(const void *bytes, size_t size)
{
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr error;
    struct pixels p;

    cinfo.err = jpeg_std_error(&error);
    jpeg_create_decompress(&cinfo);
    jpeg_mem_src(&cinfo, bytes, size);
    jpeg_read_header(&cinfo, TRUE);
    if (cinfo.num_components == 3)
        cinfo.out_color_space = JCS_EXT_RGBX;
    jpeg_start_decompress(&cinfo);
    require(!pixels_init(&p, (int)cinfo.output_width, (int)cinfo.output_height,
                         cinfo.output_components),
            "pixels");
    while (cinfo.output_scanline < cinfo.output_height) {
        JSAMPROW row = p.data + (size_t)cinfo.output_scanline * p.stride;
        jpeg_read_scanlines(&cinfo, &row, 1);
    }
    jpeg_destroy_decompress(&cinfo);
    return p;
}

struct pixels test_decode(const void *bytes, size_t size)
{
    if (image_kind_sniff(bytes, size) == IMAGE_KIND_JPEG)
        return decode_jpeg(bytes, size);
    return decode_png(bytes, size);
}

int test_thumbnail(const void *bytes, size_t size, const struct image_spec *spec,
                   const struct image_module *module, struct image_result *ret,
                   struct image_fault *fault)
{
    struct image_input input = {.fd = test_open(bytes, size),
                                .size_bytes = (int64_t)size,
                                .kind = image_kind_sniff(bytes, size)};
    int rc = image_thumbnail(&input, spec, module, ret, fault);

    close(input.fd);
    return rc;
}

/* Grey is the same in every channel. */
static int sample_at(const struct pixels *p, int x, int y, int c)
{
    return p->data[(size_t)y * p->stride + (size_t)(x * p->channels + (p->channels == 1 ? 0 : c))];
}

bool test_pixels_equal(const struct pixels *a, const struct pixels *b)
{
    if (a->width != b->width || a->height != b->height || a->channels != b->channels)
        return false;
    for (int y = 0; y < a->height; y++)
        if (memcmp(a->data + (size_t)y * a->stride, b->data + (size_t)y * b->stride,
                   (size_t)(a->width * a->channels)))
            return false;
    return true;
}

double test_psnr(const struct pixels *a, const struct pixels *b)
{
    int compared = a->channels + b->channels == 2 ? 1 : a->alpha && b->alpha ? 4 : 3;
    double sum = 0;

    if (a->width != b->width || a->height != b->height)
        return 0;
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++)
            for (int c = 0; c < compared; c++) {
                double d = sample_at(a, x, y, c) - sample_at(b, x, y, c);
                sum += d * d;
            }
    double mean = sum / ((double)a->width * a->height * compared);
    return mean > 0 ? fmin(99, 10 * log10(255 * 255 / mean)) : 99;
}
