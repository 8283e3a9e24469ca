#include "cli/side_files.h"

#include "batch/date.h"
#include "batch/depfile.h"
#include "batch/rival.h"
#include "batch/way.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* One of the files. */
struct side_file {
    const char *what, *path; /* path: NULL where it is not asked for */
    bool replaced;           /* by name; else what is there is written into */
};

enum { SIDE_FILES = 4 };

static void side_files_list(const struct options *options, struct side_file ret[SIDE_FILES])
{
    bool streams = options->report && strcmp(options->report, "-") == 0;
    ret[0] = (struct side_file){"report", streams ? NULL : options->report, false};
    ret[1] = (struct side_file){"trace", options->trace, false};
    ret[2] = (struct side_file){"depfile", options->depfile, true};
    ret[3] = (struct side_file){"gallery", options->gallery, true};
}

/* True when two files that the command line names cannot both be. A pipe or a device can be many.
 */
static bool are_one(const char *a, const char *b)
{
    char way_a[PATH_MAX], way_b[PATH_MAX];
    struct stat found;
    if (!a || !b || (stat(a, &found) == 0 && !S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode)))
        return false;
    return way_file(a, way_a) == 0 && way_file(b, way_b) == 0 && way_clashes(way_a, way_b);
}

static enum exit_code side_file_refuse(const struct side_file *file, const char *kind,
                                       const char *other)
{
    progress_complain("the %s %s would replace %s%s; nothing was written", file->what, file->path,
                      kind, other);
    return EXIT_USAGE;
}

/* Looks whether a file would be in the way of pictures, of the list, or of those before it. */
static enum exit_code side_file_check(const struct program *program, const struct side_file *files,
                                      int index)
{
    const struct side_file *file = &files[index];
    char other[PATH_MAX];
    if (!file->path)
        return EXIT_MADE;
    int rival = rival_find(&program->plan, file->path, !file->replaced, other);
    if (rival > RIVAL_NONE)
        return side_file_refuse(file, rival == RIVAL_INPUT ? "the input " : "the output ", other);
    if (are_one(file->path, program->options.input.list))
        return side_file_refuse(file, "the list ", program->options.input.list);
    for (int i = 0; i < index; i++)
        if (are_one(file->path, files[i].path))
            return side_file_refuse(file, "", files[i].path);
    return EXIT_MADE;
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
    struct side_file files[SIDE_FILES];
    enum exit_code code = depfile_plan(program);
    side_files_list(&program->options, files);
    for (int i = 0; i < SIDE_FILES && code == EXIT_MADE; i++)
        code = side_file_check(program, files, i);
    return code;
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
