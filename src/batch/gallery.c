#include "batch/gallery.h"

#include "batch/gallery_page.h"
#include "batch/gallery_piece.h"
#include "batch/way.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- Before the run ------------------------------------------------------------------------- */

int gallery_open(struct gallery *ret, const char *path, const struct plan *plan,
                 const char *version, time_t date)
{
    *ret = (struct gallery){.plan = plan, .version = version, .date = date};
    int error = document_open(&ret->document, path);
    if (error == 0)
        error = spool_open(&ret->spool, document_scratch(&ret->document),
                           document_scratch(&ret->document));
    return error;
}

void gallery_close(struct gallery *gallery)
{
    spool_close(&gallery->spool);
    document_close(&gallery->document);
}

/* ---- The run -------------------------------------------------------------------------------- */

/* Finds the way from the page to the outputs; both folders are there by now. */
static int way_find(struct gallery *gallery)
{
    char page[PATH_MAX], output[PATH_MAX];
    int error = way_file(gallery->document.path, page);
    if (error == 0)
        error = way_folder(gallery->plan->options.output, output);
    if (error < 0)
        return error;
    char *slash = strrchr(page, '/');
    slash[slash == page] = '\0';
    return way_between(page, output, gallery->way);
}

static void on_begin(void *self, size_t inputs, int workers)
{
    struct gallery *gallery = self;
    (void)inputs;
    timeline_begin(&gallery->timeline, workers, now_ms());
    gallery->error = way_find(gallery);
}

static void on_result(void *self, const struct run_record *record, const struct run_counts *counts)
{
    struct gallery *gallery = self;
    uint32_t number = (uint32_t)(record->input - gallery->plan->scan->inputs);
    (void)counts;
    timeline_add(&gallery->timeline, record->worker, record->module, record->begin_ms,
                 record->end_ms);
    FILE *file = spool_begin(&gallery->spool);
    size_t skip = strlen(gallery->plan->options.output) + 1;
    enum piece piece = piece_write(record, gallery->way, skip, file);
    spool_end(&gallery->spool, number, piece);
    for (int i = 0; i < record->output_count; i++)
        gallery->made_bytes += record->outputs[i].size_bytes;
}

static void on_end(void *self, const struct run_summary *summary)
{
    struct gallery *gallery = self;
    struct gallery_page page = {gallery, summary, now_ms()};
    if (gallery->error == 0)
        gallery->error = spool_finish(&gallery->spool);
    if (gallery->error == 0)
        gallery->error = document_write(&gallery->document, gallery_page_write, &page);
}

struct run_observer gallery_observer(struct gallery *gallery)
{
    return (struct run_observer){
        .self = gallery, .begin = on_begin, .result = on_result, .end = on_end};
}
