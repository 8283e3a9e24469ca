#include "cli/intake.h"

#include "batch/cachename.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* True when something was named and none of it exists: a slip of the pen, not a failed picture. */
static bool nothing_is_there(const struct scan *scan)
{
    for (size_t i = 0; i < scan->count; i++)
        if (scan->inputs[i].error != ENOENT)
            return false;
    return scan->count > 0;
}

enum exit_code intake_find_cache(struct program *program)
{
    struct options *options = &program->options;
    if (options->layout != PLAN_FREEDESKTOP)
        return EXIT_MADE;
    int error = cachename_root(program->cache, sizeof program->cache);
    options->output = program->cache;
    if (error == 0)
        return EXIT_MADE;
    progress_complain(error == -ENOENT ? "the desktop's cache cannot be found: neither"
                                         " XDG_CACHE_HOME nor HOME is an absolute path"
                                       : "the path of the desktop's cache is too long");
    return EXIT_STUCK;
}

/* What keeps the inputs from being collected, in words. */
static enum exit_code scan_complain(const struct program *program, int error, const char *path)
{
    const struct options *options = &program->options;
    switch (error) {
    case -EINVAL:
        progress_complain("%s is not below the base folder %s", path, options->base);
        return EXIT_USAGE;
    case -EEXIST:
        if (options->layout == PLAN_FREEDESKTOP)
            progress_complain("%s is the thumbnail cache, whose files get no thumbnails", path);
        else
            progress_complain("%s is input and output folder at once; give another with -o", path);
        return EXIT_USAGE;
    case -EXDEV:
        progress_complain("%s: entries of a list may not have \"..\" in them, since their names are"
                          " kept below the output folder",
                          path);
        return EXIT_USAGE;
    case -EIO: progress_complain("%s cannot be read", options->input.list); return EXIT_STUCK;
    case -ECANCELED: return EXIT_STUCK; /* by a signal, of which the program dies */
    default: progress_complain("%s", strerrordesc_np(-error)); return EXIT_STUCK;
    }
}

/* Looks at what was found. */
static enum exit_code scan_check(const struct scan *scan)
{
    if (nothing_is_there(scan)) {
        for (size_t i = 0; i < scan->count; i++)
            progress_complain("%s: %s", scan->inputs[i].path, strerrordesc_np(ENOENT));
        return EXIT_STUCK;
    }
    if (scan->count > 0)
        return EXIT_MADE;
    progress_complain("no pictures found");
    return EXIT_STUCK;
}

/* Opens the list, if there is one. */
static enum exit_code list_open(const struct input_options *input, FILE **ret)
{
    *ret = NULL;
    if (!input->list)
        return EXIT_MADE;
    *ret = strcmp(input->list, "-") == 0 ? stdin : fopen(input->list, "re");
    if (*ret)
        return EXIT_MADE;
    progress_complain("%s: %s", input->list, strerrordesc_np(errno));
    return EXIT_STUCK;
}

/* The output folder, where it exists, is not walked. */
static void output_find(struct program *program, struct scan_options *scan)
{
    struct stat output;
    if (stat(program->options.output, &output) != 0)
        return;
    scan->skip_dev = output.st_dev;
    scan->skip_ino = output.st_ino;
    if (!realpath(program->options.output, program->output_real))
        program->output_real[0] = '\0';
}

/* Called while the folders are walked: shows that something goes on, and heeds signals. */
static bool on_look(void *self, size_t found)
{
    struct program *program = self;
    progress_found(&program->progress, found);
    return !*program->stop;
}

enum exit_code intake_scan(struct program *program)
{
    const struct options *options = &program->options;
    struct scan_filter filter = options->input.filter;
    struct scan_options scan = {.paths = options->paths,
                                .path_count = options->path_count,
                                .list_end = options->input.nul ? '\0' : '\n',
                                .base = options->base,
                                .filter = &filter,
                                .keep_folders = options->depfile_target != NULL,
                                .look = on_look,
                                .look_self = program};
    filter.untrusted = options->picture.spec.allow_untrusted;
    enum exit_code code = list_open(&options->input, &scan.list);
    if (code != EXIT_MADE)
        return code;
    output_find(program, &scan);
    const char *path = NULL;
    progress_init(&program->progress, options->progress, options->quiet, options->verbose);
    int error = scan_run(&scan, &program->scan, &path);
    progress_found_all(&program->progress);
    if (scan.list && scan.list != stdin)
        fclose(scan.list);
    return error < 0 ? scan_complain(program, error, path) : scan_check(&program->scan);
}

/* Two inputs have one output, or two that only differ in the case of letters. */
static void clash_print(const struct program *program, const struct plan_problem *problem,
                        const char *name)
{
    const struct scan_input *inputs = program->scan.inputs;
    char other[PATH_MAX];
    bool same = plan_name(&program->plan, problem->other, problem->size, other, sizeof other) < 0 ||
                strcmp(other, name) == 0;
    progress_complain(
        "%s and %s have %s output %s/%s", inputs[problem->other].path, inputs[problem->input].path,
        same ? "the same" : "but for upper and lower case the same", program->options.output, name);
}

static void problem_print(const struct program *program, const struct plan_problem *problem)
{
    const struct scan_input *inputs = program->scan.inputs;
    char name[PATH_MAX];
    if (plan_name(&program->plan, problem->input, problem->size, name, sizeof name) < 0)
        return;
    if (problem->kind == PLAN_CLASH)
        clash_print(program, problem, name);
    else
        progress_complain("the output of %s would replace the input %s",
                          inputs[problem->input].path, inputs[problem->other].path);
}

static enum exit_code problems_print(const struct program *program)
{
    size_t count = program->plan.problem_count;
    size_t shown = count < PLAN_PROBLEMS_KEPT ? count : PLAN_PROBLEMS_KEPT;
    for (size_t i = 0; i < shown; i++)
        problem_print(program, &program->plan.problems[i]);
    if (count > shown)
        progress_complain("and %zu more", count - shown);
    progress_complain("nothing was written; rename what clashes, have it told apart with"
                      " --on-clash suffix, or keep several folders apart with --base");
    return EXIT_USAGE;
}

enum exit_code intake_plan(struct program *program)
{
    const struct options *options = &program->options;
    struct plan_options plan = {.spec = &options->picture.spec,
                                .layout = options->layout,
                                .format = options->picture.format,
                                .name = options->name,
                                .suffix = options->suffix,
                                .output = options->output,
                                .output_real =
                                    program->output_real[0] ? program->output_real : NULL,
                                .shard = options->shard};
    int error = plan_make(&plan, &program->scan, &program->plan);
    if (error < 0) {
        progress_complain(
            "cannot plan the outputs: %s",
            error == -EINVAL ? "one would have no name, or a folder's, or one that leads out of the"
                               " output folder"
                             : strerrordesc_np(-error));
        return error == -ENOMEM ? EXIT_STUCK : EXIT_USAGE;
    }
    return program->plan.problem_count > 0 ? problems_print(program) : EXIT_MADE;
}
