/* One picture, from an open file to encoded thumbnails: a list of named stages. Each leaves its
 * result in struct work, and the clock of the stage's kind runs while it does. There are three
 * lists: the fast one works on as few pixels as it can, the exact one and the neutral one on all of
 * them. */
#include "image/thumbnail.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "image/alpha.h"
#include "image/blur.h"
#include "image/border.h"
#include "image/boxes.h"
#include "image/colour.h"
#include "image/exact.h"
#include "image/geometry.h"
#include "image/jpeg.h"
#include "image/metadata.h"
#include "image/module_private.h"
#include "image/need.h"
#include "image/neutral.h"
#include "image/orient.h"
#include "image/picture.h"
#include "image/png.h"
#include "image/reduce.h"
#include "image/resize.h"
#include "image/stopwatch.h"

struct work {
    const struct image_input *input; /* borrowed, as are the next four */
    const struct image_spec *spec;
    const struct image_module *module;
    struct image_result *result;
    struct image_fault *fault;
    struct picture picture;   /* the input, opened */
    struct metadata metadata; /* that every result gets */
    int orientation;          /* that results are turned by, 1..8: the header's, or 1 */
    struct geometry_result views[IMAGE_SIZES_MAX];
    struct geometry_reduction plan;
    int64_t beside; /* bytes that the stages behind the decoder take, where there is a limit */
    struct reduce reduce; /* the decoder's sink; its `out` is the reduced or the whole picture */
    struct pixels thumbs[IMAGE_SIZES_MAX];
};

/* ---- stages ---- */

static int fail_memory(struct work *work)
{
    return image_fail(work->fault, IMAGE_MEMORY, "no memory for a picture of %d x %d pixels",
                      work->picture.header.width, work->picture.header.height);
}

/* Specs come out of a job's bytes, so what the arrays below rely on is checked. */
static int check_spec(struct work *work)
{
    const struct image_spec *spec = work->spec;
    bool written = spec->format == IMAGE_KIND_JPEG || spec->format == IMAGE_KIND_PNG ||
                   spec->format == IMAGE_KIND_WEBP || spec->format == IMAGE_KIND_AVIF;
    bool valid = written && spec->box_count >= 1 && spec->box_count <= IMAGE_SIZES_MAX &&
                 spec->blur_sigma_px >= 0 && spec->blur_sigma_px <= BLUR_SIGMA_MAX;

    valid = valid && spec->fit >= IMAGE_INSIDE && spec->fit <= IMAGE_CONTAIN &&
            spec->gravity >= IMAGE_NORTH_WEST && spec->gravity <= IMAGE_SOUTH_EAST &&
            (spec->kernel == IMAGE_BICUBIC || spec->kernel == IMAGE_LANCZOS3);
    for (int i = 0; valid && i < spec->box_count; i++)
        valid = spec->boxes[i].width >= 0 && spec->boxes[i].height >= 0 &&
                (spec->boxes[i].width > 0 || spec->boxes[i].height > 0);
    if (!valid)
        return image_fail(work->fault, IMAGE_UNSUPPORTED,
                          "a box, blur or format that is out of range");
    return 0;
}

static int open_picture(struct work *work)
{
    return picture_open(&work->picture, work->input, work->spec, work->module, work->fault);
}

/* libvips turns what HEIF and AVIF hold before anyone can say no. */
static int choose_metadata(struct work *work)
{
    enum image_kind kind = work->input->kind;
    bool upright = work->spec->rotate || kind == IMAGE_KIND_HEIF || kind == IMAGE_KIND_AVIF;

    metadata_done(&work->metadata);
    return metadata_init(&work->metadata, &work->picture.header, work->spec, upright)
               ? fail_memory(work)
               : 0;
}

/* True when upright width is stored height. */
static bool is_turned(const struct work *work)
{
    return orient_swaps(work->orientation);
}

static int check_result(struct work *work, const struct geometry_result *view)
{
    if (view->width > IMAGE_SIDE_MAX || view->height > IMAGE_SIDE_MAX)
        return image_fail(work->fault, IMAGE_LIMIT,
                          "a thumbnail of %d x %d pixels; no side may have more than %d",
                          view->width, view->height, IMAGE_SIDE_MAX);
    if ((int64_t)view->width * view->height > work->spec->max_pixels)
        return image_fail(work->fault, IMAGE_LIMIT,
                          "a thumbnail of %d x %d pixels; no picture may have more than %" PRId64
                          " (--max-pixels)",
                          view->width, view->height, work->spec->max_pixels);
    return 0;
}

