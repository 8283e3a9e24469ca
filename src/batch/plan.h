/* What is to be done: which inputs, and the names of their outputs. Made before any work, so that a
 * clash of names costs nothing but a message. */
#ifndef BATCH_PLAN_H
#define BATCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch/scan.h"
#include "batch/shard.h"
#include "image/kind.h"
#include "image/spec.h"

enum plan_format {
    PLAN_KEEP = 0, /* by the input's name */
    PLAN_JPEG,
    PLAN_PNG,
    PLAN_WEBP,
    PLAN_AVIF,
};

/* How outputs lie in the output folder. */
enum plan_layout {
    PLAN_MIRROR = 0,  /* as their inputs do */
    PLAN_FREEDESKTOP, /* it is the desktop's cache, which has names of its own: cachename.h */
};

struct plan_options {
    const struct image_spec *spec; /* its boxes give the sizes */
    enum plan_layout layout;       /* PLAN_FREEDESKTOP takes its own boxes only, and no name */
    enum plan_format format;       /* of the outputs */
    const char *name;              /* template of their names, checked; NULL: as the inputs', with
                                      the size where there are several */
    bool suffix;                   /* pictures that have another's output are told apart by name */
    const char *output;            /* the output folder */
    const char *output_real;       /* the same without links; NULL when it does not exist yet */
    struct shard shard;            /* what of the inputs is to be done */
};

/* Two things that the plan cannot do. */
enum plan_problem_kind {
    PLAN_CLASH,    /* two inputs have the same output, but for case perhaps */
    PLAN_OVERWRITE /* an output is one of the inputs */
};

struct plan_problem {
    enum plan_problem_kind kind;
    uint32_t input; /* whose output it is */
    uint32_t other; /* who has that name already */
    int size;       /* which of the sizes */
};

enum { PLAN_PROBLEMS_KEPT = 10 };

struct plan {
    struct plan_options options;
    const struct scan *scan; /* the inputs; borrowed */
    uint32_t *order;         /* numbers of the inputs to do, in walk order; those that other shards
                                do follow */
    size_t count;            /* to do: an input that was named twice is done once */
    size_t all;              /* with those of other shards, among which problems are looked for */
    const char *template;    /* of the outputs' names */
    bool *suffixed;          /* by input: those whose names have a suffix */
    char **folder_uris;      /* by root, with a slash at the end; NULL but for PLAN_FREEDESKTOP */
    struct plan_problem problems[PLAN_PROBLEMS_KEPT]; /* the first of them */
    size_t problem_count; /* all of them; a plan with problems must not be run */
};

/* Makes the plan. Everything that `options` and `scan` point to must outlive it. Returns 0,
 * -ENOMEM, -ENAMETOOLONG when an output's path would be longer than PATH_MAX, or -EINVAL when it
 * would be no file's or not stay below the output folder. Free with plan_done(). */
int plan_make(const struct plan_options *options, const struct scan *scan, struct plan *ret);
void plan_done(struct plan *plan);

/* The format in which the outputs of an input are written. */
enum image_kind plan_format_of(const struct plan *plan, uint32_t input);

/* Puts the path of an output, relative to the output folder, into name[0..size). `index` is the
 * number of the size. Returns 0, -ENAMETOOLONG or -EINVAL. */
int plan_name(const struct plan *plan, uint32_t input, int index, char *name, size_t size);

/* Puts the URI by which the desktop knows the input into uri[0..size); for PLAN_FREEDESKTOP only.
 * Returns 0 or -ENAMETOOLONG. */
int plan_uri(const struct plan *plan, uint32_t input, char *uri, size_t size);

/* Puts the input's own path, absolute and without links as far as its folder goes, into
 * path[0..size). Returns false when it has none. */
bool plan_real(const struct plan *plan, uint32_t input, char *path, size_t size);

#endif
