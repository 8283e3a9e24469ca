/* "Did you mean": what may have been meant by an option or by a word that does not exist. */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include <argp.h>

/* The one of `words`, a list that ends with NULL, which is nearest to `text`: some letters, one in
 * three at most, are missing, too many, others, or change places with their neighbours. NULL when
 * none is near. */
const char *suggest_word(const char *text, const char *const *words);

/* Looks for an option in argv that the parser does not know. Where there is one, prints a sentence,
 * which says what may have been meant, and exits with 2. All else is left to argp. */
void suggest_check(const struct argp *parser, int argc, char **argv);

#endif
