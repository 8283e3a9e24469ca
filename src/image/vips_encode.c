/* Encoding by libvips: WebP and AVIF. */
#include "image/vips_encode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vips/vips.h>

#include "image/buffer.h"
#include "image/webp.h"

/* The pixels in rows without padding and without a fourth channel that is not alpha. */
static uint8_t *pack(const struct pixels *pixels, int bands)
{
    uint8_t *packed = malloc((size_t)pixels->width * (size_t)pixels->height * (size_t)bands);
    uint8_t *to = packed;

    for (int y = 0; packed && y < pixels->height; y++) {
        const uint8_t *from = pixels->data + (size_t)y * pixels->stride;
        for (int x = 0; x < pixels->width; x++, from += pixels->channels, to += bands)
            memcpy(to, from, (size_t)bands);
    }
    return packed;
}

static int save(VipsImage *image, const struct image_spec *spec, gboolean strip, void **ret,
                size_t *ret_size)
{
    if (spec->format == IMAGE_KIND_WEBP)
        return vips_webpsave_buffer(image, ret, ret_size, "Q", spec->quality, "strip", strip, NULL);
    return vips_heifsave_buffer(image, ret, ret_size, "Q", spec->quality, "strip", strip,
                                "compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1, NULL);
}

/* libvips wants the prefix that JPEG has, and writes Exif anew from it, with sizes and a resolution
 * that were not there. */
static void set_exif(VipsImage *image, const struct metadata *metadata)
{
    size_t size = metadata->exif_size + 6;
    uint8_t *block = g_malloc(size);

    memcpy(block, "Exif\0", 6);
    memcpy(block + 6, metadata->exif, metadata->exif_size);
    vips_image_set_blob(image, VIPS_META_EXIF_NAME, (VipsCallbackFn)vips_area_free_cb, block, size);
}

/* Returns TRUE when there is nothing for libvips to write; what WebP keeps is for webp_wrap(). */
static gboolean set_metadata(VipsImage *image, enum image_kind format,
                             const struct metadata *metadata)
{
    if (format == IMAGE_KIND_WEBP || (!metadata->icc && !metadata->exif))
        return TRUE;
    if (metadata->icc)
        vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, metadata->icc, metadata->icc_size);
    if (metadata->exif)
        set_exif(image, metadata);
    return FALSE;
}

/* Takes bytes[0..size), which libvips wrote, and gives what is to be handed out. */
static int wrap(const struct pixels *pixels, const struct metadata *metadata, void *bytes,
                size_t size, uint8_t **ret, size_t *ret_size, struct image_fault *fault)
{
    struct webp_canvas canvas = {pixels->width, pixels->height, pixels->alpha};
    struct buffer file = {0};
    int rc = webp_wrap(bytes, size, canvas, metadata, &file);

    g_free(bytes);
    if (rc) {
        buffer_done(&file);
        return image_fail(fault, rc == -ENOMEM ? IMAGE_MEMORY : IMAGE_UNSUPPORTED,
                          "libvips wrote a WebP file that is none");
    }
    *ret = file.bytes;
    *ret_size = file.size;
    return 0;
}

/* Wraps packed pixels, which it borrows; NULL when there is no memory. */
static VipsImage *image_of(const uint8_t *packed, const struct pixels *pixels, int bands)
{
    size_t size = (size_t)pixels->width * (size_t)pixels->height * (size_t)bands;
    VipsImage *image = NULL;

    if (packed)
        image = vips_image_new_from_memory(packed, size, pixels->width, pixels->height, bands,
                                           VIPS_FORMAT_UCHAR);
    if (image)
        image->Type = bands == 1 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    return image;
}

int vips_encode(const struct pixels *pixels, const struct image_spec *spec,
                const struct metadata *metadata, uint8_t **ret, size_t *ret_size,
                struct image_fault *fault)
{
    int bands = pixels->channels == 1 ? 1 : pixels->alpha ? 4 : 3;
    uint8_t *packed = pack(pixels, bands);
    VipsImage *image = image_of(packed, pixels, bands);
    void *bytes = NULL;
    size_t size = 0;
    int rc = -1;

    if (image)
        rc = save(image, spec, set_metadata(image, spec->format, metadata), &bytes, &size);
    if (rc) {
        image_fail(fault, image ? IMAGE_UNSUPPORTED : IMAGE_MEMORY, "%.*s",
                   (int)strcspn(vips_error_buffer(), "\n"), vips_error_buffer());
    } else if (spec->format == IMAGE_KIND_WEBP) {
        rc = wrap(pixels, metadata, bytes, size, ret, ret_size, fault);
    } else {
        *ret = bytes; /* from g_malloc(), which is malloc() */
        *ret_size = size;
    }
    vips_error_clear();
    VIPS_UNREF(image);
    free(packed);
    return rc;
}
