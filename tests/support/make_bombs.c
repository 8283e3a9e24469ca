/* Makes a folder of bombs: small files that ask for much. Each is named CODE-KIND-WHAT.EXT, where
 * CODE is what the program is to say of it, "made" if nothing, and base-KIND.EXT is a harmless one
 * of that kind. Usage: make_bombs FOLDER */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>
#include <zlib.h>

#include "support/chunks.h"
#include "support/images.h"
#include "support/tree.h"

static const char *folder;

static void put(const char *name, struct test_file file)
{
    tree_write(folder, name, file.bytes, file.size);
    test_file_done(&file);
}

static void put_text(const char *name, const char *text)
{
    tree_write(folder, name, text, strlen(text));
}

/* The least power of 2 that has room for so much. */
static size_t room_for(size_t size)
{
    size_t room = 1;
    while (room < size)
        room *= 2;
    return size ? room : 0;
}

/* Appends to what has grown by this alone: as often as a frame or a chunk of few bytes. */
static void add(struct test_file *file, const void *bytes, size_t size)
{
    if (size == 0)
        return;
    if (room_for(file->size + size) != room_for(file->size))
        file->bytes = realloc(file->bytes, room_for(file->size + size));
    if (!file->bytes)
        abort();
    memcpy(file->bytes + file->size, bytes, size);
    file->size += size;
}

static void add_number(struct test_file *file, uint64_t value, int bytes, bool big_endian)
{
    for (int i = 0; i < bytes; i++)
        add(file, &(uint8_t){(uint8_t)(value >> 8 * (big_endian ? bytes - 1 - i : i))}, 1);
}

/* ---- PNG ---- */

/* `size` zeros, compressed. */
static struct test_file zeros(uint64_t size)
{
    static uint8_t nothing[1 << 20], room[1 << 16];
    struct test_file file = {0};
    z_stream stream = {0};
    if (deflateInit(&stream, 1) != Z_OK)
        abort();
    for (uint64_t left = size; left > 0 || stream.avail_in > 0;) {
        uint64_t piece = left < sizeof nothing ? left : sizeof nothing;
        if (stream.avail_in == 0) {
            stream.next_in = nothing;
            stream.avail_in = (uInt)piece;
            left -= piece;
        }
        stream.next_out = room;
        stream.avail_out = sizeof room;
        deflate(&stream, left > 0 ? Z_NO_FLUSH : Z_FINISH);
        add(&file, room, sizeof room - stream.avail_out);
    }
    for (int more = Z_OK; more == Z_OK;) {
        stream.next_out = room;
        stream.avail_out = sizeof room;
        more = deflate(&stream, Z_FINISH);
        add(&file, room, sizeof room - stream.avail_out);
    }
    deflateEnd(&stream);
    return file;
}

/* A header, and the pixels of so many rows. */
static struct test_file png(uint32_t side, int depth, int type, uint64_t rows, bool interlaced)
{
    int samples = type == PNG_COLOR_TYPE_RGB_ALPHA ? 4 : type == PNG_COLOR_TYPE_RGB ? 3 : 1;
    struct test_file file = {0},
                     data = zeros(rows * (1 + ((uint64_t)side * depth * samples + 7) / 8));
    chunks_begin(&file, side, side, depth, type);
    file.bytes[28] = interlaced;
    chunks_append(&file, "IDAT", data.bytes, data.size);
    chunks_append(&file, "IEND", "", 0);
    chunks_mend(&file);
    test_file_done(&data);
    return file;
}

/* A picture of 100 pixels squared with so many chunks of one name before the pixels: `head`, and
 * `size` zeros compressed. */
static struct test_file png_with(const char *name, const void *head, size_t head_size,
                                 uint64_t size, int count)
{
    struct test_file file = {0}, data = zeros(size), chunk = {0};
    struct test_file pixels = zeros(100 * 301);
    add(&chunk, head, head_size);
    add(&chunk, data.bytes, data.size);
    chunks_begin(&file, 100, 100, 8, PNG_COLOR_TYPE_RGB);
    for (int i = 0; i < count; i++)
        chunks_append(&file, name, chunk.bytes, chunk.size);
    chunks_append(&file, "IDAT", pixels.bytes, pixels.size);
    chunks_append(&file, "IEND", "", 0);
    test_file_done(&data);
    test_file_done(&chunk);
    test_file_done(&pixels);
    return file;
}

