/* A scout: a child that is jailed as the workers will be, and tries to break out. It is how the
 * program knows, before it reads the first file, what the jail is worth on this machine. */
#ifndef JAIL_SCOUT_H
#define JAIL_SCOUT_H

#include "jail/jail.h"

enum { SCOUT_ATTACKS_MAX = 64 };

/* What a scout has found; in memory that it shares with the program. */
struct scout {
    struct jail_options options; /* as the workers' */
    struct jail_state state;     /* what it says that holds */
    bool done;                   /* it came to its end */
    uint64_t got_through;        /* the attacks that were not refused, a bit each */
};

/* To be called in a child of its own, with a struct scout: jails it, softly, and attacks from the
 * main thread and, where there may be others, from one that is started then. Returns 0. */
int scout_run(void *scout);

/* The name of an attack, NULL behind the last. */
const char *scout_attack_name(int number);

#endif
