/* One opened picture: its bytes, the decoder that they need, and what its header says.
 *
 * Strict first: a picture is taken for a whole one. Only behind damage, and only where the spec
 * puts up with it, is it opened once more, by a decoder that goes on over damage. */
#ifndef IMAGE_PICTURE_H
#define IMAGE_PICTURE_H

#include "image/codec.h"
#include "image/thumbnail.h"

struct picture {
    const struct image_spec *spec; /* borrowed, as is the fault */
    struct image_fault *fault;
    struct source source;      /* its bytes */
    const struct codec *codec; /* that reads them; NULL before there is one */
    void *decoder;             /* the codec's; NULL before open */
    struct image_spec limits;  /* the spec, as the codec is told it */
    struct codec_header header;
    struct image_fault damage; /* that was put up with; IMAGE_OK for none */
};

/* Opens the picture and reads its header. Close with picture_close(), also after a failure, or
 * never opened when zeroed. Returns 0, or -1 with `fault` filled. */
int picture_open(struct picture *picture, const struct image_input *input,
                 const struct image_spec *spec, const struct image_module *module,
                 struct image_fault *fault);

/* Bytes that picture_read() will allocate, for a plan, as codec.h has it. */
int64_t picture_need(struct picture *picture, const struct geometry_reduction *plan, int64_t room);

/* Decodes at 1 / shrink into the sink, once only. Returns 0, or -1 with the fault filled. */
int picture_read(struct picture *picture, int shrink, struct reduce *sink);

/* Behind a picture_read() that failed: opens the picture anew where its damage is put up with, so
 * that it can be read once more, into another sink. What the header pointed to is gone. Returns 0,
 * or -1 with the fault as it was. */
int picture_reopen(struct picture *picture);

void picture_close(struct picture *picture);

#endif
