#include "cli/bench_options.h"

#include "cli/help.h"
#include "cli/progress.h"
#include "cli/suggest.h"
#include "cli/terminal.h"
#include "cli/values.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

/* Options without a letter. */
enum long_only {
    OPTION_WORK = 256,
    OPTION_EXECUTOR,
    OPTION_RUNS,
    OPTION_WARMUP,
    OPTION_COLD,
    OPTION_NO_CLAIMS,
    OPTION_JSON,
    OPTION_MARKDOWN,
    OPTION_HTML,
    OPTION_COLOUR,
    OPTION_USAGE
};

/* clang-format off */
static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "What is compared", 1},
    {"work", OPTION_WORK, "photos,cpu,io", 0, "What is timed: thumbnails of PATH, or of pictures that are"
                                              " painted for it; counting down; waiting"
                                              " (default: photos,cpu,io)", 0},
    {"executor", OPTION_EXECUTOR, "sequential,threads,processes", 0, "Any of these back-ends (default: all)", 0},
    {"jobs", 'j', "N[,N]", 0, "Numbers of workers; 0 is all CPUs that this process may use"
                             " (default: 1,0)", 0},
    {"no-claims", OPTION_NO_CLAIMS, NULL, 0, "Leave out what threads and processes cost apart from"
                                             " the work: start, memory, a job, a crash", 0},
    {NULL, 0, NULL, 0, "How", 2},
    {"runs", OPTION_RUNS, "N", 0, "Timed runs of each (default: 5)", 0},
    {"warmup", OPTION_WARMUP, "N", 0, "Runs before them that do not count (default: 1)", 0},
    {"cold", OPTION_COLD, NULL, 0, "Drop the pictures from the page cache before each run", 0},
    {NULL, 0, NULL, 0, "Output", 3},
    {"export-json", OPTION_JSON, "FILE", 0, "Write the figures in hyperfine's format; - is standard"
                                            " output, here and below", 0},
    {"export-markdown", OPTION_MARKDOWN, "FILE", 0, "Write the tables as Markdown", 0},
    {"html", OPTION_HTML, "FILE", 0, "Write a page with charts", 0},
    {"quiet", 'q', NULL, 0, "No table and no status line", 0},
    {"color", OPTION_COLOUR, "auto|always|never", 0, "Colours in the table; auto is on a terminal only, and"
                                                     " not where NO_COLOR is set (default: auto)", 0},
    {NULL, 0, NULL, 0, "Help", HELP_HELP},
    {"help", 'h', NULL, 0, "Show this and exit", 0},
    {"usage", OPTION_USAGE, NULL, 0, "Show the options in short and exit", 0},
    {0},
};
/* clang-format on */

static const char usage_text[] = "[PATH...]";

/* ---- Values --------------------------------------------------------------------------------- */

/* Takes the next word off a list with commas, into word[0..size). Returns false after the last. */
static bool list_next(const struct argp_state *state, const char *name, const char **list,
                      char *word, size_t size)
{
    if (!*list)
        return false;
    const char *comma = strchr(*list, ',');
    size_t length = comma ? (size_t)(comma - *list) : strlen(*list);
    if (length == 0 || length >= size)
        value_refuse(state, "--%s takes words with commas between them, not \"%s\"", name, *list);
    memcpy(word, *list, length);
    word[length] = '\0';
    *list = comma ? comma + 1 : NULL;
    return true;
}

static void parse_works(const struct argp_state *state, struct bench_options *bench,
                        const char *list)
{
    static const char *const words[] = {"photos", "cpu", "io", NULL};
    char word[20];
    bench->work_count = 0;
    while (list_next(state, "work", &list, word, sizeof word)) {
        const struct work *work = work_find(words[value_word(state, "work", word, words)]);
        bool again = false;
        for (int i = 0; i < bench->work_count; i++)
            again |= bench->works[i] == work;
        if (!again)
            bench->works[bench->work_count++] = work;
    }
}