/* A profile whose header tells its true size, 200 MB of zeros, and one that says 128 bytes. */
static struct test_file png_profile(uint32_t told)
{
    static uint8_t profile[200 << 20];
    uLongf size = compressBound(sizeof profile);
    struct test_file chunk = {0}, file = {0}, pixels = zeros(100 * 301);
    uint8_t *packed = malloc(size);
    for (int i = 0; i < 4; i++)
        profile[i] = (uint8_t)(told >> (24 - 8 * i));
    memcpy(profile + 12, "mntrRGB XYZ ", 12);
    memcpy(profile + 36, "acsp", 4);
    if (!packed || compress2(packed, &size, profile, sizeof profile, 1) != Z_OK)
        abort();
    add(&chunk, "icc\0", 5);
    add(&chunk, packed, size);
    chunks_begin(&file, 100, 100, 8, PNG_COLOR_TYPE_RGB);
    chunks_append(&file, "iCCP", chunk.bytes, chunk.size);
    chunks_append(&file, "IDAT", pixels.bytes, pixels.size);
    chunks_append(&file, "IEND", "", 0);
    free(packed);
    test_file_done(&chunk);
    test_file_done(&pixels);
    return file;
}

static void make_pngs(void)
{
    enum { RGB = PNG_COLOR_TYPE_RGB, RGBA = PNG_COLOR_TYPE_RGB_ALPHA };
    put("base-png.png", png(1, 8, RGB, 1, false));
    put("limit-png-60000-honest.png", png(60000, 1, PNG_COLOR_TYPE_GRAY, 60000, false));
    put("limit-png-60000-lying.png", png(60000, 8, RGBA, 4, false));
    put("limit-png-interlaced-20000.png", png(20000, 8, RGB, 1, true));
    put("memory-png-interlaced-16000.png", png(16000, 8, RGBA, 1, true));
    put("damaged-png-16000-lying.png", png(16000, 8, RGBA, 4, false));
    put("made-png-ztxt.png", png_with("zTXt", "k\0", 3, 16 << 20, 50));
    put("made-png-itxt.png", png_with("iTXt", "k\0\1\0\0", 6, 16 << 20, 50));
    put("made-png-iccp-honest.png", png_profile(200 << 20));
    put("made-png-iccp-lying.png", png_profile(132));
    put("made-png-chunks.png", png_with("juNk", "", 0, 1, 5000));
    put("made-png-frames.png", png_with("acTL", "\x7f\xff\xff\xff\0\0\0", 8, 1, 1));
}

/* ---- JPEG ---- */

/* A marker segment. */
static void add_segment(struct test_file *file, int marker, const void *data, size_t size)
{
    add_number(file, 0xff00 | (unsigned)marker, 2, true);
    add_number(file, size + 2, 2, true);
    add(file, data, size);
}

/* Grey, of one table of codes each with one code, 0: no bits, or the end of a block, and where it
 * is progressive, of 16384 blocks and as many more as 14 bits say. */
static struct test_file jpeg(int side, bool progressive)
{
    struct test_file file = {0};
    uint8_t table[65] = {0}, frame[9] = {8,
                                         (uint8_t)(side >> 8),
                                         (uint8_t)side,
                                         (uint8_t)(side >> 8),
                                         (uint8_t)side,
                                         1,
                                         1,
                                         0x11,
                                         0};
    uint8_t code[18] = {0, 1};
    memset(table + 1, 1, 64);
    add(&file, "\xff\xd8", 2);
    add_segment(&file, 0xdb, table, sizeof table);
    add_segment(&file, progressive ? 0xc2 : 0xc0, frame, sizeof frame);
    add_segment(&file, 0xc4, code, sizeof code);
    code[0] = 0x10;
    code[17] = progressive ? 0xe0 : 0;
    add_segment(&file, 0xc4, code, sizeof code);
    return file;
}

static void add_scan(struct test_file *file, int first, int last, int approximation, size_t bytes)
{
    const uint8_t scan[6] = {1, 1, 0, (uint8_t)first, (uint8_t)last, (uint8_t)approximation};
    add_segment(file, 0xda, scan, sizeof scan);
    for (size_t i = 0; i < bytes; i++)
        add(file, "", 1);
}

static struct test_file jpeg_lying(int side)
{
    struct test_file file = jpeg(side, false);
    add_scan(&file, 0, 63, 0, 8192);
    add(&file, "\xff\xd9", 2);
    return file;
}

/* A first scan that is all there, `side` of 8 pixels a bit each, and so many that hold nothing. */
static struct test_file jpeg_scans(int side, int scans)
{
    struct test_file file = jpeg(side, true);
    size_t blocks = (size_t)((side + 7) / 8) * (size_t)((side + 7) / 8);
    add_scan(&file, 0, 0, 0, (blocks + 7) / 8);
    for (int i = 0; i < scans; i++)
        add_scan(&file, 1, 63, 0, (15 * (blocks >> 14) + 15 + 7) / 8 + 1);
    add(&file, "\xff\xd9", 2);
    return file;
}

