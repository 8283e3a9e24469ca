#include "batch/scan.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { LOOK_EVERY = 1024 }; /* inputs, between two calls of options->look in one folder */

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

static int folder_add(struct scan *scan, const char *path, size_t size)
{
    if (scan->folder_count == scan->folder_capacity) {
        size_t capacity = scan->folder_capacity ? scan->folder_capacity * 2 : 64;
        char **folders = reallocarray(scan->folders, capacity, sizeof *folders);
        if (!folders)
            return -ENOMEM;
        scan->folders = folders;
        scan->folder_capacity = capacity;
    }
    char *copy = arena_copy(&scan->arena, path, size);
    if (!copy)
        return -ENOMEM;
    scan->folders[scan->folder_count++] = copy;
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

/* True for what a walk passes over, with all that is below it. `path` is relative to the folder
 * that was named, which itself is never passed over. */
static bool entry_is_left_out(const struct scan_filter *filter, const FTSENT *entry,
                              const char *path)
{
    if (entry->fts_level == 0)
        return false;
    return (entry->fts_name[0] == '.' && !filter->hidden) || globs_match(&filter->exclude, path);
}

static bool entry_is_wanted(const struct scan_filter *filter, const FTSENT *entry, const char *path)
{
    if (entry_is_left_out(filter, entry, path))
        return false;
    return filter->include.count > 0 ? globs_match(&filter->include, path)
                                     : name_is_picture(entry->fts_name, filter->untrusted);
}

static bool is_output(const struct scan_options *options, dev_t dev, ino_t ino)
{
    return options->skip_ino != 0 && ino == options->skip_ino && dev == options->skip_dev;
}

/* Reads the folder that the walk has come to, all of it, and tells what that ended with, which
 * fts_read() keeps to itself. Returns 0, or errno. What was found until then is walked all the
 * same. */
static int folder_read(FTS *walk, FTSENT *folder)
{
    errno = 0;
    const FTSENT *child = fts_children(walk, 0);
    int error = errno;
    if (!child && error != 0)
        fts_set(walk, folder, FTS_SKIP); /* or it would be tried, and perhaps told, once more */
    for (; child && error != 0; child = child->fts_link)
        if (child->fts_info == FTS_NS && child->fts_errno == error)
            error = 0; /* it is that entry's, and told there */
    return error;
}

/* Takes a folder before what is in it. Returns 0, or -ENOMEM. */
static int folder_take(struct scan *scan, const struct scan_options *options, FTS *walk,
                       FTSENT *entry, struct scan_input input)
{
    const struct scan_filter *filter = options->filter;
    if (entry_is_left_out(filter, entry, entry->fts_path + input.name_at) ||
        is_output(options, entry->fts_dev, entry->fts_ino) ||
        (filter->depth > 0 && entry->fts_level >= filter->depth)) {
        fts_set(walk, entry, FTS_SKIP);
        return 0;
    }
    input.error = folder_read(walk, entry);
    if (input.error == ENOMEM)
        return -ENOMEM;
    if (input.error != 0)
        return input_add(scan, entry->fts_path, entry->fts_pathlen, input);
    return options->keep_folders ? folder_add(scan, entry->fts_path, entry->fts_pathlen) : 0;
}

/* True for what could not be looked at and would have been walked, had it been a folder. */
static bool entry_may_be_lost(const struct scan_filter *filter, const FTSENT *entry,
                              const char *path)
{
    if (entry->fts_info != FTS_NS || entry_is_left_out(filter, entry, path) ||
        (filter->depth > 0 && entry->fts_level >= filter->depth))
        return false;
    return entry->fts_errno != ENOENT && entry->fts_errno != ENOTDIR; /* gone meanwhile */
}

/* Takes one entry of a walk. Returns 0, or -ENOMEM. */
static int entry_take(struct scan *scan, const struct scan_options *options, FTS *walk,
                      FTSENT *entry, struct scan_input input)
{
    const struct scan_filter *filter = options->filter;
    const char *path = entry->fts_path + input.name_at;
    switch (entry->fts_info) {
    case FTS_D: return folder_take(scan, options, walk, entry, input);
    case FTS_DNR:
    case FTS_ERR:
        input.error = entry->fts_errno ? entry->fts_errno : EIO;
        return input_add(scan, entry->fts_path, entry->fts_pathlen, input);
    case FTS_SLNONE: /* only where links are followed: one that leads nowhere */
        input.error = ENOENT;
        /* fall through */
    case FTS_F:
    case FTS_NSOK:
    case FTS_NS:
    case FTS_DEFAULT:
        if (entry_may_be_lost(filter, entry, path))
            input.error = entry->fts_errno;
        else if (!entry_is_wanted(filter, entry, path))
            return 0;
        return input_add(scan, entry->fts_path, entry->fts_pathlen, input);
    default: /* a folder left, a link, a loop */ return 0;
    }
}

/* Tells how far it is. Returns 0, or -ECANCELED. */
static int found_tell(const struct scan *scan, const struct scan_options *options, bool folder)
{
    if (!options->look || (!folder && scan->count % LOOK_EVERY != 0))
        return 0;
    return options->look(options->look_self, scan->count) ? 0 : -ECANCELED;
}

static int folder_walk(struct scan *scan, const struct scan_options *options, const char *path,
                       struct scan_input input)
{
    char *const roots[] = {(char *)path, NULL};
    size_t length = strlen(path);
    int how = options->filter->follow ? FTS_LOGICAL : FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOSTAT;
    FTS *walk = fts_open(roots, how | FTS_NOCHDIR, entry_compare);
    if (!walk)
        return -ENOMEM;
    int error = 0;
    FTSENT *entry;
    while (error == 0 && (errno = 0, entry = fts_read(walk))) {
        input.name_at = name_offset(entry->fts_path, length);
        error = entry_take(scan, options, walk, entry, input);
        if (error == 0)
            error = found_tell(scan, options, entry->fts_info == FTS_D);
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

/* Returns NULL when there is no memory. */
static struct scan_root *root_add(struct scan *scan)
{
    if (scan->root_count == scan->root_capacity) {
        size_t capacity = scan->root_capacity ? scan->root_capacity * 2 : 16;
        struct scan_root *roots = reallocarray(scan->roots, capacity, sizeof *roots);
        if (!roots)
            return NULL;
        scan->roots = roots;
        scan->root_capacity = capacity;
    }
    scan->roots[scan->root_count] = (struct scan_root){.prefix = (char *)""};
    return &scan->roots[scan->root_count++];
}

/* What was named, looked at once. */
struct named {
    const char *path;
    int error; /* errno of looking, 0 none */
    bool folder;
    dev_t dev;
    ino_t ino;
};

static struct named named_look(const char *path)
{
    struct stat stat_buffer;
    if (stat(path, &stat_buffer) != 0)
        return (struct named){.path = path, .error = errno};
    return (struct named){.path = path,
                          .folder = S_ISDIR(stat_buffer.st_mode),
                          .dev = stat_buffer.st_dev,
                          .ino = stat_buffer.st_ino};
}

/* Takes what was named, below the newest root. Returns as scan_run(). */
static int named_take(struct scan *scan, const struct scan_options *options,
                      const struct named *named)
{
    struct scan_input input = {.root = (uint32_t)scan->root_count - 1,
                               .error = named->error,
                               .named = !named->folder,
                               .linked = !named->folder || options->filter->follow};
    if (named->folder && is_output(options, named->dev, named->ino))
        return -EEXIST;
    if (named->folder)
        return folder_walk(scan, options, named->path, input);
    input.name_at = (uint32_t)folder_length(named->path);
    return input_add(scan, named->path, strlen(named->path), input);
}

/* Takes one path of the command line. */
static int path_scan(struct scan *scan, const struct scan_options *options, const char *path)
{
    struct named named = named_look(path);
    struct scan_root *root = root_add(scan);
    int error = root ? root_resolve(scan, options, path, named.folder, root) : -ENOMEM;
    return error < 0 ? error : named_take(scan, options, &named);
}

/* ---- A list --------------------------------------------------------------------------------- */

static bool climbs(const char *path)
{
    for (const char *at = path; (at = strstr(at, "..")); at += 2)
        if ((at == path || at[-1] == '/') && (at[2] == '/' || at[2] == '\0'))
            return true;
    return false;
}

/* The folder part of an entry as a prefix of outputs: "./a//b/c.jpg" has "a/b/", and an absolute
 * path loses its slash. Returns NULL when there is no memory. */
static char *prefix_of_entry(struct arena *arena, const char *path, size_t length)
{
    char *prefix = arena_copy(arena, path, length), *to = prefix;
    for (const char *from = path; prefix && from < path + length;) {
        size_t part = strcspn(from, "/") + 1;
        bool empty = part == 1 || (part == 2 && from[0] == '.');
        if (!empty)
            to = (char *)memmove(to, from, part) + part;
        from += part;
    }
    if (prefix)
        *to = '\0';
    return prefix;
}

/* Where an entry lies. Without a base it is named relative to the working folder. */
static int entry_resolve(struct scan *scan, const struct scan_options *options, const char *path,
                         bool folder, struct scan_root *ret)
{
    size_t length = folder ? strlen(path) : folder_length(path);
    int error = root_resolve(scan, options, path, folder, ret);
    if (error < 0 || options->base)
        return error;
    char with_slash[PATH_MAX + 1];
    if (length >= PATH_MAX)
        return 0;
    memcpy(with_slash, path, length);
    if (folder)
        with_slash[length++] = '/';
    ret->prefix = prefix_of_entry(&scan->arena, with_slash, length);
    return ret->prefix ? 0 : -ENOMEM;
}

/* An entry in the same folder as the input before needs no root of its own. */
static bool shares_root(const struct scan *scan, const char *path, size_t list_start)
{
    if (scan->count <= list_start)
        return false;
    const struct scan_input *last = &scan->inputs[scan->count - 1];
    size_t length = folder_length(path);
    return last->named && last->name_at == length && memcmp(last->path, path, length) == 0;
}

/* Takes one entry of the list, whose inputs begin at `list_start`. */
static int entry_scan(struct scan *scan, const struct scan_options *options, const char *path,
                      size_t list_start)
{
    if (climbs(path))
        return -EXDEV;
    struct named named = named_look(path);
    int error = 0;
    if (named.folder || !shares_root(scan, path, list_start)) {
        struct scan_root *root = root_add(scan);
        error = root ? entry_resolve(scan, options, path, named.folder, root) : -ENOMEM;
    }
    return error < 0 ? error : named_take(scan, options, &named);
}

static int list_scan(struct scan *scan, const struct scan_options *options, const char **ret_path)
{
    char *line = NULL;
    size_t room = 0, list_start = scan->count;
    ssize_t length;
    int error = 0;
    while (error == 0 && (length = getdelim(&line, &room, options->list_end, options->list)) > 0) {
        if (line[length - 1] == options->list_end)
            line[length - 1] = '\0';
        if (line[0] == '\0')
            continue;
        error = entry_scan(scan, options, line, list_start);
        if (error == 0)
            error = found_tell(scan, options, false);
        if (error < 0 && !(*ret_path = arena_copy(&scan->arena, line, strlen(line))))
            error = -ENOMEM;
    }
    if (error == 0 && ferror(options->list))
        error = -EIO;
    free(line);
    return error;
}

/* ---- All of it ------------------------------------------------------------------------------ */

int scan_run(const struct scan_options *options, struct scan *ret, const char **ret_path)
{
    static const struct scan_filter nothing = {.depth = 0};
    struct scan_options all = *options;
    if (!all.filter)
        all.filter = &nothing;
    *ret = (struct scan){0};
    for (size_t i = 0; i < all.path_count; i++) {
        int error = path_scan(ret, &all, all.paths[i]);
        if (error < 0) {
            *ret_path = all.paths[i];
            return error;
        }
    }
    return all.list ? list_scan(ret, &all, ret_path) : 0;
}

void scan_done(struct scan *scan)
{
    free(scan->inputs);
    free(scan->roots);
    free(scan->folders);
    arena_done(&scan->arena);
    *scan = (struct scan){0};
}
