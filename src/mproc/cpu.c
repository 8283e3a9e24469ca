/* How many CPUs this process may use: what its affinity mask and its cgroup's quota allow. */
#include "mproc/mproc.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int cpus_of_affinity(void)
{
    /* A machine with more CPUs than the mask has bits makes the call fail: try larger masks. */
    for (int bits = 1024; bits <= 1 << 20; bits *= 4) {
        cpu_set_t *mask = CPU_ALLOC(bits);
        if (!mask)
            return 1;
        size_t size = CPU_ALLOC_SIZE(bits);
        int count = sched_getaffinity(0, size, mask) == 0 ? CPU_COUNT_S(size, mask) : 0;
        CPU_FREE(mask);
        if (count > 0)
            return count;
    }
    return 1;
}

/* Reads up to two numbers from a one-line file; "max" reads as -1. Returns how many there were. */
static int numbers_read(const char *path, long long *ret_first, long long *ret_second)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    char first[32] = "", second[32] = "";
    int count = fscanf(file, "%31s %31s", first, second);
    fclose(file);
    *ret_first = strcmp(first, "max") == 0 ? -1 : atoll(first);
    *ret_second = atoll(second);
    return count < 0 ? 0 : count;
}

/* CPUs that `quota` in `period` come to, rounded up; 0 for no limit. */
static int cpus_of_quota(long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return 0;
    long long cpus = (quota + period - 1) / period;
    return cpus > 1 << 20 ? 1 << 20 : (int)cpus;
}

/* The quota of one cgroup folder, version 2 or 1; 0 for no limit. */
static int cpus_of_cgroup(const char *folder)
{
    char path[4200];
    long long quota = 0, period = 0, unused;
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (numbers_read(path, &quota, &period) == 2)
        return cpus_of_quota(quota, period);
    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    if (numbers_read(path, &quota, &unused) < 1)
        return 0;
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    if (numbers_read(path, &period, &unused) < 1)
        return 0;
    return cpus_of_quota(quota, period);
}

/* The tightest quota from the cgroup `name` below `mount` up to the mount itself; 0 for none. */
static int cpus_of_path(const char *mount, char *name)
{
    int least = 0;
    for (;;) {
        char folder[4160];
        snprintf(folder, sizeof folder, "%s%s", mount, name);
        int cpus = cpus_of_cgroup(folder);
        if (cpus > 0 && (least == 0 || cpus < least))
            least = cpus;
        char *slash = strrchr(name, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

/* Lines of /proc/self/cgroup read "0::/path" (version 2) or "4:cpu,cpuacct:/path" (version 1). In
 * a container the path may not be visible below the mount; its top then holds the quota. */
static int cpus_of_cgroups(void)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file)
        return 0;
    int least = 0;
    char line[4096];
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *name = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!name)
            continue;
        *name++ = '\0';
        bool v2 = controllers[1] == '\0';
        if (!v2 && !strstr(controllers, "cpu"))
            continue;
        int cpus = cpus_of_path(v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu", name);
        if (cpus > 0 && (least == 0 || cpus < least))
            least = cpus;
    }
    fclose(file);
    return least;
}

int mp_cpu_count(void)
{
    int cpus = cpus_of_affinity();
    int quota = cpus_of_cgroups();
    return quota > 0 && quota < cpus ? quota : cpus;
}
