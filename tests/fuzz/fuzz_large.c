/* The whole image layer above a megapixel, by every way through it. Files of that size are too
 * large for a fuzzer to find anything in them, so they are made here of small ones: the first bytes
 * choose what is asked for and how large the picture is; the rest is a JPEG, whose header gets that
 * size and whose scans are repeated until they fill it, or rows, which are repeated and deflated as
 * a PNG. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zlib.h>

#include "image/geometry.h"
#include "image/thumbnail.h"
#include "mutate.h"
#include "support/chunks.h"

enum {
    HEAD_BYTES = 8,
    PIXELS_MIN = (1 << 20) + 1,
    PIXELS_MAX = 3 << 20,
    SCAN_BYTES = 1 << 17, /* at least, of a scan that is repeated */
    BODY_MAX = 1 << 15,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    return mutate_picture(data, size, size_max, HEAD_BYTES, seed);
}

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

/* A size of just over a megapixel, square, long or high. */
static void size_choose(const uint8_t *head, uint32_t *ret_width, uint32_t *ret_height)
{
    static const uint32_t sides[] = {1024, 1025, 1449, 2048, 4099, 9000, 65500, 700};
    uint32_t side = sides[head[6] % 8], other = PIXELS_MIN / side + 1 + head[6] / 16;

    *ret_width = head[6] & 8 ? other : side;
    *ret_height = head[6] & 8 ? side : other;
}

/* ---- JPEG ---- */

static bool is_marker(const uint8_t *at)
{
    return at[0] == 0xff && at[1] != 0 && at[1] != 0xff && (at[1] & 0xf8) != 0xd0;
}

/* Gives restart markers the numbers that follow each other. */
static void restarts_number(uint8_t *codes, size_t size)
{
    unsigned restart = 0;

    for (size_t i = 0; i + 1 < size; i++)
        if (codes[i] == 0xff && (codes[i + 1] & 0xf8) == 0xd0)
            codes[i + 1] = (uint8_t)(0xd0 | restart++ % 8);
}

static bool has_restarts(const uint8_t *codes, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++)
        if (codes[i] == 0xff && (codes[i + 1] & 0xf8) == 0xd0)
            return true;
    return false;
}

/* Appends codes so often that they may do for the picture, with a restart marker behind each time
 * where they have any. */
static void scan_grow(struct test_file *file, const uint8_t *codes, size_t size)
{
    size_t behind = has_restarts(codes, size) ? 2 : 0, room = SCAN_BYTES + size + behind, at = 0;
    uint8_t *grown = malloc(room);

    require(grown);
    while (at < SCAN_BYTES && size > 0) {
        memcpy(grown + at, codes, size);
        memcpy(grown + at + size, "\xff\xd0", behind);
        at += size + behind;
    }
    restarts_number(grown, at);
    chunks_append_bytes(file, grown, at);
    free(grown);
}

/* Appends the segment with the size, if it is the header of the picture. */
static void segment_append(struct test_file *file, const uint8_t *segment, size_t size,
                           uint32_t width, uint32_t height)
{
    size_t at = file->size;
    int marker = segment[1];

    chunks_append_bytes(file, segment, size);
    if (marker < 0xc0 || marker > 0xcf || marker == 0xc4 || marker == 0xcc || size < 9)
        return;
    file->bytes[at + 5] = (uint8_t)(height >> 8);
    file->bytes[at + 6] = (uint8_t)height;
    file->bytes[at + 7] = (uint8_t)(width >> 8);
    file->bytes[at + 8] = (uint8_t)width;
}

static struct test_file jpeg_grow(const uint8_t *head, const uint8_t *data, size_t size)
{
    struct test_file file = {0};
    uint32_t width, height;
    size_t at = 2;

    size_choose(head, &width, &height);
    chunks_append_bytes(&file, data, 2);
    while (at + 4 <= size && data[at] == 0xff && data[at + 1] != 0xd9) {
        size_t end = at + 2 + ((size_t)data[at + 2] << 8 | data[at + 3]);
        if (end > size)
            break;
        segment_append(&file, data + at, end - at, width, height);
        bool is_scan = data[at + 1] == 0xda;
        at = end;
        while (is_scan && at + 1 < size && !is_marker(data + at))
            at++;
        if (is_scan)
            scan_grow(&file, data + end, at - end);
    }
    chunks_append_bytes(&file, data + at, size - at);
    return file;
}

/* ---- PNG ---- */

/* Bytes of the rows of a pass of so many pixels, with their filters. */
static size_t rows_bytes(uint32_t width, uint32_t height, unsigned bits)
{
    return width && height ? (((size_t)width * bits + 7) / 8 + 1) * height : 0;
}

