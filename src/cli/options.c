#include "cli/options.h"

#include "batch/template.h"
#include "cli/values.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXIT_USAGE = 2,
    TIMEOUT_MS = 60000, /* for one picture, where nothing else is said */
};

static const long long PIXELS_MAX = 1LL << 40; /* as many as there is room to count */

/* Options without a letter. */
enum long_only {
    OPTION_BASE = 256,
    OPTION_NAME,
    OPTION_ON_CLASH,
    OPTION_EXECUTOR,
    OPTION_RETRIES,
    OPTION_TIMEOUT,
    OPTION_FAIL_FAST,
    OPTION_MAX_ERRORS,
    OPTION_MAX_PIXELS,
    OPTION_MAX_BYTES,
    OPTION_MAX_SCANS,
    OPTION_REPORT,
    OPTION_TRACE,
    OPTION_GALLERY,
    OPTION_DEPFILE,
    OPTION_DEPFILE_TARGET,
    OPTION_PROGRESS,
    OPTION_QUIET,
    OPTION_FORCE,
    OPTION_PRUNE,
    OPTION_USAGE
};

/* clang-format off */
static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "Output", 2},
    {"output", 'o', "DIR", 0, "Folder for the thumbnails; the input tree is mirrored below it"
                              " (default: thumbs)", 0},
    {"base", OPTION_BASE, "DIR", 0, "What the mirrored names are relative to (default: each folder"
                                    " in PATH, and each file's own)", 0},
    {"name", OPTION_NAME, "TEMPLATE", 0, "Names of the outputs, made of {dir}, {stem}, {ext}, {size}, {w}"
                                         " and {h} (default: {dir}/{stem}{ext}, and {dir}/{stem}-{size}{ext}"
                                         " with several sizes)", 0},
    {"on-clash", OPTION_ON_CLASH, "HOW", 0, "Two pictures with one output: error, before any work, or suffix,"
                                            " which gives one of them a longer name (default: error)", 0},
    {"force", OPTION_FORCE, NULL, 0, "Make and write every thumbnail anew, also those that are up to date", 0},
    {"dry-run", 'n', NULL, 0, "Only say, on standard output, what would be done", 0},
    {"prune", OPTION_PRUNE, NULL, 0, "Remove thumbnails whose picture is gone from the folders in PATH", 0},
    {"depfile", OPTION_DEPFILE, "FILE", 0, "Write what the thumbnails are made of, as make and ninja read"
                                           " it: a rule for each picture's outputs", 0},
    {"depfile-target", OPTION_DEPFILE_TARGET, "NAME", 0, "The one target in it, a stamp say, which depends"
                                           " on all pictures and on the folders that were walked", 0},
    {NULL, 0, NULL, 0, "Work", 5},
    {"jobs", 'j', "N", 0, "Workers; 50% is half of the CPUs, 0 is all that this process may use"
                          " or make's jobserver grants (default: 0)", 0},
    {"executor", OPTION_EXECUTOR, "KIND", 0, "processes, threads (a crash takes the program)"
                                        " or sequential (default: processes)", 0},
    {"retries", OPTION_RETRIES, "N", 0, "New attempts for a picture whose worker died"
                                        " (default: 1)", 0},
    {"timeout", OPTION_TIMEOUT, "SEC", 0, "Give up a picture after so many seconds of work; 0 is never"
                                          " (default: 60, and 0 without processes)", 0},
    {"fail-fast", OPTION_FAIL_FAST, NULL, 0, "Stop when a picture has failed", 0},
    {"max-errors", OPTION_MAX_ERRORS, "N", 0, "Stop when N pictures have failed", 0},
    {NULL, 0, NULL, 0, "Limits", 6},
    {"max-pixels", OPTION_MAX_PIXELS, "N", 0, "Refuse pictures with more pixels, by their header, and"
                                              " thumbnails with more (default: 268402689)", 0},
    {"max-bytes", OPTION_MAX_BYTES, "SIZE", 0, "Refuse larger files; 500K, 20M, 1G (default: 1G)", 0},
    {"max-scans", OPTION_MAX_SCANS, "N", 0, "Refuse progressive JPEG of more scans (default: 500)", 0},
    {NULL, 0, NULL, 0, "Messages", 7},
    {"report", OPTION_REPORT, "FILE", 0, "Write what happened to each picture, as NDJSON; - is"
                                         " standard output", 0},
    {"trace", OPTION_TRACE, "FILE", 0, "Write what each worker did when, as Chrome trace events, which"
                                       " Perfetto shows", 0},
    {"gallery", OPTION_GALLERY, "FILE.html", 0, "Write a page of all thumbnails, with what failed and why", 0},
    {"progress", OPTION_PROGRESS, "WHEN", 0, "Status line: auto (on a terminal), always or never"
                                             " (default: auto)", 0},
    {"quiet", OPTION_QUIET, NULL, 0, "Only failures", 0},
    {"verbose", 'v', NULL, 0, "A line for every picture", 0},
    {NULL, 0, NULL, 0, "Help", 8},
    {"help", 'h', NULL, 0, "Show this and exit", 0},
    {"usage", OPTION_USAGE, NULL, 0, "Show the options in short and exit", 0},
    {"version", 'V', NULL, 0, "Show the versions of program and libraries, and exit", 0},
    {0},
};
/* clang-format on */

