#include "batch/manifest.h"

#include "batch/durable.h"
#include "batch/key.h"
#include "batch/ledger.h"
#include "batch/lines.h"
#include "batch/nameset.h"
#include "batch/parts.h"
#include "batch/places.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH_BYTES = 256 * 1024, /* that are written at once */
    BATCH_MOST = 4 << 20,     /* that are kept while another has the lock */
    BATCH_MS = 1000,          /* after which they are written */
    FIND_BYTES = 2048,        /* read at once of a line */
    WORTH_WHILE = 64,         /* lines that may be stale without harm */
};

struct manifest {
    const struct plan *plan;
    const char *versions;
    int folder_fd;               /* borrowed */
    char name[PARTS_NAME_BYTES]; /* of the file that is written */
    int fd;                      /* for reading: the file as it was in the beginning; -1 none */
    bool is_gathered;            /* that is no file with a name, but all that there was to read */
    bool is_part;                /* the file is a shard's, which keeps its lock */
    int append_fd;               /* the file as it is; -1 until something is written */
    uint64_t *lines;             /* by input: where its line begins, and 1; 0 none */
    size_t known;                /* lines that were read */
    size_t stale;                /* lines that count no more */
    size_t damaged;              /* lines that are none of ours */
    bool refused;                /* it is no regular file: left alone */
    char *line;                  /* of the entry that was found; LINES_LONGEST */
    FILE *batch;                 /* lines to be written; NULL until there are some */
    char *batch_text;            /* what is in it, once flushed */
    size_t batch_size;           /* bytes of that */
    size_t batch_lines;          /* in it */
    int64_t batch_ms;            /* when its first line came */
    struct output *followed;     /* flushed before each batch, as the batch is; NULL: nothing is */
    char why[300];               /* the complaint; "" none */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Reading -------------------------------------------------------------------------------- */

static void complain(struct manifest *manifest, const char *what, const char *then)
{
    snprintf(manifest->why, sizeof manifest->why, "the manifest %.100s/%.40s %.90s; %.50s",
             manifest->plan->options.output, manifest->name, what, then);
}

static bool output_is_named(void *user, uint32_t input, const char *name)
{
    char path[PATH_MAX];
    return plan_name(user, input, 0, path, sizeof path) == 0 && strcmp(path, name) == 0;
}

/* The inputs by the names of their first outputs. */
static int names_collect(const struct plan *plan, struct nameset *ret)
{
    nameset_init(ret, output_is_named, (void *)plan);
    int error = nameset_reserve(ret, plan->count);
    for (size_t i = 0; i < plan->count && error >= 0; i++) {
        char name[PATH_MAX];
        uint32_t owner;
        if (plan->scan->inputs[plan->order[i]].error == 0 &&
            plan_name(plan, plan->order[i], 0, name, sizeof name) == 0)
            error = nameset_add(ret, name, plan->order[i], &owner);
    }
    return error < 0 ? error : 0;
}

static void line_take(struct manifest *manifest, const struct nameset *names, char *text,
                      size_t size, int64_t offset)
{
    struct entry entry;
    uint32_t input;
    if (size == 0)
        return;
    if (!entry_read(text, size, &entry)) {
        manifest->damaged++;
        return;
    }
    manifest->known++;
    if (!nameset_find(names, entry.name, &input))
        return;
    manifest->stale += manifest->lines[input] != 0;
    manifest->lines[input] = (uint64_t)offset + 1;
}

static int lines_collect(struct manifest *manifest, const struct nameset *names)
{
    struct lines lines;
    enum lines_found found;
    char *text;
    size_t size;
    int64_t offset;
    if (lines_init(&lines, manifest->fd) < 0)
        return -ENOMEM;
    while ((found = lines_next(&lines, &text, &size, &offset)) != LINES_END) {
        if (found == LINES_WHOLE)
            line_take(manifest, names, text, size, offset);
        else
            manifest->damaged++;
    }
    lines_done(&lines);
    return 0;
}

/* Reads the lines of what is open. */
static int manifest_load(struct manifest *manifest, const struct nameset *names)
{
    /* Nobody is amid appending then; to what was gathered, nobody does. */
    bool locked = !manifest->is_gathered && ledger_lock(manifest->fd, LOCK_SH, LEDGER_WAIT_MS);
    int error = lines_collect(manifest, names);
    if (locked)
        flock(manifest->fd, LOCK_UN);
    if (manifest->damaged > 0)
        complain(manifest, "is damaged", "what cannot be read of it is made anew");
    return error;
}

/* A ledger_keep_fn for the inputs of a shard. */
static bool entry_is_named(void *user, const struct entry *entry)
{
    uint32_t input;
    return nameset_find(user, entry->name, &input);
}

/* Opens all that there is to read, where it is more than the one file. */
static void manifest_gather(struct manifest *manifest, struct nameset *names)
{
    int fd = parts_gather(manifest->folder_fd, &manifest->plan->options.shard,
                          manifest->is_part ? entry_is_named : NULL, names);
    if (fd < 0 && fd != -ENOENT)
        complain(manifest, "has parts that cannot be read", "what they tell is not known");
    if (fd < 0)
        return;
    if (manifest->fd >= 0)
        close(manifest->fd);
    manifest->fd = fd;
    manifest->is_gathered = true;
}

static int manifest_read(struct manifest *manifest)
{
    struct nameset names;
    manifest->fd = ledger_open(manifest->folder_fd, manifest->name, O_RDONLY);
    manifest->refused = manifest->fd < 0 && manifest->fd != -ENOENT;
    if (manifest->refused)
        complain(manifest, manifest->fd == -EACCES ? "cannot be read" : "is not a regular file",
                 "nothing is known of earlier runs");
    int error = names_collect(manifest->plan, &names);
    if (error == 0)
        manifest_gather(manifest, &names);
    if (error == 0 && manifest->fd >= 0)
        error = manifest_load(manifest, &names);
    nameset_done(&names);
    return error;
}

int manifest_open(const struct plan *plan, int folder_fd, const char *versions,
                  struct manifest **ret)
{
    struct manifest *manifest = calloc(1, sizeof *manifest);
    if (!manifest)
        return -ENOMEM;
    *manifest = (struct manifest){.plan = plan,
                                  .versions = versions,
                                  .folder_fd = folder_fd,
                                  .is_part = plan->options.shard.count > 0,
                                  .fd = -1,
                                  .append_fd = -1,
                                  .line = malloc(LINES_LONGEST)};
    parts_name(&plan->options.shard, manifest->name);
    manifest->lines = calloc(plan->scan->count ? plan->scan->count : 1, sizeof *manifest->lines);
    int error = manifest->line && manifest->lines ? 0 : -ENOMEM;
    if (error == 0 && folder_fd >= 0)
        error = manifest_read(manifest);
    if (error < 0)
        manifest_close(manifest);
    else
        *ret = manifest;
    return error;
}

void manifest_close(struct manifest *manifest)
{
    if (!manifest)
        return;
    if (manifest->fd >= 0)
        close(manifest->fd);
    if (manifest->append_fd >= 0)
        close(manifest->append_fd);
    if (manifest->batch)
        fclose(manifest->batch);
    free(manifest->batch_text);
    free(manifest->lines);
    free(manifest->line);
    free(manifest);
}

void manifest_follow(struct manifest *manifest, struct output *output)
{
    manifest->followed = output;
}

void manifest_hold(struct manifest *manifest)
{
    if (manifest->is_part && !manifest->refused)
        manifest->append_fd = ledger_open_locked(manifest->folder_fd, manifest->name,
                                                 O_RDWR | O_APPEND, LEDGER_WAIT_MS);
}

const char *manifest_complaint(const struct manifest *manifest)
{
    return manifest->why[0] ? manifest->why : NULL;
}

/* Reads the line at `offset` again. Returns its size without its end, 0 where there is none. */
static size_t line_read(struct manifest *manifest, int64_t offset)
{
    size_t size = 0;
    for (size_t step = FIND_BYTES; size < LINES_LONGEST; step *= 4) {
        size_t room = LINES_LONGEST - size;
        ssize_t got = pread(manifest->fd, manifest->line + size, step < room ? step : room,
                            (off_t)(offset + (int64_t)size));
        if (got <= 0)
            return 0;
        char *end = memchr(manifest->line + size, '\n', (size_t)got);
        if (end)
            return (size_t)(end - manifest->line);
        size += (size_t)got;
    }
    return 0;
}

bool manifest_find(struct manifest *manifest, uint32_t input, struct entry *ret)
{
    char name[PATH_MAX];
    if (manifest->fd < 0 || manifest->lines[input] == 0)
        return false;
    size_t size = line_read(manifest, (int64_t)manifest->lines[input] - 1);
    return size > 0 && entry_read(manifest->line, size, ret) &&
           plan_name(manifest->plan, input, 0, name, sizeof name) == 0 &&
           strcmp(name, ret->name) == 0;
}

uint64_t manifest_key(const struct manifest *manifest, uint32_t input)
{
    return key_of(manifest->plan->options.spec, plan_format_of(manifest->plan, input),
                  manifest->versions);
}

/* ---- Appending ------------------------------------------------------------------------------ */

static int write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, text, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        size -= (size_t)n;
    }
    return 0;
}

