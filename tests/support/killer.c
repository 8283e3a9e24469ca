/* Kills a run of the program, or its workers, by SIGKILL and at random. It starts the run itself,
 * so that it never hits a stranger: a worker is a child of that run, known by its name, and is
 * signalled by a descriptor of that very process.
 *
 * Usage: killer workers SEED PAUSE_US MOST COMMAND...
 *
 * One worker drawn at random after another is killed, with a pause of up to twice PAUSE_US before
 * each, until MOST were or the run has ended. Prints how many; exits as the run did.
 *
 * Usage: killer parent MOMENT_US run|stop COMMAND...
 *
 * The run is killed when so much time has passed, its workers stopped before or not. Prints "killed
 * WORKERS MS": how many there were, and how long the last process of the run lived on; or "ended
 * CODE 0" of a run that was faster.
 *
 * What the run prints on standard output goes to standard error. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS_MAX = 256, LONGEST_S = 20 };

static void die(const char *what)
{
    perror(what);
    exit(125);
}

/* ---- The run's workers ---- */

/* True when it lives, and is a child of the run that calls itself a worker. */
static bool is_worker(pid_t pid, pid_t run)
{
    char path[64], name[32], state;
    int parent;
    bool is = false;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    if (fscanf(file, "%*d (%31[^)]) %c %d", name, &state, &parent) == 3)
        is = strcmp(name, "thumbpool-work") == 0 && state != 'Z' && parent == run;
    fclose(file);
    return is;
}

/* Lists the run's children, workers or not. */
static int children_of(pid_t run, pid_t *pids)
{
    char path[64];
    int count = 0;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", run, run);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    while (count < WORKERS_MAX && fscanf(file, "%d", &pids[count]) == 1)
        count++;
    fclose(file);
    return count;
}

/* Signals a worker of the run, whatever becomes of its number meanwhile. */
static bool worker_signal(pid_t pid, pid_t run, int number)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    bool hit;

    if (fd < 0)
        return false;
    hit = is_worker(pid, run) && syscall(SYS_pidfd_send_signal, fd, number, NULL, 0) == 0;
    close(fd);
    return hit;
}

/* ---- The run ---- */

static pid_t run_start(char **command)
{
    pid_t run = fork();

    if (run < 0)
        die("fork");
    if (run > 0)
        return run;
    setpgid(0, 0);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    execvp(command[0], command);
    die(command[0]);
    return 0;
}

static int code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void sleep_us(uint64_t us)
{
    struct timespec pause = {.tv_sec = (time_t)(us / 1000000),
                             .tv_nsec = (long)(us % 1000000) * 1000};

    while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
        ;
}

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- Workers ---- */

static uint64_t draw(uint64_t *random, uint64_t below)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (*random >> 33) % below;
}

/* The workers that were killed last: one that has not got round to dying is no other kill. */
struct killed {
    pid_t pids[WORKERS_MAX];
    unsigned next;
};

static bool killed_has(const struct killed *killed, pid_t pid)
{
    for (int i = 0; i < WORKERS_MAX; i++)
        if (killed->pids[i] == pid)
            return true;
    return false;
}

static bool kill_one(pid_t run, uint64_t *random, struct killed *killed)
{
    pid_t pids[WORKERS_MAX];
    int count = children_of(run, pids);
    pid_t pid = count > 0 ? pids[draw(random, (uint64_t)count)] : 0;

    if (pid == 0 || killed_has(killed, pid) || !worker_signal(pid, run, SIGKILL))
        return false;
    killed->pids[killed->next++ % WORKERS_MAX] = pid;
    return true;
}

static int kill_workers(char **argv)
{
    uint64_t random = strtoull(argv[0], NULL, 10), pause_us = strtoull(argv[1], NULL, 10);
    long most = atol(argv[2]), kills = 0;
    pid_t run = run_start(argv + 3), ended = 0;
    struct killed killed = {0};
    int status = 0;

    while (kills < most && (ended = waitpid(run, &status, WNOHANG)) == 0) {
        sleep_us(draw(&random, 2 * pause_us + 1));
        kills += kill_one(run, &random, &killed);
    }
    if (ended == 0 && waitpid(run, &status, 0) != run)
        die("waitpid");
    printf("%ld\n", kills);
    return code_of(status);
}

/* ---- The parent ---- */

static int stop_workers(pid_t run, bool stop)
{
    pid_t pids[WORKERS_MAX];
    int count = children_of(run, pids), workers = 0;

    for (int i = 0; i < count; i++)
        workers += worker_signal(pids[i], run, stop ? SIGSTOP : 0);
    return workers;
}

static volatile sig_atomic_t run_group;

static void too_late(int number)
{
    static const char text[] = "killer: a process of the run is still there\n";

    (void)number;
    kill(-run_group, SIGKILL); /* nobody else will */
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(124);
    _exit(124);
}

/* The run's children become ours when it dies, so they can be waited for. */
static int kill_parent(char **argv)
{
    pid_t run, pid;
    int status = 0, last;

    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        die("prctl");
    run = run_start(argv + 2);
    sleep_us(strtoull(argv[0], NULL, 10));
    int workers = stop_workers(run, strcmp(argv[1], "stop") == 0);
    double begin = now_ms();
    run_group = run;
    kill(run, SIGKILL);
    signal(SIGALRM, too_late);
    alarm(LONGEST_S);
    while ((pid = waitpid(-1, &last, 0)) > 0)
        if (pid == run)
            status = last;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        printf("killed %d %.1f\n", workers, now_ms() - begin);
    else
        printf("ended %d 0\n", code_of(status));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 5 && strcmp(argv[1], "workers") == 0)
        return kill_workers(argv + 2);
    if (argc > 4 && strcmp(argv[1], "parent") == 0)
        return kill_parent(argv + 2);
    fputs("usage: killer workers SEED PAUSE_US MOST COMMAND...\n"
          "       killer parent MOMENT_US run|stop COMMAND...\n",
          stderr);
    return 2;
}
