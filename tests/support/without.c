/* Runs a program on a system without some system calls.
 * usage: without CALL:ERROR... -- PROGRAM [ARGUMENT...]      both by name */
#include "support/refuse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct word {
    const char *name;
    long value;
};

static const struct word calls[] = {
    {"landlock", 444}, /* landlock_create_ruleset */
    {"seccomp", SYS_seccomp}, {"capset", SYS_capset}, {"setresuid", SYS_setresuid}, {NULL, 0},
};
static const struct word errors[] = {
    {"ENOSYS", ENOSYS}, {"EPERM", EPERM}, {"EINVAL", EINVAL}, {"EOPNOTSUPP", EOPNOTSUPP}, {NULL, 0},
};

static const struct word *word_find(const struct word *words, const char *name, size_t length)
{
    for (; words->name; words++)
        if (strlen(words->name) == length && memcmp(words->name, name, length) == 0)
            return words;
    return NULL;
}

int main(int argc, char **argv)
{
    int i = 1;
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        size_t length = strcspn(argv[i], ":");
        const char *rest = argv[i] + length + (argv[i][length] == ':');
        const struct word *call = word_find(calls, argv[i], length);
        const struct word *error = word_find(errors, rest, strlen(rest));
        if (!call || !error || refuse_call(call->value, (int)error->value) < 0)
            return 125;
    }
    if (i + 1 >= argc)
        return 125;
    execvp(argv[i + 1], argv + i + 1);
    perror(argv[i + 1]);
    return 127;
}
