/* What an option's value is made of. Each parser ends the program with exit code 2 and a sentence
 * that says what the option takes, when it is given something else. */
#ifndef CLI_VALUES_H
#define CLI_VALUES_H

#include <argp.h>

/* Ends the program with exit code 2 and a sentence, in which control bytes become question marks.
 */
void value_refuse(const struct argp_state *state, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Ends the program with exit code 3, since there is no memory for what was given. */
_Noreturn void value_no_memory(void);

/* A whole number in low..high. */
int value_int(const struct argp_state *state, const char *name, const char *text, long low,
              long high);

/* The same for large ones. */
long long value_long(const struct argp_state *state, const char *name, const char *text,
                     long long low, long long high);

/* A size in bytes: "1000", or with K, M, G or T for powers of 1024, as "500K" or "1.5G". At
 * least 1. */
long long value_size(const struct argp_state *state, const char *name, const char *text);

/* A number in low..high, which may have a fraction. */
double value_real(const struct argp_state *state, const char *name, const char *text, double low,
                  double high);

/* The position of a word in a list that ends with NULL. The sentence names them all, and the one
 * that is near to what was given. */
int value_word(const struct argp_state *state, const char *name, const char *text,
               const char *const *words);

#endif
