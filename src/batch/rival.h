/* Whether a file that is to be written beside the thumbnails would replace a picture. */
#ifndef BATCH_RIVAL_H
#define BATCH_RIVAL_H

#include <limits.h>
#include <stdbool.h>

#include "batch/plan.h"

enum rival {
    RIVAL_NONE = 0,
    RIVAL_INPUT, /* it would replace an input, or what the input is in */
    RIVAL_OUTPUT /* likewise an output, or the manifest */
};

/* Looks whether a file of that name would be in the way of the plan. `follows`: what is there is
 * written into, through links, instead of being replaced by name; what is no regular file then is
 * in nobody's way. Touches nothing. Returns enum rival with the path of what it would replace in
 * other, or -errno. */
int rival_find(const struct plan *plan, const char *path, bool follows, char other[PATH_MAX]);

#endif
