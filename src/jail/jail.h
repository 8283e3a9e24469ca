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
    bool soft; /* calls that would kill are refused; for trying the jail out */
};

/* What holds. */
struct jail_state {
    bool filter;  /* seccomp, for all threads */
    int landlock; /* its version, 0: none */
    bool nobody;  /* root has become nobody; true also where it was not root */
    int why_filter, why_landlock, why_nobody; /* errno where it does not hold */
};

/* A bound of a process's data: of what it may write to and that is nobody else's, its stacks
 * included. (Of addresses much more is reserved than ever used.) All 0: none. */
struct jail_memory {
    int64_t soft_bytes; /* where it is unless it is moved */
    int64_t hard_bytes; /* how far it can be moved */
};

/* Lets this process have `most` bytes more than it has now, and now so many of them as `usual`: an
 * allocation beyond that fails. To be called before jail_enter(); without /proc, and under an
 * address sanitizer, there is no bound. */
void jail_memory_bound(struct jail_memory *ret, int64_t most, int64_t usual);

/* Moves the bound of this process, jailed or not, to `more` bytes beyond the usual. */
void jail_memory_move(const struct jail_memory *memory, int64_t more);

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
