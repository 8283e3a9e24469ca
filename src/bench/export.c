#include "bench/export.h"

int export_open(struct export *ret, const char *path, export_fn *write)
{
    *ret = (struct export){.path = path, .write = write};
    return document_open(&ret->document, path);
}

/* What is printed of which comparison. */
struct printed {
    const struct export *export;
    const struct bench *bench;
};

static void on_write(const void *user, FILE *file)
{
    const struct printed *printed = user;
    printed->export->write(printed->bench, file);
}

int export_write(const struct export *export, const struct bench *bench)
{
    struct printed printed = {export, bench};
    return document_write(&export->document, on_write, &printed);
}

void export_close(struct export *export)
{
    document_close(&export->document);
    *export = (struct export){0};
}
