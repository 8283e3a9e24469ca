/* What of the options a picture's outputs depend on, as one number: two runs with the same key make
 * the same bytes of the same input. What cannot change them is left out, so that another background
 * does not cost a folder of JPEGs without a border. */
#ifndef BATCH_KEY_H
#define BATCH_KEY_H

#include <stdint.h>

#include "image/kind.h"
#include "image/spec.h"

/* The key of outputs in `format`; the spec's own is not looked at.
 *   versions   of the program and its libraries, any text */
uint64_t key_of(const struct image_spec *spec, enum image_kind format, const char *versions);

#endif