static const char usage_text[] = "PATH...";
static const char help_text[] =
    "Makes a thumbnail of every picture in PATH, files or folders, on all CPUs.\n\n"
    "  thumbpool --blur 0 -s 640 -f webp -o assets images/\n"
    "  thumbpool ~/Photos -o thumbs\n"
    "  thumbpool -s 50 -j 2 --report report.ndjson *.jpg\n"
    "\v"
    "What a walk takes: names that end in jpg, jpeg, jpe, jfif, png, webp, gif, tif, tiff, heic, "
    "heif"
    " or avif, not hidden, no links. What is named is always tried. Nothing is enlarged without"
    " --upscale.\n\n"
    "thumbpool bench compares sequential work, threads and processes on this machine: see thumbpool"
    " bench --help. A folder of that name is given as ./bench.\n\n"
    "Exit status: 0 all made or up to date; 1 some pictures failed, the rest are done; 2 wrong"
    " usage, two inputs for one output, or an output that is an input: nothing was written; 3 it"
    " could not go on: no input, output not writable, disk full; 4 stopped by --fail-fast or"
    " --max-errors. An interrupted run dies of the"
    " signal.";

/* ---- Values --------------------------------------------------------------------------------- */

/* Seconds, which may have a fraction. Returns milliseconds, 1 at least unless it is 0. */
static int parse_timeout(const struct argp_state *state, const char *text)
{
    return (int)ceil(value_real(state, "timeout", text, 0, 1e6) * 1000);
}

/* Workers: "4", "50%", or 0 for as many as may be. */
static int parse_jobs(const struct argp_state *state, const char *text)
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    int percent = *end == '%';
    if (end == text || end[percent] != '\0' || errno != 0 || number < 0 || number > 4096)
        argp_error(state,
                   "--jobs takes a number from 0 to 4096, or a share such as 50%%, not"
                   " \"%s\"",
                   text);
    long share = (number * mp_cpu_count() + 50) / 100;
    if (percent)
        number = share > 0 ? share : 1;
    return (int)number;
}

static bool parse_on_clash(const struct argp_state *state, const char *text)
{
    static const char *const words[] = {"error", "suffix", NULL};
    return value_word(state, "on-clash", text, words, "error or suffix") == 1;
}

static enum mp_kind parse_kind(const struct argp_state *state, const char *text)
{
    static const char *const words[] = {"processes", "threads", "sequential", NULL};
    static const enum mp_kind kinds[] = {MP_PROCESSES, MP_THREADS, MP_SEQUENTIAL};
    return kinds[value_word(state, "executor", text, words, "processes, threads or sequential")];
}

static enum progress_when parse_progress(const struct argp_state *state, const char *text)
{
    static const char *const words[] = {"auto", "always", "never", NULL};
    return (enum progress_when)value_word(state, "progress", text, words, "auto, always or never");
}

/* ---- The parser ----------------------------------------------------------------------------- */

static void print_version(void)
{
    printf("thumbpool %s\n%s\n", THUMBPOOL_VERSION, THUMBPOOL_LIBRARIES);
}

static void add_path(const struct argp_state *state, struct options *options, char *path)
{
    /* Words that are, or will be, commands; a folder of that name is given as ./bench. */
    bool first = options->path_count == 0;
    if (first && strcmp(path, "bench") == 0)
        argp_error(state,
                   "the command \"bench\" comes before all options; a folder of that name is given"
                   " as ./bench");
    if (first && strcmp(path, "worker") == 0)
        argp_error(state,
                   "the command \"%s\" is not part of this version; a folder of that name"
                   " is given as ./%s",
                   path, path);
    options->paths[options->path_count++] = path;
}

