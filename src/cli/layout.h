/* What --layout freedesktop means for the other options. */
#ifndef CLI_LAYOUT_H
#define CLI_LAYOUT_H

#include <argp.h>

#include "cli/options.h"

/* Sets what the desktop's cache prescribes, PNG without a blur unless one was given. Ends the
 * program with exit code 2 and a sentence where an option contradicts it. */
void layout_for_desktop(const struct argp_state *state, struct options *options);

#endif
