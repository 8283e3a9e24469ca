/* thumbpool: thumbnails of whole photo folders. Options, scan, plan, run, exit code; or the command
 * that was named first. */
#include "batch/cachename.h"
#include "batch/date.h"
#include "batch/depfile.h"
#include "batch/gallery.h"
#include "batch/jobserver.h"
#include "batch/plan.h"
#include "batch/preview.h"
#include "batch/report.h"
#include "batch/run.h"
#include "batch/scan.h"
#include "batch/trace.h"
#include "batch/way.h"
#include "cli/bench.h"
#include "cli/options.h"
#include "cli/progress.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum exit_code {
    EXIT_MADE = 0,   /* all made, up to date, or skipped */
    EXIT_FAILED = 1, /* some failed; the rest are done */
    EXIT_USAGE = 2,  /* nothing was written */
    EXIT_STUCK = 3,  /* it could not go on */
    EXIT_GAVE_UP = 4 /* too many failed; the rest was not started */
};

/* The signal that asks the run to stop, 0 none. */
static volatile sig_atomic_t stop_signal;

static void on_stop(int signo)
{
    stop_signal = signo;
}

/* The first signal asks the run to stop; the second finds the default action and ends the program
 * at once. What was ignored stays so: that is how nohup, and shells for what runs behind them, keep
 * signals from a program. */
static void signals_init(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction stop = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND};
    struct sigaction before;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(signals[i], &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* Every worker takes some descriptors, and the usual soft limit is from another age. */
static void descriptors_allow(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* as many as there are, then */
}

/* The program, from command line to exit code. */
struct program {
    struct options options;
    char cache[PATH_MAX];       /* the desktop's, where outputs go there */
    char output_real[PATH_MAX]; /* the output folder without links; "" when it does not exist yet */
    struct scan scan;
    struct plan plan;
    struct sandbox sandbox;
    struct progress progress;
    FILE *report, *trace; /* NULL: none */
    struct gallery gallery;
};

/* ---- Before the work ------------------------------------------------------------------------ */

/* True when something was named and none of it exists: a slip of the pen, not a failed picture. */
static bool nothing_is_there(const struct scan *scan)
{
    for (size_t i = 0; i < scan->count; i++)
        if (scan->inputs[i].error != ENOENT)
            return false;
    return scan->count > 0;
}

/* Finds the desktop's cache, if outputs go there. */
static enum exit_code cache_find(struct program *program)
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
    return !stop_signal;
}

static enum exit_code program_scan(struct program *program)
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

static enum exit_code program_plan(struct program *program)
{
    const struct options *options = &program->options;
    struct plan_options plan = {.spec = &options->picture.spec,
                                .layout = options->layout,
                                .format = options->picture.format,
                                .name = options->name,
                                .suffix = options->suffix,
                                .output = options->output,
                                .output_real =
                                    program->output_real[0] ? program->output_real : NULL};
    int error = plan_make(&plan, &program->scan, &program->plan);
    if (error < 0) {
        progress_complain("cannot plan the outputs: %s",
                          error == -EINVAL ? "a name would lead out of the output folder"
                                           : strerrordesc_np(-error));
        return error == -ENOMEM ? EXIT_STUCK : EXIT_USAGE;
    }
    return program->plan.problem_count > 0 ? problems_print(program) : EXIT_MADE;
}

/* What the depfile tells; its list is one that can be named. */
static struct depfile depfile_of(const struct program *program)
{
    const struct options *options = &program->options;
    const char *list = options->input.list;
    return (struct depfile){.plan = &program->plan,
                            .target = options->depfile_target,
                            .list = list && strcmp(list, "-") != 0 ? list : NULL};
}

/* Looks whether the depfile can be written at all, before any work. */
static enum exit_code depfile_plan(const struct program *program)
{
    struct depfile depfile = depfile_of(program);
    char name[PATH_MAX] = "";
    int error = program->options.depfile ? depfile_check(&depfile, name, sizeof name) : 0;
    if (error == 0)
        return EXIT_MADE;
    if (error == -EINVAL)
        progress_complain("the name %s cannot be written into a depfile, where some characters have"
                          " a meaning; rename it, or leave out --depfile",
                          name);
    else
        progress_complain("%s: %s", program->options.depfile, strerrordesc_np(-error));
    return EXIT_USAGE;
}

/* Opens a file that is written while the run goes on; none when path is NULL. */
static enum exit_code file_open(const char *path, FILE **ret)
{
    if (!path || (*ret = fopen(path, "we")))
        return EXIT_MADE;
    progress_complain("%s: %s", path, strerrordesc_np(errno));
    return EXIT_STUCK;
}

static enum exit_code report_open(struct program *program)
{
    const char *path = program->options.report;
    if (!path || strcmp(path, "-") != 0)
        return file_open(path, &program->report);
    program->report = stdout;
    return EXIT_MADE;
}

/* The first of the files that the command line names, other than pictures, which the gallery's page
 * would be in the way of; NULL: none. */
