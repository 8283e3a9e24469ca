/* What a decoder offers. JPEG, PNG and libvips each fill one struct codec, and the way of a
 * picture is the same through all of them: open reads the header, read hands every row to a
 * struct reduce, close frees. */
#ifndef IMAGE_CODEC_H
#define IMAGE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/fault.h"
#include "image/geometry.h"
#include "image/reduce.h"
#include "image/source.h"
#include "image/spec.h"

/* What the channels of a row mean. */
enum codec_colour {
    CODEC_GREY,          /* one channel */
    CODEC_RGB,           /* red, green, blue, and alpha or nothing */
    CODEC_CMYK,          /* 255 is all of an ink */
    CODEC_CMYK_INVERTED, /* 255 is none of it, as Adobe writes JPEG */
};

struct codec_header {
    int width, height;        /* as stored, pixels */
    int orientation;          /* EXIF's, 1..8 */
    enum codec_colour colour; /* of the rows */
    bool alpha;               /* the fourth channel is alpha */
    unsigned shrinks;         /* the sum of those offered, of 1, 2, 4 and 8 */
    const uint8_t *icc;       /* embedded profile, or NULL; owned by the decoder */
    size_t icc_size;          /* bytes of it */
    double gamma;             /* of a PNG without a profile: 1 / 2.2 and the like; 0 is none */
    double corners[8];        /* beside gamma: see colour_from_gamma(); 0 are none */
    const uint8_t *exif;      /* Exif block, see image/exif.h, or NULL; owned by the decoder */
    size_t exif_size;         /* bytes of it */
};

struct codec {
    /* Reads the header. `source` and `fault` are borrowed until close. The size has been compared
     * with the spec's limits, and nothing of the picture's size has been allocated. Unless the
     * spec's damaged pictures fail, read() goes on over damage as far as it can. Returns 0 with
     * *ret to be closed, or -1 with `fault` filled and nothing to close. */
    int (*open)(struct source *source, const struct image_spec *limits, void **ret,
                struct codec_header *header, struct image_fault *fault);

    /* Bytes that read() will allocate, at most, for a plan; where there is more than one way to do
     * the same, read() goes the fastest that takes no more than `room`, if there is one. A way that
     * turns out to take more, read() refuses by image_fail_need(), with the decoder's part alone.
     * Without this call there is no such bound. */
    int64_t (*need)(void *decoder, const struct geometry_reduction *plan, int64_t room);

    /* Decodes at 1 / shrink and hands over ceil(width / shrink) x ceil(height / shrink) pixels.
     * Once only. Returns 0, or -1 with the fault filled. Where it was to go on over damage, it
     * hands over every row, be it of a plain colour, and says nothing; -1 is for pictures of which
     * there is not one row. */
    int (*read)(void *decoder, int shrink, struct reduce *sink);

    /* Frees the decoder, and with it the header's profile and Exif; takes NULL. */
    void (*close)(void *decoder);
};

/* True when the decoder is to go on over damage. */
static inline bool codec_is_lenient(const struct image_spec *limits)
{
    return limits->on_damage != IMAGE_DAMAGE_FAILS;
}

/* 1 channel for grey, 4 for all else. */
static inline int codec_channels(const struct codec_header *header)
{
    return header->colour == CODEC_GREY ? 1 : 4;
}

/* Refuses a picture that is larger than the spec allows. Returns 0, or -1 with `fault` filled. */
int codec_check_size(int64_t width, int64_t height, const struct image_spec *limits,
                     struct image_fault *fault);

/* Reports that the data ended, or that reading them failed, whichever the source says. `done` of
 * `rows` rows were complete. Returns -1. */
int codec_fail_end(const struct source *source, int64_t done, int64_t rows,
                   struct image_fault *fault);

/* Hands over rows of bytes of `value` for all that have not come. */
void codec_fill_rest(struct reduce *sink, int value);

#endif
