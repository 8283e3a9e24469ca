#include "cli/options.h"

#include "batch/ram.h"
#include "batch/template.h"
#include "cli/bench_options.h"
#include "cli/completions.h"
#include "cli/help.h"
#include "cli/layout.h"
#include "cli/shard_env.h"
#include "cli/suggest.h"
#include "cli/terminal.h"
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
    OPTION_LAYOUT,
    OPTION_NAME,
    OPTION_ON_CLASH,
    OPTION_EXECUTOR,
    OPTION_SANDBOX,
    OPTION_SHARD,
    OPTION_RETRIES,
    OPTION_TIMEOUT,
    OPTION_FAIL_FAST,
    OPTION_MAX_ERRORS,
    OPTION_MAX_PIXELS,
    OPTION_MAX_BYTES,
    OPTION_MAX_SCANS,
    OPTION_MAX_MEMORY,
    OPTION_REPORT,
    OPTION_TRACE,
    OPTION_GALLERY,
    OPTION_DEPFILE,
    OPTION_DEPFILE_TARGET,
    OPTION_PROGRESS,
    OPTION_COLOUR,
    OPTION_QUIET,
    OPTION_FORCE,
    OPTION_FSYNC,
    OPTION_PRUNE,
    OPTION_USAGE,
    OPTION_COMPLETIONS
};

/* clang-format off */
static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "Common options", HELP_COMMON},
    {"output", 'o', "DIR", 0, "Folder for the thumbnails; the input tree is mirrored below it"
                              " (default: thumbs)", 0},
    {"jobs", 'j', "N", 0, "Workers; 50% is half of the CPUs, 0 is all that this process may use"
                          " or make's jobserver grants (default: 0)", 0},
    {"dry-run", 'n', NULL, 0, "Only say, on standard output, what would be done", 0},
    {NULL, 0, NULL, 0, "Output", HELP_OUTPUT},
    {"base", OPTION_BASE, "DIR", 0, "What the mirrored names are relative to (default: each folder"
                                    " in PATH, and each file's own)", 0},
    {"name", OPTION_NAME, "TEMPLATE", 0, "Names of the outputs, made of {dir}, {stem}, {ext}, {size}, {w}"
                                         " and {h} (default: {dir}/{stem}{ext}, and {dir}/{stem}-{size}{ext}"
                                         " with several sizes)", 0},
    {"on-clash", OPTION_ON_CLASH, "error|suffix", 0, "Two pictures with one output: an error before any work,"
                                                     " or one of them gets a longer name (default: error)", 0},
    {"layout", OPTION_LAYOUT, "mirror|freedesktop", 0, "Where thumbnails go; freedesktop is the cache in which"
                                                       " file managers look for them: sizes 128, 256, 512 and"
                                                       " 1024, no blur unless given (default: mirror)", 0},
    {"force", OPTION_FORCE, NULL, 0, "Make and write every thumbnail anew, also those that are up to date", 0},
    {"fsync", OPTION_FSYNC, NULL, 0, "Flush every thumbnail to disk, so that none is lost when the machine"
                                     " crashes: slow", 0},
    {"prune", OPTION_PRUNE, NULL, 0, "Remove thumbnails whose picture is gone from the folders in PATH", 0},
    {"depfile", OPTION_DEPFILE, "FILE", 0, "Write what the thumbnails are made of, as make and ninja read"
                                           " it: a rule for each picture's outputs", 0},
    {"depfile-target", OPTION_DEPFILE_TARGET, "NAME", 0, "The one target in it, a stamp say, which depends"
                                           " on all pictures and on the folders that were walked", 0},
    {NULL, 0, NULL, 0, "Work", HELP_WORK},
    {"executor", OPTION_EXECUTOR, "processes|threads|sequential", 0, "What the workers are; a thread that crashes"
                                                                     " takes the program along (default: processes)", 0},
    {"sandbox", OPTION_SANDBOX, "auto|require|off", 0, "Jail of the workers: as far as this system has it,"
                                                       " all of it or no run, or none (default: auto)", 0},
    {"shard", OPTION_SHARD, "I/N|auto|auto/N", 0, "Make only the Ith of N parts, which other runs of the same"
                                                  " command make up to the whole; auto asks the variables"
                                                  " of Slurm, Kubernetes and others", 0},
    {"retries", OPTION_RETRIES, "N", 0, "New attempts for a picture whose worker died"
                                        " (default: 1)", 0},
    {"timeout", OPTION_TIMEOUT, "SEC", 0, "Give up a picture after so many seconds of work; 0 is never"
                                          " (default: 60, and 0 without processes)", 0},
    {"fail-fast", OPTION_FAIL_FAST, NULL, 0, "Stop when a picture has failed", 0},
    {"max-errors", OPTION_MAX_ERRORS, "N", 0, "Stop when N pictures have failed", 0},
    {NULL, 0, NULL, 0, "Limits", HELP_LIMITS},
    {"max-pixels", OPTION_MAX_PIXELS, "N", 0, "Refuse pictures with more pixels, by their header, and"
                                              " thumbnails with more (default: 268402689)", 0},
    {"max-bytes", OPTION_MAX_BYTES, "SIZE", 0, "Refuse larger files; 500K, 20M, 1G (default: 1G)", 0},
    {"max-memory", OPTION_MAX_MEMORY, "SIZE", 0, "Memory for the pictures of all workers together: large ones"
                                                 " take turns, and are refused if they never fit"
                                                 " (default: half of the memory that there is)", 0},
    {"max-scans", OPTION_MAX_SCANS, "N", 0, "Refuse progressive JPEG of more scans (default: 500)", 0},
    {NULL, 0, NULL, 0, "Messages", HELP_MESSAGES},
    {"report", OPTION_REPORT, "FILE", 0, "Write what happened to each picture, as NDJSON; - is"
                                         " standard output", 0},
    {"trace", OPTION_TRACE, "FILE", 0, "Write what each worker did when, as Chrome trace events, which"
                                       " Perfetto shows", 0},
    {"gallery", OPTION_GALLERY, "FILE.html", 0, "Write a page of all thumbnails, with what failed and why", 0},
    {"progress", OPTION_PROGRESS, "auto|always|never", 0, "Status line; auto is on a terminal only (default: auto)", 0},
    {"color", OPTION_COLOUR, "auto|always|never", 0, "Colours in messages; auto is on a terminal only, and"
                                                     " not where NO_COLOR is set (default: auto)", 0},
    {"quiet", OPTION_QUIET, NULL, 0, "Only failures", 0},
    {"verbose", 'v', NULL, 0, "A line for every picture", 0},
    {NULL, 0, NULL, 0, "Help", HELP_HELP},
    {"help", 'h', NULL, 0, "Show this and exit", 0},
    {"usage", OPTION_USAGE, NULL, 0, "Show the options in short and exit", 0},
    {"version", 'V', NULL, 0, "Show the versions of program and libraries, and exit", 0},
    {"completions", OPTION_COMPLETIONS, "bash|zsh|fish", OPTION_HIDDEN, "Print completions for a shell", 0},
    {0},
};
/* clang-format on */

