/* What becomes of a job that goes wrong, and of all the others: on threads and on processes. */
#include "bench/scene.h"

#include "bench/cell.h"
#include "bench/statistics.h"
#include "bench/work.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { CRASH_JOBS = 50 }; /* of which the first aborts */

/* ---- A job that aborts ---------------------------------------------------------------------- */

/* As a failed assertion does, or a broken heap. */
static int abort_job(struct mp_task *task, const void *arg, size_t size)
{
    struct board *board = mp_task_ctx(task);
    (void)arg;
    (void)size;
    board->moment = work_now_s();
    abort();
}

/* A program that has its jobs done by one worker, and whose first job aborts. */
static int crash_program(void *arg)
{
    struct scene *scene = arg;
    struct board *board = scene->board;
    struct mp_executor_options options = {.kind = scene_kind(scene), .workers = 1, .ctx = board};
    struct mp_executor *executor;
    struct mp_future *futures[CRASH_JOBS];
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (mp_executor_create(&options, &executor) < 0)
        return 1;
    for (uint32_t i = 0; i < CRASH_JOBS; i++)
        if (mp_executor_submit(executor, i == 0 ? abort_job : scene_echo, &i, sizeof i, NULL,
                               &futures[i]) < 0)
            return 1;
    for (int i = 0; i < CRASH_JOBS; i++) {
        if (scene_take(futures[i]) == 0 && board->collected++ == 0)
            board->claims.crash_s[scene->of] = work_now_s() - board->moment;
    }
    mp_executor_free(executor);
    return 0;
}

int play_crash(struct scene *scene)
{
    struct claims *claims = &scene->board->claims;
    double seconds[SCENE_ROUNDS];
    for (int i = 0; i < SCENE_ROUNDS; i++) {
        struct mp_process *process;
        scene->board->collected = 0;
        int error = mp_process_start(crash_program, scene, NULL, &process);
        if (error < 0)
            return error;
        claims->crash_exit[scene->of] = cell_child_end(process, NULL);
        if (claims->crash_exit[scene->of] > 0) /* it could not be tried: that is no crash */
            return -ECHILD;
        claims->crash_lost[scene->of] = CRASH_JOBS - scene->board->collected;
        seconds[i] = claims->crash_s[scene->of];
    }
    claims->crash_jobs = CRASH_JOBS;
    claims->crash_s[scene->of] = statistics_median(seconds, SCENE_ROUNDS);
    return 0;
}

/* ---- A job that hangs ----------------------------------------------------------------------- */

/* Hangs until it is killed, or until it has been shown that it cannot be. */
static int hang_job(struct mp_task *task, const void *arg, size_t size)
{
    struct board *board = mp_task_ctx(task);
    (void)arg;
    (void)size;
    board->moment = work_now_s();
    while (!board->release)
        scene_pause();
    return 0;
}

/* Asks for the end of a job that hangs. Returns the seconds until it was gone; *ret_error is what
 * asking returned. */
static double hang_end(struct board *board, struct mp_future *future, int *ret_error)
{
    const void *data;
    size_t size;
    while (board->moment == 0)
        scene_pause();
    double begin = work_now_s();
    *ret_error = mp_future_kill(future);
    if (*ret_error == 0)
        mp_future_result(future, MP_FOREVER, &data, &size);
    double seconds = *ret_error == 0 ? work_now_s() - begin : 0;
    board->release = true;
    return seconds;
}

int play_kill(struct scene *scene)
{
    struct board *board = scene->board;
    struct claims *claims = &board->claims;
    struct mp_executor_options options = {.kind = scene_kind(scene), .workers = 1, .ctx = board};
    struct mp_executor *executor;
    struct mp_future *future;
    double seconds[SCENE_ROUNDS];
    int error = mp_executor_create(&options, &executor);
    for (int i = 0; i < SCENE_ROUNDS && error == 0; i++) {
        board->moment = 0;
        board->release = false;
        error = mp_executor_submit(executor, hang_job, NULL, 0, NULL, &future);
        if (error < 0)
            break;
        seconds[i] = hang_end(board, future, &claims->kill_error[scene->of]);
        scene_take(future);
    }
    if (error < 0)
        return error;
    claims->kill_s[scene->of] = statistics_median(seconds, SCENE_ROUNDS);
    mp_executor_free(executor);
    return 0;
}
