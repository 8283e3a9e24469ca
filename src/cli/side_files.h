/* The files beside the thumbnails: report, trace, depfile and gallery. Each function does nothing
 * for those that are not asked for. */
#ifndef CLI_SIDE_FILES_H
#define CLI_SIDE_FILES_H

#include "cli/program.h"

/* Looks, before any work, whether they can be written and are in the way of nothing. Returns
 * EXIT_MADE to go on. */
enum exit_code side_files_check(const struct program *program);

/* Opens those that are written while the run goes on. Returns EXIT_MADE to go on. */
enum exit_code side_files_open(struct program *program);

/* Ends them, after a run whose exit code would be `code`. Returns that of the program. */
enum exit_code side_files_end(const struct program *program, enum exit_code code);

#endif
