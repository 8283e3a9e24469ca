/* The memory that this process may use. */
#ifndef BATCH_RAM_H
#define BATCH_RAM_H

#include <stdint.h>

/* Bytes of memory that the machine has, or fewer where a control group, version 2 or 1, that this
 * process is in allows fewer. 0 where nobody says. */
int64_t ram_bytes(void);

/* The same limit of a group's folder and those around it, as the file system has it.
 *   mount  where the groups are
 *   name   of the group below, "/a/b"; "" is the mount itself
 * Returns 0 where there is none. */
int64_t ram_of_group(const char *mount, const char *name);

#endif
