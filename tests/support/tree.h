/* A folder of its own for a test, and files in it. */
#ifndef SUPPORT_TREE_H
#define SUPPORT_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "support/images.h"

enum { TREE_PATH_BYTES = 4096 };

/* Makes an empty folder and puts its path into *state: a cmocka setup. */
int tree_setup(void **state);

/* Removes it with all that is in it: a cmocka teardown. */
int tree_teardown(void **state);

#define TREE_TEST(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

/* "ROOT/NAME", valid until the fourth call after. */
const char *tree_path(const char *root, const char *name);

/* Writes a file; folders on the way are made. */
void tree_write(const char *root, const char *name, const void *bytes, size_t size);

/* A small JPEG that differs from seed to seed. */
void tree_write_jpeg(const char *root, const char *name, int seed);

/* The whole file; bytes is NULL when there is none. */
struct test_file tree_read(const char *root, const char *name);

/* True when both files are there and equal. */
bool tree_same(const char *root, const char *name, const char *other_root, const char *other);

/* Files below ROOT/NAME, at any depth; names that begin with `prefix` only, unless it is NULL. */
int tree_count(const char *root, const char *name, const char *prefix);

#endif
