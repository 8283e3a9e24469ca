#include "batch/spool.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

/* What is known of a piece; zeros where there is none. */
struct slot {
    uint64_t offset;
    uint32_t size, kind;
};

int spool_open(struct spool *ret, int text_fd, int index_fd)
{
    *ret = (struct spool){.index_fd = index_fd};
    int error = text_fd < 0 ? text_fd : index_fd < 0 ? index_fd : 0;
    if (error == 0 && !(ret->text = fdopen(text_fd, "w+")))
        error = -errno;
    if (error == 0)
        return 0;
    if (text_fd >= 0)
        close(text_fd);
    if (index_fd >= 0)
        close(index_fd);
    return error;
}

void spool_close(struct spool *spool)
{
    if (!spool->text)
        return;
    fclose(spool->text);
    close(spool->index_fd);
    *spool = (struct spool){0};
}

FILE *spool_begin(struct spool *spool)
{
    spool->begun = (uint64_t)ftello(spool->text);
    return spool->text;
}

void spool_end(struct spool *spool, uint32_t number, uint32_t kind)
{
    uint64_t size = (uint64_t)ftello(spool->text) - spool->begun;
    struct slot slot = {spool->begun, (uint32_t)size, kind};
    ssize_t written =
        pwrite(spool->index_fd, &slot, sizeof slot, (off_t)number * (off_t)sizeof slot);
    if (written != (ssize_t)sizeof slot && spool->error == 0)
        spool->error = written < 0 ? -errno : -ENOSPC;
}

int spool_finish(struct spool *spool)
{
    bool bad = ferror(spool->text) != 0;
    if ((fflush(spool->text) != 0 || bad) && spool->error == 0)
        spool->error = errno ? -errno : -EIO;
    return spool->error;
}

/* Zeros where there is none. */
static struct slot slot_read(const struct spool *spool, uint32_t number)
{
    struct slot slot;
    ssize_t size = pread(spool->index_fd, &slot, sizeof slot, (off_t)number * (off_t)sizeof slot);
    return size == (ssize_t)sizeof slot ? slot : (struct slot){0};
}

uint32_t spool_kind(const struct spool *spool, uint32_t number)
{
    return slot_read(spool, number).kind;
}

void spool_copy(const struct spool *spool, uint32_t number, FILE *file)
{
    struct slot slot = slot_read(spool, number);
    char buffer[4096];
    while (slot.size > 0) {
        size_t part = slot.size < sizeof buffer ? slot.size : sizeof buffer;
        ssize_t size = pread(fileno(spool->text), buffer, part, (off_t)slot.offset);
        if (size <= 0)
            return;
        fwrite(buffer, 1, (size_t)size, file);
        slot.offset += (uint64_t)size;
        slot.size -= (uint32_t)size;
    }
}
