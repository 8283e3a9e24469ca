#include "bench/photos.h"

#include "image/jpeg.h"
#include "mproc/mproc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { QUALITY = 92 }; /* of those that are painted: what cameras write */

/* ---- Painting ------------------------------------------------------------------------------- */

static uint32_t hash(uint32_t x, uint32_t y, uint32_t seed)
{
    uint32_t mixed = x * 374761393u + y * 668265263u + seed * 2246822519u;
    mixed = (mixed ^ mixed >> 13) * 1274126177u;
    return mixed ^ mixed >> 16;
}

/* A level in 0..255 that changes smoothly: random ones on a grid of `cell` pixels, blended. */
static int smooth(int x, int y, int cell, uint32_t seed)
{
    uint32_t column = (uint32_t)(x / cell), row = (uint32_t)(y / cell);
    int u = x % cell, v = y % cell;
    int above = (int)(hash(column, row, seed) & 255) * (cell - u) +
                (int)(hash(column + 1, row, seed) & 255) * u;
    int below = (int)(hash(column, row + 1, seed) & 255) * (cell - u) +
                (int)(hash(column + 1, row + 1, seed) & 255) * u;
    return (above * (cell - v) + below * v) / (cell * cell);
}

static uint8_t level(int number)
{
    return (uint8_t)(number < 0 ? 0 : number > 255 ? 255 : number);
}

/* Broad shapes, finer ones on them, and over all of it the noise of a sensor: two random numbers
 * added, so that it is nearer to a bell than to a box. */
static void row_paint(struct pixels *pixels, int y, uint32_t seed)
{
    uint8_t *to = pixels->data + (size_t)y * pixels->stride;
    for (int x = 0; x < pixels->width; x++, to += 4) {
        int broad = smooth(x, y, 500, seed), fine = smooth(x, y, 24, seed + 1) - 128;
        uint32_t dice = hash((uint32_t)x, (uint32_t)y, seed + 2);
        int noise = (int)(dice & 15) + (int)(dice >> 4 & 15) - 15;
        int shade = broad + fine / 4 + noise;
        to[0] = level(shade + smooth(x, 0, 900, seed + 3) / 3);
        to[1] = level(shade + 30);
        to[2] = level(255 - shade + noise / 2);
        to[3] = 255;
    }
}

static int file_write(int fd, const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t written = pwrite(fd, bytes + at, size - at, (off_t)at);
        if (written < 0 && errno != EINTR)
            return -errno;
        at += written > 0 ? (size_t)written : 0;
    }
    return 0;
}

/* Paints one picture into the job's descriptor. */
static int paint_task(struct mp_task *task, const void *arg, size_t size)
{
    struct pixels pixels;
    struct image_fault fault;
    uint8_t *bytes = NULL;
    size_t length = 0;
    uint32_t seed = *(const uint32_t *)arg;
    (void)size;
    if (pixels_init(&pixels, PHOTOS_WIDTH, PHOTOS_HEIGHT, 4) != 0)
        return mp_task_fail(task, ENOMEM, "no memory");
    for (int y = 0; y < pixels.height; y++)
        row_paint(&pixels, y, seed);
    struct image_spec spec = image_spec_default();
    spec.quality = QUALITY;
    int error = jpeg_encode(&pixels, &spec, NULL, &bytes, &length, &fault);
    pixels_done(&pixels);
    if (error == 0)
        error = file_write(mp_task_fd(task, 0), bytes, length);
    free(bytes);
    return error;
}

/* A file without a name on a disk; where there are no such files, one that loses its name at once.
 * Returns its descriptor, or -1. */
static int disk_file_make(void)
{
    const char *folder = getenv("TMPDIR");
    char name[PATH_MAX];
    folder = folder && *folder ? folder : "/var/tmp";
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return fd;
    snprintf(name, sizeof name, "%s/thumbpool-XXXXXX", folder);
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    return fd;
}

