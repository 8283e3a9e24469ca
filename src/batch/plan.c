#include "batch/plan.h"

#include "batch/cachename.h"
#include "batch/nameset.h"
#include "batch/template.h"
#include "batch/uri.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* ---- Names ---------------------------------------------------------------------------------- */

/* Which format an ending stands for, and how that format's own ending is written. */
struct ending {
    const char *ending;     /* of a name, without its dot */
    enum image_kind format; /* that --format keep gives it */
};

static const struct ending endings[] = {
    {"jpg", IMAGE_KIND_JPEG},  {"jpeg", IMAGE_KIND_JPEG}, {"jpe", IMAGE_KIND_JPEG},
    {"jfif", IMAGE_KIND_JPEG}, {"png", IMAGE_KIND_PNG},   {"webp", IMAGE_KIND_WEBP},
    {"avif", IMAGE_KIND_AVIF},
};

static const char *ending_of_format(enum image_kind format)
{
    switch (format) {
    case IMAGE_KIND_PNG: return "png";
    case IMAGE_KIND_WEBP: return "webp";
    case IMAGE_KIND_AVIF: return "avif";
    default: return "jpg";
    }
}

/* The ending of a name, without its dot; "" for none. A name that only begins with a dot has none.
 */
static const char *ending_of_name(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash ? slash + 1 : name;
    const char *dot = strrchr(base, '.');
    return dot && dot != base ? dot + 1 : "";
}

static enum image_kind format_of_ending(const char *ending)
{
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(ending, endings[i].ending) == 0)
            return endings[i].format;
    return IMAGE_KIND_UNKNOWN;
}

static enum image_kind format_kept(const char *name)
{
    const char *ending = ending_of_name(name);
    if (strcasecmp(ending, "gif") == 0 || strcasecmp(ending, "svg") == 0 ||
        strcasecmp(ending, "svgz") == 0)
        return IMAGE_KIND_PNG;
    enum image_kind format = format_of_ending(ending);
    return format == IMAGE_KIND_UNKNOWN ? IMAGE_KIND_JPEG : format;
}

enum image_kind plan_format_of(const struct plan *plan, uint32_t input)
{
    switch (plan->options.format) {
    case PLAN_JPEG: return IMAGE_KIND_JPEG;
    case PLAN_PNG: return IMAGE_KIND_PNG;
    case PLAN_WEBP: return IMAGE_KIND_WEBP;
    case PLAN_AVIF: return IMAGE_KIND_AVIF;
    case PLAN_KEEP: break;
    }
    return format_kept(scan_name(&plan->scan->inputs[input]));
}

/* Puts folder, slash and name into path[0..size); printf would take longer than all else that
 * planning does. Returns false when they do not fit. */
static bool path_join(const char *folder, const char *name, char *path, size_t size)
{
    size_t first = strcmp(folder, "/") == 0 ? 0 : strlen(folder), second = strlen(name);
    if (first + 1 + second >= size)
        return false;
    memcpy(path, folder, first);
    path[first] = '/';
    memcpy(path + first + 1, name, second + 1);
    return true;
}

bool plan_real(const struct plan *plan, uint32_t number, char *path, size_t size)
{
    const struct scan_input *input = &plan->scan->inputs[number];
    const char *real = plan->scan->roots[input->root].real;
    return real && path_join(real, scan_name(input), path, size);
}

/* What a picture is called more where its name alone is another's output, too: the same in every
 * run, whatever else is there, as long as the picture stays where it is. */
static void suffix_of(const struct plan *plan, uint32_t input, char *text, size_t size)
{
    char path[PATH_MAX];
    text[0] = '\0';
    if (!plan->suffixed[input])
        return;
    if (!plan_real(plan, input, path, sizeof path))
        snprintf(path, sizeof path, "%s", plan->scan->inputs[input].path);
    snprintf(text, size, "-%06x", (unsigned)(XXH3_64bits(path, strlen(path)) & 0xffffff));
}

/* ---- The desktop's names -------------------------------------------------------------------- */

/* The URI of the folder that an input's name is relative to. Returns NULL without memory, or where
 * it is too long. */
static char *folder_uri(const struct scan *scan, const struct scan_input *input)
{
    char spelled[PATH_MAX] = "", path[PATH_MAX + 1], uri[URI_BYTES];
    if (input->name_at >= sizeof spelled)
        return NULL;
    memcpy(spelled, input->path, input->name_at);
    if (uri_folder_path(spelled, scan->roots[input->root].real, path) < 0)
        return NULL;
    if (strcmp(path, "/") != 0)
        strcat(path, "/");
    return uri_of_path(path, uri, sizeof uri) < 0 ? NULL : strdup(uri);
}

