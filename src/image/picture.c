/* Opening, which codec, and the second time behind damage. */
#include "image/picture.h"

#include "image/jpeg.h"
#include "image/module_private.h"
#include "image/png.h"

/* Finds the codec. Returns 0, or -1 with the fault filled. */
static int choose_codec(struct picture *picture, const struct image_input *input,
                        const struct image_module *module)
{
    enum image_kind kind = input->kind, format = picture->spec->format;

    if (input->size_bytes == 0)
        return image_fail(picture->fault, IMAGE_DAMAGED, "the file is empty");
    if (kind <= IMAGE_KIND_UNKNOWN || kind >= IMAGE_KIND_COUNT)
        return image_fail(picture->fault, IMAGE_UNSUPPORTED,
                          "not a picture of a kind that is known here");
    if (image_check_trust(kind, picture->spec, picture->fault))
        return -1;
    if (image_needs_module(kind, format) && (!module || !module->started))
        return image_fail(picture->fault, IMAGE_UNSUPPORTED,
                          "%s to %s needs the libvips module, which is not loaded",
                          image_kind_name(kind), image_kind_name(format));
    if (kind == IMAGE_KIND_JPEG)
        picture->codec = &jpeg_codec;
    else if (kind == IMAGE_KIND_PNG)
        picture->codec = &png_codec;
    else
        picture->codec = module->vips->codec;
    return 0;
}

static int open_decoder(struct picture *picture, enum image_on_damage on_damage)
{
    picture->limits = *picture->spec;
    picture->limits.on_damage = on_damage;
    return picture->codec->open(&picture->source, &picture->limits, &picture->decoder,
                                &picture->header, picture->fault);
}

int picture_reopen(struct picture *picture)
{
    struct image_fault first = *picture->fault;
    bool lenient_already = picture->damage.code != IMAGE_OK;

    if (first.code != IMAGE_DAMAGED || lenient_already || !codec_is_lenient(picture->spec))
        return -1;
    picture->codec->close(picture->decoder);
    picture->decoder = NULL;
    picture->damage = first;
    source_seek(&picture->source, 0);
    if (!open_decoder(picture, picture->spec->on_damage))
        return 0;
    *picture->fault = first; /* nothing can be made of it, for the reason that came first */
    return -1;
}

int picture_open(struct picture *picture, const struct image_input *input,
                 const struct image_spec *spec, const struct image_module *module,
                 struct image_fault *fault)
{
    *picture = (struct picture){.spec = spec, .fault = fault};
    if (choose_codec(picture, input, module))
        return -1;
    if (source_init(&picture->source, input->fd, input->size_bytes) ||
        (input->watch && source_watch(&picture->source)))
        return image_fail(fault, IMAGE_MEMORY, "no memory for a decoder");
    return open_decoder(picture, IMAGE_DAMAGE_FAILS) ? picture_reopen(picture) : 0;
}

int64_t picture_need(struct picture *picture, const struct geometry_reduction *plan, int64_t room)
{
    return picture->codec->need(picture->decoder, plan, room);
}

int picture_read(struct picture *picture, int shrink, struct reduce *sink)
{
    return picture->codec->read(picture->decoder, shrink, sink);
}

void picture_close(struct picture *picture)
{
    if (picture->codec)
        picture->codec->close(picture->decoder);
    source_done(&picture->source);
    *picture = (struct picture){0};
}
