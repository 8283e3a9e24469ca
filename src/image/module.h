/* libvips as a guest: a shared object of its own, loaded only when a picture needs it.
 *
 * Linking libvips costs 30 ms at every start and starting it another 30, so the program does not
 * link it. Loading the module starts nothing and no thread, so a process that has loaded it may
 * still fork; starting it is for the process that decodes. After one picture has been evaluated
 * in a process, that process must not fork any more: its children would hang. */
#ifndef IMAGE_MODULE_H
#define IMAGE_MODULE_H

#include <stdbool.h>
#include <stddef.h>

struct image_module;

/* Loads the module from the file `path`. Returns 0, or -1 with a sentence in `ret_why`
 * (`why_size` bytes). */
int image_module_load(const char *path, struct image_module **ret, char *ret_why, size_t why_size);

/* Frees the handle. libvips stays in the process: it does not survive being unloaded. Takes NULL.
 */
void image_module_free(struct image_module *module);

/* Starts libvips in this process: one thread, no cache, and without `untrusted` none of the formats
 * that it calls so, nor plug-ins. May be called again; what the first call said about them stays.
 * Returns 0, or -1. */
int image_module_start(struct image_module *module, bool untrusted);

#endif
