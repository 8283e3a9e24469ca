/* Whole reads and writes on descriptors, and waiting for several of them. */
#ifndef MPROC_IO_H
#define MPROC_IO_H

#include <stddef.h>
#include <sys/uio.h>

/* Writes all of iov[0..count), through interrupted and short writes; changes iov. Blocks.
 * Returns 0, or -errno. */
int io_write_all(int fd, struct iovec *iov, int count);

/* Drops the first `size` bytes of what iov[0..count) still holds, and iovs that are empty. */
void io_advance(struct iovec **iov, int *count, size_t size);

/* Closes *fd unless it is negative, and sets it to -1. */
void io_close(int *fd);

/* Gives *fd a number above those of the standard descriptors, which a program may have been started
 * without: what is printed would go there. Closes the old one. Returns 0, or -errno with *fd as it
 * was. */
int io_above_standard(int *fd);

/* Waits until one of fds[0..count) is readable. Returns the number of readable ones, 0 after
 * timeout_ms (negative: endless), -EINTR, or -errno. */
int io_wait_readable(const int *fds, size_t count, int timeout_ms);

/* The same for one that can be written to, or that has failed. */
int io_wait_writable(int fd, int timeout_ms);

#endif
