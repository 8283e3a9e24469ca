#include "batch/gallery_page.h"

#include "batch/date.h"
#include "batch/gallery_order.h"
#include "batch/gallery_piece.h"
#include "batch/html.h"
#include "batch/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    NONCE_BYTES = 16,
    LIST_MAX = 420, /* thumbnails in a list; without a rest in rows of 1 to 7 */
};

/* A word that nobody could foresee: style and script have it, and the browser takes no others, so
 * that not even a hole in the escaping could make a name run. */
static void nonce_make(char ret[2 * NONCE_BYTES + 1])
{
    unsigned char bytes[NONCE_BYTES] = {0};
    ssize_t size = getrandom(bytes, sizeof bytes, 0);
    (void)size; /* never less for so few; without them the escaping has to do */
    for (int i = 0; i < NONCE_BYTES; i++)
        snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

/* ---- Above the pictures --------------------------------------------------------------------- */

static void head_write(const struct gallery *gallery, const char *nonce, FILE *file)
{
    fprintf(file,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
            "img-src 'self' file: data:; style-src 'nonce-%s'; script-src 'nonce-%s'; "
            "base-uri 'none'; form-action 'none'\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n"
            "<meta name=\"generator\" content=\"thumbpool %s\">\n"
            "<link rel=\"icon\" href=\"data:,\">\n<title>",
            nonce, nonce, gallery->version);
    html_text(file, gallery->plan->options.output);
    fprintf(file, "</title>\n<style nonce=\"%s\">\n%s</style>\n</head>\n<body>\n", nonce,
            gallery_css);
}

/* "61 made, 0 up to date, …", as on the terminal. */
static void counts_write(const struct run_summary *summary, FILE *file)
{
    const struct run_counts *counts = &summary->counts;
    size_t done = counts->made + counts->current + counts->failed + counts->skipped;
    fprintf(file, "<p class=\"summary\"><b>%zu made</b>, %zu up to date, ", counts->made,
            counts->current);
    if (counts->failed > 0)
        fprintf(file, "<a href=\"#failed\" class=\"bad\">%zu failed</a>, ", counts->failed);
    else
        fputs("0 failed, ", file);
    fprintf(file, "%zu skipped in %.2f s (%.1f pictures/s, %d worker%s)</p>\n", counts->skipped,
            summary->seconds, summary->seconds > 0 ? (double)done / summary->seconds : 0,
            summary->workers, summary->workers == 1 ? "" : "s");
}

/* Says that a run did not come to its end. */
static void alarm_write(const struct run_summary *summary, FILE *file)
{
    size_t left = summary->counts.not_started;
    if (summary->fatal[0] != '\0') {
        fputs("<p class=\"alarm\">The run could not go on: ", file);
        html_text(file, summary->fatal);
        fputs(".", file);
    } else if (summary->interrupted) {
        fputs("<p class=\"alarm\">The run was interrupted.", file);
    } else if (summary->gave_up) {
        fputs("<p class=\"alarm\">The run was stopped because too many pictures failed.", file);
    } else {
        return;
    }
    fprintf(file, " %zu picture%s not started.</p>\n", left, left == 1 ? " was" : "s were");
}

static void header_write(const struct gallery_page *page, FILE *file)
{
    const struct gallery *gallery = page->gallery;
    char bytes[40], date[DATE_BYTES];
    text_bytes((double)gallery->made_bytes, bytes, sizeof bytes);
    date_text(gallery->date, date);
    fputs("<header>\n<div>\n<h1>", file);
    html_text(file, gallery->plan->options.output);
    fputs("</h1>\n", file);
    alarm_write(page->summary, file);
    counts_write(page->summary, file);
    fprintf(file, "<p class=\"soft\">%s of thumbnails. %s, thumbpool %s.</p>\n</div>\n", bytes,
            date, gallery->version);
    if (!timeline_is_empty(&gallery->timeline)) {
        fputs("<figure>\n", file);
        timeline_draw(&gallery->timeline, page->end_ms, file);
        fputs("<figcaption>Who worked when: a row a worker, as high as it was busy.</figcaption>\n"
              "</figure>\n",
              file);
    }
    fputs("</header>\n", file);
}

/* ---- Lists ---------------------------------------------------------------------------------- */

/* Those that failed, or were skipped, with their reasons. */
static void reasons_write(const struct gallery *gallery, enum piece piece, size_t count,
                          const char *name, FILE *file)
{
    if (count == 0)
        return;
    fprintf(file, "<section id=\"%s\" class=\"reasons\">\n<h2>%zu %s</h2>\n<ul>\n", name, count,
            name);
    for (size_t i = 0; i < gallery->plan->count; i++)
        if (spool_kind(&gallery->spool, gallery->plan->order[i]) == piece)
            spool_copy(&gallery->spool, gallery->plan->order[i], file);
    fputs("</ul>\n</section>\n", file);
}

static void section_begin(const char *path, size_t length, FILE *file)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%.*s", (int)length, path);
    fputs("<section>\n<h2>", file);
    html_text(file, length > 0 ? folder : "./");
    fputs("</h2>\n<ul>\n", file);
}