static const char usage_text[] = "PATH...";

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
        value_refuse(state,
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
    return value_word(state, "on-clash", text, words) == 1;
}

static enum plan_layout parse_layout(const struct argp_state *state, const char *text)
{
    static const char *const words[] = {"mirror", "freedesktop", NULL};
    return (enum plan_layout)value_word(state, "layout", text, words);
}

static enum mp_kind parse_kind(const struct argp_state *state, const char *text)
{
    static const char *const words[] = {"processes", "threads", "sequential", NULL};
    static const enum mp_kind kinds[] = {MP_PROCESSES, MP_THREADS, MP_SEQUENTIAL};
    return kinds[value_word(state, "executor", text, words)];
}

static enum sandbox_mode parse_sandbox(const struct argp_state *state, const char *text)
{
    static const char *const words[] = {"auto", "require", "off", NULL};
    return (enum sandbox_mode)value_word(state, "sandbox", text, words);
}

static struct shard parse_shard(const struct argp_state *state, const char *text)
{
    char why[SHARD_WHY_BYTES];
    struct shard shard = {0};
    if (shard_env_parse(text, getenv, &shard, why) < 0)
        value_refuse(state, "%s", why);
    return shard;
}

static enum progress_when parse_progress(const struct argp_state *state, const char *text)
{
    return (enum progress_when)value_word(state, "progress", text, progress_when_names);
}

static void parse_colour(const struct argp_state *state, const char *text)
{
    int when = value_word(state, "color", text, progress_when_names);
    if (when != PROGRESS_AUTO)
        terminal_force_colour(when == PROGRESS_ALWAYS);
}

/* ---- The parser ----------------------------------------------------------------------------- */

static void print_version(void)
{
    printf("thumbpool %s\nbuilt with %s\n", THUMBPOOL_VERSION, THUMBPOOL_LIBRARIES);
}

/* Prints them, and ends the program. */
static void print_completions(const struct argp_state *state, const char *name)
{
    int shell = value_word(state, "completions", name, completions_shells);
    completions_print(shell, &options_parser, &bench_options_parser);
    help_exit(state);
}

static void add_path(const struct argp_state *state, struct options *options, char *path)
{
    /* Words that are, or will be, commands; a folder of that name is given as ./bench. */
    bool first = options->path_count == 0;
    if (first && strcmp(path, "bench") == 0)
        value_refuse(
            state, "the command \"bench\" comes before all options; a folder of that name is given"
                   " as ./bench");
    if (first && strcmp(path, "worker") == 0)
        value_refuse(state,
                     "the command \"%s\" is not part of this version; a folder of that name"
                     " is given as ./%s",
                     path, path);
    options->paths[options->path_count++] = path;
}

