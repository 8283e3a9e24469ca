/* The pictures that the real job is timed with: given ones, or ones that are painted here, so that
 * a comparison needs no photos at hand. */
#ifndef BENCH_PHOTOS_H
#define BENCH_PHOTOS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch/original.h"
#include "batch/scan.h"

enum {
    PHOTOS_MADE_MAX = 48, /* each is a descriptor that every child is started with */
    PHOTOS_FOUND_MAX = 500,
    PHOTOS_WIDTH = 3000, /* pixels of those that are painted: a camera of 6 megapixels */
    PHOTOS_HEIGHT = 2000,
};

struct photos {
    int count;                /* of the pictures */
    int64_t size_bytes;       /* of all their files */
    bool made;                /* painted here */
    bool on_disk;             /* their files lie on a disk, and can leave the page cache */
    size_t passed_over;       /* inputs that are no JPEG or PNG, or cannot be opened */
    size_t beyond;            /* inputs past PHOTOS_FOUND_MAX */
    int fds[PHOTOS_MADE_MAX]; /* of those that were made; files without a name */
    struct scan scan;         /* of those that were found */
    uint32_t *inputs;         /* their numbers in it */
};

/* Paints `count` pictures, 1..PHOTOS_MADE_MAX, on all CPUs.
 *   on_disk  into unnamed files below TMPDIR, or /var/tmp, instead of memory
 *   stop     not 0: give up; NULL: never
 * Returns 0, -EINTR, or an error of the system. Free with photos_done(). */
int photos_make(int count, bool on_disk, const volatile sig_atomic_t *stop, struct photos *ret);

/* Finds pictures as a run does, and keeps those that need no libvips. Returns 0; -ENOENT when there
 * are none; -ENOMEM. Free with photos_done(). */
int photos_find(char *const *paths, size_t path_count, struct photos *ret);

/* Opens one as a run does; to be closed with original_close(). Returns 0, or -errno. */
int photos_open(const struct photos *photos, int index, struct original *ret);

/* Asks the kernel to drop their files from the page cache, and looks. Returns the share of their
 * pages that is still there, 0..1. */
double photos_chill(const struct photos *photos);

/* Takes a zeroed struct. */
void photos_done(struct photos *photos);

#endif
