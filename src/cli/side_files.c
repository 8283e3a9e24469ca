#include "cli/side_files.h"

#include "batch/date.h"
#include "batch/depfile.h"
#include "batch/way.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
    if (!path || (code != EXIT_MADE && code != EXIT_FAILED) || *program->stop)
        return code;
    return depfile_write(&depfile, path) < 0 ? written_badly("depfile", path, code) : code;
}

/* Whether the gallery was written, if there is one. */
static enum exit_code gallery_end(const struct program *program, enum exit_code code)
{
    const char *path = program->options.gallery;
    return path && program->gallery.error < 0 ? written_badly("gallery", path, code) : code;
}

enum exit_code side_files_check(const struct program *program)
{
    enum exit_code code = depfile_plan(program);
    return code == EXIT_MADE ? gallery_plan(program) : code;
}

enum exit_code side_files_open(struct program *program)
{
    enum exit_code code = gallery_begin(program); /* the others are emptied by opening them */
    if (code == EXIT_MADE)
        code = report_open(program);
    return code == EXIT_MADE ? file_open(program->options.trace, &program->trace) : code;
}

enum exit_code side_files_end(const struct program *program, enum exit_code code)
{
    const struct options *options = &program->options;
    code = depfile_end(program, code);
    code = gallery_end(program, code);
    code = file_close(program->report, "report", options->report, code);
    return file_close(program->trace, "trace", options->trace, code);
}
