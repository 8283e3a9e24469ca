#include "jail/jail.h"

#include "jail/filter.h"
#include "jail/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    NOBODY = 65534,    /* user and group, on every system */
    DESCRIPTORS = 128, /* more than a worker is ever sent */
};

/* What an address sanitizer does besides: it reports on standard errors, reserves terabytes of
 * addresses, and in the end stops the process from outside to look for leaks, which no jail allows.
 */
#ifdef __has_feature
#define JAIL_SANITIZED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define JAIL_SANITIZED 1
#endif
#ifndef JAIL_SANITIZED
#define JAIL_SANITIZED 0
#endif

#if JAIL_SANITIZED
/* A file-scope variable, against the rule: the sanitizer's runtime calls back without any. */
static bool jailed;

__attribute__((visibility("default"))) int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
    return jailed;
}
#endif

/* Where fonts and their settings are. */
static const char *const font_folders[] = {
    "/usr/share/fonts",      "/usr/local/share/fonts", "/etc/fonts",
    "/usr/share/fontconfig", "/var/cache/fontconfig",  "/usr/share/poppler",
    "/usr/share/mime",       "/usr/share/X11/locale",  NULL};
static const char *const no_folders[] = {NULL};

/* ---- Its parts ------------------------------------------------------------------------------ */

/* Leads nowhere: what is read from it ends at once, writing to it fails or is lost. Where there is
 * no /dev, the end of a pipe that nobody can write to. Returns a descriptor, or -1. */
static int nowhere_open(void)
{
    int ends[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0 || pipe2(ends, O_CLOEXEC) != 0)
        return null;
    close(ends[1]);
    return ends[0];
}

/* What it says on standard errors might be a hostile file's words to a terminal. */
static void outputs_close(void)
{
    int null = nowhere_open();
    if (null < 0) {
        close(STDIN_FILENO);
        close(STDOUT_FILENO);
        close(STDERR_FILENO);
        return;
    }
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    if (!JAIL_SANITIZED)
        dup2(null, STDERR_FILENO);
    if (null > STDERR_FILENO)
        close(null);
}

static void limit(int what, int64_t most)
{
    struct rlimit limit = {.rlim_cur = (rlim_t)most, .rlim_max = (rlim_t)most}, now;
    if (getrlimit((__rlimit_resource_t)what, &now) != 0)
        return;
    if (limit.rlim_max > now.rlim_max)
        limit.rlim_cur = limit.rlim_max = now.rlim_max;
    (void)setrlimit((__rlimit_resource_t)what, &limit); /* lowering it never fails */
}

static void limits_set(void)
{
    signal(SIGXFSZ, SIG_IGN); /* an error is enough */
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, DESCRIPTORS);
    if (JAIL_SANITIZED)
        return;
    limit(RLIMIT_FSIZE, 0);
}

/* Drops all that a user other than root may have, too. */
static void capabilities_drop(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
    memset(none, 0, sizeof none);
    (void)syscall(SYS_capset, &header, none);
}

/* True when another user's processes may be sent signals: by this one and so by its parent, whose
 * capabilities it has. */
static bool may_signal_others(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct all[_LINUX_CAPABILITY_U32S_3];
    return syscall(SYS_capget, &header, all) == 0 && all[0].effective >> CAP_KILL & 1;
}

/* Returns 0, or an errno. A root that some containers have could not kill a nobody whose time is
 * up. */
static int become_nobody(void)
{
    if (geteuid() != 0 && getuid() != 0)
        return 0;
    if (!may_signal_others())
        return EPERM;
    if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) != 0)
        return errno;
    return 0;
}

/* Another user's process does not die with its parent unless it says so again. */
static void follow_parent(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
}

/* ---- Memory --------------------------------------------------------------------------------- */

/* Data and stack of this process, bytes; -1 where nobody says. */
static int64_t data_now(void)
{
    long long pages = -1;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return -1;
    if (fscanf(file, "%*d %*d %*d %*d %*d %lld", &pages) != 1)
        pages = -1;
    fclose(file);
    return pages < 0 ? -1 : (int64_t)pages * sysconf(_SC_PAGESIZE);
}

/* The call of old, which names no process: that is the one the filter lets through. */
static void data_limit(int64_t soft, int64_t hard)
{
#ifdef SYS_setrlimit
    struct rlimit limit = {.rlim_cur = (rlim_t)soft, .rlim_max = (rlim_t)hard};
    (void)syscall(SYS_setrlimit, RLIMIT_DATA, &limit);
#else
    (void)soft;
    limit(RLIMIT_DATA, hard); /* it cannot be moved later */
#endif
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What the process may set its limit of data to, as whoever started it has left it. */
static int64_t data_limit_inherited(void)
{
    struct rlimit now;
    bool bounded = getrlimit(RLIMIT_DATA, &now) == 0 && now.rlim_max < (rlim_t)INT64_MAX;
    return bounded ? (int64_t)now.rlim_max : INT64_MAX;
}

void jail_memory_bound(struct jail_memory *ret, int64_t most, int64_t usual)
{
    int64_t now = data_now();
    *ret = (struct jail_memory){0};
    if (JAIL_SANITIZED || now < 0)
        return;
    ret->hard_bytes = smaller(now + most, data_limit_inherited());
    ret->soft_bytes = now + usual;
    jail_memory_move(ret, 0);
}

void jail_memory_move(const struct jail_memory *memory, int64_t more)
{
    int64_t soft = smaller(memory->soft_bytes + more, memory->hard_bytes);
    if (memory->hard_bytes > 0)
        data_limit(soft, memory->hard_bytes);
}

/* ---- The whole ------------------------------------------------------------------------------ */

void jail_enter(const struct jail_options *options, struct jail_state *ret)
{
    pid_t parent = getppid();
    bool draws = options->kind == JAIL_DRAWERS;
    *ret = (struct jail_state){0};
    outputs_close();
    limits_set();
    ret->why_nobody = become_nobody();
    ret->nobody = ret->why_nobody == 0;
    capabilities_drop();
    prctl(PR_SET_DUMPABLE, 0);
    follow_parent(parent);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int version = landlock_enter(draws ? font_folders : no_folders);
    ret->landlock = version > 0 ? version : 0;
    ret->why_landlock = version > 0 ? 0 : -version;
    /* To the filter alone one path is as good as another: rather no fonts than any file. */
    bool narrow = !draws || ret->landlock;
    int error = filter_enter(narrow ? options->kind : JAIL_GUESTS, options->soft);
    ret->filter = error == 0;
    ret->why_filter = -error;
#if JAIL_SANITIZED
    jailed = ret->filter || ret->landlock;
#endif
}

bool jail_is_whole(const struct jail_state *state)
{
    return state->filter && state->landlock && state->nobody;
}

const char *jail_level(const struct jail_state *state)
{
    if (state->filter)
        return state->landlock ? "seccomp+landlock" : "seccomp";
    return state->landlock ? "landlock" : "limits";
}

void jail_lacks(const struct jail_state *state, char *text, size_t size)
{
    text[0] = '\0';
    if (!state->filter)
        snprintf(text, size, "no filter of system calls (%s)", strerrordesc_np(state->why_filter));
    else if (!state->landlock)
        snprintf(text, size, "no Landlock (%s)", strerrordesc_np(state->why_landlock));
    else if (!state->nobody)
        snprintf(text, size, "root stays root (%s)", strerrordesc_np(state->why_nobody));
}
