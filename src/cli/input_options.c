#include "cli/input_options.h"

#include "cli/help.h"
#include "cli/values.h"

/* Options without a letter. */
enum long_only {
    INPUT_FILES_FROM = 768,
    INPUT_INCLUDE,
    INPUT_EXCLUDE,
    INPUT_HIDDEN,
    INPUT_MAX_DEPTH,
    INPUT_FOLLOW,
};

enum { DEPTH_MAX = 1000000 };

/* clang-format off */
static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "Input", HELP_INPUT},
    {"files-from", INPUT_FILES_FROM, "FILE", 0, "Take the paths in FILE too, one a line; - is standard"
                                                 " input. Their names are kept below the output folder", 0},
    {"null", '0', NULL, 0, "The paths in FILE end in NUL, as find -print0 writes them", 0},
    {"include", INPUT_INCLUDE, "GLOB", 0, "A walk takes files that match, instead of those that end as"
                                           " pictures do; may be repeated. With a slash in it, the whole path"
                                           " below the folder has to match", 0},
    {"exclude", INPUT_EXCLUDE, "GLOB", 0, "A walk leaves out files and folders that match; may be"
                                           " repeated", 0},
    {"hidden", INPUT_HIDDEN, NULL, 0, "A walk takes what begins with a dot, too", 0},
    {"max-depth", INPUT_MAX_DEPTH, "N", 0, "Levels of folders that a walk goes through; 1 is the folder"
                                            " alone", 0},
    {"follow", INPUT_FOLLOW, NULL, 0, "A walk follows symbolic links", 0},
    {0},
};
/* clang-format on */

static void add_glob(const struct argp_state *state, struct globs *globs, const char *pattern)
{
    if (globs_add(globs, pattern) < 0)
        argp_failure(state, 3, 0, "no memory");
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct input_options *options = state->input;
    struct scan_filter *filter = &options->filter;
    switch (key) {
    case '0': options->nul = true; break;
    case INPUT_FILES_FROM: options->list = value; break;
    case INPUT_INCLUDE: add_glob(state, &filter->include, value); break;
    case INPUT_EXCLUDE: add_glob(state, &filter->exclude, value); break;
    case INPUT_HIDDEN: filter->hidden = true; break;
    case INPUT_MAX_DEPTH: filter->depth = value_int(state, "max-depth", value, 1, DEPTH_MAX); break;
    case INPUT_FOLLOW: filter->follow = true; break;
    case ARGP_KEY_END:
        if (options->nul && !options->list)
            value_refuse(state, "-0 says how the entries of --files-from end, which is not given");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

const struct argp input_options_parser = {.options = option_table, .parser = parse_option};

void input_options_done(struct input_options *options)
{
    globs_done(&options->filter.include);
    globs_done(&options->filter.exclude);
}
