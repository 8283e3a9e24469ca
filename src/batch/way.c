#include "batch/way.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Appends the parts of `rest` to the absolute path in ret; "." and ".." are taken by name, since
 * none of it exists. */
static int parts_append(char ret[PATH_MAX], const char *rest)
{
    while (*rest) {
        size_t length = strcspn(rest, "/"), end = strlen(ret);
        if (length == 2 && strncmp(rest, "..", 2) == 0) {
            char *slash = strrchr(ret, '/');
            slash[slash == ret] = '\0';
        } else if (length > 0 && !(length == 1 && *rest == '.')) {
            bool slash = end > 1;
            if (end + slash + length >= PATH_MAX)
                return -ENAMETOOLONG;
            if (slash)
                ret[end++] = '/';
            memcpy(ret + end, rest, length);
            ret[end + length] = '\0';
        }
        rest += length + strspn(rest + length, "/");
    }
    return 0;
}

int way_folder(const char *path, char ret[PATH_MAX])
{
    char there[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof there)
        return -ENAMETOOLONG;
    memcpy(there, path, length + 1);
    while (!realpath(length > 0 ? there : ".", ret)) {
        if (errno != ENOENT || length == 0)
            return -errno;
        while (length > 0 && there[length - 1] == '/')
            length--;
        while (length > 0 && there[length - 1] != '/')
            length--;
        there[length] = '\0';
    }
    return parts_append(ret, path + length);
}

int way_file(const char *path, char ret[PATH_MAX])
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char folder[PATH_MAX];
    size_t length = (size_t)(name - path);
    if (length >= sizeof folder)
        return -ENAMETOOLONG;
    memcpy(folder, path, length);
    folder[length] = '\0';
    int error = way_folder(folder, ret);
    return error < 0 ? error : parts_append(ret, name);
}

bool way_clashes(const char *a, const char *b)
{
    size_t length_a = strlen(a), length_b = strlen(b);
    size_t shorter = length_a < length_b ? length_a : length_b;
    if (strncasecmp(a, b, shorter) != 0)
        return false;
    return length_a == length_b || (length_a > length_b ? a : b)[shorter] == '/';
}

/* Bytes of the folders that both begin with, without the slash behind them: 0 for the root alone.
 */
static size_t common_length(const char *a, const char *b)
{
    size_t last = 0;
    for (size_t i = 0;; i++) {
        bool ends_a = a[i] == '/' || a[i] == '\0', ends_b = b[i] == '/' || b[i] == '\0';
        if (ends_a && ends_b)
            last = i;
        if (a[i] != b[i] || a[i] == '\0')
            return last;
    }
}

int way_between(const char *from, const char *to, char ret[PATH_MAX])
{
    size_t common = common_length(from, to), length = 0;
    bool absolute = common == 0;
    for (const char *at = from + common; !absolute && *at && length + 3 < PATH_MAX; at++)
        if (*at == '/')
            length += (size_t)snprintf(ret + length, PATH_MAX - length, "../");
    const char *rest = absolute ? to : to + common + (to[common] == '/');
    bool slash = *rest && rest[strlen(rest) - 1] != '/';
    int more = snprintf(ret + length, PATH_MAX - length, "%s%s", rest, slash ? "/" : "");
    return (size_t)more < PATH_MAX - length ? 0 : -ENAMETOOLONG;
}
