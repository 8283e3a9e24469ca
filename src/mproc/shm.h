/* Anonymous shared memory: nothing to name, so nothing to leak. */
#ifndef MPROC_SHM_H
#define MPROC_SHM_H

#include <stddef.h>

/* Maps `size` zeroed bytes that this process and those it forks from now on share. Returns NULL
 * when there is no memory. */
void *shm_map(size_t size);

/* Keeps the mapping out of the processes forked from now on. */
void shm_keep_from_children(void *memory, size_t size);

/* Takes NULL. */
void shm_unmap(void *memory, size_t size);

/* A page of ones, private to this process: a child that inherits it by fork finds zeroes. Returns
 * NULL where the kernel cannot do that. Takes NULL. */
const unsigned char *shm_own_page(void);
void shm_own_page_free(void *page);

#endif
