/* Which pictures there are: the paths that the user named, on the command line or in a list, and
 * what a walk finds below the folders among them, by name and in order. Nothing but the list is
 * opened, and no content is looked at. */
#ifndef BATCH_SCAN_H
#define BATCH_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "batch/arena.h"
#include "batch/globs.h"

/* One path that the user named. */
struct scan_root {
    char *real;   /* its folder (the folder of a file), without links; NULL where there is none */
    char *prefix; /* where outputs of this root go below the output folder: "" or "a/b/" */
};

/* One picture, or something that was named and cannot be one. */
struct scan_input {
    const char *path; /* as it is to be opened */
    uint32_t name_at; /* path + name_at is relative to its root */
    uint32_t root;    /* number of its root */
    int error;        /* errno that made it unreadable already, 0 none */
    bool named;       /* by the user, not found on a walk */
    bool linked;      /* it may be a link, which is followed */
};

struct scan {
    struct scan_input *inputs; /* in order of the arguments, each folder by name */
    size_t count, capacity;    /* of inputs */
    struct scan_root *roots;   /* one a path; one for entries of a list that lie in one folder */
    size_t root_count, root_capacity;
    char **folders; /* that were walked, where they are to be kept */
    size_t folder_count, folder_capacity;
    struct arena arena; /* holds the strings */
};

/* What a walk takes. */
struct scan_filter {
    struct globs include; /* none: names that end as pictures do */
    struct globs exclude; /* files, and folders with all that is in them */
    bool untrusted;       /* names that end as SVG does count as pictures, too */
    bool hidden;          /* also names that begin with a dot */
    bool follow;          /* also what links lead to */
    int depth;            /* levels of folders, 1 is the named one alone; 0 all */
};

struct scan_options {
    char *const *paths;               /* files and folders */
    size_t path_count;                /* of them */
    FILE *list;                       /* more of them; or NULL */
    int list_end;                     /* what ends each: '\n' or '\0' */
    const char *base;                 /* what outputs are named relative to; NULL: each path itself,
                                         and the working folder for what is in the list */
    const struct scan_filter *filter; /* NULL: none of it */
    bool keep_folders;                /* note which folders are walked */
    bool (*look)(void *self, size_t found); /* hears, folder by folder and now and then in a large
                                               one, how many there are; false: stop. Or NULL */
    void *look_self;
    dev_t skip_dev; /* the output folder, which is never walked: */
    ino_t skip_ino; /* 0 when it does not exist yet */
};

/* Collects the inputs. Unreadable folders and named files that do not exist are inputs with an
 * error. Links are not followed, but those that were named. Blocks on the file system.
 * Returns 0, -ENOMEM, -EIO (the list cannot be read), and with the path in question in ret_path,
 * which lives as long as the scan, -ECANCELED (it was to stop), -EINVAL (it is not below the base),
 * -EEXIST (it is the output folder) or -EXDEV (an entry of the list with ".." in it). Free with
 * scan_done(), also after an error. */
int scan_run(const struct scan_options *options, struct scan *ret, const char **ret_path);
void scan_done(struct scan *scan);

/* The part of the input's path that follows its root: "a/b.jpg". */
static inline const char *scan_name(const struct scan_input *input)
{
    return input->path + input->name_at;
}

#endif
