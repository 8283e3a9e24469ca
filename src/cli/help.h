/* What -h says around the options: texts of both commands, and the groups that the options come in.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

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
    HELP_HELP = -1 /* the last one; argp moves --help there in any case */
};

/* For argp: what stands before the options, "\v", and what stands behind them. */
extern const char help_thumbpool[], help_bench[];

/* For argp: leaves out the sentence that arguments of long options are those of short ones, too. */
char *help_filter(int key, const char *text, void *input);

#endif