static int plan_result(struct work *work, int i)
{
    struct image_result *result = work->result;
    struct geometry_result *view = &work->views[i];

    *view = geometry_result(result->width, result->height, work->spec->boxes[i], work->spec);
    result->thumbs[i].width = view->width;
    result->thumbs[i].height = view->height;
    return check_result(work, view);
}

/* One reduction that serves the largest scale that is needed, as the picture is stored. */
static void plan_reduction(struct work *work)
{
    double ratio_x = INFINITY, ratio_y = INFINITY; /* upright */

    for (int i = 0; i < work->result->thumb_count; i++) {
        const struct geometry_result *view = &work->views[i];
        ratio_x = fmin(ratio_x, view->part.width / view->part_width);
        ratio_y = fmin(ratio_y, view->part.height / view->part_height);
    }
    double stored_x = is_turned(work) ? ratio_y : ratio_x;
    double stored_y = is_turned(work) ? ratio_x : ratio_y;
    work->plan = work->spec->kernel == IMAGE_LANCZOS3
                     ? geometry_reduction_lanczos3(stored_x, stored_y, work->picture.header.shrinks,
                                                   work->spec->blur_sigma_px)
                     : geometry_reduction(stored_x, stored_y, work->picture.header.shrinks,
                                          work->spec->blur_sigma_px);
    work->result->shrink = work->plan.shrink;
}

/* The size of every result, and the way there. */
static int plan_sizes(struct work *work)
{
    const struct codec_header *header = &work->picture.header;
    struct image_result *result = work->result;

    work->orientation = work->spec->rotate ? header->orientation : 1;
    result->width = is_turned(work) ? header->height : header->width;
    result->height = is_turned(work) ? header->width : header->height;
    result->thumb_count = work->spec->box_count;
    for (int i = 0; i < result->thumb_count; i++)
        if (plan_result(work, i))
            return -1;
    plan_reduction(work);
    return 0;
}

/* Refuses a picture that would take more memory than it may, before it is taken. */
static int check_memory(struct work *work)
{
    struct picture *picture = &work->picture;
    int64_t most = work->spec->max_memory;
    struct need need = {.spec = work->spec,
                        .header = &picture->header,
                        .plan = &work->plan,
                        .views = work->views,
                        .orientation = work->orientation};

    if (most == 0)
        return 0;
    work->beside = need_of_stages(&need);
    int64_t all = work->beside + picture_need(picture, &work->plan, most - work->beside);
    return all > most ? image_fail_need(work->fault, all) : 0;
}

/* A decoder that finds out late what it needs does not know of the rest. */
static int read_rows(struct work *work)
{
    struct image_fault *fault = work->fault;

    fault->need_bytes = 0;
    if (!picture_read(&work->picture, work->plan.shrink, &work->reduce))
        return 0;
    return fault->need_bytes ? image_fail_need(fault, fault->need_bytes + work->beside) : -1;
}

static int decode_rows(struct work *work)
{
    const struct codec_header *header = &work->picture.header;
    int shrink = work->plan.shrink;
    int width = (header->width - 1) / shrink + 1, height = (header->height - 1) / shrink + 1;
    bool premultiply = header->alpha && !work->spec->exact;

    if (check_memory(work))
        return -1;
    if (reduce_init(&work->reduce, width, height, codec_channels(header), premultiply,
                    work->plan.factor_x, work->plan.factor_y))
        return fail_memory(work);
    return read_rows(work);
}

/* What was kept of the first decoder's header is gone with it, and is chosen anew. */
static int decode_damaged(struct work *work)
{
    const struct codec_header *header = &work->picture.header;
    struct codec_header planned = *header;
    struct image_fault first = *work->fault;

    metadata_done(&work->metadata);
    reduce_done(&work->reduce);
    if (picture_reopen(&work->picture))
        return -1;
    bool same = header->width == planned.width && header->height == planned.height &&
                header->orientation == planned.orientation;
    if (same && !choose_metadata(work) && !decode_rows(work))
        return 0;
    if (!same || work->fault->need_bytes == 0)
        *work->fault = first;
    return -1;
}

