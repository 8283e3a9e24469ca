#include "batch/scan.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static bool word_is_listed(const char *word, const char *const *list)
{
    while (*list && strcasecmp(word, *list) != 0)
        list++;
    return *list != NULL;
}

/* Names that end as pictures do. SVG is among them only where it can be read: else every icon below
 * the folder would fail. PDF never is: it is made of pages, and has to be named. */
static bool name_is_picture(const char *name, bool untrusted)
{
    static const char *const endings[] = {"jpg", "jpeg", "jpe",  "jfif", "png",  "webp", "gif",
                                          "tif", "tiff", "heic", "heif", "avif", NULL};
    static const char *const drawings[] = {"svg", "svgz", NULL};
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name)
        return false;
    return word_is_listed(dot + 1, endings) || (untrusted && word_is_listed(dot + 1, drawings));
}

static int input_add(struct scan *scan, const char *path, size_t size, struct scan_input input)
{
    if (scan->count == scan->capacity) {
        size_t capacity = scan->capacity ? scan->capacity * 2 : 1024;
        struct scan_input *inputs = reallocarray(scan->inputs, capacity, sizeof *inputs);
        if (!inputs)
            return -ENOMEM;
        scan->inputs = inputs;
        scan->capacity = capacity;
    }
    if (!(input.path = arena_copy(&scan->arena, path, size)))
        return -ENOMEM;
    scan->inputs[scan->count++] = input;
    return 0;
}

/* ---- One folder ----------------------------------------------------------------------------- */

static int entry_compare(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Where in the path of an entry its name relative to the root begins: "photos//a.jpg" and "/a.jpg"
 * have more, or fewer, slashes than one would think. */
static uint32_t name_offset(const char *path, size_t root_length)
{
    size_t at = root_length;
    while (path[at] == '/')
        at++;
    return (uint32_t)at;
}

static bool entry_is_hidden(const FTSENT *entry)
{
    return entry->fts_level > 0 && entry->fts_name[0] == '.';
}

static bool is_output(const struct scan_options *options, dev_t dev, ino_t ino)
{
    return options->skip_ino != 0 && ino == options->skip_ino && dev == options->skip_dev;
}

/* Takes one entry of a walk. Returns 0, or -ENOMEM. */
static int entry_take(struct scan *scan, const struct scan_options *options, FTS *walk,
                      FTSENT *entry, struct scan_input input)
{
    switch (entry->fts_info) {
    case FTS_D:
        if (entry_is_hidden(entry) || is_output(options, entry->fts_dev, entry->fts_ino))
            fts_set(walk, entry, FTS_SKIP);
        return 0;
    case FTS_DNR:
    case FTS_ERR:
        input.error = entry->fts_errno ? entry->fts_errno : EIO;
        return input_add(scan, entry->fts_path, entry->fts_pathlen, input);
    case FTS_F:
    case FTS_NSOK:
    case FTS_NS:
    case FTS_DEFAULT:
        if (entry_is_hidden(entry) || !name_is_picture(entry->fts_name, options->untrusted))
            return 0;
        return input_add(scan, entry->fts_path, entry->fts_pathlen, input);
    default: /* a folder left, a link, a loop */ return 0;
    }
}

static int folder_walk(struct scan *scan, const struct scan_options *options, const char *path,
                       struct scan_input input)
{
    char *const roots[] = {(char *)path, NULL};
    size_t length = strlen(path);
    FTS *walk =
        fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR | FTS_NOSTAT, entry_compare);
    if (!walk)
        return -ENOMEM;
    int error = 0;
    FTSENT *entry;
    while (error == 0 && (errno = 0, entry = fts_read(walk))) {
        input.name_at = name_offset(entry->fts_path, length);
        error = entry_take(scan, options, walk, entry, input);
    }
    if (error == 0 && errno != 0)
        error = errno == ENOMEM ? -ENOMEM : 0;
    fts_close(walk);
    return error;
}

/* ---- Roots ---------------------------------------------------------------------------------- */

/* Length of the folder part of a path, with its slash: "a/b.jpg" has 2, "b.jpg" 0. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* The folder `real` relative to the folder `base`, with a slash at the end unless it is empty.
 * Returns NULL when it is not below. */
static char *prefix_below(struct arena *arena, const char *base, const char *real)
{
    size_t length = strlen(base);
    if (strcmp(base, "/") == 0)
        length = 0;
    if (strncmp(real, base, length) != 0 || (real[length] != '/' && real[length] != '\0'))
        return NULL;
    const char *rest = real + length + (real[length] == '/');
    size_t size = strlen(rest);
    char *prefix = arena_copy(arena, rest, size + 1); /* one more for the slash */
    if (prefix && size > 0)
        memcpy(prefix + size, "/", 2);
    return prefix;
}

/* Finds out where a root lies. Returns 0, -ENOMEM, or -EINVAL when it is not below the base. */
static int root_resolve(struct scan *scan, const struct scan_options *options, const char *path,
                        bool folder, struct scan_root *ret)
{
    char start[PATH_MAX], real[PATH_MAX], base[PATH_MAX];
    size_t length = folder ? strlen(path) : folder_length(path);
    *ret = (struct scan_root){.prefix = (char *)""};
    if (length >= sizeof start)
        return 0; /* it cannot be opened either, which is said then */
    memcpy(start, path, length);
    start[length] = '\0';
    if (!realpath(length ? start : ".", real))
        return 0;
    if (!(ret->real = arena_copy(&scan->arena, real, strlen(real))))
        return -ENOMEM;
    if (!options->base)
        return 0;
    if (!realpath(options->base, base) || !(ret->prefix = prefix_below(&scan->arena, base, real)))
        return -EINVAL;
    return 0;
}

static int path_scan(struct scan *scan, const struct scan_options *options, const char *path)
{
    struct stat stat_buffer;
    struct scan_input input = {.root = (uint32_t)scan->root_count, .named = true};
    bool found = stat(path, &stat_buffer) == 0;
    if (!found)
        input.error = errno;
    bool folder = found && S_ISDIR(stat_buffer.st_mode);
    if (folder && is_output(options, stat_buffer.st_dev, stat_buffer.st_ino))
        return -EEXIST;
    int error = root_resolve(scan, options, path, folder, &scan->roots[scan->root_count]);
    scan->root_count++;
    if (error < 0)
        return error;
    if (folder) {
        input.named = false;
        return folder_walk(scan, options, path, input);
    }
    input.name_at = (uint32_t)folder_length(path);
    return input_add(scan, path, strlen(path), input);
}

int scan_run(const struct scan_options *options, struct scan *ret, const char **ret_path)
{
    *ret = (struct scan){0};
    ret->roots = calloc(options->path_count ? options->path_count : 1, sizeof *ret->roots);
    if (!ret->roots)
        return -ENOMEM;
    for (size_t i = 0; i < options->path_count; i++) {
        int error = path_scan(ret, options, options->paths[i]);
        if (error < 0) {
            *ret_path = options->paths[i];
            return error;
        }
    }
    return 0;
}

void scan_done(struct scan *scan)
{
    free(scan->inputs);
    free(scan->roots);
    arena_done(&scan->arena);
    *scan = (struct scan){0};
}
