/* How a claim is measured: by a scene that a child of its own plays, with a board that all of them
 * can see. Private to the claims. */
#ifndef BENCH_SCENE_H
#define BENCH_SCENE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "bench/claims.h"
#include "mproc/mproc.h"

enum { SCENE_ROUNDS = 5 }; /* whose median counts */

/* What the children share with the parent and with each other. */
struct board {
    struct claims claims;  /* the figures so far */
    _Atomic double moment; /* when the thing happened that is waited for; 0: not yet */
    atomic_bool release;   /* whoever hangs may go */
    atomic_int collected;  /* results that have come */
};

/* One measurement, made in a child. */
struct scene {
    int (*play)(struct scene *scene); /* returns 0, or an error */
    int of;                           /* CLAIMS_THREADS or CLAIMS_PROCESSES */
    struct board *board;              /* shared */
};

static inline enum mp_kind scene_kind(const struct scene *scene)
{
    return scene->of == CLAIMS_THREADS ? MP_THREADS : MP_PROCESSES;
}

/* An empty job: its argument, and back. */
int scene_echo(struct mp_task *task, const void *arg, size_t size);

/* For jobs that wait for something, or pretend to work. */
void scene_pause(void);

/* Waits for a future and frees it. Returns what mp_future_result() does. */
int scene_take(struct mp_future *future);

/* What things cost: bench/costs.c. */
int play_start(struct scene *scene);
int play_memory(struct scene *scene);
int play_jobs(struct scene *scene);
int play_sequential_jobs(struct scene *scene);
int play_queue(struct scene *scene);
int play_lock(struct scene *scene);

/* What becomes of a job that goes wrong: bench/mishaps.c. */
int play_crash(struct scene *scene);
int play_kill(struct scene *scene);

#endif