static void parse_kinds(const struct argp_state *state, struct bench_options *bench,
                        const char *list)
{
    static const char *const words[] = {"sequential", "threads", "processes", NULL};
    static const enum mp_kind kinds[] = {MP_SEQUENTIAL, MP_THREADS, MP_PROCESSES};
    char word[20];
    bench->kind_count = 0;
    while (list_next(state, "executor", &list, word, sizeof word)) {
        int which = value_word(state, "executor", word, words);
        bool again = false;
        for (int i = 0; i < bench->kind_count; i++)
            again |= bench->kinds[i] == kinds[which];
        if (!again)
            bench->kinds[bench->kind_count++] = kinds[which];
    }
}

static void parse_colour(const struct argp_state *state, const char *text)
{
    int when = value_word(state, "color", text, progress_when_names);
    if (when != PROGRESS_AUTO)
        terminal_force_colour(when == PROGRESS_ALWAYS);
}

static int ascending(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void parse_workers(const struct argp_state *state, struct bench_options *bench,
                          const char *list)
{
    char word[20];
    bench->workers_count = 0;
    while (list_next(state, "jobs", &list, word, sizeof word)) {
        int workers = value_int(state, "jobs", word, 0, 1024);
        bool again = false;
        workers = workers == 0 ? mp_cpu_count() : workers;
        for (int i = 0; i < bench->workers_count; i++)
            again |= bench->workers[i] == workers;
        if (again)
            continue;
        if (bench->workers_count == BENCH_WORKERS_MAX)
            value_refuse(state, "there may be %d numbers of workers at most", BENCH_WORKERS_MAX);
        bench->workers[bench->workers_count++] = workers;
    }
    qsort(bench->workers, (size_t)bench->workers_count, sizeof *bench->workers, ascending);
}

/* ---- The parser ----------------------------------------------------------------------------- */

static void finish(const struct argp_state *state, struct bench_command *command)
{
    const struct bench_options *bench = &command->bench;
    bool photos = false;
    for (int i = 0; i < bench->work_count; i++)
        photos |= bench->works[i]->pictures;
    if (bench->path_count > 0 && !photos)
        value_refuse(state, "PATH is for the work \"photos\", which is not among those of --work");
    if (bench->cold && !photos)
        value_refuse(state,
                     "--cold is for the work \"photos\", which is not among those of --work");
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct bench_command *command = state->input;
    struct bench_options *bench = &command->bench;
    switch (key) {
    case 'j': parse_workers(state, bench, value); break;
    case 'q': command->quiet = true; break;
    case OPTION_WORK: parse_works(state, bench, value); break;
    case OPTION_EXECUTOR: parse_kinds(state, bench, value); break;
    case OPTION_RUNS: bench->runs = value_int(state, "runs", value, 1, STATISTICS_MAX); break;
    case OPTION_WARMUP: bench->warmup = value_int(state, "warmup", value, 0, 1000); break;
    case OPTION_COLD: bench->cold = true; break;
    case OPTION_NO_CLAIMS: bench->claims = false; break;
    case OPTION_JSON: command->export_json = value; break;
    case OPTION_MARKDOWN: command->export_markdown = value; break;
    case OPTION_HTML: command->html = value; break;
    case OPTION_COLOUR: parse_colour(state, value); break;
    case OPTION_USAGE:
        argp_state_help(state, stdout, ARGP_HELP_USAGE);
        help_exit(state);
        break;
    case 'h':
        help_print(&bench_options_parser, state->name);
        help_exit(state);
        break;
    case ARGP_KEY_ARG: ((char **)bench->paths)[bench->path_count++] = value; break;
    case ARGP_KEY_END: finish(state, command); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

const struct argp bench_options_parser = {
    .options = option_table, .parser = parse_option, .args_doc = usage_text, .doc = help_bench};

void bench_command_parse(int argc, char **argv, struct bench_command *ret)
{
    *ret = (struct bench_command){.bench = bench_options_default()};
    if (!(ret->bench.paths = calloc((size_t)argc, sizeof *ret->bench.paths)))
        value_no_memory();
    argp_err_exit_status = EXIT_USAGE;
    argv[0] = (char *)"thumbpool bench"; /* what messages begin with, however it was called */
    suggest_check(&bench_options_parser, argc, argv);
    argp_parse(&bench_options_parser, argc, argv, ARGP_NO_HELP, NULL, ret);
}

void bench_command_done(struct bench_command *command)
{
    free((void *)command->bench.paths);
    command->bench.paths = NULL;
}
