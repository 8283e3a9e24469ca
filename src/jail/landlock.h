/* Landlock: no way to any path, network port, or process outside, whatever else is open. */
#ifndef JAIL_LANDLOCK_H
#define JAIL_LANDLOCK_H

/* Takes all paths from the calling thread and those that it starts, and where the kernel can, since
 * version 8, from all threads; but for reading below the folders of `readable`, a list that ends
 * with NULL; folders that do not exist are passed over. It must have given up new privileges
 * before. Returns the version of Landlock, at least 1, -ENOSYS or -EOPNOTSUPP (the kernel has
 * none), -EPERM (a container forbids it), -EBUSY (it holds the calling thread, but there are
 * others), … */
int landlock_enter(const char *const *readable);

#endif
