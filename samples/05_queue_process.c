/* A process puts the even numbers, this one prints them. It ends: the queue is closed, and a
 * closed queue that is empty says so instead of having the reader wait for ever.
 * Usage: 05_queue_process */
#include <errno.h>

#include "tutorial.h"

static int even_no(void *queue)
{
    int error = 0;
    for (int number = 0; error == 0 && number < 10; number += 2)
        error = mp_queue_put(queue, &number, sizeof number, MP_FOREVER);
    mp_queue_close(queue);
    return error != 0;
}

int main(int argc, char **argv)
{
    struct mp_queue *queue;
    struct mp_process *process;
    size_t size;
    int number, error;
    argument(argc, argv, 0);
    must(mp_queue_create(10, sizeof number, &queue));
    must(mp_process_start(even_no, queue, NULL, &process));
    while ((error = mp_queue_get(queue, &number, sizeof number, MP_FOREVER, &size)) == 0)
        printf("%d\n", number);
    if (error != -EPIPE)
        must(error);
    int failed = process_end(process);
    mp_queue_free(queue);
    return failed;
}
