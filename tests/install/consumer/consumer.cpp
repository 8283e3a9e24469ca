// The same in C++17.
#include <mproc.h>

#include <iostream>

static int twice(mp_task *task, const void *arg, size_t size)
{
    int number = *static_cast<const int *>(arg) * 2;
    return size == sizeof number ? mp_task_return(task, &number, sizeof number) : 1;
}

int main()
{
    mp_executor *executor;
    mp_future *future;
    const void *data = nullptr;
    size_t size = 0;
    const int number = 21;
    int error = mp_executor_create(nullptr, &executor);
    if (error == 0)
        error = mp_executor_submit(executor, twice, &number, sizeof number, nullptr, &future);
    if (error == 0)
        error = mp_future_result(future, MP_FOREVER, &data, &size);
    if (error != 0 || size != sizeof number) {
        std::cerr << "consumer: " << mp_strerror(error) << '\n';
        return 1;
    }
    std::cout << *static_cast<const int *>(data) << '\n';
    mp_future_free(future);
    mp_executor_free(executor);
}
