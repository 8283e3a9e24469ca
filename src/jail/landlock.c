#include "jail/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's interface, as linux/landlock.h has it; that of an older system lacks the newer
 * parts. Source: Documentation/userspace-api/landlock.rst */
struct ruleset_attr {
    uint64_t handled_access_fs;
    uint64_t handled_access_net; /* since version 4 */
    uint64_t scoped;             /* since version 6 */
};

struct path_attr {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

enum {
    CALL_CREATE = 444, /* the same numbers on all machines */
    CALL_ADD = 445,
    CALL_RESTRICT = 446,
    CREATE_VERSION = 1,
    RULE_PATH = 1,
    ACCESS_READ = 1 << 2 | 1 << 3, /* files, and the list of a folder */
    NET_ALL = 3,                   /* bind, connect */
    SCOPE_ALL = 3,                 /* abstract sockets, signals */
    VERSION_ALL_THREADS = 8,       /* since when it can take them all */
    RESTRICT_ALL_THREADS = 1 << 3,
};

/* All kinds of access that a version knows: 13, and one more with 2, 3 and 5. */
static uint64_t access_all(int version)
{
    int bits = 13 + (version >= 2) + (version >= 3) + (version >= 5);
    return ((uint64_t)1 << bits) - 1;
}

/* Versions before 4 and 6 know a shorter struct. */
static size_t attr_size(int version)
{
    return version >= 6 ? 24 : version >= 4 ? 16 : 8;
}

static int folder_allow(int ruleset, const char *path)
{
    struct path_attr attr = {.allowed_access = ACCESS_READ};
    attr.parent_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (attr.parent_fd < 0)
        return 0;
    long error = syscall(CALL_ADD, ruleset, RULE_PATH, &attr, 0);
    int why = errno;
    close(attr.parent_fd);
    return error == 0 ? 0 : -why;
}

/* True unless it is known that this process has one thread. */
static bool has_threads(void)
{
    struct stat folder; /* with a folder for each */
    if (stat("/proc/self/task", &folder) == 0)
        return folder.st_nlink != 3;
    return unshare(CLONE_THREAD) != 0; /* does nothing to one alone, and refuses others */
}

/* A thread that was left out could do what this one cannot, in the same memory. */
static int ruleset_enter(int ruleset, const char *const *readable, int version)
{
    bool all = version >= VERSION_ALL_THREADS, left_out = !all && has_threads();
    for (int error; *readable; readable++)
        if ((error = folder_allow(ruleset, *readable)) < 0)
            return error;
    if (syscall(CALL_RESTRICT, ruleset, all ? RESTRICT_ALL_THREADS : 0) != 0)
        return -errno;
    return left_out ? -EBUSY : 0;
}

int landlock_enter(const char *const *readable)
{
    int version = (int)syscall(CALL_CREATE, NULL, 0, CREATE_VERSION);
    if (version < 0)
        return -errno;
    struct ruleset_attr attr = {.handled_access_fs = access_all(version),
                                .handled_access_net = NET_ALL,
                                .scoped = SCOPE_ALL};
    int ruleset = (int)syscall(CALL_CREATE, &attr, attr_size(version), 0);
    if (ruleset < 0)
        return -errno;
    int error = ruleset_enter(ruleset, readable, version);
    close(ruleset);
    return error < 0 ? error : version;
}
