#include "batch/cachename.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <md5.h>

int cachename_root(char *path, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length;
    if (cache && cache[0] == '/')
        length = snprintf(path, size, "%s/thumbnails", cache);
    else if (home && home[0] == '/')
        length = snprintf(path, size, "%s/.cache/thumbnails", home);
    else
        return -ENOENT;
    return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

const char *cachename_folder(struct image_box box)
{
    static const char *const folders[] = {"normal", "large", "x-large", "xx-large"};
    for (int i = 0; i < 4; i++)
        if (box.width == 128 << i && box.height == 128 << i)
            return folders[i];
    return NULL;
}

int cachename_of(const char *folder, const char *uri, char *name, size_t size)
{
    char hash[MD5_DIGEST_STRING_LENGTH];
    MD5Data((const uint8_t *)uri, strlen(uri), hash);
    int length = snprintf(name, size, "%s/%s.png", folder, hash);
    return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}
