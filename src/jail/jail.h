/* The jail of a process that decodes strangers' files: it keeps the descriptors that it has,
 * computes, and writes its answer. It opens no path, starts no program, talks to nobody else, and
 * gains no privileges. It is for ever.
 *
 * Three things hold it, each alone with gaps: a filter of system calls (seccomp), Landlock without
 * any path, and limits. A program of root's becomes nobody first. Old kernels and some containers
 * lack a part; what was reached is told. */
#ifndef JAIL_JAIL_H
#define JAIL_JAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who is jailed: each may do what the one before may, and more. */
enum jail_kind {
    JAIL_DECODERS, /* one thread and its own code, libjpeg and libpng: some thirty calls */
    JAIL_GUESTS,   /* libvips and its loaders: threads, too */
    JAIL_DRAWERS,  /* loaders of drawings, which read fonts while they work */
};

struct jail_options {
    enum jail_kind kind;
    int64_t memory_bytes; /* of data that the process may have, 0: no limit */
    bool soft;            /* calls that would kill are refused; for trying the jail out */
};

/* What holds. */
struct jail_state {
    bool filter;  /* seccomp, for all threads */
    int landlock; /* its version, 0: none */
    bool nobody;  /* root has become nobody; true also where it was not root */
    int why_filter, why_landlock, why_nobody; /* errno where it does not hold */
};

/* Jails this process; it should have one thread, since before version 8 Landlock takes but the
 * calling one, and is then said not to hold. Standard input, output and errors lead nowhere from
 * then on. Parts that cannot be had are left out, and `ret` tells which; without Landlock drawers
 * read nothing, fonts neither. Ends the process when its parent has died meanwhile. */
void jail_enter(const struct jail_options *options, struct jail_state *ret);

/* True when all parts hold. */
bool jail_is_whole(const struct jail_state *state);

/* What holds, in a word: "seccomp+landlock", "seccomp", "landlock" or "limits". Static. */
const char *jail_level(const struct jail_state *state);

/* The most important part that does not, in words, "" if all do. */
void jail_lacks(const struct jail_state *state, char *text, size_t size);

#endif
