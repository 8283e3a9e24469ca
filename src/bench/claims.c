#include "bench/claims.h"

#include "bench/cell.h"
#include "bench/scene.h"

#include <errno.h>
#include <time.h>

int scene_echo(struct mp_task *task, const void *arg, size_t size)
{
    return mp_task_return(task, arg, size);
}

void scene_pause(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
}

int scene_take(struct mp_future *future)
{
    const void *data;
    size_t size;
    int error = mp_future_result(future, MP_FOREVER, &data, &size);
    mp_future_free(future);
    return error;
}

static int scene_main(void *arg)
{
    struct scene *scene = arg;
    return scene->play(scene) != 0;
}

/* A child for each, since a process that has run threads may not fork any more. */
static int scene_play(struct scene *scene, const volatile sig_atomic_t *stop)
{
    struct mp_process *process;
    int error =
        stop && *stop
            ? -EINTR
            : mp_process_start(scene_main, scene,
                               &(struct mp_process_options){.name = "thumbpool-claim"}, &process);
    if (error < 0)
        return error;
    int code = cell_child_end(process, stop);
    return code == CELL_STOPPED ? -EINTR : code == 0 ? 0 : -ECHILD;
}

int claims_measure(const volatile sig_atomic_t *stop, struct claims *ret)
{
    static int (*const plays[])(struct scene *) = {play_start, play_memory, play_jobs, play_crash,
                                                   play_kill,  play_queue,  play_lock};
    struct board *board = mp_shared_alloc(sizeof *board);
    int error = board ? 0 : -ENOMEM;
    *ret = (struct claims){0};
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++)
        for (int of = 0; of < CLAIMS_KINDS && error == 0; of++)
            error = scene_play(&(struct scene){plays[i], of, board}, stop);
    if (error == 0)
        error = scene_play(&(struct scene){play_sequential_jobs, CLAIMS_THREADS, board}, stop);
    if (error == 0) {
        *ret = board->claims;
        ret->measured = true;
    }
    mp_shared_free(board, sizeof *board);
    return error;
}
