/* One picture on the gallery's page, as an element of a list. */
#ifndef BATCH_GALLERY_PIECE_H
#define BATCH_GALLERY_PIECE_H

#include <stdio.h>

#include "batch/observer.h"

/* Which list it belongs to. */
enum piece { PIECE_THUMBNAIL = 1, PIECE_FAILED, PIECE_SKIPPED };

/* Writes it.
 *   way    from the page's folder to the output folder, as way_between() gives it
 *   skip   bytes of an output's path that name the output folder, with the slash behind it */
enum piece piece_write(const struct run_record *record, const char *way, size_t skip, FILE *file);

#endif
