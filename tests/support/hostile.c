/* Loaded before all else (LD_PRELOAD), makes some of the program's workers hostile: at the moment
 * when a JPEG is to be decoded, in the jail, one in HOSTILE_EVERY scribbles over all that it shares
 * with its parent, and ends. It has seen in the parent what was shared, for in the jail it could
 * not find out.
 *
 *   HOSTILE_EVERY   20 unless said otherwise
 *   HOSTILE_SEED    where the randomness begins */
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <jpeglib.h>

#include "support/scribbler.h"

#define SEEN __attribute__((visibility("default")))

static struct {
    pid_t parent;
    uint32_t every;
    struct scribbler scribbler; /* its pages are the newest first */
} all;

static uint32_t number_of(const char *name, uint32_t otherwise)
{
    const char *value = getenv(name);
    return value ? (uint32_t)strtoul(value, NULL, 0) : otherwise;
}

__attribute__((constructor)) static void begin(void)
{
    all.parent = getpid();
    all.every = number_of("HOSTILE_EVERY", 20);
    all.scribbler.random = number_of("HOSTILE_SEED", 1);
}

/* ---- What is shared, as the parent makes it -------------------------------------------------- */

static void page_note(void *begin, size_t size)
{
    struct scribbler *scribbler = &all.scribbler;
    if (scribbler->pages < SCRIBBLER_PAGES)
        scribbler->pages++;
    for (unsigned i = scribbler->pages - 1; i > 0; i--)
        scribbler->page[i] = scribbler->page[i - 1];
    scribbler->page[0] = (struct page){begin, size};
}

static void page_forget(const void *begin)
{
    struct scribbler *scribbler = &all.scribbler;
    unsigned kept = 0;
    for (unsigned i = 0; i < scribbler->pages; i++)
        if (scribbler->page[i].begin != begin)
            scribbler->page[kept++] = scribbler->page[i];
    scribbler->pages = kept;
}

SEEN void *mmap(void *at, size_t size, int access, int flags, int fd, off_t offset)
{
    void *memory = (void *)syscall(SYS_mmap, at, size, access, flags, fd, offset);
    if (memory != MAP_FAILED && flags & MAP_SHARED && access & PROT_WRITE)
        page_note(memory, size);
    return memory;
}

SEEN int munmap(void *begin, size_t size)
{
    page_forget(begin);
    return (int)syscall(SYS_munmap, begin, size);
}

SEEN int madvise(void *begin, size_t size, int advice)
{
    if (advice == MADV_DONTFORK)
        page_forget(begin);
    return (int)syscall(SYS_madvise, begin, size, advice);
}

SEEN int pipe2(int fds[2], int flags)
{
    int result = (int)syscall(SYS_pipe2, fds, flags);
    all.scribbler.result_fd = fds[1];
    return result;
}

SEEN int socketpair(int domain, int type, int protocol, int fds[2])
{
    int result = (int)syscall(SYS_socketpair, domain, type, protocol, fds);
    all.scribbler.job_fd = fds[1];
    return result;
}

/* ---- In the worker -------------------------------------------------------------------------- */

static void turn_hostile(struct scribbler *scribbler)
{
    scribbler->random ^= (uint64_t)getpid() << 32; /* workers are copies of one parent */
    if (!scribbler_one_in(&scribbler->random, all.every) || scribbler->pages == 0)
        return;
    scribbler_look(scribbler);
    for (int i = 0; i < 3; i++)
        scribbler_scribble(scribbler);
    if (scribbler_one_in(&scribbler->random, 16))
        scribbler_stay(scribbler);
    scribbler_leave(scribbler);
}

SEEN void jpeg_CreateDecompress(j_decompress_ptr jpeg, int version, size_t size)
{
    void (*real)(j_decompress_ptr, int, size_t);
    *(void **)&real = dlsym(RTLD_NEXT, "jpeg_CreateDecompress");
    if (getpid() != all.parent)
        turn_hostile(&all.scribbler);
    real(jpeg, version, size);
}