static void finish(const struct argp_state *state, struct options *options)
{
    if (options->path_count == 0 && !options->input.list)
        value_refuse(state, "give at least one file or folder");
    const char *why =
        options->name ? template_check(options->name, options->picture.spec.box_count > 1) : NULL;
    if (why)
        value_refuse(state, "--name %s: %s", options->name, why);
    if (options->depfile_target && !options->depfile)
        value_refuse(state, "--depfile-target says what is in the --depfile, which is not given");
    if (options->shard.count > 0 && options->prune)
        value_refuse(state, "--prune has to see all pictures, so it does not go with --shard; give"
                            " it to a run without");
    options->any_jobs = options->jobs == 0;
    if (options->any_jobs)
        options->jobs = mp_cpu_count();
    if (options->dry_run && options->report && strcmp(options->report, "-") == 0)
        value_refuse(state, "--dry-run and --report - cannot both have standard output");
    if (options->gallery && strcmp(options->gallery, "-") == 0)
        value_refuse(state,
                     "--gallery takes the name of a file, which the page's links start from");
    if (options->layout == PLAN_FREEDESKTOP)
        layout_for_desktop(state, options);
    else if (!options->output)
        options->output = "thumbs";
    else if (options->output[0] == '\0')
        value_refuse(state, "--output takes the name of a folder");
    if (options->timeout_ms > 0 && options->kind != MP_PROCESSES)
        value_refuse(state, "--timeout needs processes: nothing else can be stopped amid its work");
    if (options->kind != MP_PROCESSES && options->sandbox == SANDBOX_REQUIRE)
        value_refuse(state, "--sandbox require needs processes: nothing else can be jailed");
    if (options->kind != MP_PROCESSES)
        options->sandbox = SANDBOX_OFF;
    if (options->max_memory == 0)
        options->max_memory = ram_bytes() / 2;
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
    case OPTION_LAYOUT: options->layout = parse_layout(state, value); break;
    case OPTION_ON_CLASH: options->suffix = parse_on_clash(state, value); break;
    case OPTION_EXECUTOR: options->kind = parse_kind(state, value); break;
    case OPTION_SANDBOX: options->sandbox = parse_sandbox(state, value); break;
    case OPTION_SHARD: options->shard = parse_shard(state, value); break;
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
    case OPTION_MAX_MEMORY: options->max_memory = value_size(state, "max-memory", value); break;
    case OPTION_MAX_SCANS:
        spec->max_scans = value_int(state, "max-scans", value, 1, INT_MAX);
        break;
    case OPTION_REPORT: options->report = value; break;
    case OPTION_TRACE: options->trace = value; break;
    case OPTION_GALLERY: options->gallery = value; break;
    case OPTION_DEPFILE: options->depfile = value; break;
    case OPTION_DEPFILE_TARGET: options->depfile_target = value; break;
    case OPTION_PROGRESS: options->progress = parse_progress(state, value); break;
    case OPTION_COLOUR: parse_colour(state, value); break;
    case OPTION_QUIET: options->quiet = true; break;
    case OPTION_FORCE: options->force = true; break;
    case OPTION_FSYNC: options->durable = true; break;
    case OPTION_PRUNE: options->prune = true; break;
    case OPTION_USAGE:
        argp_state_help(state, stdout, ARGP_HELP_USAGE);
        help_exit(state);
        break;
    case OPTION_COMPLETIONS: print_completions(state, value); break;
    case 'h':
        help_print(&options_parser, state->name);
        help_exit(state);
        break;
    case 'V':
        print_version();
        help_exit(state);
        break;
    case ARGP_KEY_ARG: add_path(state, options, value); break;
    case ARGP_KEY_END: finish(state, options); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp_child children[] = {
    {.argp = &input_options_parser}, {.argp = &picture_options_parser}, {0}};

const struct argp options_parser = {.options = option_table,
                                    .parser = parse_option,
                                    .args_doc = usage_text,
                                    .doc = help_thumbpool,
                                    .children = children};

void options_parse(int argc, char **argv, struct options *ret)
{
    *ret = (struct options){.retries = 1, .timeout_ms = -1, .max_bytes = INT64_C(1) << 30};
    picture_options_init(&ret->picture);
    if (!(ret->paths = calloc((size_t)argc, sizeof *ret->paths)))
        value_no_memory();
    argp_err_exit_status = EXIT_USAGE;
    argv[0] = (char *)"thumbpool"; /* what messages begin with, however it was called */
    suggest_check(&options_parser, argc, argv);
    argp_parse(&options_parser, argc, argv, ARGP_NO_HELP, NULL, ret);
}

void options_done(struct options *options)
{
    input_options_done(&options->input);
    free(options->paths);
    options->paths = NULL;
}