static void finish(const struct argp_state *state, struct options *options)
{
    if (options->path_count == 0 && !options->input.list)
        argp_error(state, "give at least one file or folder");
    const char *why =
        options->name ? template_check(options->name, options->picture.spec.box_count > 1) : NULL;
    if (why)
        argp_error(state, "--name %s: %s", options->name, why);
    if (options->depfile_target && !options->depfile)
        argp_error(state, "--depfile-target says what is in the --depfile, which is not given");
    options->any_jobs = options->jobs == 0;
    if (options->any_jobs)
        options->jobs = mp_cpu_count();
    if (options->dry_run && options->report && strcmp(options->report, "-") == 0)
        argp_error(state, "--dry-run and --report - cannot both have standard output");
    if (options->gallery && strcmp(options->gallery, "-") == 0)
        argp_error(state, "--gallery takes the name of a file, which the page's links start from");
    if (options->output[0] == '\0')
        argp_error(state, "--output takes the name of a folder");
    if (options->timeout_ms > 0 && options->kind != MP_PROCESSES)
        argp_error(state, "--timeout needs processes: nothing else can be stopped amid its work");
    if (options->timeout_ms < 0)
        options->timeout_ms = options->kind == MP_PROCESSES ? TIMEOUT_MS : 0;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct options *options = state->input;
    struct image_spec *spec = &options->picture.spec;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->input;
        state->child_inputs[1] = &options->picture;
        break;
    case 'o': options->output = value; break;
    case 'j': options->jobs = parse_jobs(state, value); break;
    case 'v': options->verbose = true; break;
    case 'n': options->dry_run = true; break;
    case OPTION_BASE: options->base = value; break;
    case OPTION_NAME: options->name = value; break;
    case OPTION_ON_CLASH: options->suffix = parse_on_clash(state, value); break;
    case OPTION_EXECUTOR: options->kind = parse_kind(state, value); break;
    case OPTION_RETRIES: options->retries = value_int(state, "retries", value, 0, 1000000); break;
    case OPTION_TIMEOUT: options->timeout_ms = parse_timeout(state, value); break;
    case OPTION_FAIL_FAST: options->max_errors = 1; break;
    case OPTION_MAX_ERRORS:
        options->max_errors = value_int(state, "max-errors", value, 1, INT_MAX);
        break;
    case OPTION_MAX_PIXELS:
        spec->max_pixels = value_long(state, "max-pixels", value, 1, PIXELS_MAX);
        break;
    case OPTION_MAX_BYTES: options->max_bytes = value_size(state, "max-bytes", value); break;
    case OPTION_MAX_SCANS:
        spec->max_scans = value_int(state, "max-scans", value, 1, INT_MAX);
        break;
    case OPTION_REPORT: options->report = value; break;
    case OPTION_TRACE: options->trace = value; break;
    case OPTION_GALLERY: options->gallery = value; break;
    case OPTION_DEPFILE: options->depfile = value; break;
    case OPTION_DEPFILE_TARGET: options->depfile_target = value; break;
    case OPTION_PROGRESS: options->progress = parse_progress(state, value); break;
    case OPTION_QUIET: options->quiet = true; break;
    case OPTION_FORCE: options->force = true; break;
    case OPTION_PRUNE: options->prune = true; break;
    case OPTION_USAGE: argp_state_help(state, stdout, ARGP_HELP_USAGE | ARGP_HELP_EXIT_OK); break;
    case 'h': argp_state_help(state, stdout, ARGP_HELP_STD_HELP); break;
    case 'V': print_version(); exit(EXIT_SUCCESS);
    case ARGP_KEY_ARG: add_path(state, options, value); break;
    case ARGP_KEY_END: finish(state, options); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

void options_parse(int argc, char **argv, struct options *ret)
{
    static const struct argp_child children[] = {
        {.argp = &input_options_parser}, {.argp = &picture_options_parser}, {0}};
    static const struct argp parser = {.options = option_table,
                                       .parser = parse_option,
                                       .args_doc = usage_text,
                                       .doc = help_text,
                                       .children = children};
    *ret = (struct options){
        .output = "thumbs", .retries = 1, .timeout_ms = -1, .max_bytes = INT64_C(1) << 30};
    picture_options_init(&ret->picture);
    if (!(ret->paths = calloc((size_t)argc, sizeof *ret->paths)))
        exit(EXIT_FAILURE);
    argp_err_exit_status = EXIT_USAGE;
    argv[0] = (char *)"thumbpool"; /* what messages begin with, however it was called */
    argp_parse(&parser, argc, argv, ARGP_NO_HELP, NULL, ret);
}

void options_done(struct options *options)
{
    input_options_done(&options->input);
    free(options->paths);
    options->paths = NULL;
}
