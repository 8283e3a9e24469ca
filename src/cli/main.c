/* thumbpool: thumbnails of whole photo folders. Options, scan, plan, run, exit code; or the command
 * that was named first. */
#include "batch/jobserver.h"
#include "batch/preview.h"
#include "batch/report.h"
#include "batch/run.h"
#include "batch/trace.h"
#include "cli/bench.h"
#include "cli/intake.h"
#include "cli/side_files.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

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
                              .max_memory = options->max_memory,
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
    int error = run_plan(&program->plan, &run, &summary);
    if (error < 0 && summary.fatal[0] == '\0') { /* it had no memory to begin, and told nobody */
        snprintf(summary.fatal, sizeof summary.fatal, "it could not go on");
        progress_complain("the run cannot start: %s", mp_strerror(error));
    }
    jobserver_close(&jobserver);
    return side_files_end(program, code_of(&summary));
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
    enum exit_code code = intake_find_cache(program);
    if (code == EXIT_MADE)
        code = intake_scan(program);
    if (code == EXIT_MADE)
        code = intake_plan(program);
    if (code == EXIT_MADE && program->options.dry_run)
        return program_preview(program);
    if (code == EXIT_MADE)
        code = side_files_check(program);
    if (code == EXIT_MADE)
        code = sandbox_prepare(program);
    if (code == EXIT_MADE)
        code = side_files_open(program);
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
    static struct program program = {.stop = &stop_signal};
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
