#include "bench/machine.h"

#include "mproc/mproc.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* Reads the first line of a file without its end; "" where there is none. */
static void line_read(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    line[0] = '\0';
    if (file && fgets(line, (int)size, file))
        line[strcspn(line, "\n")] = '\0';
    if (file)
        fclose(file);
}

/* The name that the kernel's list of CPUs gives: "model name" on x86, "Model" or "Hardware" on
 * others, which have no name of the CPU itself. */
static void model_read(char *model, size_t size)
{
    char line[300];
    FILE *file = fopen("/proc/cpuinfo", "re");
    model[0] = '\0';
    while (file && model[0] == '\0' && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        bool named = strncmp(line, "model name", 10) == 0 || strncmp(line, "Model", 5) == 0 ||
                     strncmp(line, "Hardware", 8) == 0;
        if (!colon || !named)
            continue;
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(model, size, "%s", colon + 1 + strspn(colon + 1, " "));
    }
    if (file)
        fclose(file);
}

static double load_read(void)
{
    double load;
    return getloadavg(&load, 1) == 1 ? load : -1;
}

void machine_look(struct machine *ret)
{
    struct utsname name;
    *ret = (struct machine){.cpus_host = (int)sysconf(_SC_NPROCESSORS_ONLN),
                            .cpus_usable = mp_cpu_count(),
                            .memory_bytes =
                                (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE),
                            .load_after = -1,
                            .others_share = -1};
    model_read(ret->model, sizeof ret->model);
    line_read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", ret->governor,
              sizeof ret->governor);
    if (uname(&name) == 0)
        snprintf(ret->kernel, sizeof ret->kernel, "%.40s %.50s", name.sysname, name.release);
    ret->load_before = load_read();
}

/* ---- Others --------------------------------------------------------------------------------- */

/* The busy part of a line of /proc/stat, in seconds: all but idle and waiting for a disk. What a
 * hypervisor gave to other guests is taken by others, too; guests are counted as user already. */
static double busy_of(const char *numbers)
{
    unsigned long long user, nice, system, idle, iowait, irq = 0, softirq = 0, steal = 0;
    if (sscanf(numbers, "%llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle,
               &iowait, &irq, &softirq, &steal) < 5)
        return 0;
    return (double)(user + nice + system + irq + softirq + steal) / (double)sysconf(_SC_CLK_TCK);
}

/* Busy seconds of the CPUs that this process may run on, since they were started. */
static double busy_read(int *ret_cpus)
{
    cpu_set_t mask;
    char line[400];
    double busy = 0;
    FILE *file = fopen("/proc/stat", "re");
    *ret_cpus = 0;
    if (!file || sched_getaffinity(0, sizeof mask, &mask) != 0)
        CPU_ZERO(&mask);
    while (file && fgets(line, sizeof line, file)) {
        int cpu, length;
        if (sscanf(line, "cpu%d%n", &cpu, &length) != 1 || cpu >= CPU_SETSIZE ||
            !CPU_ISSET(cpu, &mask))
            continue;
        busy += busy_of(line + length);
        ++*ret_cpus;
    }
    if (file)
        fclose(file);
    return *ret_cpus > 0 ? busy : -1;
}

static double usage_s(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static void watch_take(struct machine_watch *watch)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    watch->wall_s = (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
    watch->own_s = usage_s(RUSAGE_SELF) + usage_s(RUSAGE_CHILDREN);
    watch->busy_s = busy_read(&watch->cpus);
}

void machine_watch_begin(struct machine_watch *watch, struct machine *machine)
{
    machine->load_before = load_read();
    watch_take(watch);
}

void machine_watch_end(const struct machine_watch *watch, struct machine *machine)
{
    struct machine_watch now;
    watch_take(&now);
    machine->load_after = load_read();
    double seconds = now.wall_s - watch->wall_s;
    if (watch->busy_s < 0 || now.busy_s < 0 || seconds <= 0)
        return;
    double others = (now.busy_s - watch->busy_s) - (now.own_s - watch->own_s);
    double share = others / (seconds * watch->cpus);
    machine->others_share = share < 0 ? 0 : share > 1 ? 1 : share;
}

bool machine_was_busy(const struct machine *machine)
{
    return machine->others_share * 100 > MACHINE_BUSY_PERCENT;
}
