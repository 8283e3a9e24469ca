/* How the workers are jailed in a run: what was asked for, and what this machine gives. */
#ifndef BATCH_SANDBOX_H
#define BATCH_SANDBOX_H

#include <stddef.h>

#include "jail/jail.h"

enum sandbox_mode {
    SANDBOX_AUTO = 0, /* as far as can be had, and told */
    SANDBOX_REQUIRE,  /* all of it, or no run */
    SANDBOX_OFF,
};

struct sandbox {
    enum sandbox_mode mode;
    struct jail_options options; /* the kind is that of workers with libvips */
    struct jail_state state;     /* what a scout reached */
    const char *level;           /* a word for the report: jail_level(), or "off"; static */
    char lacks[200];             /* what does not hold, in words; "" if all does */
};

/* Sends a scout to find out. `untrusted`: libvips is to read drawings, with the fonts of the
 * system. Returns 0, or -EPERM when less than what is required can be had, with the reason in
 * `lacks`. */
int sandbox_try(enum sandbox_mode mode, bool untrusted, struct sandbox *ret);

/* Jails the calling worker: `guests` if it has libvips. Returns 0, or -1 when the jail is less than
 * the scout's was. */
int sandbox_enter(const struct sandbox *sandbox, bool guests);

#endif