/* Segments that libraries keep, 64 MB of them. */
static struct test_file jpeg_segments(int marker, const char *head, size_t head_size)
{
    struct test_file file = {0};
    static uint8_t data[65533];
    memcpy(data, head, head_size);
    add(&file, "\xff\xd8", 2);
    for (int i = 0; i < 1024; i++)
        add_segment(&file, marker, data, sizeof data);
    struct test_file picture = jpeg(16, false);
    add(&file, picture.bytes + 2, picture.size - 2);
    test_file_done(&picture);
    add_scan(&file, 0, 63, 0, 1);
    add(&file, "\xff\xd9", 2);
    return file;
}

static void make_jpegs(void)
{
    struct test_file base = jpeg(8, false);
    add_scan(&base, 0, 63, 0, 1);
    add(&base, "\xff\xd9", 2);
    put("base-jpeg.jpg", base);
    put("limit-jpeg-65500-lying.jpg", jpeg_lying(65500));
    put("damaged-jpeg-16000-lying.jpg", jpeg_lying(16000));
    put("limit-jpeg-scans.jpg", jpeg_scans(8000, 1000));
    put("limit-jpeg-scans-small.jpg", jpeg_scans(500, 1000));
    put("made-jpeg-app1.jpg", jpeg_segments(0xe1, "", 0));
    put("made-jpeg-app2.jpg", jpeg_segments(0xe2, "ICC_PROFILE\0\1\xff", 14));
}

/* ---- GIF ---- */

static struct test_file gif(int side, int frames)
{
    struct test_file file = {0};
    add(&file, "GIF89a", 6);
    add_number(&file, (unsigned)side, 2, false);
    add_number(&file, (unsigned)side, 2, false);
    add(&file, "\x80\0\0\0\0\0\xff\xff\xff", 9);
    for (int i = 0; i < frames; i++)
        add(&file, "\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0", 15);
    add(&file, ";", 1);
    return file;
}

/* A canvas and a frame on it that is as large, of which there is one pixel. */
static struct test_file gif_lying(int side)
{
    struct test_file file = gif(side, 1);
    for (int i = 0; i < 4; i++)
        file.bytes[24 + i] = (uint8_t)(side >> 8 * (i % 2));
    return file;
}

static void make_gifs(void)
{
    put("base-gif.gif", gif(1, 1));
    put("any-gif-65535.gif", gif(65535, 1)); /* a canvas of nothing is taken for its frame */
    put("damaged-gif-65535-lying.gif", gif_lying(65535));
    put("damaged-gif-16000-lying.gif", gif_lying(16000));
    put("made-gif-frames.gif", gif(100, 50000));
}

/* ---- WebP ---- */

static void add_webp_chunk(struct test_file *file, const char *name, const void *data, size_t size)
{
    add(file, name, 4);
    add_number(file, size, 4, false);
    add(file, data, size);
    if (size % 2)
        add(file, "", 1);
}

static void end_webp(struct test_file *file)
{
    for (int i = 0; i < 4; i++)
        file->bytes[4 + i] = (uint8_t)((file->size - 8) >> 8 * i);
}

/* One pixel, without loss. */
static const uint8_t webp_pixel[13] = {0x2f, 0,    0,    0,    0x10, 0x07, 0x10,
                                       0x11, 0x11, 0x88, 0x88, 8,    8};

static struct test_file webp(const void *pixels, size_t size)
{
    struct test_file file = {0};
    add(&file, "RIFF\0\0\0\0WEBP", 12);
    add_webp_chunk(&file, "VP8L", pixels, size);
    end_webp(&file);
    return file;
}

static struct test_file webp_animation(uint32_t side, int frames)
{
    struct test_file file = {0}, head = {0}, frame = {0};
    add(&file, "RIFF\0\0\0\0WEBP", 12);
    add(&head, "\x02\0\0\0", 4);
    add_number(&head, side - 1, 3, false);
    add_number(&head, side - 1, 3, false);
    add_webp_chunk(&file, "VP8X", head.bytes, head.size);
    add_webp_chunk(&file, "ANIM", "\0\0\0\0\0\0", 6);
    add(&frame, "\0\0\0\0\0\0\0\0\0\0\0\0\x64\0\0\0", 16);
    add_webp_chunk(&frame, "VP8L", webp_pixel, sizeof webp_pixel);
    for (int i = 0; i < frames; i++)
        add_webp_chunk(&file, "ANMF", frame.bytes, frame.size);
    end_webp(&file);
    test_file_done(&head);
    test_file_done(&frame);
    return file;
}