/* Returns the descriptor of an empty file, or -errno. */
static int file_make(bool on_disk)
{
    int fd = on_disk ? disk_file_make() : memfd_create("photo", MFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Waits for a picture; looks at the stop flag meanwhile. */
static int paint_await(struct mp_future *future, const volatile sig_atomic_t *stop)
{
    const void *data;
    size_t size;
    int error;
    do
        error = stop && *stop ? -ECANCELED : mp_future_result(future, 100, &data, &size);
    while (error == -ETIMEDOUT || error == -EINTR);
    return error == -ECANCELED ? -EINTR : error;
}

static int paint_all(struct mp_executor *executor, struct photos *photos, int count,
                     const volatile sig_atomic_t *stop)
{
    struct mp_future *futures[PHOTOS_MADE_MAX] = {0};
    int error = 0;
    for (int i = 0; i < count && error >= 0; i++) {
        uint32_t seed = (uint32_t)i * 16;
        error = photos->fds[i] = file_make(photos->on_disk);
        struct mp_submit_options options = {.fds = &photos->fds[i], .fd_count = 1};
        if (error >= 0) {
            photos->count++;
            error =
                mp_executor_submit(executor, paint_task, &seed, sizeof seed, &options, &futures[i]);
        }
    }
    for (int i = 0; i < count && error >= 0; i++) {
        error = paint_await(futures[i], stop);
        photos->size_bytes += lseek(photos->fds[i], 0, SEEK_END);
    }
    for (int i = 0; i < count; i++)
        mp_future_free(futures[i]);
    return error < 0 ? error : 0;
}

int photos_make(int count, bool on_disk, const volatile sig_atomic_t *stop, struct photos *ret)
{
    struct mp_executor *executor;
    struct mp_executor_options options = {.max_pending = PHOTOS_MADE_MAX, .name = "thumbpool-make"};
    *ret = (struct photos){.made = true, .on_disk = on_disk};
    int error = mp_executor_create(&options, &executor);
    if (error < 0)
        return error;
    error = paint_all(executor, ret, count, stop);
    mp_executor_free(executor);
    if (error < 0)
        photos_done(ret);
    return error;
}

/* ---- Finding -------------------------------------------------------------------------------- */

static bool is_ours(enum image_kind kind)
{
    return kind == IMAGE_KIND_JPEG || kind == IMAGE_KIND_PNG;
}

static int found_open(const struct scan_input *input, struct original *ret)
{
    struct image_fault fault;
    const off_t size_max = (off_t)1 << 30;
    if (original_open(input, size_max, ret, &fault) != ORIGINAL_OPEN)
        return -EINVAL;
    if (is_ours(ret->kind))
        return 0;
    original_close(ret);
    return -EINVAL;
}

int photos_find(char *const *paths, size_t path_count, struct photos *ret)
{
    struct scan_options options = {.paths = paths, .path_count = path_count};
    struct photos photos = {.on_disk = true};
    const char *path;
    int error = scan_run(&options, &photos.scan, &path);
    if (error == 0 && !(photos.inputs = calloc(PHOTOS_FOUND_MAX, sizeof *photos.inputs)))
        error = -ENOMEM;
    for (size_t i = 0; i < photos.scan.count && error == 0; i++) {
        struct original original;
        if (photos.count == PHOTOS_FOUND_MAX) {
            photos.beyond++;
        } else if (found_open(&photos.scan.inputs[i], &original) < 0) {
            photos.passed_over++;
        } else {
            photos.inputs[photos.count++] = (uint32_t)i;
            photos.size_bytes += original.stat.st_size;
            original_close(&original);
        }
    }
    if (error == 0 && photos.count == 0)
        error = -ENOENT;
    if (error < 0)
        photos_done(&photos);
    else
        *ret = photos;
    return error;
}

int photos_open(const struct photos *photos, int index, struct original *ret)
{
    if (!photos->made)
        return found_open(&photos->scan.inputs[photos->inputs[index]], ret);
    *ret = (struct original){.fd = fcntl(photos->fds[index], F_DUPFD_CLOEXEC, 0),
                             .kind = IMAGE_KIND_JPEG};
    if (ret->fd < 0 || fstat(ret->fd, &ret->stat) != 0) {
        int error = -errno;
        original_close(ret);
        return error;
    }
    return 0;
}

/* ---- The page cache ------------------------------------------------------------------------- */

/* Counts the pages of a file, and those of them in memory. Returns 0, or -errno. */
static int pages_count(int fd, size_t size, size_t *pages, size_t *present)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = (size + page - 1) / page;
    unsigned char *map = malloc(count);
    void *memory = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    int error = map && memory != MAP_FAILED && mincore(memory, size, map) == 0 ? 0 : -errno;
    for (size_t i = 0; i < count && error == 0; i++)
        *present += map[i] & 1;
    *pages += count;
    if (memory != MAP_FAILED)
        munmap(memory, size);
    free(map);
    return error;
}

double photos_chill(const struct photos *photos)
{
    size_t pages = 0, present = 0;
    for (int i = 0; i < photos->count; i++) {
        struct original original;
        if (photos_open(photos, i, &original) < 0)
            continue;
        (void)fdatasync(original.fd); /* a page that is not written yet is not dropped */
        (void)posix_fadvise(original.fd, 0, 0, POSIX_FADV_DONTNEED);
        (void)pages_count(original.fd, (size_t)original.stat.st_size, &pages, &present);
        original_close(&original);
    }
    return pages > 0 ? (double)present / (double)pages : 1;
}

void photos_done(struct photos *photos)
{
    for (int i = 0; photos->made && i < photos->count; i++)
        close(photos->fds[i]);
    free(photos->inputs);
    scan_done(&photos->scan);
    *photos = (struct photos){0};
}
