/* The list of system calls that a jailed process may still make, as a seccomp filter.
 *
 * What decoders need is allowed, some of it with certain arguments only. What libraries try now and
 * then and can do without, opening files above all, is refused with an error. All else, another
 * architecture's calls included, kills the process by SIGSYS. No call that takes a path is allowed,
 * but for drawers those that read, which Landlock alone keeps to fonts; nor one that makes memory
 * executable, another process, or a way to one. */
#ifndef JAIL_FILTER_H
#define JAIL_FILTER_H

#include <stdbool.h>

#include "jail/jail.h"

/* Puts this process, with all of its threads, under the filter of the kind, for good; it must have
 * given up new privileges before. `soft`: what would kill is refused with EPERM instead.
 * Returns 0, -EINVAL (the kernel knows no such filter), -EACCES, -ESRCH (a thread would not
 * follow), … */
int filter_enter(enum jail_kind kind, bool soft);

#endif
