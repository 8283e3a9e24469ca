#include "jail/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define FILTER_ARCH AUDIT_ARCH_RISCV64
#else
#define FILTER_ARCH 0 /* no filter has been written for this machine */
#endif

enum {
    THREAD_FLAGS = 0x003d0f00, /* of clone(), as the C library starts a thread, exactly */
    PROGRAM_MAX = 512,         /* instructions */
};

#define ALLOW         SECCOMP_RET_ALLOW
#define REFUSE(error) (SECCOMP_RET_ERRNO | ((error)&SECCOMP_RET_DATA))

/* ---- What is allowed ------------------------------------------------------------------------ */

/* For whom. */
enum who { ANY, GUESTS, DRAWERS };

/* What an argument must be for the rule to hold. */
enum test {
    ALWAYS,
    EQUALS,    /* the value */
    LACKS,     /* all bits of the mask */
    BITS_ARE,  /* those of the mask, as in the value */
    IS_MYSELF, /* this process's number */
};

/* The first rule whose number and test fit decides. */
struct rule {
    int call;
    uint32_t action;
    enum who who;
    enum test test;
    int argument;
    uint32_t mask, value;
};

/* clang-format off */
static const struct rule rules[] = {
    /* Every picture, most frequent first. */
    {__NR_pread64, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_recvmsg, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_close, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_writev, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_futex, ALLOW, ANY, BITS_ARE, 1, FUTEX_CMD_MASK, FUTEX_WAIT},
    {__NR_futex, ALLOW, ANY, BITS_ARE, 1, FUTEX_CMD_MASK, FUTEX_WAKE},
    {__NR_futex, ALLOW, ANY, BITS_ARE, 1, FUTEX_CMD_MASK, FUTEX_WAIT_BITSET},
    {__NR_futex, ALLOW, ANY, BITS_ARE, 1, FUTEX_CMD_MASK, FUTEX_WAKE_BITSET},
    {__NR_futex, ALLOW, ANY, BITS_ARE, 1, FUTEX_CMD_MASK, FUTEX_REQUEUE},
    {__NR_futex, ALLOW, ANY, BITS_ARE, 1, FUTEX_CMD_MASK, FUTEX_CMP_REQUEUE},
    {__NR_read, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_write, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_lseek, ALLOW, ANY, ALWAYS, 0, 0, 0},

    /* Memory: nothing executable, nothing of files, nothing shared. */
    {__NR_brk, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_munmap, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_mremap, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_mmap, REFUSE(EACCES), ANY, BITS_ARE, 2, PROT_EXEC, PROT_EXEC},
    {__NR_mmap, ALLOW, ANY, BITS_ARE, 3, MAP_ANONYMOUS | MAP_SHARED | MAP_PRIVATE, MAP_ANONYMOUS | MAP_PRIVATE},
    {__NR_mprotect, ALLOW, ANY, LACKS, 2, PROT_EXEC, 0},
    {__NR_mprotect, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
    {__NR_madvise, ALLOW, ANY, EQUALS, 2, 0, MADV_DONTNEED},
    {__NR_madvise, ALLOW, ANY, EQUALS, 2, 0, MADV_FREE},
    {__NR_madvise, ALLOW, ANY, EQUALS, 2, 0, MADV_HUGEPAGE},
    {__NR_madvise, ALLOW, ANY, EQUALS, 2, 0, MADV_NOHUGEPAGE},
    {__NR_madvise, REFUSE(EINVAL), ANY, ALWAYS, 0, 0, 0},

    /* Itself, and the time. */
    {__NR_exit_group, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_exit, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_restart_syscall, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_rt_sigreturn, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_rt_sigprocmask, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_rt_sigaction, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_sigaltstack, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_getpid, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_gettid, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_tgkill, REFUSE(EPERM), ANY, EQUALS, 2, 0, SIGCONT}, /* one that went on has time anew */
    {__NR_tgkill, ALLOW, ANY, IS_MYSELF, 0, 0, 0}, /* abort() */
    {__NR_clock_gettime, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_gettimeofday, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_clock_nanosleep, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_nanosleep, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_getrandom, ALLOW, ANY, ALWAYS, 0, 0, 0},
    {__NR_sched_yield, ALLOW, ANY, ALWAYS, 0, 0, 0},

    /* Threads, and what their libraries look for. */
    {__NR_clone, ALLOW, GUESTS, EQUALS, 0, 0, THREAD_FLAGS},
    {__NR_clone3, REFUSE(ENOSYS), GUESTS, ALWAYS, 0, 0, 0}, /* its flags are in memory; clone() is tried next */
    {__NR_set_robust_list, ALLOW, GUESTS, ALWAYS, 0, 0, 0},
    {__NR_rseq, ALLOW, GUESTS, ALWAYS, 0, 0, 0},
    {__NR_prctl, ALLOW, GUESTS, EQUALS, 0, 0, PR_SET_NAME},
    {__NR_sched_getaffinity, ALLOW, GUESTS, ALWAYS, 0, 0, 0},
    {__NR_sysinfo, ALLOW, GUESTS, ALWAYS, 0, 0, 0},
    {__NR_uname, ALLOW, GUESTS, ALWAYS, 0, 0, 0},
    {__NR_getuid, ALLOW, GUESTS, ALWAYS, 0, 0, 0},
    {__NR_geteuid, ALLOW, GUESTS, ALWAYS, 0, 0, 0},
    {__NR_getgid, ALLOW, GUESTS, ALWAYS, 0, 0, 0},
    {__NR_getegid, ALLOW, GUESTS, ALWAYS, 0, 0, 0},
    {__NR_getrusage, ALLOW, GUESTS, ALWAYS, 0, 0, 0},
    {__NR_readv, ALLOW, GUESTS, ALWAYS, 0, 0, 0},
    {__NR_dup, ALLOW, GUESTS, ALWAYS, 0, 0, 0},
    {__NR_fcntl, ALLOW, GUESTS, EQUALS, 1, 0, F_GETFD},
    {__NR_fcntl, ALLOW, GUESTS, EQUALS, 1, 0, F_GETFL},
    {__NR_fstat, ALLOW, GUESTS, ALWAYS, 0, 0, 0},
#ifdef __NR_poll
    {__NR_poll, ALLOW, GUESTS, ALWAYS, 0, 0, 0},
#endif
    {__NR_ppoll, ALLOW, GUESTS, ALWAYS, 0, 0, 0},

    /* Fonts and their settings, which Landlock narrows down to a few folders. */
    {__NR_openat, ALLOW, DRAWERS, LACKS, 2, O_ACCMODE | O_CREAT | O_TRUNC, 0},
    {__NR_newfstatat, ALLOW, DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_statx, ALLOW, DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_faccessat, ALLOW, DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_readlinkat, ALLOW, DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_getdents64, ALLOW, DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_fstatfs, ALLOW, DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_fcntl, ALLOW, DRAWERS, EQUALS, 1, 0, F_SETFD},
    {__NR_mmap, ALLOW, DRAWERS, BITS_ARE, 2, PROT_WRITE | PROT_EXEC, 0},
#ifdef __NR_open
    {__NR_open, ALLOW, DRAWERS, LACKS, 1, O_ACCMODE | O_CREAT | O_TRUNC, 0},
    {__NR_stat, ALLOW, DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_lstat, ALLOW, DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_access, ALLOW, DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_readlink, ALLOW, DRAWERS, ALWAYS, 0, 0, 0},
#endif

    /* Where the cache of fonts is missing or old, their library wants to write it. */
    {__NR_mkdirat, REFUSE(EACCES), DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_fchmodat, REFUSE(EACCES), DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_fchmod, REFUSE(EACCES), DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_renameat2, REFUSE(EACCES), DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_linkat, REFUSE(EACCES), DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_symlinkat, REFUSE(EACCES), DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_utimensat, REFUSE(EACCES), DRAWERS, ALWAYS, 0, 0, 0},
#ifdef __NR_renameat
    {__NR_renameat, REFUSE(EACCES), DRAWERS, ALWAYS, 0, 0, 0},
#endif
#ifdef __NR_open
    {__NR_mkdir, REFUSE(EACCES), DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_rmdir, REFUSE(EACCES), DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_chmod, REFUSE(EACCES), DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_rename, REFUSE(EACCES), DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_link, REFUSE(EACCES), DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_symlink, REFUSE(EACCES), DRAWERS, ALWAYS, 0, 0, 0},
    {__NR_utimes, REFUSE(EACCES), DRAWERS, ALWAYS, 0, 0, 0},
#endif

    /* What libraries try, and live without. */
    {__NR_mmap, REFUSE(ENODEV), ANY, ALWAYS, 0, 0, 0},
    {__NR_openat, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
    {__NR_newfstatat, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
    {__NR_statx, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
    {__NR_faccessat, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
    {__NR_faccessat2, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
    {__NR_readlinkat, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
    {__NR_getcwd, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
    {__NR_unlinkat, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
    {__NR_statfs, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
    {__NR_fstatfs, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
#ifdef __NR_open
    {__NR_open, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
    {__NR_stat, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
    {__NR_lstat, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
    {__NR_access, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
    {__NR_readlink, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
    {__NR_unlink, REFUSE(EACCES), ANY, ALWAYS, 0, 0, 0},
#endif
    {__NR_ioctl, REFUSE(ENOTTY), ANY, ALWAYS, 0, 0, 0},
    {__NR_fadvise64, REFUSE(EINVAL), ANY, ALWAYS, 0, 0, 0},
    {__NR_getpeername, REFUSE(ENOTSOCK), ANY, ALWAYS, 0, 0, 0},
#ifdef __NR_setrlimit
    {__NR_setrlimit, ALLOW, ANY, EQUALS, 0, 0, RLIMIT_DATA}, /* jail_memory_move() */
#endif
    {__NR_prlimit64, REFUSE(EPERM), ANY, ALWAYS, 0, 0, 0},
    {__NR_prctl, REFUSE(EPERM), ANY, ALWAYS, 0, 0, 0},
    {__NR_get_mempolicy, REFUSE(EPERM), ANY, ALWAYS, 0, 0, 0},
    {__NR_set_mempolicy, REFUSE(EPERM), ANY, ALWAYS, 0, 0, 0},
    {__NR_mbind, REFUSE(EPERM), ANY, ALWAYS, 0, 0, 0},
    {__NR_sched_setaffinity, REFUSE(EPERM), ANY, ALWAYS, 0, 0, 0},
    {__NR_setpriority, REFUSE(EPERM), ANY, ALWAYS, 0, 0, 0},
};
/* clang-format on */

/* ---- The program ---------------------------------------------------------------------------- */

struct program {
    struct sock_filter code[PROGRAM_MAX];
    unsigned short length;
};

static void emit(struct program *program, struct sock_filter instruction)
{
    if (program->length < PROGRAM_MAX)
        program->code[program->length] = instruction;
    program->length++;
}

static void emit_load(struct program *program, size_t offset)
{
    emit(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* Goes on if the value that was loaded is this one, else skips so many instructions. */
static void emit_expect(struct program *program, uint32_t value, int skip)
{
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, (uint8_t)skip));
}

static void emit_return(struct program *program, uint32_t action)
{
    emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static size_t offset_of(int argument)
{
    return offsetof(struct seccomp_data, args) + (size_t)argument * sizeof(uint64_t);
}

/* Lower halves are enough: of the arguments that are tested the kernel takes 32 bits, or there is
 * nothing in the upper ones that would mean anything. Calls of x86-64 with pointers of 32 bits have
 * numbers of their own, which no rule names. */
static void emit_rule(struct program *program, const struct rule *rule)
{
    uint32_t mask = rule->test == LACKS || rule->test == BITS_ARE ? rule->mask : UINT32_MAX;
    uint32_t value = rule->test == IS_MYSELF ? (uint32_t)getpid() : rule->value;
    if (rule->test == ALWAYS) {
        emit_expect(program, (uint32_t)rule->call, 1);
        emit_return(program, rule->action);
        return;
    }
    emit_expect(program, (uint32_t)rule->call, 5);
    emit_load(program, offset_of(rule->argument));
    emit(program, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
    emit_expect(program, value, 1);
    emit_return(program, rule->action);
    emit_load(program, offsetof(struct seccomp_data, nr));
}

static void program_make(struct program *program, enum jail_kind kind, bool soft)
{
    uint32_t otherwise = soft ? REFUSE(EPERM) : SECCOMP_RET_KILL_PROCESS;
    program->length = 0;
    emit_load(program, offsetof(struct seccomp_data, arch));
    emit_expect(program, FILTER_ARCH, 1);
    emit(program, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 1));
    emit_return(program, SECCOMP_RET_KILL_PROCESS);
    emit_load(program, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if ((int)rules[i].who <= (int)kind)
            emit_rule(program, &rules[i]);
    emit_return(program, otherwise);
}

int filter_enter(enum jail_kind kind, bool soft)
{
    struct program program;
    program_make(&program, kind, soft);
    if (FILTER_ARCH == 0)
        return -EINVAL;
    if (program.length > PROGRAM_MAX)
        return -E2BIG;
    struct sock_fprog filter = {.len = program.length, .filter = program.code};
    long error = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
    return error == 0 ? 0 : error > 0 ? -ESRCH : -errno;
}
