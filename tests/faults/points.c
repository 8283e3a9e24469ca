#include "faults/points.h"

#include <errno.h>
#include <time.h>

#include "mproc/io.h"

enum { FAULTS_MAX = 8 };

/* What happens at a point: a signal, an error, or one of those below. */
enum { ACTION_EXIT = -1, ACTION_HANG = -2, ACTION_SPIN = -3 };

struct action {
    const char *name;
    int signal, error; /* 0: none */
};

static const struct action actions[] = {
    {"segv", SIGSEGV, 0},          {"abort", SIGABRT, 0},    {"kill", SIGKILL, 0},
    {"stop", SIGSTOP, 0},          {"exit", ACTION_EXIT, 0}, {"hang", ACTION_HANG, 0},
    {"spin", ACTION_SPIN, 0},      {"eio", 0, EIO},          {"enospc", 0, ENOSPC},
    {"edquot", 0, EDQUOT},         {"emfile", 0, EMFILE},    {"enomem", 0, ENOMEM},
    {"eintr", 0, EINTR},           {"eagain", 0, EAGAIN},    {"enoent", 0, ENOENT},
    {"eopnotsupp", 0, EOPNOTSUPP},
};

struct tally {
    _Atomic unsigned passages; /* of the point */
    _Atomic unsigned failures; /* there */
};

struct fault {
    char point[24];
    unsigned nth;                /* 1 for the first passage */
    bool onwards;                /* all from there on, too */
    const struct action *action; /* static */
    struct tally *tally;         /* of all processes, shared */
};

/* Made before main(), so that all workers have them. */
static struct fault faults[FAULTS_MAX];
static int fault_count;
static pid_t parent;

static const struct action *action_find(const char *name)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    return NULL;
}

static bool fault_read(const char *text, struct fault *ret)
{
    char nth[12], action[16], *end;
    if (sscanf(text, "%23[^:]:%11[^:]:%15[a-z]", ret->point, nth, action) != 3)
        return false;
    ret->nth = (unsigned)strtoul(nth, &end, 10);
    ret->onwards = *end == '+';
    ret->action = action_find(action);
    return ret->nth > 0 && ret->action && end[ret->onwards] == '\0';
}

/* The tallies, in the file THUMBPOOL_FAULT_TALLY where that is given. */
static struct tally *tallies_map(void)
{
    size_t size = FAULTS_MAX * sizeof(struct tally);
    const char *path = getenv("THUMBPOOL_FAULT_TALLY");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
    if (path && (fd < 0 || ftruncate(fd, (off_t)size) != 0))
        return MAP_FAILED;
    void *tallies = mmap(NULL, size, PROT_READ | PROT_WRITE,
                         path ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS, fd, 0);
    if (fd >= 0)
        close(fd);
    return tallies;
}

static void __attribute__((constructor)) faults_read(void)
{
    char *all = getenv("THUMBPOOL_FAULT"), *rest;
    if (!all || !(all = strdup(all)))
        return;
    struct tally *tallies = tallies_map();
    parent = getpid();
    for (char *one = strtok_r(all, ",", &rest); one; one = strtok_r(NULL, ",", &rest)) {
        struct fault *fault = &faults[fault_count];
        if (fault_count == FAULTS_MAX || tallies == MAP_FAILED || !fault_read(one, fault)) {
            fprintf(stderr, "THUMBPOOL_FAULT: \"%s\" is no fault\n", one);
            _exit(70);
        }
        fault->tally = &tallies[fault_count++];
    }
    free(all);
}

static bool is_due(struct fault *fault, const char *point)
{
    if (strcmp(fault->point, point) != 0)
        return false;
    unsigned passage = ++fault->tally->passages;
    bool due = passage == fault->nth || (fault->onwards && passage > fault->nth);
    fault->tally->failures += due;
    return due;
}

static void act(int what)
{
    volatile bool forever = true;
    if (what == ACTION_EXIT)
        _exit(7);
    while (what == ACTION_HANG)
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    while (what == ACTION_SPIN && forever)
        ;
    raise(what);
}

bool point_pass(const char *point)
{
    for (int i = 0; i < fault_count; i++)
        if (is_due(&faults[i], point)) {
            if (faults[i].action->signal != 0)
                act(faults[i].action->signal);
            errno = faults[i].action->error;
            return errno != 0;
        }
    return false;
}

static bool is_asked_for(const char *point)
{
    for (int i = 0; i < fault_count; i++)
        if (strcmp(faults[i].point, point) == 0)
            return true;
    return false;
}

int point_frame(int fd, struct iovec *iov, int count)
{
    if (point_pass("pre-frame"))
        return -errno;
    int error = 0;
    if (is_asked_for("mid-frame")) {
        struct iovec half = {iov[0].iov_base, iov[0].iov_len / 2};
        error = io_write_all(fd, &half, 1);
        iov[0].iov_base = (char *)iov[0].iov_base + iov[0].iov_len / 2;
        iov[0].iov_len -= iov[0].iov_len / 2;
        if (point_pass("mid-frame"))
            return -errno;
    }
    if (error == 0)
        error = io_write_all(fd, iov, count);
    (void)point_pass("post-frame");
    return error;
}

/* ---- Memory of the parent: "malloc" is each time that its own code asks for some ----------------
 */

/* Put in by the linker, for the sources of this tree alone. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);

static bool memory_fails(void)
{
    return parent == getpid() && is_asked_for("malloc") && point_pass("malloc");
}

void *__wrap_malloc(size_t size)
{
    return memory_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return memory_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return memory_fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return memory_fails() ? NULL : __real_reallocarray(old, count, size);
}
