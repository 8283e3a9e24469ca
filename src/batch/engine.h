/* Who makes pictures: the base engine for JPEG and PNG, and one with libvips for the rest, which
 * comes into being with the first picture that needs it. Each is an executor; both together run no
 * more pictures at a time than there are workers allowed. */
#ifndef BATCH_ENGINE_H
#define BATCH_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "batch/budget.h"
#include "batch/task.h"
#include "image/spec.h"
#include "mproc/mproc.h"

enum engine_kind { ENGINE_BASE, ENGINE_MODULE, ENGINE_COUNT };

struct engine {
    struct mp_executor *executor; /* NULL until it is needed */
    struct picture_task_ctx ctx;  /* of its tasks */
    int flying;                   /* pictures that it has */
};

struct engines {
    struct mp_executor_options options; /* of both */
    const char *module_path;            /* of libvips; NULL: there is none */
    struct budget budget;               /* of the memory for their pictures */
    struct engine all[ENGINE_COUNT];
    int most;             /* pictures that may be under way, all in all */
    int shortage;         /* why there are fewer workers than were asked for, -errno; 0 all */
    int spare;            /* descriptors that neither they nor workers need */
    char module_why[200]; /* why there is no module; "" unless it failed */
};

/* Starts the base engine, with fewer workers, and pictures under way, than were asked for where
 * there are too few descriptors for all of them; a picture that takes longer than timeout_ms is
 * killed, 0 none; all pictures together may take max_memory bytes, 0: as many as they want;
 * `sandbox`, of processes only, or NULL, must outlive the engines. Returns 0, or an
 * error of mp_executor_create(). End with engines_done(), also after an error. */
int engines_init(struct engines *engines, enum mp_kind kind, int workers, int timeout_ms,
                 int64_t max_memory, const char *module_path, const struct image_spec *spec,
                 const struct sandbox *sandbox);

/* The executor of a kind, started when it is not yet. Returns NULL when that is impossible, with a
 * sentence that lives as long as `engines`. */
struct mp_executor *engines_get(struct engines *engines, enum engine_kind kind,
                                const char **ret_why);

/* Workers of each engine. */
int engines_workers(const struct engines *engines);

/* What more of them would take, in words, where there are fewer than were asked for. Static. */
const char *engines_shortage(const struct engines *engines);

/* Descriptors that the engines will not need, 0 or more. */
int engines_spare(const struct engines *engines);

/* True when one more picture may be given to the engine. */
bool engines_have_room(const struct engines *engines, enum engine_kind kind);

/* Notes that the engine has got, or has finished with, a picture. */
void engines_count(struct engines *engines, enum engine_kind kind, int change);

/* Lets idle workers leave and kills those that still run something. */
void engines_stop(struct engines *engines);

uint64_t engines_workers_lost(const struct engines *engines);

void engines_done(struct engines *engines);

#endif
