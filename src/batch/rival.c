#include "batch/rival.h"

#include "batch/parts.h"
#include "batch/way.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Whether one of an input's outputs, whose folder is output[0..length), is in the way. */
static bool output_clashes(const struct plan *plan, uint32_t input, const char *file, char *output,
                           size_t length)
{
    for (int size = 0; size < plan->options.spec->box_count; size++)
        if (plan_name(plan, input, size, output + length, PATH_MAX - length) == 0 &&
            way_clashes(file, output))
            return true;
    return false;
}

/* Looks for it by name. */
static int named_find(const struct plan *plan, const char *path, char other[PATH_MAX])
{
    char file[PATH_MAX], output[PATH_MAX];
    int error = way_file(path, file);
    if (error == 0)
        error = way_folder(plan->options.output, output);
    size_t length = strlen(output);
    if (error < 0 || length + sizeof "/.thumbpool.ndjson" > sizeof output)
        return error < 0 ? error : -ENAMETOOLONG;
    strcpy(output + length, "/" MANIFEST_NAME);
    bool near = strncmp(file, output, length) == 0; /* far from all outputs, none is looked at */
    bool clash = way_clashes(file, output);
    for (size_t i = 0; !clash && i < plan->all; i++) {
        if (plan_real(plan, plan->order[i], other, PATH_MAX) && way_clashes(file, other))
            return RIVAL_INPUT;
        clash = near && output_clashes(plan, plan->order[i], file, output, length + 1);
    }
    memcpy(other, output, sizeof output);
    return clash || (near && parts_is_name(file + length + 1)) ? RIVAL_OUTPUT : RIVAL_NONE;
}

/* Looks for an input that is the same file under another name. */
static int same_find(const struct plan *plan, const struct stat *file, char other[PATH_MAX])
{
    struct stat found;
    for (size_t i = 0; i < plan->all; i++) {
        const char *path = plan->scan->inputs[plan->order[i]].path;
        if (stat(path, &found) == 0 && found.st_dev == file->st_dev &&
            found.st_ino == file->st_ino && strlen(path) < PATH_MAX) {
            strcpy(other, path);
            return RIVAL_INPUT;
        }
    }
    return RIVAL_NONE;
}

int rival_find(const struct plan *plan, const char *path, bool follows, char other[PATH_MAX])
{
    char real[PATH_MAX];
    struct stat file;
    if (!follows || stat(path, &file) != 0)
        return named_find(plan, path, other);
    if (!S_ISREG(file.st_mode))
        return RIVAL_NONE;
    int rival = named_find(plan, realpath(path, real) ? real : path, other);
    return rival == RIVAL_NONE && file.st_nlink > 1 ? same_find(plan, &file, other) : rival;
}
