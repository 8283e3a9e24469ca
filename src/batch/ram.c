#include "batch/ram.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

static int64_t tighter(int64_t a, int64_t b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

/* A number in a file of one line; 0 where there is none: "max" is what version 2 says then. */
static int64_t number_of(const char *folder, const char *name)
{
    char path[PATH_MAX + 64];
    long long number = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%lld", &number) != 1)
        number = 0;
    if (file)
        fclose(file);
    return number > 0 ? number : 0;
}

int64_t ram_of_group(const char *mount, const char *name)
{
    char folder[PATH_MAX];
    int64_t least = 0;
    size_t start = strlen(mount);
    if (snprintf(folder, sizeof folder, "%s%s", mount, name) >= (int)sizeof folder)
        return 0;
    for (char *slash = NULL;; *slash = '\0') {
        least = tighter(least, number_of(folder, "memory.max"));
        least = tighter(least, number_of(folder, "memory.limit_in_bytes"));
        if (!(slash = strrchr(folder + start, '/')))
            return least;
    }
}

/* True for a list of controllers such as "cpu,memory". */
static bool has_memory(const char *controllers)
{
    const char *found = strstr(controllers, "memory");
    return found && (found == controllers || found[-1] == ',') &&
           (found[6] == ',' || found[6] == '\0');
}

/* Lines of /proc/self/cgroup read "0::/path" (version 2) or "4:memory:/path" (version 1). In a
 * container the path may not be visible below the mount; its top then has the limit. */
static int64_t ram_of_line(char *line)
{
    char *controllers = strchr(line, ':');
    char *name = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!name)
        return 0;
    *name++ = '\0';
    name[strcspn(name, "\n")] = '\0';
    if (controllers[1] == '\0')
        return tighter(ram_of_group("/sys/fs/cgroup", name),
                       ram_of_group("/sys/fs/cgroup/unified", name));
    return has_memory(controllers + 1) ? ram_of_group("/sys/fs/cgroup/memory", name) : 0;
}

/* Of the machine. sysconf() has it from the same call, but does not look whether that failed. */
static int64_t ram_of_machine(void)
{
    struct sysinfo info;
    return sysinfo(&info) == 0 ? (int64_t)info.totalram * info.mem_unit : 0;
}

int64_t ram_bytes(void)
{
    char line[PATH_MAX];
    int64_t least = ram_of_machine();
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && fgets(line, sizeof line, file))
        least = tighter(least, ram_of_line(line));
    if (file)
        fclose(file);
    return least;
}