static const char *gallery_rival(const struct options *options)
{
    const char *const others[] = {options->report, options->trace, options->depfile,
                                  options->input.list};
    char page[PATH_MAX], other[PATH_MAX];
    if (way_file(options->gallery, page) < 0)
        return NULL; /* opening it will tell */
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i] && way_file(others[i], other) == 0 && way_clashes(page, other))
            return others[i];
    return NULL;
}

/* Looks whether the gallery would be in the way of something. */
static enum exit_code gallery_plan(const struct program *program)
{
    char other[PATH_MAX];
    const char *path = program->options.gallery, *rival = NULL;
    int found = path ? gallery_check(&program->plan, path, other) : GALLERY_FITS;
    if (found > GALLERY_FITS)
        rival = other;
    else if (path)
        rival = gallery_rival(&program->options);
    if (!rival)
        return EXIT_MADE;
    progress_complain("the gallery %s would replace %s%s; nothing was written", path,
                      found == GALLERY_IS_INPUT    ? "the input "
                      : found == GALLERY_IS_OUTPUT ? "the output "
                                                   : "",
                      rival);
    return EXIT_USAGE;
}

/* The date that the gallery shows. */
static time_t gallery_date(void)
{
    time_t date;
    if (!date_find(getenv("SOURCE_DATE_EPOCH"), &date))
        progress_complain("SOURCE_DATE_EPOCH is no number of seconds, so the gallery shows the"
                          " present date");
    return date;
}

/* Opens the gallery; it is written when the run ends. */
static enum exit_code gallery_begin(struct program *program)
{
    const char *path = program->options.gallery;
    if (!path)
        return EXIT_MADE;
    int error =
        gallery_open(&program->gallery, path, &program->plan, THUMBPOOL_VERSION, gallery_date());
    if (error == 0)
        return EXIT_MADE;
    progress_complain("%s: %s", path,
                      error == -ESPIPE ? "a gallery has to be a file of its own"
                                       : output_error_text(error));
    return EXIT_STUCK;
}

/* ---- The work ------------------------------------------------------------------------------- */

/* The libvips module lies beside the program in a build tree, and in its own folder when installed.
 * Returns NULL when it is in neither place. */
static const char *module_find(char *path, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    if (length < 0)
        return NULL;
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    static const char *const places[] = {"/" THUMBPOOL_MODULE_NEAR, "/" THUMBPOOL_MODULE_INSTALLED};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        size_t room = size - (size_t)(slash - path);
        if ((size_t)snprintf(slash, room, "%s", places[i]) < room && access(path, R_OK) == 0)
            return path;
    }
    return NULL;
}

/* Has make say how many pictures may be made at a time, where the user did not and make started
 * this program. Where make keeps its jobserver to itself, that is one. */
static void jobs_ask_make(const struct program *program, struct jobserver *jobserver,
                          struct run_options *run)
{
    if (!program->options.any_jobs || run->kind == MP_SEQUENTIAL || program->plan.count < 2)
        return;
    int found = jobserver_open(getenv("MAKEFLAGS"), run->workers, jobserver);
    if (found > 0)
        run->jobserver = jobserver;
    if (found >= 0)
        return;
    run->workers = 1;
    progress_complain("make's jobserver is not open to this command, so it makes one picture at a"
                      " time; put + before it in the recipe, or give -j");
}

/* Finds out how the workers can be jailed here. */
static enum exit_code sandbox_prepare(struct program *program)
{
    struct sandbox *sandbox = &program->sandbox;
    const struct options *options = &program->options;
    int error = sandbox_try(options->sandbox, options->picture.spec.allow_untrusted, sandbox);
    if (error < 0) {
        progress_complain("the workers cannot be jailed here as --sandbox require wants it: %s",
                          error == -EPERM ? sandbox->lacks : strerrordesc_np(-error));
        return EXIT_STUCK;
    }
    if (sandbox->lacks[0] != '\0' && !options->quiet)
        progress_complain("the workers' jail is weaker than it should be: %s", sandbox->lacks);
    return EXIT_MADE;
}

static enum exit_code code_of(const struct run_summary *summary)
{
    if (summary->fatal[0] != '\0')
        return EXIT_STUCK;
    if (summary->gave_up)
        return EXIT_GAVE_UP;
    return summary->counts.failed > 0 ? EXIT_FAILED : EXIT_MADE;
}

static enum exit_code written_badly(const char *what, const char *path, enum exit_code code)
{
    progress_complain("the %s could not be written to %s", what, path);
    return code == EXIT_MADE ? EXIT_STUCK : code;
}

/* Ends a file that file_open() or report_open() opened. */
static enum exit_code file_close(FILE *file, const char *what, const char *path,
                                 enum exit_code code)
{
    if (!file)
        return code;
    bool bad = fflush(file) != 0 || ferror(file);
    if (file != stdout)
        bad |= fclose(file) != 0;
    return bad ? written_badly(what, path, code) : code;
}

/* After a run that came to its end; one that did not leaves the depfile as it was. */
static enum exit_code depfile_end(const struct program *program, enum exit_code code)
{
    const char *path = program->options.depfile;
    struct depfile depfile = depfile_of(program);
    if (!path || (code != EXIT_MADE && code != EXIT_FAILED) || stop_signal)
        return code;
    return depfile_write(&depfile, path) < 0 ? written_badly("depfile", path, code) : code;
}

