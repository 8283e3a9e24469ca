/* What it was measured on, and how quiet it was there. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stdbool.h>

struct machine {
    int cpus_host;       /* CPUs that are online */
    int cpus_usable;     /* by this process: affinity and cgroup */
    char model[100];     /* of the CPU, or "" */
    char governor[40];   /* of its frequency, or "" where there is none to see */
    char kernel[100];    /* name and release */
    double memory_bytes; /* of the host */
    double load_before;  /* average over a minute, -1 unknown */
    double load_after;
    double others_share; /* of the usable CPUs' time that others took meanwhile; -1 unknown */
};

enum { MACHINE_BUSY_PERCENT = 5 }; /* taken by others: the machine was not idle */

/* A look at the CPUs' time, to be compared with a later one. */
struct machine_watch {
    double wall_s; /* on a monotonic clock */
    double busy_s; /* of the CPUs in the affinity mask, by everybody; -1 unknown */
    double own_s;  /* by this process and its children that have ended */
    int cpus;      /* in the affinity mask */
};

void machine_look(struct machine *ret);
void machine_watch_begin(struct machine_watch *watch, struct machine *machine);

/* Fills in what others did since then. The children of this process must have ended. */
void machine_watch_end(const struct machine_watch *watch, struct machine *machine);

/* True when the figures were taken while others used the CPUs too. */
bool machine_was_busy(const struct machine *machine);

#endif
