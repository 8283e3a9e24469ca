#include "cli/picture_options.h"

#include "cli/help.h"
#include "cli/suggest.h"
#include "cli/values.h"

#include <stdio.h>
#include <string.h>

/* Options without a letter. */
enum long_only {
    OPTION_FIT = 512,
    OPTION_GRAVITY,
    OPTION_UPSCALE,
    OPTION_EXACT,
    OPTION_KERNEL,
    OPTION_NO_ROTATE,
    OPTION_BACKGROUND,
    OPTION_CHROMA,
    OPTION_PROGRESSIVE,
    OPTION_KEEP,
    OPTION_ON_DAMAGE,
    OPTION_ALLOW_UNTRUSTED,
};

/* clang-format off */
static const struct argp_option option_table[] = {
    {"size", 's', "WxH", 0, "Box to fit, in pixels: W, WxH, Wx or xH; may be repeated (default: 256)", HELP_COMMON},
    {"fit", OPTION_FIT, "inside|cover|fill|contain", 0, "How the box is met; cover crops, fill distorts,"
                                                        " contain has a border (default: inside)", 0},
    {"blur", 'b', "SIGMA", 0, "Gaussian blur before the thumbnail, standard deviation in source"
                              " pixels; 0 is none (default: 2)", 0},
    {"format", 'f', "keep|jpeg|png|webp|avif", 0, "Of the thumbnails; keep goes by the picture's name: jpg, png,"
                                                  " webp and avif stay, gif and svg become png, all else jpeg"
                                                  " (default: keep)", 0},
    {"quality", 'q', "1..100", 0, "Quality of lossy formats (default: 75)", 0},
    {NULL, 0, NULL, 0, "Picture", HELP_PICTURE},
    {"gravity", OPTION_GRAVITY, "centre|north|…", 0, "What cover keeps and where contain puts the picture: centre,"
                                                     " north, northeast, east, southeast, south, southwest, west,"
                                                     " northwest (default: centre)", 0},
    {"upscale", OPTION_UPSCALE, NULL, 0, "Enlarge what is smaller than the box", 0},
    {"exact", OPTION_EXACT, NULL, 0, "Decode and blur at full size, with the arithmetic of Pillow,"
                                     " or with --kernel lanczos3 rounding but once: slow", 0},
    {"kernel", OPTION_KERNEL, "bicubic|lanczos3", 0, "Filter that resizes; lanczos3 is sharper"
                                                     " (default: bicubic)", 0},
    {"no-rotate", OPTION_NO_ROTATE, NULL, 0, "Leave pictures as they are stored, whatever EXIF says"
                                             " of the camera's orientation", 0},
    {"on-damage", OPTION_ON_DAMAGE, "fail|warn|accept", 0, "What becomes of a picture whose data are damaged: it"
                                                           " fails, or is made of what there is, with a warning"
                                                           " or without (default: fail)", 0},
    {"allow-untrusted", OPTION_ALLOW_UNTRUSTED, NULL, 0, "Read formats whose loaders are not meant for"
                                                         " strangers' files: SVG, PDF, …", 0},
    {NULL, 0, NULL, 0, "Coding", HELP_CODING},
    {"chroma", OPTION_CHROMA, "420|444", 0, "Colour of a JPEG at half or at full resolution"
                                            " (default: 420)", 0},
    {"progressive", OPTION_PROGRESSIVE, NULL, 0, "Write progressive JPEG", 0},
    {"background", OPTION_BACKGROUND, "COLOUR", 0, "Under what is transparent, where the format has no"
                                                   " transparency, and around contain: white, black,"
                                                   " grey, #rgb or #rrggbb (default: white)", 0},
    {"keep", OPTION_KEEP, "none|icc|exif|all", 0, "Metadata to keep; with icc the colours stay as they are, too"
                                                  " (default: none)", 0},
    {0},
};
/* clang-format on */

static double parse_sigma(const struct argp_state *state, const char *text)
{
    return value_real(state, "blur", text, 0, 1000);
}

static enum plan_format parse_format(const struct argp_state *state, const char *text)
{
    static const char *const words[] = {"keep", "jpeg", "png", "webp", "avif", NULL};
    return (enum plan_format)value_word(state, "format", text, words);
}

