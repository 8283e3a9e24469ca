#include "jail/scout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- Attacks: each returns true when it was refused ----------------------------------------- */

static bool is_refused(long result)
{
    return result < 0;
}

static bool descriptor_is_refused(long fd)
{
    if (fd >= 0)
        close((int)fd);
    return fd < 0;
}

static bool child_is_refused(long pid)
{
    if (pid == 0)
        _exit(0);
    return pid < 0;
}

static bool memory_is_refused(void *memory, size_t size)
{
    if (memory != MAP_FAILED)
        munmap(memory, size);
    return memory == MAP_FAILED;
}

static bool attack_open(void)
{
    return descriptor_is_refused(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static bool attack_create(void)
{
    return descriptor_is_refused(open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
}

static bool attack_reopen(void)
{
    return descriptor_is_refused(open("/proc/self/fd/0", O_RDWR | O_CLOEXEC));
}

static bool attack_stat(void)
{
    struct stat found;
    return is_refused(stat("/etc/passwd", &found));
}

static bool attack_unlink(void)
{
    return unlink("/nonexistent/thumbpool") < 0 && errno != ENOENT;
}

static bool attack_socket(void)
{
    return descriptor_is_refused(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static bool attack_local_socket(void)
{
    return descriptor_is_refused(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static bool attack_fork(void)
{
    return child_is_refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static bool attack_fork_anew(void)
{
    uint64_t nothing[8] = {0}; /* struct clone_args: a child that ends silently */
    return child_is_refused(syscall(SYS_clone3, nothing, sizeof nothing));
}

static bool attack_exec(void)
{
    char *const words[] = {(char *)"/nonexistent/thumbpool", NULL};
    return execve(words[0], words, words + 1) < 0 && errno != ENOENT;
}

static bool attack_ptrace(void)
{
    return is_refused(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
}

static bool attack_read_parent(void)
{
    char byte;
    struct iovec mine = {&byte, 1}, its = {(void *)(uintptr_t)&scout_run, 1};
    return is_refused(process_vm_readv(getppid(), &mine, 1, &its, 1, 0));
}

/* Signal 0 does nothing but ask whether one could be sent. */
static bool attack_signal(void)
{
    return is_refused(kill(getppid(), 0));
}

static bool attack_executable(void)
{
    return memory_is_refused(
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        4096);
}

static bool attack_make_executable(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return true;
    bool refused = mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0;
    munmap(page, 4096);
    return refused;
}

static bool attack_share(void)
{
    return memory_is_refused(
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), 4096);
}

static bool attack_memory_file(void)
{
    return descriptor_is_refused(memfd_create("thumbpool", MFD_CLOEXEC));
}

static bool attack_io_uring(void)
{
    struct io_uring_params params = {0};
    return descriptor_is_refused(syscall(SYS_io_uring_setup, 1, &params));
}

static bool attack_dumpable(void)
{
    return is_refused(prctl(PR_SET_DUMPABLE, 1));
}

static bool attack_namespace(void)
{
    return is_refused(unshare(CLONE_NEWUSER));
}

static bool attack_bpf(void)
{
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    return syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attr, sizeof attr) < 0 && errno != ENOENT;
}

static bool attack_userfaultfd(void)
{
    return descriptor_is_refused(syscall(SYS_userfaultfd, O_CLOEXEC | 1));
}

static bool attack_keys(void)
{
    return is_refused(syscall(SYS_keyctl, 0, -3, 0, 0, 0)); /* the session's keys */
}

static bool attack_perf(void)
{
    uint64_t attr[16] = {(uint64_t)128 << 32 | 1}; /* a software event, of no kind */
    return descriptor_is_refused(syscall(SYS_perf_event_open, attr, 0, -1, -1, 0));
}

static bool attack_other_namespace(void)
{
    return setns(STDIN_FILENO, 0) < 0 && errno != EINVAL && errno != EBADF;
}

static bool attack_personality(void)
{
    return is_refused(syscall(SYS_personality, 0xffffffff)); /* asks only */
}

static bool attack_privileges(void)
{
    return is_refused(prctl(PR_SET_KEEPCAPS, 0));
}

/* Its own death with the parent. */
static bool attack_outlive(void)
{
    return is_refused(prctl(PR_SET_PDEATHSIG, SIGKILL));
}

static bool attack_filter(void)
{
    return is_refused(prctl(PR_SET_SECCOMP, 2, NULL)) && errno != EFAULT;
}

static bool attack_user(void)
{
    return is_refused(syscall(SYS_setresuid, -1, -1, -1)); /* changes nothing */
}

static bool attack_limits(void)
{
    struct rlimit limit;
    return is_refused(syscall(SYS_prlimit64, getppid(), RLIMIT_CORE, NULL, &limit));
}

static bool attack_priority(void)
{
    return is_refused(setpriority(PRIO_PROCESS, 0, 19));
}

static bool attack_affinity(void)
{
    cpu_set_t set;
    memset(&set, 0xff, sizeof set);
    return is_refused(sched_setaffinity(0, sizeof set, &set));
}

static bool attack_write_parent(void)
{
    char byte = 0;
    struct iovec mine = {&byte, 0}, its = {&byte, 0};
    return is_refused(process_vm_writev(getppid(), &mine, 1, &its, 1, 0));
}

static bool attack_parent_descriptor(void)
{
    return descriptor_is_refused(syscall(SYS_pidfd_open, getppid(), 0));
}

static bool attack_signal_value(void)
{
    siginfo_t info = {.si_code = SI_QUEUE};
    return is_refused(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &info));
}

static bool attack_signal_thread(void)
{
    return is_refused(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

/* Keys typed into the terminal of whoever started the program. */
static bool attack_terminal(void)
{
    return ioctl(STDIN_FILENO, TIOCSTI, "") < 0 && errno != EFAULT && errno != EIO;
}

static bool attack_pair(void)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return true;
    close(pair[0]);
    close(pair[1]);
    return false;
}

/* A descriptor sent away; the call itself is what must be refused. */
static bool attack_send(void)
{
    struct msghdr message = {0};
    return sendmsg(STDIN_FILENO, &message, MSG_DONTWAIT) < 0 && errno != ENOTSOCK;
}

static bool attack_shared_segment(void)
{
    int segment = shmget(IPC_PRIVATE, 4096, 0600);
    if (segment >= 0)
        shmctl(segment, IPC_RMID, NULL);
    return segment < 0;
}

static bool attack_mount(void)
{
    return mount("none", "/nonexistent/thumbpool", "tmpfs", 0, NULL) < 0 && errno != ENOENT;
}

static bool attack_root(void)
{
    return chroot("/nonexistent/thumbpool") < 0 && errno != ENOENT;
}

static bool attack_handle(void)
{
    struct {
        struct file_handle head;
        unsigned char bytes[8];
    } handle = {.head = {.handle_bytes = 8}};
    return open_by_handle_at(STDIN_FILENO, &handle.head, O_RDONLY) < 0 && errno != ESTALE &&
           errno != EBADF;
}

static bool attack_watch(void)
{
    return descriptor_is_refused(syscall(SYS_inotify_init1, IN_CLOEXEC));
}

static bool attack_event_descriptor(void)
{
    return descriptor_is_refused(eventfd(0, EFD_CLOEXEC));
}

static bool attack_control_descriptor(void)
{
    return is_refused(fcntl(STDIN_FILENO, F_SETOWN, getppid())); /* signals to it, by a detour */
}

static const struct attack {
    const char *name;
    bool (*is_refused)(void);
    bool for_drawers; /* who may read fonts, and look for any file */
} attacks[] = {
    {"open a file", attack_open, true},
    {"create a file", attack_create, true},
    {"open a descriptor's file anew", attack_reopen, true},
    {"look at a file", attack_stat, false},
    {"remove a file", attack_unlink, true},
    {"internet socket", attack_socket, true},
    {"local socket", attack_local_socket, true},
    {"fork", attack_fork, true},
    {"fork by clone3", attack_fork_anew, true},
    {"execute a program", attack_exec, true},
    {"trace the parent", attack_ptrace, true},
    {"read the parent's memory", attack_read_parent, true},
    {"signal the parent", attack_signal, true},
    {"executable memory", attack_executable, true},
    {"make memory executable", attack_make_executable, true},
    {"share memory", attack_share, true},
    {"memory file", attack_memory_file, true},
    {"io_uring", attack_io_uring, true},
    {"become dumpable", attack_dumpable, true},
    {"user namespace", attack_namespace, true},
    {"bpf", attack_bpf, true},
    {"userfaultfd", attack_userfaultfd, true},
    {"keys", attack_keys, true},
    {"performance events", attack_perf, true},
    {"another namespace", attack_other_namespace, true},
    {"personality", attack_personality, true},
    {"keep privileges", attack_privileges, true},
    {"outlive the parent", attack_outlive, true},
    {"another filter", attack_filter, true},
    {"another user", attack_user, true},
    {"the parent's limits", attack_limits, true},
    {"priority", attack_priority, true},
    {"other processors", attack_affinity, true},
    {"write the parent's memory", attack_write_parent, true},
    {"a descriptor of the parent", attack_parent_descriptor, true},
    {"signal the parent with a value", attack_signal_value, true},
    {"signal the parent's thread", attack_signal_thread, true},
    {"type into the terminal", attack_terminal, true},
    {"pair of sockets", attack_pair, true},
    {"send a descriptor", attack_send, true},
    {"shared segment", attack_shared_segment, true},
    {"mount", attack_mount, true},
    {"another root", attack_root, true},
    {"open by handle", attack_handle, true},
    {"watch files", attack_watch, true},
    {"event descriptor", attack_event_descriptor, true},
    {"signals by a descriptor", attack_control_descriptor, true},
};

_Static_assert(sizeof attacks / sizeof *attacks <= SCOUT_ATTACKS_MAX, "a bit each");

const char *scout_attack_name(int number)
{
    return (size_t)number < sizeof attacks / sizeof *attacks ? attacks[number].name : NULL;
}

/* ---- The scout ------------------------------------------------------------------------------ */

static void *attack_all(void *arg)
{
    struct scout *scout = arg;
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        if ((attacks[i].for_drawers || scout->options.kind < JAIL_DRAWERS) &&
            !attacks[i].is_refused())
            scout->got_through |= UINT64_C(1) << i;
    return NULL;
}

int scout_run(void *arg)
{
    struct scout *scout = arg;
    struct jail_options options = scout->options;
    pthread_t thread;
    options.soft = true;
    jail_enter(&options, &scout->state);
    attack_all(scout);
    scout->done = options.kind == JAIL_DECODERS;
    if (!scout->done && pthread_create(&thread, NULL, attack_all, scout) == 0)
        scout->done = pthread_join(thread, NULL) == 0;
    return 0;
}
