/* What a program of somebody else does with the library: one job on an executor of processes. */
#include <mproc.h>
#include <stdio.h>

static int twice(struct mp_task *task, const void *arg, size_t size)
{
    int number = *(const int *)arg * 2;
    return size == sizeof number ? mp_task_return(task, &number, sizeof number) : 1;
}

int main(void)
{
    struct mp_executor *executor;
    struct mp_future *future;
    const void *data = NULL;
    size_t size = 0;
    int number = 21;
    int error = mp_executor_create(NULL, &executor);
    if (error == 0)
        error = mp_executor_submit(executor, twice, &number, sizeof number, NULL, &future);
    if (error == 0)
        error = mp_future_result(future, MP_FOREVER, &data, &size);
    if (error != 0 || size != sizeof number) {
        fprintf(stderr, "consumer: %s\n", mp_strerror(error));
        return 1;
    }
    printf("%d\n", *(const int *)data);
    mp_future_free(future);
    mp_executor_free(executor);
    return 0;
}
