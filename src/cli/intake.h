/* Before the work: which pictures, what they become, and what is wrong with that in words. */
#ifndef CLI_INTAKE_H
#define CLI_INTAKE_H

#include "cli/program.h"

/* Finds the desktop's cache, where outputs go there. */
enum exit_code intake_find_cache(struct program *program);

/* Collects the inputs, and names the outputs. Each returns EXIT_MADE to go on. */
enum exit_code intake_scan(struct program *program);
enum exit_code intake_plan(struct program *program);

#endif
