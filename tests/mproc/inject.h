/* Included before all else in copies of worker.c and chunk.c that test_inject is built with: the
 * calls between which a worker can die go through functions of the test. The library itself has
 * none of this. */
#ifndef TESTS_INJECT_H
#define TESTS_INJECT_H

#include "mproc/control.h"
#include "mproc/io.h"
#include "mproc/task.h"

#include <sys/socket.h>

ssize_t inject_recvmsg(int fd, struct msghdr *message, int flags);
int inject_write_all(int fd, struct iovec *iov, int count);
bool inject_control_move(struct control *control, unsigned slot, uint64_t seq,
                         enum control_state from, enum control_state to);
bool inject_progress_move(struct control *control, struct control_progress from,
                          struct control_progress to);
void inject_task_run(struct mp_task *task, mp_task_fn *fn, const void *arg, size_t arg_size);

#ifndef INJECT_ITSELF
#define recvmsg               inject_recvmsg
#define io_write_all          inject_write_all
#define control_move          inject_control_move
#define control_progress_move inject_progress_move
#define task_run              inject_task_run
#endif

#endif
