/* The options that say which pictures are meant: a parser of its own below the program's. */
#ifndef CLI_INPUT_OPTIONS_H
#define CLI_INPUT_OPTIONS_H

#include <argp.h>

#include "batch/scan.h"

struct input_options {
    struct scan_filter filter; /* what a walk takes; its globs are owned */
    const char *list;          /* file with more paths, "-" for standard input, NULL none */
    bool nul;                  /* the list's entries end in NUL, not in a newline */
};

/* A child of another parser, whose state->child_inputs must hold a zeroed struct input_options. Its
 * keys are -0 and those from 768 on. */
extern const struct argp input_options_parser;

void input_options_done(struct input_options *options);

#endif
