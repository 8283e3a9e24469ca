#include "support/tree.h"

#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int tree_setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    char *path = malloc(TREE_PATH_BYTES);
    if (!path)
        return -1;
    snprintf(path, TREE_PATH_BYTES, "%s/thumbpool-test-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(path)) {
        free(path);
        return -1;
    }
    *state = path;
    return 0;
}

int tree_teardown(void **state)
{
    char *const roots[] = {*state, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    FTSENT *entry;
    while (walk && (entry = fts_read(walk))) {
        if (entry->fts_info == FTS_D)
            chmod(entry->fts_path, 0700);
        else if (entry->fts_info == FTS_DP)
            rmdir(entry->fts_path);
        else
            unlink(entry->fts_path);
    }
    if (walk)
        fts_close(walk);
    free(*state);
    return 0;
}

const char *tree_path(const char *root, const char *name)
{
    static char paths[4][TREE_PATH_BYTES];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, TREE_PATH_BYTES, "%s/%s", root, name);
    return path;
}

static void folders_make(char *path)
{
    for (char *slash = path; (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
}

void tree_write(const char *root, const char *name, const void *bytes, size_t size)
{
    char path[TREE_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", root, name);
    folders_make(path);
    FILE *file = fopen(path, "wbe");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        abort();
}

void tree_write_jpeg(const char *root, const char *name, int seed)
{
    struct pixels pixels = test_picture(40 + seed % 7, 30 + seed % 5, 4, false);
    for (int i = 0; i < 4 * pixels.width; i++)
        pixels.data[i] ^= (uint8_t)(seed * 37);
    struct test_file file = test_jpeg(&pixels, (struct test_jpeg){0});
    tree_write(root, name, file.bytes, file.size);
    test_file_done(&file);
    pixels_done(&pixels);
}

struct test_file tree_read(const char *root, const char *name)
{
    struct test_file ret = {0};
    struct stat stat_buffer;
    FILE *file = fopen(tree_path(root, name), "rbe");
    if (!file)
        return ret;
    if (fstat(fileno(file), &stat_buffer) == 0) {
        ret.size = (size_t)stat_buffer.st_size;
        ret.bytes = malloc(ret.size + 1);
        if (!ret.bytes || fread(ret.bytes, 1, ret.size, file) != ret.size)
            abort();
    }
    fclose(file);
    return ret;
}

bool tree_same(const char *root, const char *name, const char *other_root, const char *other)
{
    struct test_file a = tree_read(root, name), b = tree_read(other_root, other);
    bool same = a.bytes && b.bytes && a.size == b.size && memcmp(a.bytes, b.bytes, a.size) == 0;
    test_file_done(&a);
    test_file_done(&b);
    return same;
}

int tree_count(const char *root, const char *name, const char *prefix)
{
    char path[TREE_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", root, name);
    char *const roots[] = {path, NULL};
    int count = 0;
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    FTSENT *entry;
    while (walk && (entry = fts_read(walk)))
        count += entry->fts_info == FTS_F &&
                 (!prefix || strncmp(entry->fts_name, prefix, strlen(prefix)) == 0);
    if (walk)
        fts_close(walk);
    return count;
}
