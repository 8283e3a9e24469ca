/* The options of a parser and of those below it, in one list, for what has to know all of them. */
#ifndef CLI_OPTION_LIST_H
#define CLI_OPTION_LIST_H

#include <argp.h>
#include <stdbool.h>

enum { OPTION_LIST_MAX = 100 };

struct option_list {
    const struct argp_option *all[OPTION_LIST_MAX]; /* borrowed from the parsers' tables */
    int count;
};

/* Gathers them: no headers of groups, but hidden ones, too. */
void option_list_gather(const struct argp *parser, struct option_list *ret);

/* True when the option has a letter, which is its key then. */
bool option_has_letter(const struct argp_option *option);

#endif