static int decode(struct work *work)
{
    return decode_rows(work) ? decode_damaged(work) : 0;
}

/* For so many sizes a pass of its own takes longer than blurring each anew. */
enum { IN_PASSING_MAX = 4 };

/* What of a blur resizing does in passing: a narrow one is a few more weights then, and saves a
 * pass, but is done again for every size. */
static double blur_in_passing(const struct work *work, double sigma)
{
    bool few = work->result->thumb_count <= IN_PASSING_MAX;

    return few && narrow_applies(sigma) ? sigma : 0;
}

static int blur_reduced(struct work *work)
{
    double x = work->plan.sigma_x, y = work->plan.sigma_y;

    x -= blur_in_passing(work, x);
    y -= blur_in_passing(work, y);
    return blur(&work->reduce.out, x, y) ? fail_memory(work) : 0;
}

/* Samples the part that is shown, as it is stored, from the reduced picture. */
static int resize_one(struct work *work, int i)
{
    const struct geometry_result *view = &work->views[i];
    const struct geometry_reduction *plan = &work->plan;
    struct pixels_box part = orient_box(view->part, work->orientation, work->picture.header.width,
                                        work->picture.header.height);

    part = (struct pixels_box){part.x / plan->step_x, part.y / plan->step_y,
                               part.width / plan->step_x, part.height / plan->step_y};
    int width = is_turned(work) ? view->part_height : view->part_width;
    int height = is_turned(work) ? view->part_width : view->part_height;
    struct resize_past past_x = {plan->step_x, plan->sigma_x, plan->rest_x,
                                 blur_in_passing(work, plan->sigma_x)};
    struct resize_past past_y = {plan->step_y, plan->sigma_y, plan->rest_y,
                                 blur_in_passing(work, plan->sigma_y)};
    return (work->spec->kernel == IMAGE_LANCZOS3 ? resize_lanczos3 : resize_reduced)(
        &work->reduce.out, part, width, height, past_x, past_y, &work->thumbs[i]);
}

static int resize_each(struct work *work)
{
    for (int i = 0; i < work->result->thumb_count; i++)
        if (resize_one(work, i))
            return fail_memory(work);
    reduce_done(&work->reduce);
    return 0;
}

static int convert_colours(struct work *work, struct pixels *pixels)
{
    const struct codec_header *header = &work->picture.header;

    if (work->metadata.icc)
        return 0;
    if (header->gamma > 0)
        return colour_from_gamma(pixels, header->colour, header->gamma, header->corners);
    if (work->spec->exact)
        return colour_to_srgb_by_lcms(pixels, header->colour, header->icc, header->icc_size);
    return colour_to_srgb(pixels, header->colour, header->icc, header->icc_size);
}

static int add_border(struct work *work, int i)
{
    const struct geometry_result *view = &work->views[i];

    return border_add(&work->thumbs[i], view->width, view->height, view->left, view->top,
                      work->spec->background);
}

static int divide_each(struct work *work)
{
    for (int i = 0; i < work->result->thumb_count; i++)
        if (work->thumbs[i].alpha)
            alpha_divide(&work->thumbs[i]);
    return 0;
}

/* Colour, orientation and what there is for a background, on as few pixels as there will ever be.
 * (The whole picture of --exact has the first two behind it.) */
static int finish_each(struct work *work)
{
    for (int i = 0; i < work->result->thumb_count; i++) {
        struct pixels *thumb = &work->thumbs[i];
        if (!work->spec->exact &&
            (convert_colours(work, thumb) || orient(thumb, work->orientation)))
            return fail_memory(work);
        if (thumb->alpha && work->spec->format == IMAGE_KIND_JPEG)
            alpha_flatten(thumb, work->spec->background);
        if (add_border(work, i))
            return fail_memory(work);
    }
    return 0;
}

