#include "cli/layout.h"

#include "batch/cachename.h"
#include "cli/values.h"

/* What an option says against the cache, which is shared with programs that know nothing of this
 * one: its names, sizes and format are given. NULL: nothing. */
static const char *contradiction(const struct options *options)
{
    const struct image_spec *spec = &options->picture.spec;
    enum plan_format format = options->picture.format;
    if (options->output)
        return "the folder is the desktop's: leave out --output";
    if (options->base || options->name || options->suffix)
        return "names are the desktop's: leave out --base, --name and --on-clash";
    if (options->prune)
        return "the cache is shared with other programs, so --prune does not know what is ours";
    if (options->depfile)
        return "nothing that is built depends on a cache: leave out --depfile";
    if (format != PLAN_KEEP && format != PLAN_PNG)
        return "thumbnails are PNG there: leave out --format";
    if (spec->fit != IMAGE_INSIDE || spec->upscale || !spec->rotate)
        return "pictures are whole, upright and not enlarged there: leave out --fit, --upscale and"
               " --no-rotate";
    for (int i = 0; i < spec->box_count; i++)
        if (!cachename_folder(spec->boxes[i]))
            return "--size is 128, 256, 512 or 1024 there";
    return NULL;
}

void layout_for_desktop(const struct argp_state *state, struct options *options)
{
    const char *why = contradiction(options);
    if (why)
        value_refuse(state, "--layout freedesktop: %s", why);
    options->picture.format = PLAN_PNG;
    if (!options->picture.blur_given)
        options->picture.spec.blur_sigma_px = 0;
}
