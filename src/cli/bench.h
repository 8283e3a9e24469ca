/* The command "thumbpool bench": from its command line to its exit code. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include <signal.h>

/* argv[0] is the word "bench". `stop` is not 0 once a signal asks for the end; whoever calls this
 * dies of that signal afterwards. Returns the exit code: 0 compared, 1 something failed, 2 usage,
 * 3 it could not go on. */
int bench_main(int argc, char **argv, const volatile sig_atomic_t *stop);

#endif
