/* The command line of "thumbpool bench", as a struct. */
#ifndef CLI_BENCH_OPTIONS_H
#define CLI_BENCH_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "bench/bench.h"

struct bench_command {
    struct bench_options bench;  /* its paths are words of argv; the array is owned */
    const char *export_json;     /* files, or NULL */
    const char *export_markdown; /* likewise */
    const char *html;            /* likewise */
    bool quiet;                  /* no table, no status line */
};

/* All options of "thumbpool bench". */
extern const struct argp bench_options_parser;

/* Parses what follows "bench". Prints the error and exits with 2 where it is wrong, prints and
 * exits with 0 for help. Free with bench_command_done(). */
void bench_command_parse(int argc, char **argv, struct bench_command *ret);
void bench_command_done(struct bench_command *command);

#endif
