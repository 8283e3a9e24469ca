/* Any bytes as a file of the desktop's cache: its texts read, and texts put into it. What went in
 * comes out again where the file is whole. */
#include "batch/pngtext.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static int file_read(int fd, const uint8_t *bytes, size_t size, char *uri, char *mine)
{
    struct pngtext_wanted wanted[] = {{"Thumb::URI", uri, 100}, {"X-Mine", mine, 10}};
    struct pngtext_head head;
    require(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size);
    int error = pngtext_read(fd, wanted, 2, &head);
    require(strlen(uri) < 100 && strlen(mine) < 10);
    require(error < 0 || (head.width > 0 && head.height > 0));
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    const struct pngtext text = {"X-Mine", "value"};
    struct buffer with = {0};
    char uri[100], mine[10];
    if (fd < 0)
        fd = memfd_create("thumbnail", MFD_CLOEXEC);
    bool whole = file_read(fd, data, size, uri, mine) == 0;
    if (pngtext_insert(data, size, &text, 1, &with) == 0) {
        int error = file_read(fd, with.bytes, with.size, uri, mine);
        require(error < 0 || strcmp(mine, "value") == 0);
    } else {
        require(!whole);
    }
    buffer_done(&with);
    return 0;
}
