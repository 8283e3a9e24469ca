#include "batch/globs.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

int globs_add(struct globs *globs, const char *pattern)
{
    const char **patterns =
        reallocarray(globs->patterns, globs->count + 1, sizeof *globs->patterns);
    if (!patterns)
        return -ENOMEM;
    globs->patterns = patterns;
    globs->patterns[globs->count++] = pattern;
    return 0;
}

void globs_done(struct globs *globs)
{
    free(globs->patterns);
    *globs = (struct globs){0};
}

bool globs_match(const struct globs *globs, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    for (size_t i = 0; i < globs->count; i++) {
        const char *pattern = globs->patterns[i];
        const char *subject = strchr(pattern, '/') ? path : name;
        if (fnmatch(pattern, subject, FNM_CASEFOLD) == 0)
            return true;
    }
    return false;
}
