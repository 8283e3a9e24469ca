/* Kinds by content. Every look at a byte is bounded by the size that the caller gave: these
 * functions also judge what an untrusted worker sent. */
#include "image/kind.h"

#include <stdbool.h>
#include <string.h>

enum { BMP_ZEROS = 6 /* where a BMP has two fields of zeros */ };

/* A kind is known by bytes at an offset, and for containers by more bytes at another. */
struct signature {
    enum image_kind kind;
    uint8_t at, size;
    const char *bytes;
};

static const struct signature signatures[] = {
    {IMAGE_KIND_JPEG, 0, 3, "\xff\xd8\xff"},
    {IMAGE_KIND_PNG, 0, 8, "\x89PNG\r\n\x1a\n"},
    {IMAGE_KIND_GIF, 0, 6, "GIF87a"},
    {IMAGE_KIND_GIF, 0, 6, "GIF89a"},
    {IMAGE_KIND_WEBP, 8, 4, "WEBP"}, /* behind RIFF and a length */
    {IMAGE_KIND_TIFF, 0, 4, "II*\0"},
    {IMAGE_KIND_TIFF, 0, 4, "MM\0*"},
    {IMAGE_KIND_TIFF, 0, 4, "II+\0"}, /* BigTIFF */
    {IMAGE_KIND_TIFF, 0, 4, "MM\0+"},
    {IMAGE_KIND_AVIF, 4, 8, "ftypavif"},
    {IMAGE_KIND_AVIF, 4, 8, "ftypavis"},
    {IMAGE_KIND_HEIF, 4, 8, "ftypheic"},
    {IMAGE_KIND_HEIF, 4, 8, "ftypheix"},
    {IMAGE_KIND_HEIF, 4, 8, "ftyphevc"},
    {IMAGE_KIND_HEIF, 4, 8, "ftyphevx"},
    {IMAGE_KIND_PDF, 0, 5, "%PDF-"},
    {IMAGE_KIND_SVG, 0, 3, "\x1f\x8b\x08"}, /* gzip */
    {IMAGE_KIND_OTHER, 0, 2, "\xff\x0a"},   /* JPEG XL, bare and boxed */
    {IMAGE_KIND_OTHER, 4, 8, "JXL \r\n\x87\n"},
    {IMAGE_KIND_OTHER, 4, 8, "jP  \r\n\x87\n"}, /* JPEG 2000, boxed and bare */
    {IMAGE_KIND_OTHER, 0, 4, "\xff\x4f\xff\x51"},
    {IMAGE_KIND_OTHER, 0, 4, "\x76\x2f\x31\x01"}, /* OpenEXR */
    {IMAGE_KIND_OTHER, 0, 4, "8BPS"},             /* Photoshop */
    {IMAGE_KIND_OTHER, 0, 10, "#?RADIANCE"},
    {IMAGE_KIND_OTHER, 0, 9, "SIMPLE  ="},
    {IMAGE_KIND_OTHER, BMP_ZEROS, 4, "\0\0\0\0"}, /* BMP, behind BM and its size */
    {IMAGE_KIND_OTHER, 0, 4, "\0\0\1\0"},         /* Windows icon */
    {IMAGE_KIND_OTHER, 0, 4, "\xb6\xa6\xf2\x08"}, /* libvips' own, in either byte order */
    {IMAGE_KIND_OTHER, 0, 4, "\x08\xf2\xa6\xb6"},
};

static const char *const names[IMAGE_KIND_COUNT] = {
    [IMAGE_KIND_UNKNOWN] = "unknown", [IMAGE_KIND_JPEG] = "jpeg",   [IMAGE_KIND_PNG] = "png",
    [IMAGE_KIND_WEBP] = "webp",       [IMAGE_KIND_GIF] = "gif",     [IMAGE_KIND_TIFF] = "tiff",
    [IMAGE_KIND_HEIF] = "heif",       [IMAGE_KIND_AVIF] = "avif",   [IMAGE_KIND_SVG] = "svg",
    [IMAGE_KIND_PDF] = "pdf",         [IMAGE_KIND_OTHER] = "other",
};

static uint32_t be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
    return be16(p) << 16 | be16(p + 2);
}