static int folder_uris_make(struct plan *plan)
{
    const struct scan *scan = plan->scan;
    plan->folder_uris = calloc(scan->root_count ? scan->root_count : 1, sizeof(char *));
    for (size_t i = 0; i < scan->count && plan->folder_uris; i++) {
        char **uri = &plan->folder_uris[scan->inputs[i].root];
        if (!*uri)
            *uri = folder_uri(scan, &scan->inputs[i]);
    }
    return plan->folder_uris ? 0 : -ENOMEM;
}

static void folder_uris_free(struct plan *plan)
{
    for (size_t i = 0; plan->folder_uris && i < plan->scan->root_count; i++)
        free(plan->folder_uris[i]);
    free(plan->folder_uris);
}

int plan_uri(const struct plan *plan, uint32_t number, char *uri, size_t size)
{
    const struct scan_input *input = &plan->scan->inputs[number];
    const char *folder = plan->folder_uris[input->root];
    char name[URI_BYTES];
    const size_t scheme = strlen("file://");
    if (!folder || uri_of_path(scan_name(input), name, sizeof name) < 0)
        return -ENAMETOOLONG;
    int length = snprintf(uri, size, "%s%s", folder, name + scheme);
    return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

static int cache_name(const struct plan *plan, uint32_t number, int index, char *name, size_t size)
{
    const char *folder = cachename_folder(plan->options.spec->boxes[index]);
    char uri[URI_BYTES];
    int error = folder ? plan_uri(plan, number, uri, sizeof uri) : -EINVAL;
    return error < 0 ? error : cachename_of(folder, uri, name, size);
}

/* ---- Outputs -------------------------------------------------------------------------------- */

int plan_name(const struct plan *plan, uint32_t number, int index, char *name, size_t size)
{
    if (plan->options.layout == PLAN_FREEDESKTOP)
        return cache_name(plan, number, index, name, size);
    const struct scan_input *input = &plan->scan->inputs[number];
    const char *from = scan_name(input), *ending = ending_of_name(from);
    const char *slash = strrchr(from, '/'), *base = slash ? slash + 1 : from;
    const char *prefix = plan->scan->roots[input->root].prefix;
    enum image_kind format = plan_format_of(plan, number);
    char suffix[16];
    suffix_of(plan, number, suffix, sizeof suffix);
    struct template_words words = {
        .dir = prefix,
        .dir_length = (int)strlen(prefix),
        .dir_rest = from,
        .dir_rest_length = slash ? (int)(slash - from) : 0,
        .stem = base,
        .stem_length = (int)(strlen(base) - strlen(ending) - (*ending != '\0')),
        .suffix = suffix,
        /* as the input spells it where that will do: .JPG, .jpeg */
        .ext = format_of_ending(ending) == format ? ending : ending_of_format(format),
        .box = plan->options.spec->boxes[index],
    };
    if (words.dir_rest_length == 0 && words.dir_length > 0)
        words.dir_length--; /* the prefix ends with a slash */
    return template_expand(plan->template, &words, name, size);
}

/* Names are compared as a disk compares them that does not care for case: one may be where the
 * thumbnails go next. */
static void name_fold(char *name)
{
    for (; *name; name++)
        if (*name >= 'A' && *name <= 'Z')
            *name += 'a' - 'A';
}

/* Puts the folded name of an output into name[0..PATH_MAX). Returns as plan_name(). */
static int name_folded(const struct plan *plan, uint32_t input, int index, char *name)
{
    int error = plan_name(plan, input, index, name, PATH_MAX);
    name_fold(name);
    return error;
}

/* ---- Problems ------------------------------------------------------------------------------- */

static void problem_add(struct plan *plan, struct plan_problem problem)
{
    if (plan->problem_count < PLAN_PROBLEMS_KEPT)
        plan->problems[plan->problem_count] = problem;
    plan->problem_count++;
}

static bool input_is_named(void *user, uint32_t owner, const char *name)
{
    char path[PATH_MAX];
    return plan_real(user, owner, path, sizeof path) && strcmp(path, name) == 0;
}

/* In the set of outputs, an owner is input * sizes + size. */
static bool output_is_named(void *user, uint32_t owner, const char *name)
{
    const struct plan *plan = user;
    uint32_t sizes = (uint32_t)plan->options.spec->box_count;
    char path[PATH_MAX];
    return name_folded(plan, owner / sizes, (int)(owner % sizes), path) == 0 &&
           strcmp(path, name) == 0;
}

struct planning {
    struct plan *plan;
    struct nameset inputs;  /* paths of the inputs, without links */
    struct nameset outputs; /* names of the outputs */
};

/* Looks whether an output would replace one of the inputs. */
static void overwrite_check(struct planning *planning, uint32_t input, int index, const char *name)
{
    struct plan *plan = planning->plan;
    char path[PATH_MAX];
    uint32_t other;
    if (!plan->options.output_real || plan->options.layout == PLAN_FREEDESKTOP)
        return; /* a folder that does not exist holds no input; of the cache none is read */
    if (path_join(plan->options.output_real, name, path, sizeof path) &&
        nameset_find(&planning->inputs, path, &other))
        problem_add(plan, (struct plan_problem){PLAN_OVERWRITE, input, other, index});
}

/* Gives the picture a name of its own when another has one of its names already. */
static int outputs_tell_apart(struct planning *planning, uint32_t input)
{
    struct plan *plan = planning->plan;
    for (int i = 0; i < plan->options.spec->box_count; i++) {
        char name[PATH_MAX];
        uint32_t owner;
        int error = name_folded(plan, input, i, name);
        if (error < 0)
            return error;
        if (nameset_find(&planning->outputs, name, &owner))
            plan->suffixed[input] = true;
    }
    return 0;
}

static int output_plan(struct planning *planning, uint32_t input, int index)
{
    struct plan *plan = planning->plan;
    uint32_t sizes = (uint32_t)plan->options.spec->box_count;
    char name[PATH_MAX];
    uint32_t owner;
    int error = name_folded(plan, input, index, name);
    int added =
        error < 0 ? error
                  : nameset_add(&planning->outputs, name, input * sizes + (uint32_t)index, &owner);
    if (added < 0)
        return added;
    if (added == 0)
        problem_add(plan, (struct plan_problem){PLAN_CLASH, input, owner / sizes, index});
    if ((error = plan_name(plan, input, index, name, sizeof name)) < 0)
        return error;
    overwrite_check(planning, input, index, name);
    return 0;
}

static int outputs_plan(struct planning *planning, uint32_t input)
{
    struct plan *plan = planning->plan;
    int error = plan->options.suffix ? outputs_tell_apart(planning, input) : 0;
    for (int i = 0; i < plan->options.spec->box_count && error == 0; i++)
        error = output_plan(planning, input, i);
    return error;
}

/* All inputs must be known before the first output is compared with them. Inputs that were named
 * twice drop out here. */
static int inputs_collect(struct planning *planning)
{
    struct plan *plan = planning->plan;
    for (uint32_t i = 0; i < plan->scan->count; i++) {
        char path[PATH_MAX];
        uint32_t owner;
        int added = 1;
        if (plan_real(plan, i, path, sizeof path))
            added = nameset_add(&planning->inputs, path, i, &owner);
        if (added < 0)
            return added;
        if (added == 1)
            plan->order[plan->count++] = i;
    }
    plan->all = plan->count;
    return 0;
}

/* Puts what is this shard's first, and counts it. Nothing else changes its place. */
static int order_divide(struct plan *plan)
{
    uint32_t *others = calloc(plan->all ? plan->all : 1, sizeof *others);
    if (!others)
        return -ENOMEM;
    plan->count = 0;
    for (size_t i = 0; i < plan->all; i++) {
        const struct scan_input *input = &plan->scan->inputs[plan->order[i]];
        const char *prefix = plan->scan->roots[input->root].prefix;
        if (shard_has(&plan->options.shard, prefix, scan_name(input)))
            plan->order[plan->count++] = plan->order[i];
        else
            others[i - plan->count] = plan->order[i];
    }
    memcpy(plan->order + plan->count, others, (plan->all - plan->count) * sizeof *others);
    free(others);
    return 0;
}

int plan_make(const struct plan_options *options, const struct scan *scan, struct plan *ret)
{
    bool several = options->spec->box_count > 1;
    *ret = (struct plan){.options = *options, .scan = scan};
    ret->template = options->name ? options->name
                    : several     ? "{dir}/{stem}-{size}{ext}"
                                  : "{dir}/{stem}{ext}";
    if (scan->count > UINT32_MAX / IMAGE_SIZES_MAX)
        return -ENOMEM;
    ret->order = calloc(scan->count ? scan->count : 1, sizeof *ret->order);
    ret->suffixed = calloc(scan->count ? scan->count : 1, sizeof *ret->suffixed);
    if (!ret->order || !ret->suffixed)
        return -ENOMEM;
    struct planning planning = {.plan = ret};
    nameset_init(&planning.inputs, input_is_named, ret);
    nameset_init(&planning.outputs, output_is_named, ret);
    int error = nameset_reserve(&planning.inputs, scan->count);
    if (error == 0 && options->layout == PLAN_FREEDESKTOP)
        error = folder_uris_make(ret);
    if (error == 0)
        error = nameset_reserve(&planning.outputs, scan->count * (size_t)options->spec->box_count);
    if (error == 0)
        error = inputs_collect(&planning);
    for (size_t i = 0; i < ret->count && error == 0; i++)
        if (scan->inputs[ret->order[i]].error == 0) /* what cannot be read has no output */
            error = outputs_plan(&planning, ret->order[i]);
    if (error == 0 && options->shard.count > 0)
        error = order_divide(ret);
    nameset_done(&planning.inputs);
    nameset_done(&planning.outputs);
    return error;
}

void plan_done(struct plan *plan)
{
    free(plan->order);
    free(plan->suffixed);
    folder_uris_free(plan);
    *plan = (struct plan){0};
}
