/* A system that lacks a system call: what a container's or an older kernel's answer would be. */
#ifndef SUPPORT_REFUSE_H
#define SUPPORT_REFUSE_H

/* From now on, in this process and those that it starts, the call of this number fails with
 * `error`. Takes away new privileges, as such a filter must. Returns 0, or -errno. */
int refuse_call(long number, int error);

#endif