/* True when the file ends amid a line: its writer was killed. */
static bool ends_amid_line(int fd)
{
    struct stat found;
    char last = '\n';
    return fstat(fd, &found) == 0 && found.st_size > 0 &&
           pread(fd, &last, 1, found.st_size - 1) == 1 && last != '\n';
}

/* Has the file open and locked. Returns 0 or -errno. */
static int append_begin(struct manifest *manifest, int wait_ms)
{
    if (manifest->append_fd >= 0 && ledger_lock(manifest->append_fd, LOCK_EX, wait_ms)) {
        if (ledger_is_current(manifest->folder_fd, manifest->name, manifest->append_fd))
            return 0;
        close(manifest->append_fd);
        manifest->append_fd = -1;
    }
    if (manifest->append_fd < 0)
        manifest->append_fd = ledger_open_locked(manifest->folder_fd, manifest->name,
                                                 O_RDWR | O_APPEND | O_CREAT, wait_ms);
    else
        return -EWOULDBLOCK;
    return manifest->append_fd < 0 ? manifest->append_fd : 0;
}

/* The file `fd` has got all its lines, and perhaps its name. */
static int lines_flush(const struct manifest *manifest, int fd)
{
    if (!manifest->followed)
        return 0;
    output_named(manifest->followed);
    return durable_data(fd);
}

