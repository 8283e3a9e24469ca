/* Loading the libvips module. */
#include "image/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "image/module_private.h"

int image_module_load(const char *path, struct image_module **ret, char *ret_why, size_t why_size)
{
    struct image_module *module = calloc(1, sizeof *module);

    if (!module) {
        snprintf(ret_why, why_size, "no memory");
        return -1;
    }
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library)
        module->vips = dlsym(library, VIPS_MODULE_SYMBOL);
    if (!module->vips) {
        const char *error = dlerror();
        snprintf(ret_why, why_size, "this kind needs libvips, which cannot be loaded (%s)",
                 error ? error : "not the module");
    } else if (module->vips->version != VIPS_MODULE_VERSION) {
        snprintf(ret_why, why_size, "%s: version %d of the module, and this program wants %d", path,
                 module->vips->version, VIPS_MODULE_VERSION);
    } else {
        *ret = module;
        return 0;
    }
    free(module);
    return -1;
}

void image_module_free(struct image_module *module)
{
    free(module);
}

int image_module_start(struct image_module *module, bool untrusted)
{
    if (!module->started && module->vips->start(untrusted))
        return -1;
    module->started = true;
    return 0;
}
