#include "batch/depfile.h"

#include "batch/document.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* ---- Names ---------------------------------------------------------------------------------- */

/* Characters that end a name for one of the readers, however they are written. Ninja before 1.12
 * takes some others (' " & ?) for an end, too: it then runs the rule every time, which is safe. */
static bool character_is_lost(unsigned char c)
{
    return c < ' ' || c == 0x7f || strchr("*;<=>^`|", c);
}

/* Backslashes count in front of a blank alone; in front of # and : the readers do not agree. A
 * folder is written with a slash at its end. */
static bool name_can_be_said(const char *name, bool folder)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++)
        if (character_is_lost((unsigned char)name[i]) ||
            (name[i] == '\\' && (name[i + 1] == '#' || name[i + 1] == ':')))
            return false;
    if (length == 0 || folder)
        return length > 0;
    if (strchr(" :&\\", name[length - 1]))
        return false;
    return name[length - 1] != ')' || !strchr(name, '('); /* make: a member of an archive */
}

/* A percent sign makes a pattern of a target, unless it has a backslash. */
static void name_write(FILE *file, const char *name, bool as_target)
{
    if (name[0] == '~')
        fputs("./", file); /* nobody's home */
    for (; *name; name++) {
        bool before_blank = *name == '\\' && name[strspn(name, "\\")] == ' ';
        if (strchr(" #:", *name) || (*name == '%' && as_target) || before_blank)
            fputc('\\', file);
        if (*name == '$')
            fputc('$', file);
        fputc(*name, file);
    }
}

static const char *input_path(const struct plan *plan, size_t index)
{
    return plan->scan->inputs[plan->order[index]].path;
}

/* Puts the path of an output, with the output folder, into path[0..size). */
static int output_path(const struct plan *plan, size_t index, int box, char *path, size_t size)
{
    size_t length = (size_t)snprintf(path, size, "%s/", plan->options.output);
    if (length >= size)
        return -ENAMETOOLONG;
    return plan_name(plan, plan->order[index], box, path + length, size - length);
}

/* ---- The check ------------------------------------------------------------------------------ */

static int name_check(const char *path, bool folder, char *name, size_t size)
{
    if (name_can_be_said(path, folder))
        return 0;
    snprintf(name, size, "%s", path);
    return -EINVAL;
}

static int outputs_check(const struct plan *plan, size_t index, char *name, size_t size)
{
    char path[PATH_MAX];
    int error = 0;
    for (int i = 0; error == 0 && i < plan->options.spec->box_count; i++) {
        error = output_path(plan, index, i, path, sizeof path);
        if (error == 0)
            error = name_check(path, false, name, size);
    }
    return error;
}

int depfile_check(const struct depfile *depfile, char *name, size_t size)
{
    const struct plan *plan = depfile->plan;
    int error = depfile->target ? name_check(depfile->target, false, name, size) : 0;
    if (error == 0 && depfile->list)
        error = name_check(depfile->list, false, name, size);
    for (size_t i = 0; error == 0 && depfile->target && i < plan->scan->folder_count; i++)
        error = name_check(plan->scan->folders[i], true, name, size);
    for (size_t i = 0; error == 0 && i < plan->count; i++) {
        error = name_check(input_path(plan, i), false, name, size);
        if (error == 0 && !depfile->target)
            error = outputs_check(plan, i, name, size);
    }
    return error;
}

/* ---- Rules ---------------------------------------------------------------------------------- */

/* One prerequisite a rule, and an empty rule for it, with no name in it that would be a pattern. In
 * a row of several, make would look for archives among names with parentheses. */
static void rule_end(FILE *file, const char *input, const char *end)
{
    fputs(": ", file);
    name_write(file, input, false);
    fprintf(file, "%s\n", end);
    if (strchr(input, '%'))
        return;
    name_write(file, input, false);
    fprintf(file, "%s:\n", end);
}

static void target_write(FILE *file, const struct depfile *depfile, const char *input,
                         const char *end)
{
    name_write(file, depfile->target, true);
    rule_end(file, input, end);
}

/* All that the target depends on. */
static void target_rules_write(FILE *file, const struct depfile *depfile)
{
    const struct scan *scan = depfile->plan->scan;
    if (depfile->list)
        target_write(file, depfile, depfile->list, "");
    for (size_t i = 0; i < scan->folder_count; i++) {
        const char *folder = scan->folders[i];
        target_write(file, depfile, folder, folder[strlen(folder) - 1] == '/' ? "" : "/");
    }
    for (size_t i = 0; i < depfile->plan->count; i++)
        target_write(file, depfile, input_path(depfile->plan, i), "");
}

/* The outputs of each picture, and what they are made of. */
static void output_rules_write(FILE *file, const struct plan *plan)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < plan->count; i++) {
        for (int box = 0; box < plan->options.spec->box_count; box++) {
            if (output_path(plan, i, box, path, sizeof path) < 0)
                continue; /* has been checked */
            if (box > 0)
                fputc(' ', file);
            name_write(file, path, true);
        }
        rule_end(file, input_path(plan, i), "");
    }
}

/* ---- The file ------------------------------------------------------------------------------- */

/* A document_fn of a struct depfile. */
static void rules_write(const void *user, FILE *file)
{
    const struct depfile *depfile = user;
    if (depfile->target)
        target_rules_write(file, depfile);
    else
        output_rules_write(file, depfile->plan);
}

int depfile_write(const struct depfile *depfile, const char *path)
{
    struct document document;
    int error = document_open(&document, path);
    if (error == 0)
        error = document_write(&document, rules_write, depfile);
    document_close(&document);
    return error;
}
