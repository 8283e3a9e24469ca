/* What a result carries beside its pixels: a profile and EXIF, if the spec asks for them. XMP, IPTC
 * and text are never kept. */
#ifndef IMAGE_METADATA_H
#define IMAGE_METADATA_H

#include <stddef.h>
#include <stdint.h>

#include "image/codec.h"

enum { METADATA_BYTES_MAX = 4 * 1024 * 1024 /* of either; more is not kept */ };

struct metadata {
    const uint8_t *icc; /* profile that the pixels stay in, or NULL; the decoder's */
    size_t icc_size;    /* bytes of it */
    uint8_t *exif;      /* TIFF header and what follows, or NULL; owned */
    size_t exif_size;   /* bytes of it */
};

/* Chooses what the results of a picture keep.
 *   header   of the picture; its profile is borrowed. A profile is kept when it is for the colours
 *            that the result has: one for inks never is, one for grey by JPEG and PNG only, and
 *            not where a coloured border is asked for; and by PNG none that libpng refuses
 *   upright  the results are turned upright, and EXIF is to say so
 *   ret      free with metadata_done()
 * Returns 0 or -ENOMEM. */
int metadata_init(struct metadata *ret, const struct codec_header *header,
                  const struct image_spec *spec, bool upright);

/* Frees; takes a zeroed struct. */
void metadata_done(struct metadata *metadata);

#endif