static int encode_each(struct work *work)
{
    const struct image_spec *spec = work->spec;

    for (int i = 0; i < work->result->thumb_count; i++) {
        const struct pixels *pixels = &work->thumbs[i];
        struct image_thumb *thumb = &work->result->thumbs[i];
        int rc;
        if (spec->format == IMAGE_KIND_JPEG)
            rc = jpeg_encode(pixels, spec, &work->metadata, &thumb->bytes, &thumb->size_bytes,
                             work->fault);
        else if (spec->format == IMAGE_KIND_PNG)
            rc =
                png_encode(pixels, &work->metadata, &thumb->bytes, &thumb->size_bytes, work->fault);
        else
            rc = work->module->vips->encode(pixels, spec, &work->metadata, &thumb->bytes,
                                            &thumb->size_bytes, work->fault);
        if (rc)
            return -1;
    }
    return 0;
}

/* ---- stages of the lists that work on the whole picture ---- */

static int plan_nothing(struct work *work)
{
    work->plan = (struct geometry_reduction){
        .shrink = 1, .factor_x = 1, .factor_y = 1, .step_x = 1, .step_y = 1};
    work->result->shrink = 1;
    return 0;
}

/* The picture is upright and sRGB before anything else is done to it. */
static int prepare_whole(struct work *work)
{
    struct pixels *whole = &work->reduce.out;

    if (convert_colours(work, whole) || orient(whole, work->orientation))
        return fail_memory(work);
    whole->alpha = work->picture.header.alpha;
    return 0;
}

/* The one step that Pillow's blur leaves out: there hidden colours show. */
static int multiply_exact(struct work *work)
{
    struct pixels *whole = &work->reduce.out;

    for (int y = 0; whole->alpha && y < whole->height; y++)
        alpha_multiply(whole->data + (size_t)y * whole->stride, whole->width);
    return 0;
}

static int blur_exact(struct work *work)
{
    if (exact_blur(&work->reduce.out, work->spec->blur_sigma_px))
        return fail_memory(work);
    return 0;
}

/* What Pillow has a thumbnail for is made so, and a part or another shape by its resize. */
static int resize_one_exact(struct work *work, int i)
{
    const struct pixels *whole = &work->reduce.out;
    const struct geometry_result *view = &work->views[i];
    int width = view->part_width, height = view->part_height;

    if (work->spec->fit == IMAGE_INSIDE || work->spec->fit == IMAGE_CONTAIN)
        return exact_thumbnail(whole, width, height, &work->thumbs[i]);
    return exact_resize(whole, view->part, width, height, &work->thumbs[i]);
}

static int resize_each_exact(struct work *work)
{
    for (int i = 0; i < work->result->thumb_count; i++)
        if (resize_one_exact(work, i))
            return fail_memory(work);
    reduce_done(&work->reduce);
    return 0;
}

/* Blur and all, for each size anew. */
static int resize_each_neutral(struct work *work)
{
    for (int i = 0; i < work->result->thumb_count; i++) {
        const struct geometry_result *view = &work->views[i];
        if (neutral_resize(&work->reduce.out, view->part, view->part_width, view->part_height,
                           work->spec->blur_sigma_px, &work->thumbs[i]))
            return fail_memory(work);
    }
    reduce_done(&work->reduce);
    return 0;
}

/* ---- the lists ---- */

struct stage {
    int (*run)(struct work *work);
    size_t clock; /* which field of struct image_times its time adds to */
};

static const struct stage stages[] = {
    {check_spec, offsetof(struct image_times, decode)},
    {open_picture, offsetof(struct image_times, decode)},
    {choose_metadata, offsetof(struct image_times, decode)},
    {plan_sizes, offsetof(struct image_times, decode)},
    {decode, offsetof(struct image_times, decode)},
    {blur_reduced, offsetof(struct image_times, blur)},
    {resize_each, offsetof(struct image_times, resize)},
    {divide_each, offsetof(struct image_times, resize)},
    {finish_each, offsetof(struct image_times, resize)},
    {encode_each, offsetof(struct image_times, encode)},
    {NULL, 0},
};

static const struct stage exact_stages[] = {
    {check_spec, offsetof(struct image_times, decode)},
    {open_picture, offsetof(struct image_times, decode)},
    {choose_metadata, offsetof(struct image_times, decode)},
    {plan_sizes, offsetof(struct image_times, decode)},
    {plan_nothing, offsetof(struct image_times, decode)},
    {decode, offsetof(struct image_times, decode)},
    {prepare_whole, offsetof(struct image_times, resize)},
    {multiply_exact, offsetof(struct image_times, resize)},
    {blur_exact, offsetof(struct image_times, blur)},
    {resize_each_exact, offsetof(struct image_times, resize)},
    {divide_each, offsetof(struct image_times, resize)},
    {finish_each, offsetof(struct image_times, resize)},
    {encode_each, offsetof(struct image_times, encode)},
    {NULL, 0},
};

