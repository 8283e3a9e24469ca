/* Names in the desktop's thumbnail cache, which file managers share: a folder for each size, and in
 * it a name made of the picture's URI.
 * Source: Thumbnail Managing Standard 0.9, freedesktop.org. */
#ifndef BATCH_CACHENAME_H
#define BATCH_CACHENAME_H

#include <stddef.h>

#include "image/spec.h"

/* Puts the path of the cache into path[0..size): below $XDG_CACHE_HOME, or $HOME/.cache where that
 * is no absolute path. Returns 0, -ENOENT when neither is one, or -ENAMETOOLONG. */
int cachename_root(char *path, size_t size);

/* The folder for thumbnails of that size: "normal", "large", "x-large" or "xx-large". NULL for
 * boxes that have none. */
const char *cachename_folder(struct image_box box);

/* Puts "FOLDER/HASH.png" into name[0..size). Returns 0 or -ENAMETOOLONG. */
int cachename_of(const char *folder, const char *uri, char *name, size_t size);

#endif
