#include "batch/gallery_piece.h"

#include "batch/html.h"
#include "image/kind.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
    SHOWN_PX = 128
}; /* a thumbnail in the list has so many on its longer side, if there is one */

/* The part of an input's path that is its own name. */
static const char *piece_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int longer_side(const struct run_output *output)
{
    return output->width > output->height ? output->width : output->height;
}

static const struct run_output *largest_of(const struct run_record *record)
{
    const struct run_output *best = &record->outputs[0];
    for (int i = 1; i < record->output_count; i++)
        if (longer_side(&record->outputs[i]) > longer_side(best))
            best = &record->outputs[i];
    return best;
}

/* The smallest that is large enough for the list; the largest where none is. */
static const struct run_output *shown_of(const struct run_record *record)
{
    const struct run_output *best = largest_of(record);
    for (int i = 0; i < record->output_count; i++) {
        int side = longer_side(&record->outputs[i]);
        if (side >= SHOWN_PX && side < longer_side(best))
            best = &record->outputs[i];
    }
    return best;
}

/* The address of an output, as the value of an attribute. */
static void address_write(const struct run_output *output, const char *way, size_t skip, FILE *file)
{
    fputs(way[0] == '/' ? "\"file://" : "\"", file);
    html_url(file, way);
    html_url(file, output->path + skip);
    fputc('"', file);
}

/* No more digits than anybody reads. */
static double hundredths(double number)
{
    return round(number * 100) / 100;
}

/* For the page's script, four parts with a semicolon between them: how it ended; kind and
 * dimensions of the picture and what the decoder shrunk it by; worker, attempts, and milliseconds
 * in all and by stage; width, height and bytes of each output. */
static void details_write(const struct run_record *record, FILE *file)
{
    const struct image_times *ms = &record->ms;
    fprintf(file, " data-d=\"%c;%s %d %d %d;", record->status == RUN_CURRENT ? 'c' : 'm',
            image_kind_name(record->kind), record->width, record->height, record->shrink);
    if (record->attempts > 0)
        fprintf(file, "%s%d %d %g %g %g %g %g %g", record->module ? "v" : "", record->worker + 1,
                record->attempts, hundredths(record->total_ms), hundredths(ms->read),
                hundredths(ms->decode), hundredths(ms->blur), hundredths(ms->resize),
                hundredths(ms->encode));
    for (int i = 0; i < record->output_count; i++)
        fprintf(file, "%c%d %d %zu", i == 0 ? ';' : ' ', record->outputs[i].width,
                record->outputs[i].height, record->outputs[i].size_bytes);
    fputc('"', file);
}

static void trouble_write(const struct run_record *record, FILE *file)
{
    fputs(" data-w=\"", file);
    html_text(file, record->code);
    fputs(": ", file);
    html_text(file, record->message);
    fputc('"', file);
}

static void thumbnail_write(const struct run_record *record, const char *way, size_t skip,
                            FILE *file)
{
    const struct run_output *shown = shown_of(record);
    fputs("<li", file);
    details_write(record, file);
    if (record->code)
        trouble_write(record, file);
    fputs("><a href=", file);
    address_write(largest_of(record), way, skip, file);
    fputs("><img src=", file);
    address_write(shown, way, skip, file);
    fprintf(file, " width=%d height=%d loading=lazy decoding=async alt=\"\"><span>", shown->width,
            shown->height);
    html_text(file, piece_name(record->input->path));
    fputs("</span>", file);
    if (record->code) {
        fputs("<em>", file);
        html_text(file, record->code);
        fputs("</em>", file);
    }
    fputs("</a>\n", file);
}

/* One without a thumbnail: its code, if there is one, its path, and why. */
static void reason_write(const struct run_record *record, FILE *file)
{
    fputs("<li>", file);
    if (record->status == RUN_FAILED && record->code) {
        fputs("<b>", file);
        html_text(file, record->code);
        fputs("</b>", file);
    }
    fputs("<span>", file);
    html_text(file, record->input->path);
    fputs("</span><p>", file);
    html_text(file, record->message ? record->message : "");
    fputc('\n', file);
}

enum piece piece_write(const struct run_record *record, const char *way, size_t skip, FILE *file)
{
    bool shown =
        (record->status == RUN_MADE || record->status == RUN_CURRENT) && record->output_count > 0;
    if (shown)
        thumbnail_write(record, way, skip, file);
    else
        reason_write(record, file);
    return shown ? PIECE_THUMBNAIL : record->status == RUN_SKIPPED ? PIECE_SKIPPED : PIECE_FAILED;
}
