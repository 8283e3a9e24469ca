/* The gallery: a page of HTML with all thumbnails of a run, what failed and why, and who worked
 * when. An observer of the run.
 *
 * The page is one file that fetches nothing but the thumbnails, by paths relative to itself; it
 * shows everything without its script, which adds the view of one picture and the filter. It is
 * written when the run has ended, however that was, from pieces that were noted as the results
 * came: whole, or not at all. Until then memory does not grow with the number of pictures; then
 * their order takes some bytes a picture. */
#ifndef BATCH_GALLERY_H
#define BATCH_GALLERY_H

#include <limits.h>
#include <stdint.h>
#include <time.h>

#include "batch/document.h"
#include "batch/observer.h"
#include "batch/plan.h"
#include "batch/spool.h"
#include "batch/timeline.h"

struct gallery {
    const struct plan *plan; /* borrowed */
    const char *version;     /* of the program */
    time_t date;             /* that it shows */
    struct document document;
    struct spool spool; /* a piece a picture that has come to an end, by number of the input */
    struct timeline timeline;
    char way[PATH_MAX];  /* from the page's folder to the output folder */
    uint64_t made_bytes; /* of all thumbnails on it */
    int error;           /* why it cannot be written, 0 */
};

/* Opens the page that will be `path`; its folder is made. Plan and strings must outlive it. Returns
 * 0, or -errno; -ESPIPE when it is no regular file. Close it either way. */
int gallery_open(struct gallery *ret, const char *path, const struct plan *plan,
                 const char *version, time_t date);
void gallery_close(struct gallery *gallery);

/* An observer that makes the page when the run ends; gallery->error tells how that went. `gallery`
 * must outlive the run. */
struct run_observer gallery_observer(struct gallery *gallery);

#endif