static int batch_append(struct manifest *manifest, int wait_ms)
{
    int error = manifest->followed ? output_flush(manifest->followed) : 0;
    if (error == 0)
        error = append_begin(manifest, wait_ms);
    if (error < 0)
        return error;
    if (ends_amid_line(manifest->append_fd))
        error = write_all(manifest->append_fd, "\n", 1);
    if (error == 0)
        error = write_all(manifest->append_fd, manifest->batch_text, manifest->batch_size);
    if (error == 0)
        error = lines_flush(manifest, manifest->append_fd);
    if (!manifest->is_part)
        flock(manifest->append_fd, LOCK_UN);
    return error;
}

/* Writes the batch. When another has the lock it is kept, unless that was the last chance. */
static void batch_flush(struct manifest *manifest, int wait_ms)
{
    if (manifest->batch_lines == 0 || manifest->refused)
        return;
    int error = fflush(manifest->batch) == 0 ? batch_append(manifest, wait_ms) : -ENOMEM;
    manifest->batch_ms = now_ms();
    if (error == -EWOULDBLOCK && wait_ms == 0)
        return;
    if (error < 0) {
        char what[80];
        snprintf(what, sizeof what, "cannot be written: %.50s",
                 error == -EWOULDBLOCK ? "another run has locked it" : strerrordesc_np(-error));
        complain(manifest, what, "the next run will not know all of this one");
    }
    manifest->batch_lines = 0;
    (void)fseeko(manifest->batch, 0, SEEK_SET);
}