static void make_webps(void)
{
    /* 16383 pixels squared: 14 bits each of width - 1 and height - 1. */
    uint8_t huge[13];
    uint32_t size = 16382 | 16382u << 14;
    memcpy(huge, webp_pixel, sizeof huge);
    for (int i = 0; i < 4; i++)
        huge[1 + i] = (uint8_t)(size >> 8 * i);
    put("base-webp.webp", webp(webp_pixel, sizeof webp_pixel));
    put("memory-webp-16383.webp", webp(huge, sizeof huge));
    put("limit-webp-frames.webp", webp_animation(100, 20000));
    put("any-webp-frames-1000000.webp", webp_animation(1000000, 2));
    put("memory-webp-frames-16000.webp", webp_animation(16000, 2));
}

/* ---- TIFF ---- */

static void add_tag(struct test_file *file, int tag, int type, uint32_t count, uint32_t value)
{
    add_number(file, (unsigned)tag, 2, false);
    add_number(file, (unsigned)type, 2, false);
    add_number(file, count, 4, false);
    add_number(file, value, 4, false);
}

/* A directory of grey pixels, in strips or one tile, with some more tags of `count` values. */
static void add_directory(struct test_file *file, uint32_t side, int tile, int more, uint32_t count,
                          uint32_t next)
{
    add_number(file, (unsigned)(9 + more), 2, false);
    add_tag(file, 256, 4, 1, side);
    add_tag(file, 257, 4, 1, side);
    add_tag(file, 258, 3, 1, 8);
    add_tag(file, 259, 3, 1, tile ? 8 : 1);
    add_tag(file, 262, 3, 1, 1);
    add_tag(file, tile ? 277 : 273, tile ? 3 : 4, 1, tile ? 1 : 8);
    add_tag(file, tile ? 322 : 277, tile ? 4 : 3, 1, tile ? (uint32_t)tile : 1);
    add_tag(file, tile ? 323 : 278, 4, 1, tile ? (uint32_t)tile : 1);
    add_tag(file, tile ? 324 : 279, 4, 1, tile ? 8 : 1);
    for (int i = 0; i < more; i++)
        add_tag(file, 40000 + i, 1, count, 8);
    add_number(file, next, 4, false);
}

static struct test_file tiff(uint32_t side, int tile, int more, uint32_t count, uint32_t next)
{
    struct test_file file = {0};
    add(&file, "II*\0\x08\0\0\0", 8);
    add_directory(&file, side, tile, more, count, next);
    return file;
}

static struct test_file tiff_pages(int pages)
{
    enum { DIRECTORY_BYTES = 2 + 9 * 12 + 4 };
    struct test_file file = {0};
    add(&file, "II*\0\x08\0\0\0", 8);
    for (int i = 1; i <= pages; i++)
        add_directory(&file, 1, 0, 0, 0, i < pages ? 8 + (uint32_t)i * DIRECTORY_BYTES : 0);
    return file;
}

static void make_tiffs(void)
{
    put("base-tiff.tif", tiff(1, 0, 0, 0, 0));
    put("limit-tiff-100000.tif", tiff(100000, 0, 0, 0, 0));
    put("any-tiff-16000-lying.tif", tiff(16000, 0, 0, 0, 0));
    put("any-tiff-16000-tile.tif", tiff(16000, 16000, 0, 0, 0));
    put("any-tiff-loop.tif", tiff(1, 0, 0, 0, 8));
    put("any-tiff-entries.tif", tiff(1, 0, 65526, 1, 0));
    put("any-tiff-counts.tif", tiff(1, 0, 20, 0xffffffff, 0));
    put("any-tiff-pages.tif", tiff_pages(30000));
}

/* ---- HEIF ---- */

/* A box of ISO's base format: its head goes before what is there from `start` on. */
static void end_box(struct test_file *file, size_t start)
{
    for (int i = 0; i < 4; i++)
        file->bytes[start + (size_t)i] = (uint8_t)((file->size - start) >> (24 - 8 * i));
}

static size_t begin_box(struct test_file *file, const char *name)
{
    size_t start = file->size;
    add_number(file, 0, 4, true);
    add(file, name, 4);
    return start;
}

static void add_item(struct test_file *file, int number, const char *type)
{
    size_t box = begin_box(file, "infe");
    add_number(file, 0x02000000, 4, true);
    add_number(file, (unsigned)number, 2, true);
    add_number(file, 0, 2, true);
    add(file, type, 5); /* and an empty name */
    end_box(file, box);
}

