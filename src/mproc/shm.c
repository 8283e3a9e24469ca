#include "mproc/shm.h"

#include "mproc/mproc.h"

#include <sys/mman.h>

void *shm_map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void shm_keep_from_children(void *memory, size_t size)
{
    (void)madvise(memory, size, MADV_DONTFORK); /* a child that sees it could only break itself */
}

void shm_unmap(void *memory, size_t size)
{
    if (memory)
        munmap(memory, size);
}

enum { OWN_PAGE_BYTES = 4096 };

const unsigned char *shm_own_page(void)
{
    unsigned char *page =
        mmap(NULL, OWN_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, OWN_PAGE_BYTES, MADV_WIPEONFORK) != 0) {
        munmap(page, OWN_PAGE_BYTES);
        return NULL;
    }
    page[0] = 1;
    return page;
}

void shm_own_page_free(void *page)
{
    if (page)
        munmap(page, OWN_PAGE_BYTES);
}

void *mp_shared_alloc(size_t size_bytes)
{
    return shm_map(size_bytes);
}

void mp_shared_free(void *memory, size_t size_bytes)
{
    shm_unmap(memory, size_bytes);
}
