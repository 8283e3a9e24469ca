/* The loaded module, as the image layer itself sees it. */
#ifndef IMAGE_MODULE_PRIVATE_H
#define IMAGE_MODULE_PRIVATE_H

#include <stdbool.h>

#include "image/module.h"
#include "image/vips.h"

struct image_module {
    const struct vips_module *vips; /* in the shared object, which stays loaded */
    bool started;                   /* in this process */
};

#endif