static uint32_t le24(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

/* The generic brands (mif1, msf1) say nothing of the coding; the compatible ones behind do. */
static enum image_kind brand_sniff(const uint8_t *head, size_t size)
{
    if (size < 12 || (memcmp(head + 4, "ftypmif1", 8) && memcmp(head + 4, "ftypmsf1", 8)))
        return IMAGE_KIND_UNKNOWN;
    for (size_t at = 16; at + 4 <= size; at += 4)
        if (!memcmp(head + at, "avif", 4) || !memcmp(head + at, "avis", 4))
            return IMAGE_KIND_AVIF;
    return IMAGE_KIND_HEIF;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Kinds that begin with text: XML in front of an SVG, and the portable maps P1 to P7 and Pf, PF. */
static enum image_kind text_sniff(const uint8_t *head, size_t size)
{
    static const char *const starts[] = {"<svg", "<?xml", "<!--", "<!DOCTYPE svg"};
    if (size < 3)
        return IMAGE_KIND_UNKNOWN;
    const uint8_t *text = head, *end = head + size;
    if (head[0] == 'P' && memchr("1234567fF", head[1], 9) && is_space(head[2]))
        return IMAGE_KIND_OTHER;
    if (!memcmp(head, "\xef\xbb\xbf", 3))
        text += 3; /* a byte order mark */
    while (text < end && is_space(*text))
        text++;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if ((size_t)(end - text) >= strlen(starts[i]) &&
            !memcmp(text, starts[i], strlen(starts[i])))
            return IMAGE_KIND_SVG;
    return IMAGE_KIND_UNKNOWN;
}

enum image_kind image_kind_sniff(const uint8_t *head, size_t size)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const struct signature *s = &signatures[i];
        if (size < (size_t)s->at + s->size || memcmp(head + s->at, s->bytes, s->size))
            continue;
        if (s->kind == IMAGE_KIND_WEBP && memcmp(head, "RIFF", 4))
            continue;
        if (s->at == BMP_ZEROS && memcmp(head, "BM", 2))
            continue;
        return s->kind;
    }
    enum image_kind kind = brand_sniff(head, size);
    return kind != IMAGE_KIND_UNKNOWN ? kind : text_sniff(head, size);
}

bool image_kind_is_untrusted(enum image_kind kind)
{
    return kind == IMAGE_KIND_SVG || kind == IMAGE_KIND_PDF || kind == IMAGE_KIND_OTHER;
}

const char *image_kind_name(enum image_kind kind)
{
    return (unsigned)kind < IMAGE_KIND_COUNT ? names[kind] : names[IMAGE_KIND_UNKNOWN];
}

/* True for the markers that start a frame: SOF0..15 without DHT, JPG and DAC among them. */
static bool is_frame_marker(uint8_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static int jpeg_size(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height)
{
    size_t at = 2;

    while (at + 9 <= size && bytes[at] == 0xff) {
        uint8_t marker = bytes[at + 1];
        if (marker == 0xff) { /* a fill byte */
            at++;
            continue;
        }
        if (is_frame_marker(marker)) {
            *height = be16(bytes + at + 5);
            *width = be16(bytes + at + 7);
            return 0;
        }
        uint32_t length = be16(bytes + at + 2);
        if (length < 2)
            return -1;
        at += 2 + length;
    }
    return -1;
}

static int png_size(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height)
{
    if (size < 24 || memcmp(bytes + 12, "IHDR", 4))
        return -1;
    *width = be32(bytes + 16);
    *height = be32(bytes + 20);
    return 0;
}

/* WebP has three first chunks: VP8 (lossy), VP8L (lossless) and VP8X (anything with extras). */
static int webp_size(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height)
{
    if (size < 30)
        return -1;
    const uint8_t *chunk = bytes + 20; /* behind RIFF size WEBP and the chunk's name and size */
    if (!memcmp(bytes + 12, "VP8 ", 4)) {
        if (memcmp(chunk + 3, "\x9d\x01\x2a", 3))
            return -1;
        *width = le24(chunk + 6) & 0x3fff;
        *height = le24(chunk + 7) >> 8 & 0x3fff;
    } else if (!memcmp(bytes + 12, "VP8L", 4)) {
        if (chunk[0] != 0x2f)
            return -1;
        *width = (le24(chunk + 1) & 0x3fff) + 1;
        *height = (le24(chunk + 2) >> 6 & 0x3fff) + 1;
    } else if (!memcmp(bytes + 12, "VP8X", 4)) {
        *width = le24(chunk + 4) + 1;
        *height = le24(chunk + 7) + 1;
    } else {
        return -1;
    }
    return 0;
}

int image_kind_size(enum image_kind kind, const uint8_t *bytes, size_t size, int *ret_width,
                    int *ret_height)
{
    uint32_t width, height;
    int rc = -1;

    if (image_kind_sniff(bytes, size) != kind)
        return -1;
    if (kind == IMAGE_KIND_JPEG)
        rc = jpeg_size(bytes, size, &width, &height);
    else if (kind == IMAGE_KIND_PNG)
        rc = png_size(bytes, size, &width, &height);
    else if (kind == IMAGE_KIND_WEBP)
        rc = webp_size(bytes, size, &width, &height);
    if (rc || width < 1 || width > INT32_MAX || height < 1 || height > INT32_MAX)
        return -1;
    *ret_width = (int)width;
    *ret_height = (int)height;
    return 0;
}
