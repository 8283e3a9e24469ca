/* Four pieces of work for a pool of two: lines as time goes by, results in the order of the work.
 * Usage: 07_pool [SECONDS] */
#include "tutorial.h"

struct work {
    char name;
    int steps; /* seconds, when the argument is 1 */
};

static int work_log(struct mp_task *task, const void *arg, size_t size)
{
    const struct work *work = arg;
    double *step_s = mp_task_ctx(task);
    (void)size;
    printf("Process %c waiting %d seconds\n", work->name, work->steps);
    sleep_s(work->steps * *step_s);
    printf("Process %c finished.\n", work->name);
    return mp_task_return(task, &work->name, 1);
}

int main(int argc, char **argv)
{
    static const struct work work[] = {{'A', 5}, {'B', 2}, {'C', 1}, {'D', 3}};
    double step_s = argument(argc, argv, 1);
    struct mp_executor_options two = {.workers = 2, .ctx = &step_s};
    struct mp_pool *pool;
    char results[4];
    double begin = now_s();
    must(mp_pool_create(&two, &pool));
    must(mp_pool_map(pool, work_log, work, 4, sizeof *work, results, 1, NULL));
    mp_pool_close(pool);
    must(mp_pool_join(pool, MP_FOREVER));
    mp_pool_free(pool);
    printf("Results: %.4s\nTotal time: %.3f s\n", results, now_s() - begin);
    return 0;
}