/* The thumbnails in that order, a section a folder. */
static void sections_write(const struct gallery *gallery, const uint32_t *order, FILE *file)
{
    const struct plan *plan = gallery->plan;
    const char *last = NULL;
    size_t listed = 0; /* in this list */
    fputs("<main>\n", file);
    for (size_t i = 0; i < plan->count; i++) {
        const char *path = plan->scan->inputs[order[i]].path;
        size_t length = order_folder(path);
        if (spool_kind(&gallery->spool, order[i]) != PIECE_THUMBNAIL)
            continue;
        if (!last || order_folder(last) != length || strncmp(last, path, length) != 0) {
            fputs(last ? "</ul>\n</section>\n" : "", file);
            section_begin(path, length, file);
            listed = 0;
        }
        if (listed > 0 && listed % LIST_MAX == 0)
            fputs("</ul>\n<ul>\n", file);
        listed++;
        spool_copy(&gallery->spool, order[i], file);
        last = path;
    }
    fputs(last ? "</ul>\n</section>\n</main>\n" : "<p>No thumbnails.</p>\n</main>\n", file);
}

/* Without memory they come in the order of the plan, and a folder may have several sections. */
static void thumbnails_write(const struct gallery *gallery, FILE *file)
{
    uint32_t *order = order_make(gallery->plan);
    sections_write(gallery, order ? order : gallery->plan->order, file);
    free(order);
}

/* ---- The page ------------------------------------------------------------------------------- */

/* What only the script makes use of. */
static const char filter[] =
    "<form id=\"bar\" role=\"search\" hidden>\n<input id=\"filter\" type=\"search\" "
    "placeholder=\"Filter by name\" aria-label=\"Filter by name\" autocomplete=\"off\" "
    "spellcheck=\"false\">\n<output id=\"count\" for=\"filter\"></output>\n</form>\n";
static const char view[] =
    "<dialog id=\"view\" aria-labelledby=\"view-name\">\n"
    "<div class=\"picture\"><img id=\"view-picture\" alt=\"\"></div>\n"
    "<div class=\"details\">\n<h2 id=\"view-name\" aria-live=\"polite\"></h2>\n<dl "
    "id=\"view-details\"></dl>\n"
    "<p><a id=\"view-open\" target=\"_blank\" rel=\"noopener\">Open the file</a></p>\n</div>\n"
    "<nav><button id=\"view-previous\" aria-label=\"Previous\" title=\"Previous: left arrow\">"
    "&#8592;</button>"
    "<span id=\"view-place\"></span>"
    "<button id=\"view-next\" aria-label=\"Next\" title=\"Next: right arrow\">&#8594;</button>"
    "<button id=\"view-close\" aria-label=\"Close\" title=\"Close: Escape\">&#215;</button>"
    "</nav>\n</dialog>\n";

void gallery_page_write(const void *user, FILE *file)
{
    const struct gallery_page *page = user;
    const struct run_counts *counts = &page->summary->counts;
    char nonce[2 * NONCE_BYTES + 1];
    nonce_make(nonce);
    head_write(page->gallery, nonce, file);
    header_write(page, file);
    reasons_write(page->gallery, PIECE_FAILED, counts->failed, "failed", file);
    reasons_write(page->gallery, PIECE_SKIPPED, counts->skipped, "skipped", file);
    fputs(filter, file);
    thumbnails_write(page->gallery, file);
    fprintf(file, "%s<script nonce=\"%s\">\n%s</script>\n</body>\n</html>\n", view, nonce,
            gallery_js);
}