/* Whether the gallery was written, if there is one. */
static enum exit_code gallery_end(const struct program *program, enum exit_code code)
{
    const char *path = program->options.gallery;
    return path && program->gallery.error < 0 ? written_badly("gallery", path, code) : code;
}

static enum exit_code program_run(struct program *program)
{
    const struct options *options = &program->options;
    struct run_observer observers[4];
    char module[PATH_MAX];
    struct run_options run = {.kind = options->kind,
                              .workers = options->jobs,
                              .retries = options->retries,
                              .timeout_ms = options->timeout_ms,
                              .sandbox = &program->sandbox,
                              .force = options->force,
                              .durable = options->durable,
                              .prune = options->prune,
                              .versions = THUMBPOOL_VERSION " " THUMBPOOL_LIBRARIES,
                              .max_errors = (size_t)options->max_errors,
                              .max_bytes = options->max_bytes,
                              .module_path = module_find(module, sizeof module),
                              .stop = &stop_signal,
                              .observers.all = observers};
    struct report report = {
        .file = program->report, .version = THUMBPOOL_VERSION, .plan = &program->plan, .run = &run};
    if (program->report)
        observers[run.observers.count++] = report_observer(&report);
    struct trace trace = {.file = program->trace};
    if (program->trace)
        observers[run.observers.count++] = trace_observer(&trace);
    if (options->gallery)
        observers[run.observers.count++] = gallery_observer(&program->gallery);
    observers[run.observers.count++] = progress_observer(&program->progress);
    struct jobserver jobserver = {.read_fd = -1, .write_fd = -1};
    jobs_ask_make(program, &jobserver, &run);
    struct run_summary summary;
    if (run_plan(&program->plan, &run, &summary) < 0 && summary.fatal[0] == '\0')
        snprintf(summary.fatal, sizeof summary.fatal, "it could not go on");
    jobserver_close(&jobserver);
    enum exit_code code = depfile_end(program, code_of(&summary));
    code = gallery_end(program, code);
    code = file_close(program->report, "report", options->report, code);
    return file_close(program->trace, "trace", options->trace, code);
}

/* Says what would be done. A picture that is known to fail is no failure of this. */
static enum exit_code program_preview(struct program *program)
{
    const struct options *options = &program->options;
    struct preview preview = {.plan = &program->plan,
                              .file = stdout,
                              .max_bytes = options->max_bytes,
                              .force = options->force,
                              .prune = options->prune,
                              .all = options->verbose,
                              .versions = THUMBPOOL_VERSION " " THUMBPOOL_LIBRARIES};
    struct run_counts counts;
    char why[300];
    int error = preview_write(&preview, &counts, why);
    if (error < 0 || fflush(stdout) != 0 || ferror(stdout)) {
        progress_complain("%s", error < 0 ? strerrordesc_np(-error)
                                          : "standard output could not be written");
        return EXIT_STUCK;
    }
    if (why[0] != '\0')
        progress_complain("%s", why);
    if (!options->quiet)
        progress_preview(&counts);
    return EXIT_MADE;
}

static enum exit_code program_main(struct program *program)
{
    enum exit_code code = cache_find(program);
    if (code == EXIT_MADE)
        code = program_scan(program);
    if (code == EXIT_MADE)
        code = program_plan(program);
    if (code == EXIT_MADE && program->options.dry_run)
        return program_preview(program);
    if (code == EXIT_MADE)
        code = depfile_plan(program);
    if (code == EXIT_MADE)
        code = gallery_plan(program);
    if (code == EXIT_MADE)
        code = sandbox_prepare(program);
    if (code == EXIT_MADE)
        code = gallery_begin(program); /* leaves what is there until the end */
    if (code == EXIT_MADE)
        code = report_open(program);
    if (code == EXIT_MADE)
        code = file_open(program->options.trace, &program->trace);
    if (code == EXIT_MADE)
        code = program_run(program);
    return code;
}

/* Ends as the signal would have ended it, so that a shell's loop stops too. */
static void die_of(int signo)
{
    signal(signo, SIG_DFL);
    raise(signo);
}

/* The program without a command: thumbnails. */
static enum exit_code thumbnails_main(int argc, char **argv)
{
    static struct program program;
    options_parse(argc, argv, &program.options);
    enum exit_code code = EXIT_MADE;
    if (jobserver_is_dry_run(getenv("MAKEFLAGS")))
        progress_complain("make was called with -n, so nothing is done");
    else
        code = program_main(&program);
    gallery_close(&program.gallery);
    plan_done(&program.plan);
    scan_done(&program.scan);
    options_done(&program.options);
    return code;
}

/* A command is the first word, or none; a folder of that name is given as ./bench. */
int main(int argc, char **argv)
{
    signals_init();
    descriptors_allow();
    bool bench = argc > 1 && strcmp(argv[1], "bench") == 0;
    int code =
        bench ? bench_main(argc - 1, argv + 1, &stop_signal) : (int)thumbnails_main(argc, argv);
    if (stop_signal)
        die_of(stop_signal);
    return code;
}
