/* What an option's value is made of. Each parser ends the program with exit code 2 and a sentence
 * that says what the option takes, when it is given something else. */
#ifndef CLI_VALUES_H
#define CLI_VALUES_H

#include <argp.h>

/* A whole number in low..high. */
int value_int(const struct argp_state *state, const char *name, const char *text, long low,
              long high);

/* A number in low..high, which may have a fraction. */
double value_real(const struct argp_state *state, const char *name, const char *text, double low,
                  double high);

/* The position of a word in a list that ends with NULL. `hint` names them. */
int value_word(const struct argp_state *state, const char *name, const char *text,
               const char *const *words, const char *hint);

#endif
