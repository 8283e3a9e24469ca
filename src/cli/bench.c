#include "cli/bench.h"

#include "bench/bench.h"
#include "bench/export.h"
#include "bench/hyperfine.h"
#include "bench/markdown.h"
#include "bench/page.h"
#include "bench/table.h"
#include "cli/bench_options.h"
#include "cli/progress.h"
#include "cli/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum exit_code { EXIT_COMPARED = 0, EXIT_FAILED = 1, EXIT_STUCK = 3 };

enum { EXPORTS = 3 };

/* Shows what is done at the moment, in a line that the next one replaces. */
static void on_step(void *user, const char *what, int done, int all)
{
    char line[160];
    (void)user;
    if (all > 1)
        snprintf(line, sizeof line, "[%d/%d] %s", done + 1, all, what);
    else
        snprintf(line, sizeof line, "%s", what);
    progress_note(line);
}

/* Opens the files that are asked for. Returns how many, or -1 with a message printed. */
static int exports_open(const struct bench_command *command, struct export *exports)
{
    const struct {
        const char *path;
        export_fn *write;
    } wanted[EXPORTS] = {{command->export_json, hyperfine_write},
                         {command->export_markdown, markdown_write},
                         {command->html, page_write}};
    int count = 0;
    for (int i = 0; i < EXPORTS; i++) {
        if (!wanted[i].path)
            continue;
        int error = export_open(&exports[count++], wanted[i].path, wanted[i].write);
        if (error < 0) {
            progress_complain("%s: %s", wanted[i].path, output_error_text(error));
            return -1;
        }
    }
    return count;
}

static enum exit_code exports_write(const struct export *exports, int count,
                                    const struct bench *bench)
{
    enum exit_code code = EXIT_COMPARED;
    for (int i = 0; i < count; i++) {
        int error = export_write(&exports[i], bench);
        if (error == 0)
            continue;
        progress_complain("%s: %s", exports[i].path, output_error_text(error));
        code = EXIT_STUCK;
    }
    return code;
}

/* What is named and is not there is a slip of the pen: the others alone are not what was meant. */
static bool paths_are_there(const struct bench_options *options)
{
    struct stat found;
    bool all = true;
    for (size_t i = 0; i < options->path_count; i++) {
        if (stat(options->paths[i], &found) == 0)
            continue;
        progress_complain("%s: %s", options->paths[i], strerrordesc_np(errno));
        all = false;
    }
    return all;
}

static enum exit_code code_of(const struct bench *bench)
{
    for (int i = 0; i < bench->count; i++)
        if (bench->results[i].run_count == 0 || bench->results[i].failed > 0)
            return EXIT_FAILED;
    return EXIT_COMPARED;
}

static enum exit_code compare(const struct bench_command *command, const struct export *exports,
                              int export_count)
{
    struct bench *bench;
    int error = bench_run(&command->bench, &bench);
    progress_note("");
    if (error == -EINTR)
        return EXIT_STUCK; /* of no account: the program dies of the signal */
    if (error == -ENOENT)
        progress_complain("no JPEG or PNG found in what was named");
    else if (error < 0)
        progress_complain("cannot compare: %s", mp_strerror(error));
    if (error < 0)
        return EXIT_STUCK;
    if (!command->quiet)
        table_print(bench, stderr, terminal_has_colour());
    enum exit_code code = exports_write(exports, export_count, bench);
    if (code == EXIT_COMPARED)
        code = code_of(bench);
    bench_free(bench);
    return code;
}

int bench_main(int argc, char **argv, const volatile sig_atomic_t *stop)
{
    struct bench_command command;
    struct export exports[EXPORTS] = {0};
    bench_command_parse(argc, argv, &command);
    command.bench.stop = stop;
    command.bench.version = THUMBPOOL_VERSION;
    command.bench.libraries = THUMBPOOL_LIBRARIES;
    command.bench.step = command.quiet ? NULL : on_step;
    int count = paths_are_there(&command.bench) ? exports_open(&command, exports) : -1;
    enum exit_code code = count < 0 ? EXIT_STUCK : compare(&command, exports, count);
    for (int i = 0; i < EXPORTS; i++)
        export_close(&exports[i]);
    bench_command_done(&command);
    return code;
}
