/* Completions for shells, made of the option tables. */
#ifndef CLI_COMPLETIONS_H
#define CLI_COMPLETIONS_H

#include <argp.h>

/* The shells, by name; the last one is NULL. */
extern const char *const completions_shells[];

/* Prints a script for completions_shells[shell] on standard output: options, their words, files and
 * folders, of thumbnails and, after the word "bench", of comparisons. Hidden options are left out.
 */
void completions_print(int shell, const struct argp *thumbnails, const struct argp *bench);

#endif
