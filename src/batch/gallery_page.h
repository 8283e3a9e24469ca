/* The gallery's page, put together when the run has ended. */
#ifndef BATCH_GALLERY_PAGE_H
#define BATCH_GALLERY_PAGE_H

#include <stdio.h>

#include "batch/gallery.h"

struct gallery_page {
    const struct gallery *gallery;
    const struct run_summary *summary;
    double end_ms; /* of the run, on the clock CLOCK_MONOTONIC */
};

/* A document_fn of a struct gallery_page. */
void gallery_page_write(const void *page, FILE *file);

/* Made of gallery.css and gallery.js: what stands inside the page's style and script. */
extern const char gallery_css[], gallery_js[];

#endif
