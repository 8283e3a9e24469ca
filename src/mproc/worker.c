#include "mproc/worker.h"

#include "mproc/io.h"
#include "mproc/mproc.h"
#include "mproc/task.h"
#include "mproc/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Descriptors that have arrived and belong to frames not run yet, in the order of the frames. */
struct inbox {
    int fds[CONTROL_SLOTS * MP_JOB_FDS_MAX];
    unsigned count;
};

struct worker {
    const struct worker_setup *setup;
    struct wire_reader reader; /* of the job channel */
    struct inbox inbox;
    struct mp_task task;
};

/* ---- Jobs down ------------------------------------------------------------------------------ */

static int inbox_add(struct inbox *inbox, const struct msghdr *message)
{
    struct msghdr *header = (struct msghdr *)message; /* CMSG_NXTHDR wants it so */
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        unsigned count = (unsigned)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        if (count > sizeof inbox->fds / sizeof *inbox->fds - inbox->count)
            return WORKER_EXIT_FDS;
        memcpy(inbox->fds + inbox->count, CMSG_DATA(part), count * sizeof(int));
        inbox->count += count;
    }
    return 0;
}

static void inbox_drop(struct inbox *inbox, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        close(inbox->fds[i]);
    inbox->count -= count;
    memmove(inbox->fds, inbox->fds + count, inbox->count * sizeof *inbox->fds);
}

/* Waits for more of the job channel. Plain read() would drop the descriptors. Returns 1, 0 at its
 * end, or minus the code to exit with. */
static int channel_receive(struct worker *worker)
{
    struct iovec room;
    if (!(room.iov_base = wire_reader_room(&worker->reader, &room.iov_len)))
        return -WORKER_EXIT_MEMORY;
    union {
        struct cmsghdr aligned;
        char bytes[CMSG_SPACE(MP_JOB_FDS_MAX * sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &room,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do {
        n = recvmsg(worker->setup->job_fd, &message, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -WORKER_EXIT_STREAM;
    int error = inbox_add(&worker->inbox, &message);
    /* Lost descriptors cannot be assigned. The jobs have not begun: the parent hands them out
     * again. */
    if (error != 0 || message.msg_flags & MSG_CTRUNC)
        return -WORKER_EXIT_FDS;
    if (n == 0)
        return 0;
    wire_reader_fed(&worker->reader, (size_t)n);
    return 1;
}

/* ---- Results up ----------------------------------------------------------------------------- */

/* Returns 0, or -errno: the parent is gone. */
static int frame_send(struct worker *worker, const struct wire_header *header, const void *payload)
{
    struct iovec parts[] = {
        {.iov_base = (void *)header, .iov_len = sizeof *header},
        {.iov_base = (void *)payload, .iov_len = (size_t)header->size},
        {.iov_base = (void *)wire_zeroes, .iov_len = wire_padding(header->size)},
    };
    return io_write_all(worker->setup->result_fd, parts, 3);
}

static int result_send(struct worker *worker, const struct wire_header *job)
{
    const struct mp_task *task = &worker->task;
    struct wire_header header = {.magic = WIRE_MAGIC, .seq = job->seq, .slot = job->slot};
    if (task->code == 0) {
        header.kind = WIRE_RESULT;
        header.size = task->result_size;
        return frame_send(worker, &header, task->result);
    }
    header.kind = WIRE_FAILURE;
    header.code = task->code;
    header.status = task->status;
    header.size = strlen(task->message);
    return frame_send(worker, &header, task->message);
}

/* ---- The loop ------------------------------------------------------------------------------- */

/* Runs one job unless it was taken back. Returns 0, or the code to exit with. */
static int job_run(struct worker *worker, const struct wire_header *job, const uint8_t *arg)
{
    struct control *control = worker->setup->control;
    int error = 0;
    if (job->fd_count > worker->inbox.count)
        return WORKER_EXIT_FDS;
    control_progress_begin(control, job->seq);
    if (control_move(control, job->slot, job->seq, CONTROL_QUEUED, CONTROL_RUNNING)) {
        worker->task.fds = worker->inbox.fds;
        worker->task.fd_count = job->fd_count;
        worker->task.seq = job->seq;
        task_run(&worker->task, (mp_task_fn *)(uintptr_t)job->fn, arg, (size_t)job->size);
        if (!control_move(control, job->slot, job->seq, CONTROL_RUNNING, CONTROL_SENDING))
            task_park();
        error = result_send(worker, job) < 0 ? WORKER_EXIT_STREAM : 0;
        control_move(control, job->slot, job->seq, CONTROL_SENDING, CONTROL_DONE);
    }
    if (job->fd_count > 0)
        inbox_drop(&worker->inbox, job->fd_count);
    return error;
}

static int jobs_run(struct worker *worker)
{
    for (;;) {
        struct wire_header job;
        const uint8_t *arg;
        int found;
        while ((found = wire_reader_next(&worker->reader, &job, &arg)) == 1) {
            int error = job.kind == WIRE_JOB ? job_run(worker, &job, arg) : WORKER_EXIT_STREAM;
            if (error != 0)
                return error;
        }
        if (found < 0)
            return WORKER_EXIT_STREAM;
        int received = channel_receive(worker);
        if (received <= 0)
            return -received;
    }
}

/* Greets and works. Returns the code to exit with. */
static int worker_run(struct worker *worker)
{
    const struct worker_setup *setup = worker->setup;
    if (setup->start && setup->start(setup->ctx, setup->number) != 0)
        return WORKER_EXIT_HOOK;
    struct wire_header hello = {.magic = WIRE_MAGIC, .kind = WIRE_HELLO};
    if (frame_send(worker, &hello, NULL) < 0)
        return WORKER_EXIT_STREAM;
    int exit_code = jobs_run(worker);
    if (exit_code == 0 && setup->stop)
        setup->stop(setup->ctx, setup->number);
    return exit_code;
}

int worker_main(void *arg)
{
    const struct worker_setup *setup = arg;
    if (setup->stderr_fd >= 0 && dup2(setup->stderr_fd, STDERR_FILENO) >= 0)
        close(setup->stderr_fd);
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return WORKER_EXIT_MEMORY;
    worker->setup = setup;
    worker->task = (struct mp_task){.ctx = setup->ctx,
                                    .worker = setup->number,
                                    .result_max = setup->result_max,
                                    .control = setup->control};
    wire_reader_init(&worker->reader, (struct wire_limits){.size_max = MP_ARG_MAX,
                                                           .fd_max = MP_JOB_FDS_MAX,
                                                           .slots = CONTROL_SLOTS});
    int exit_code = worker_run(worker);
    inbox_drop(&worker->inbox, worker->inbox.count);
    task_done(&worker->task);
    wire_reader_done(&worker->reader);
    free(worker);
    return exit_code;
}
