/* What is kept. Both blocks are foreign bytes: bounded, and looked at no more than it takes. */
#include "image/metadata.h"

#include <stdlib.h>
#include <string.h>

#include "image/border.h"
#include "image/colour.h"
#include "image/exif.h"
#include "image/png.h"

/* WebP and AVIF hold grey as RGB, and so does what gets a coloured border: a profile for grey says
 * nothing of that. */
static bool grey_stays_grey(const struct image_spec *spec)
{
    bool native = spec->format == IMAGE_KIND_JPEG || spec->format == IMAGE_KIND_PNG;

    return native && (spec->fit != IMAGE_CONTAIN || border_is_grey(spec->background));
}

static bool keeps_profile(const struct codec_header *header, const struct image_spec *spec)
{
    return (spec->keep & IMAGE_KEEP_ICC) && header->icc && header->icc_size <= METADATA_BYTES_MAX &&
           (header->colour == CODEC_RGB ||
            (header->colour == CODEC_GREY && grey_stays_grey(spec))) &&
           colour_profile_fits(header->colour, header->icc, header->icc_size) &&
           (spec->format != IMAGE_KIND_PNG ||
            png_takes_profile(header->colour == CODEC_GREY, header->icc, header->icc_size));
}

int metadata_init(struct metadata *ret, const struct codec_header *header,
                  const struct image_spec *spec, bool upright)
{
    struct metadata metadata = {0};
    int rc = 0;

    if (keeps_profile(header, spec)) {
        metadata.icc = header->icc;
        metadata.icc_size = header->icc_size;
    }
    if ((spec->keep & IMAGE_KEEP_EXIF) && header->exif && header->exif_size <= METADATA_BYTES_MAX)
        rc = exif_copy(header->exif, header->exif_size, upright, &metadata.exif,
                       &metadata.exif_size);
    if (rc == 0)
        *ret = metadata;
    return rc;
}

void metadata_done(struct metadata *metadata)
{
    free(metadata->exif);
    memset(metadata, 0, sizeof *metadata);
}
