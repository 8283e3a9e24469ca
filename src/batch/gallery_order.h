/* The order of pictures on the gallery's page. */
#ifndef BATCH_GALLERY_ORDER_H
#define BATCH_GALLERY_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "batch/plan.h"

/* Bytes of a path that name its folder, with the slash behind it. */
size_t order_folder(const char *path);

/* The numbers of the plan's inputs in the order of the plan, but those of a folder together, where
 * its first one stands: a walk goes into folders amid the files beside them. plan->count numbers,
 * to be freed; NULL without memory. */
uint32_t *order_make(const struct plan *plan);

#endif
