#include "mproc/shm.h"

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