static enum image_fit parse_fit(const struct argp_state *state, const char *text)
{
    return (enum image_fit)value_word(state, "fit", text, image_fit_names);
}

static enum image_gravity parse_gravity(const struct argp_state *state, const char *text)
{
    if (strcmp(text, "center") == 0)
        return IMAGE_CENTRE;
    return (enum image_gravity)value_word(state, "gravity", text, image_gravity_names);
}

static enum image_kernel parse_kernel(const struct argp_state *state, const char *text)
{
    return (enum image_kernel)value_word(state, "kernel", text, image_kernel_names);
}

static enum image_on_damage parse_on_damage(const struct argp_state *state, const char *text)
{
    return (enum image_on_damage)value_word(state, "on-damage", text, image_on_damage_names);
}

static bool parse_chroma(const struct argp_state *state, const char *text)
{
    static const char *const words[] = {"420", "444", NULL};
    return value_word(state, "chroma", text, words) == 1;
}

static unsigned parse_keep(const struct argp_state *state, const char *text)
{
    return (unsigned)value_word(state, "keep", text, image_keep_names);
}

static void parse_background(const struct argp_state *state, const char *text, uint8_t *ret)
{
    static const char *const words[] = {"white", "black", "grey", NULL};
    if (image_colour_parse(text, ret) == 0)
        return;
    const char *near = suggest_word(text, words);
    value_refuse(state, "--background takes white, black, grey, #rgb or #rrggbb, not \"%s\"%s%s%s",
                 text, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static void add_size(const struct argp_state *state, struct image_spec *spec, const char *text)
{
    struct image_box box;
    if (image_box_parse(text, &box) != 0)
        value_refuse(state, "--size takes W, WxH, Wx or xH, with sides from 1 to %d, not \"%s\"",
                     IMAGE_SIDE_MAX, text);
    for (int i = 0; i < spec->box_count; i++)
        if (spec->boxes[i].width == box.width && spec->boxes[i].height == box.height)
            return;
    if (spec->box_count == IMAGE_SIZES_MAX)
        value_refuse(state, "there may be %d sizes at most", IMAGE_SIZES_MAX);
    spec->boxes[spec->box_count++] = box;
}

/* Two sides are needed to say what is cropped, distorted or bordered. */
static void check_boxes(const struct argp_state *state, const struct image_spec *spec)
{
    for (int i = 0; i < spec->box_count; i++)
        if (spec->fit != IMAGE_INSIDE && (!spec->boxes[i].width || !spec->boxes[i].height))
            value_refuse(state, "--fit other than inside needs both sides of --size, WxH");
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct picture_options *options = state->input;
    struct image_spec *spec = &options->spec;
    switch (key) {
    case 's': add_size(state, spec, value); break;
    case 'b':
        spec->blur_sigma_px = parse_sigma(state, value);
        options->blur_given = true;
        break;
    case 'f': options->format = parse_format(state, value); break;
    case 'q': spec->quality = value_int(state, "quality", value, 1, 100); break;
    case OPTION_FIT: spec->fit = parse_fit(state, value); break;
    case OPTION_GRAVITY: spec->gravity = parse_gravity(state, value); break;
    case OPTION_UPSCALE: spec->upscale = true; break;
    case OPTION_EXACT: spec->exact = true; break;
    case OPTION_KERNEL: spec->kernel = parse_kernel(state, value); break;
    case OPTION_NO_ROTATE: spec->rotate = false; break;
    case OPTION_BACKGROUND: parse_background(state, value, spec->background); break;
    case OPTION_CHROMA: spec->full_chroma = parse_chroma(state, value); break;
    case OPTION_PROGRESSIVE: spec->progressive = true; break;
    case OPTION_KEEP: spec->keep = parse_keep(state, value); break;
    case OPTION_ON_DAMAGE: spec->on_damage = parse_on_damage(state, value); break;
    case OPTION_ALLOW_UNTRUSTED: spec->allow_untrusted = true; break;
    case ARGP_KEY_END:
        if (spec->box_count == 0)
            spec->boxes[spec->box_count++] = image_spec_default().boxes[0];
        check_boxes(state, spec);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

const struct argp picture_options_parser = {.options = option_table, .parser = parse_option};

void picture_options_init(struct picture_options *ret)
{
    *ret = (struct picture_options){.spec = image_spec_default()};
    ret->spec.box_count = 0;
}