void manifest_note(struct manifest *manifest, uint32_t input, const struct entry *entry)
{
    if (manifest->refused)
        return;
    if (!manifest->batch)
        manifest->batch = open_memstream(&manifest->batch_text, &manifest->batch_size);
    if (!manifest->batch)
        return; /* it is made anew next time, then */
    off_t begin = ftello(manifest->batch);
    entry_write(manifest->batch, entry);
    if (ftello(manifest->batch) - begin >= LINES_LONGEST) {
        (void)fseeko(manifest->batch, begin, SEEK_SET); /* nobody would read it */
        return;
    }
    if (manifest->batch_lines++ == 0)
        manifest->batch_ms = now_ms();
    manifest->known++;
    manifest->stale += manifest->lines[input] != 0;
    off_t size = ftello(manifest->batch);
    if (size >= BATCH_BYTES)
        batch_flush(manifest, size >= BATCH_MOST ? LEDGER_WAIT_MS : 0);
}

void manifest_tick(struct manifest *manifest)
{
    if (manifest->batch_lines > 0 && now_ms() - manifest->batch_ms >= BATCH_MS)
        batch_flush(manifest, 0);
}

/* ---- All of it ------------------------------------------------------------------------------ */

struct showing {
    int (*fn)(void *user, const struct entry *entry);
    void *user;
};

static int line_show(void *user, char *text, size_t size)
{
    const struct showing *showing = user;
    struct entry entry;
    return entry_read(text, size, &entry) ? showing->fn(showing->user, &entry) : 0;
}

/* Opens what manifest_each() shows. Returns a descriptor, or -errno. */
static int each_open(const struct manifest *manifest)
{
    if (manifest->is_gathered)
        return fcntl(manifest->fd, F_DUPFD_CLOEXEC, 0);
    return manifest->folder_fd < 0 ? -ENOENT
                                   : ledger_open(manifest->folder_fd, manifest->name, O_RDONLY);
}

int manifest_each(struct manifest *manifest, int (*fn)(void *user, const struct entry *entry),
                  void *user)
{
    struct places places = {0};
    struct showing showing = {fn, user};
    batch_flush(manifest, LEDGER_WAIT_MS);
    int fd = each_open(manifest);
    if (fd < 0)
        return 0;
    int error = places_find(fd, &places);
    if (error == 0)
        error = places_each(fd, &places, line_show, &showing);
    places_done(&places);
    close(fd);
    return error;
}

/* ---- Anew ----------------------------------------------------------------------------------- */

/* Writes it anew, unless another has the lock. */
static void manifest_rewrite(struct manifest *manifest, struct output *output, ledger_keep_fn *keep,
                             void *user)
{
    if (manifest->append_fd >= 0) /* its lock would be in our own way */
        close(manifest->append_fd);
    manifest->append_fd = -1;
    int fd = ledger_open_locked(manifest->folder_fd, manifest->name, O_RDWR, 0);
    if (fd < 0)
        return;
    (void)ledger_replace(output, manifest->name, fd, keep, user, manifest->followed != NULL);
    close(fd);
}

void manifest_finish(struct manifest *manifest, struct output *output, ledger_keep_fn *keep,
                     void *user)
{
    batch_flush(manifest, LEDGER_WAIT_MS);
    bool stale = manifest->stale > WORTH_WHILE && manifest->stale * 2 > manifest->known;
    bool changed = manifest->append_fd >= 0;
    if (!manifest->refused && (keep || manifest->damaged > 0 || (stale && changed)))
        manifest_rewrite(manifest, output, keep, user);
}
