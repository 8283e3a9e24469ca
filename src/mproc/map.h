/* A map whose results go somewhere at once, instead of waiting to be asked for: what a pool's map
 * is made of. */
#ifndef MPROC_MAP_H
#define MPROC_MAP_H

#include "mproc/mproc.h"

typedef void map_sink_fn(void *user, const struct mp_item *item);

/* As mp_executor_map(); each item is given to sink(user) by whoever pumps, in any order. The map
 * has nothing for mp_map_next() then but its end. */
int map_create(struct mp_executor *executor, mp_task_fn *fn, mp_source_fn *next, void *source,
               const struct mp_map_options *options, map_sink_fn *sink, void *user,
               struct mp_map **ret);

#endif