/* The same of all seven passes. Source: PNG specification, 8.2. */
static size_t interlaced_bytes(uint32_t width, uint32_t height, unsigned bits)
{
    static const uint32_t passes[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                          {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    size_t sum = 0;

    for (int i = 0; i < 7; i++) {
        const uint32_t *pass = passes[i];
        sum += rows_bytes((width - pass[0] + pass[2] - 1) / pass[2],
                          (height - pass[1] + pass[3] - 1) / pass[3], bits);
    }
    return sum;
}

/* Rows that repeat the body; with filters that are there, unless the picture is interlaced. */
static void rows_fill(uint8_t *rows, size_t size, size_t row_bytes, const uint8_t *body,
                      size_t body_size)
{
    for (size_t at = 0; at < size; at += body_size)
        memcpy(rows + at, body, size - at < body_size ? size - at : body_size);
    for (size_t at = 0; row_bytes && at < size; at += row_bytes)
        rows[at] %= 5;
}

static struct test_file png_grow(const uint8_t *head, const uint8_t *body, size_t size)
{
    static const int types[] = {0, 2, 3, 4, 6}, channels[] = {1, 3, 1, 2, 4};
    int kind = head[4] % 5, type = types[kind];
    int depth = type == 3 ? 8 : type == 0 ? 1 << head[5] % 5 : 8 << head[5] % 2;
    unsigned bits = (unsigned)(channels[kind] * depth);
    bool interlaced = head[7] % 4 == 0;
    struct test_file file = {0};
    uint8_t palette[768];
    uint32_t width, height;

    size_choose(head, &width, &height);
    size_t wanted =
        interlaced ? interlaced_bytes(width, height, bits) : rows_bytes(width, height, bits);
    uLongf room = compressBound((uLong)wanted);
    uint8_t *rows = malloc(wanted), *stream = malloc(room);
    require(rows && stream);
    rows_fill(rows, wanted, interlaced ? 0 : rows_bytes(width, 1, bits), body, size);
    require(compress2(stream, &room, rows, (uLong)wanted, 1) == Z_OK);
    chunks_begin(&file, width, height, depth, type);
    file.bytes[28] = interlaced;
    for (size_t i = 0; i < sizeof palette; i++)
        palette[i] = (uint8_t)(i * 37);
    if (type == 3)
        chunks_append(&file, "PLTE", palette, sizeof palette);
    if (head[5] & 16)
        chunks_append(&file, "tRNS", body, type == 3 ? 1 : type == 0 ? 2 : 6);
    size_t piece = head[7] & 8 ? room : 4096;
    for (size_t at = 0; at < room; at += piece)
        chunks_append(&file, "IDAT", stream + at, room - at < piece ? room - at : piece);
    chunks_append(&file, "IEND", NULL, 0);
    chunks_mend(&file); /* of the header, which was changed */
    free(rows);
    free(stream);
    return file;
}

/* ---- What is asked for ---- */

static struct image_spec spec_choose(const uint8_t *head)
{
    static const struct image_box boxes[] = {{256, 256}, {16, 16},   {0, 50},   {1000, 700},
                                             {33, 0},    {700, 300}, {1, 1000}, {2, 2}};
    struct image_spec spec = image_spec_default();

    spec.fit = (enum image_fit)(head[0] % 4);
    spec.upscale = head[0] >> 2 & 1;
    spec.exact = (head[0] >> 3 & 7) == 0;
    spec.kernel = (enum image_kernel)(head[0] >> 6 & 1);
    spec.rotate = head[0] >> 7;
    spec.gravity = (enum image_gravity)(head[1] % 9);
    spec.keep = head[1] >> 4 & 3;
    spec.blur_sigma_px = (double[]){2, 0, 0.7, 6}[head[1] >> 6];
    spec.format = head[2] & 1 ? IMAGE_KIND_PNG : IMAGE_KIND_JPEG;
    spec.progressive = head[2] >> 1 & 1;
    spec.full_chroma = head[2] >> 2 & 1;
    spec.on_damage = (enum image_on_damage)(head[2] >> 3 & 1);
    spec.box_count = 1 + (head[3] >> 3) % 4;
    for (int i = 0; i < spec.box_count; i++) {
        spec.boxes[i] = boxes[(head[3] + i) % 8];
        if (spec.fit != IMAGE_INSIDE && !(spec.boxes[i].width && spec.boxes[i].height))
            spec.boxes[i] = (struct image_box){40, 30};
    }
    spec.max_pixels = PIXELS_MAX;
    spec.max_scans = 20;
    return spec;
}

/* Each thumbnail is a file of the format and of the size that the picture's gives. */
static void result_check(const struct image_result *result, const struct image_spec *spec)
{
    require(result->thumb_count == spec->box_count);
    for (int i = 0; i < result->thumb_count; i++) {
        const struct image_thumb *thumb = &result->thumbs[i];
        struct geometry_result want =
            geometry_result(result->width, result->height, spec->boxes[i], spec);
        int width, height;
        require(image_kind_sniff(thumb->bytes, thumb->size_bytes) == spec->format);
        require(!image_kind_size(spec->format, thumb->bytes, thumb->size_bytes, &width, &height));
        require(width == want.width && height == want.height);
        require(thumb->width == width && thumb->height == height);
    }
}

static void try(const struct test_file *file, const struct image_spec *spec)
{
    struct image_result result;
    struct image_fault fault = {0};
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    require(fd >= 0 && write(fd, file->bytes, file->size) == (ssize_t)file->size);
    struct image_input input = {.fd = fd,
                                .size_bytes = (int64_t)file->size,
                                .kind = image_kind_sniff(file->bytes, file->size),
                                .watch = true};
    if (image_thumbnail(&input, spec, NULL, &result, &fault) == 0) {
        result_check(&result, spec);
        image_result_done(&result);
    } else {
        require(fault.code != IMAGE_OK && fault.message[0]);
    }
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD_BYTES + 8 || size > BODY_MAX)
        return 0;
    struct image_spec spec = spec_choose(data);
    const uint8_t *body = data + HEAD_BYTES;
    size -= HEAD_BYTES;
    bool is_jpeg = memcmp(body, "\xff\xd8\xff", 3) == 0;
    struct test_file file = is_jpeg ? jpeg_grow(data, body, size) : png_grow(data, body, size);
    try(&file, &spec);
    test_file_done(&file);
    return 0;
}
