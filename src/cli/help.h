/* What -h says around the options: texts of both commands, and the groups that the options come in.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <argp.h>

/* The groups, in their order. The tables of several files fill them together. */
enum help_group {
    HELP_COMMON = 1, /* what most command lines have, from whatever table */
    HELP_INPUT,
    HELP_OUTPUT,
    HELP_PICTURE,
    HELP_CODING,
    HELP_WORK,
    HELP_LIMITS,
    HELP_MESSAGES,
    HELP_HELP
};

/* For parsers' texts: what stands before the options, "\v", and what stands behind them. */
extern const char help_thumbpool[], help_bench[];

/* Prints all of a parser's help on standard output, in 80 columns: the usage, the text, the groups
 * with their options in the order of the tables, the rest of the text. Hidden options are left out.
 *   program  what the usage calls it */
void help_print(const struct argp *parser, const char *program);

/* Ends the program when what was asked for has been printed: with 0, or with 3 and a sentence when
 * standard output could not be written. */
void help_exit(const struct argp_state *state);

#endif
