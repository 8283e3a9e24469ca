#include "photo.h"

#include "image/thumbnail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int photo_open(const char *path, struct image_input *ret)
{
    struct stat stat;
    unsigned char head[IMAGE_KIND_HEAD_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 || fstat(fd, &stat) != 0 ? -1 : pread(fd, head, sizeof head, 0);
    if (size < 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *ret = (struct image_input){
        .fd = fd, .size_bytes = stat.st_size, .kind = image_kind_sniff(head, (size_t)size)};
    return 0;
}

static int thumb_save(const struct image_thumb *thumb, const char *path)
{
    FILE *file = fopen(path, "wbe");
    if (!file)
        return -1;
    size_t written = fwrite(thumb->bytes, 1, thumb->size_bytes, file);
    return fclose(file) == 0 && written == thumb->size_bytes ? 0 : -1;
}

int photo_thumbnail(const char *from, const char *to, const struct image_spec *spec, char *why)
{
    struct image_input input;
    struct image_result result = {0};
    struct image_fault fault;
    int error = photo_open(from, &input);
    if (error != 0) {
        snprintf(why, 200, "%s", strerror(errno));
        return -1;
    }
    error = image_thumbnail(&input, spec, NULL, &result, &fault);
    if (error != 0)
        memcpy(why, fault.message, sizeof fault.message);
    else if ((error = thumb_save(&result.thumbs[0], to)) != 0)
        snprintf(why, 200, "cannot write %.150s: %s", to, strerror(errno));
    image_result_done(&result);
    close(input.fd);
    return error;
}
