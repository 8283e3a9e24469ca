#include "batch/uri.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-_.!~*'()/&=:@+$,", c));
}

int uri_of_path(const char *path, char *uri, size_t size)
{
    static const char scheme[] = "file://", digits[] = "0123456789ABCDEF";
    size_t at = sizeof scheme - 1;
    if (size < sizeof scheme)
        return -ENAMETOOLONG;
    memcpy(uri, scheme, sizeof scheme);
    for (; *path; path++) {
        if (at + 3 >= size)
            return -ENAMETOOLONG;
        if (is_plain(*path)) {
            uri[at++] = *path;
            continue;
        }
        uri[at++] = '%';
        uri[at++] = digits[(unsigned char)*path >> 4];
        uri[at++] = digits[(unsigned char)*path & 15];
    }
    uri[at] = '\0';
    return 0;
}

/* ---- Folders -------------------------------------------------------------------------------- */

static bool is_same_folder(const char *a, const char *b)
{
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* The working folder as the shell calls it, where that is true. */
static const char *working_folder(char *room, size_t size)
{
    const char *told = getenv("PWD");
    if (told && told[0] == '/' && strlen(told) < size && is_same_folder(told, "."))
        return told;
    return getcwd(room, size) ? room : "/";
}

/* Puts one more part, "." and ".." among them, behind the path ret[0..*length). */
static int part_add(const char *part, size_t size, char *ret, size_t *length)
{
    if (size == 0 || (size == 1 && part[0] == '.'))
        return 0;
    if (size == 2 && memcmp(part, "..", 2) == 0) {
        while (*length > 0 && ret[--*length] != '/')
            ;
        return 0;
    }
    if (*length + size + 2 > PATH_MAX)
        return -ENAMETOOLONG;
    ret[(*length)++] = '/';
    memcpy(ret + *length, part, size);
    *length += size;
    return 0;
}

static int parts_add(const char *path, char *ret, size_t *length)
{
    int error = 0;
    while (*path && error == 0) {
        size_t size = strcspn(path, "/");
        error = part_add(path, size, ret, length);
        path += size + (path[size] == '/');
    }
    return error;
}

int uri_folder_path(const char *path, const char *real, char *ret)
{
    char room[PATH_MAX];
    size_t length = 0;
    int error = path[0] == '/' ? 0 : parts_add(working_folder(room, sizeof room), ret, &length);
    if (error == 0)
        error = parts_add(path, ret, &length);
    if (error < 0)
        return error;
    memcpy(ret + length, length > 0 ? "" : "/", 1 + (length == 0));
    if (real && strlen(real) < PATH_MAX && !is_same_folder(ret, real))
        memcpy(ret, real, strlen(real) + 1);
    return 0;
}
