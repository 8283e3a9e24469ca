/* Any bytes as a manifest: read line by line, as entries, and what is believed of them written and
 * read again. */
#include "batch/entry.h"
#include "batch/lines.h"

#include <limits.h>
#include <stdbool.h>
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

/* An entry that was read is within bounds. */
static void entry_check(const struct entry *entry)
{
    require(entry->src[0] == '/' && strlen(entry->src) < PATH_MAX);
    require(entry->name[0] != '\0' && strlen(entry->name) < PATH_MAX);
    require(entry->output_count >= 0 && entry->output_count <= IMAGE_SIZES_MAX);
    require(entry->failed == (entry->output_count == 0));
    require(entry->fingerprint.reach >= 0 && entry->fingerprint.reach <= entry->size_bytes);
    for (int i = 0; i < entry->output_count; i++)
        require(entry->outputs[i].width > 0 && strlen(entry->outputs[i].path) < PATH_MAX);
}

static void line_check(char *text, size_t size)
{
    struct entry entry, again;
    char *copy = malloc(size + !size), *line;
    size_t length;
    memcpy(copy, text, size);
    if (entry_read(copy, size, &entry)) {
        entry_check(&entry);
        FILE *file = open_memstream(&line, &length);
        entry_write(file, &entry);
        fclose(file);
        require(entry_read(line, length - 1, &again));
        require(again.key == entry.key && strcmp(again.src, entry.src) == 0);
        free(line);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    struct lines lines;
    enum lines_found found;
    char *text;
    size_t length, all = 0;
    int64_t offset;
    if (fd < 0)
        fd = memfd_create("manifest", MFD_CLOEXEC);
    require(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    require(lines_init(&lines, fd) == 0);
    while ((found = lines_next(&lines, &text, &length, &offset)) != LINES_END) {
        require(offset >= 0 && (size_t)offset <= size);
        if (found == LINES_WHOLE) {
            require(length < LINES_LONGEST && memcmp(data + offset, text, length) == 0);
            line_check(text, length);
        }
        all++;
    }
    require(all <= size);
    lines_done(&lines);
    return 0;
}