static const struct stage neutral_stages[] = {
    {check_spec, offsetof(struct image_times, decode)},
    {open_picture, offsetof(struct image_times, decode)},
    {choose_metadata, offsetof(struct image_times, decode)},
    {plan_sizes, offsetof(struct image_times, decode)},
    {plan_nothing, offsetof(struct image_times, decode)},
    {decode, offsetof(struct image_times, decode)},
    {prepare_whole, offsetof(struct image_times, resize)},
    {resize_each_neutral, offsetof(struct image_times, resize)},
    {finish_each, offsetof(struct image_times, resize)},
    {encode_each, offsetof(struct image_times, encode)},
    {NULL, 0},
};

static const struct stage *stages_for(const struct image_spec *spec)
{
    if (!spec->exact)
        return stages;
    return spec->kernel == IMAGE_LANCZOS3 ? neutral_stages : exact_stages;
}

static int run_stages(struct work *work)
{
    double before = stopwatch_ms();

    for (const struct stage *stage = stages_for(work->spec); stage->run; stage++) {
        if (stage->run(work))
            return -1;
        double now = stopwatch_ms();
        *(double *)((char *)&work->result->ms + stage->clock) += now - before;
        before = now;
    }
    work->result->ms.read = work->picture.source.read_ms;
    work->result->ms.decode -= work->picture.source.read_ms;
    work->result->damage = work->picture.damage;
    return 0;
}

/* What was read, whatever came of it. */
static void tell_fingerprint(struct work *work)
{
    struct image_fingerprint *fingerprint = &work->result->fingerprint;
    int64_t reach = source_fingerprint(&work->picture.source, &fingerprint->hash);

    fingerprint->reach = reach > 0 ? reach : 0;
}

static void work_done(struct work *work)
{
    metadata_done(&work->metadata);
    for (int i = 0; i < IMAGE_SIZES_MAX; i++)
        pixels_done(&work->thumbs[i]);
    reduce_done(&work->reduce);
    picture_close(&work->picture);
}

int image_thumbnail(const struct image_input *input, const struct image_spec *spec,
                    const struct image_module *module, struct image_result *ret,
                    struct image_fault *fault)
{
    struct image_result result = {0};
    struct work work = {
        .input = input, .spec = spec, .module = module, .result = &result, .fault = fault};
    int rc = run_stages(&work);

    tell_fingerprint(&work);
    work_done(&work);
    if (rc) {
        struct image_fingerprint fingerprint = result.fingerprint;
        image_result_done(&result);
        result.fingerprint = fingerprint;
    }
    *ret = result;
    return rc;
}

bool image_fingerprint_fits(const struct image_input *input,
                            const struct image_fingerprint *fingerprint)
{
    struct source source;
    uint64_t hash;

    if (source_init(&source, input->fd, input->size_bytes))
        return false;
    bool fits = fingerprint->reach > 0 && !source_hash(&source, fingerprint->reach, &hash) &&
                hash == fingerprint->hash;
    source_done(&source);
    return fits;
}

void image_result_done(struct image_result *result)
{
    for (int i = 0; i < IMAGE_SIZES_MAX; i++)
        free(result->thumbs[i].bytes);
    memset(result, 0, sizeof *result);
}

int image_check_trust(enum image_kind kind, const struct image_spec *spec,
                      struct image_fault *fault)
{
    if (!image_kind_is_untrusted(kind) || spec->allow_untrusted)
        return 0;
    return image_fail(fault, IMAGE_UNSUPPORTED,
                      "%s is read only with --allow-untrusted: its reader was not made for files "
                      "of strangers",
                      kind == IMAGE_KIND_SVG   ? "SVG"
                      : kind == IMAGE_KIND_PDF ? "PDF"
                                               : "a picture of this kind");
}

/* Only these two are read and written without libvips. */
static bool is_native(enum image_kind kind)
{
    return kind == IMAGE_KIND_JPEG || kind == IMAGE_KIND_PNG;
}

int image_needs_module(enum image_kind input, enum image_kind format)
{
    return !is_native(input) || !is_native(format);
}