/* A grid of so many tiles a side, all of them one picture, whose size is told as `side`. */
static struct test_file avif(uint32_t side, int tiles)
{
    struct test_file file = {0};
    size_t top = begin_box(&file, "ftyp"), box, inner;
    add(&file, "avif\0\0\0\0avifmif1miaf", 20);
    end_box(&file, top);
    top = begin_box(&file, "meta");
    add_number(&file, 0, 4, true);
    box = begin_box(&file, "hdlr");
    add(&file, "\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0", 25);
    end_box(&file, box);
    box = begin_box(&file, "pitm");
    add_number(&file, 1, 6, true);
    end_box(&file, box);
    box = begin_box(&file, "iinf");
    add_number(&file, 2, 6, true);
    add_item(&file, 1, "grid");
    add_item(&file, 2, "av01");
    end_box(&file, box);
    box = begin_box(&file, "iref");
    add_number(&file, 0, 4, true);
    inner = begin_box(&file, "dimg");
    add_number(&file, 1, 2, true);
    add_number(&file, (unsigned)(tiles * tiles), 2, true);
    for (int i = 0; i < tiles * tiles; i++)
        add_number(&file, 2, 2, true);
    end_box(&file, inner);
    end_box(&file, box);
    box = begin_box(&file, "iprp");
    inner = begin_box(&file, "ipco");
    size_t property = begin_box(&file, "ispe");
    add_number(&file, 0, 4, true);
    add_number(&file, side, 4, true);
    add_number(&file, side, 4, true);
    end_box(&file, property);
    property = begin_box(&file, "av1C");
    add(&file, "\x81\0\x0c\0", 4);
    end_box(&file, property);
    end_box(&file, inner);
    inner = begin_box(&file, "ipma");
    add_number(&file, 0, 4, true);
    add_number(&file, 2, 4, true);
    add(&file, "\0\1\1\1\0\2\2\1\x82", 9);
    end_box(&file, inner);
    end_box(&file, box);
    box = begin_box(&file, "iloc");
    add(&file, "\1\0\0\0\x44\0\0\2", 8);
    add(&file, "\0\1\0\1\0\0\0\1\0\0\0\0\0\0\0\x0c", 16); /* in idat: the grid's own data */
    add(&file, "\0\2\0\1\0\0\0\1\0\0\0\0\0\0\0\x0c", 16);
    end_box(&file, box);
    box = begin_box(&file, "idat");
    add(&file, (uint8_t[]){0, 1, (uint8_t)(tiles - 1), (uint8_t)(tiles - 1)}, 4);
    add_number(&file, side, 4, true);
    add_number(&file, side, 4, true);
    end_box(&file, box);
    end_box(&file, top);
    return file;
}

static void make_avifs(void)
{
    put("any-avif-grid-100000.avif", avif(100000, 100));
    put("any-avif-grid-16000.avif", avif(16000, 200));
}

/* ---- Drawings, and what is no picture ---- */

static void make_texts(void)
{
    char laughs[2000] = "<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY a \"ha\">";
    for (char c = 'b'; c <= 'k'; c++) {
        char line[100];
        snprintf(line, sizeof line, "<!ENTITY %c \"&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;\">", c, c - 1,
                 c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
        strcat(laughs, line);
    }
    strcat(laughs, "]><svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\">"
                   "<text>&k;</text></svg>");
    put_text("unsupported-svg-laughs.svg", laughs);
    put_text("unsupported-svg-entity.svg",
             "<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>"
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"90\" height=\"90\">"
             "<text y=\"50\">&a;</text></svg>");
    put_text("unsupported-svg-60000.svg",
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"60000\" height=\"60000\"/>");
    put_text("base-svg.svg",
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\" height=\"1\"/>");
    put_text("unsupported-msl.jpg", "<?xml version=\"1.0\"?><image><read filename=\"/etc/passwd\"/>"
                                    "<write filename=\"/tmp/bomb\"/></image>");
    put_text("unsupported-mvg.jpg",
             "push graphic-context\nviewbox 0 0 9 9\n"
             "image over 0,0 0,0 'https://127.0.0.1/x'\npop graphic-context\n");
    put_text("unsupported-pdf.jpg", "%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n");
    put_text("unsupported-ps.jpg", "%!PS\n(/etc/passwd) run\n");
    put_text("unsupported-ppm.jpg", "P6 60000 60000 255\n");
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    folder = argv[1];
    make_pngs();
    make_jpegs();
    make_gifs();
    make_webps();
    make_tiffs();
    make_avifs();
    make_texts();
    return 0;
}
