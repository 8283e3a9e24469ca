/* The desktop's thumbnail cache, as a place for outputs: what is in it already, the texts that say
 * what a thumbnail was made of, and failures.
 *
 * It is shared with other programs, so there is no manifest: each file tells by itself which
 * picture it shows and when that was last changed. Whoever made it, it counts. A picture of which
 * nothing can be made has an empty one in a folder of this program's own. Source: Thumbnail
 * Managing Standard 0.9, freedesktop.org. */
#ifndef BATCH_DESKTOP_H
#define BATCH_DESKTOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "batch/output.h"
#include "batch/upkeep.h"

struct desktop;

/* Nothing is opened.
 *   folder_fd   the cache; borrowed. -1: there is none yet
 *   versions    as for key_of(), the program's own first, up to a blank; borrowed
 * Returns 0 or -ENOMEM. Free with desktop_close(). */
int desktop_open(const struct plan *plan, int folder_fd, const char *versions,
                 struct desktop **ret);
void desktop_close(struct desktop *desktop);

/* True for inputs that lie in the cache itself: they get no thumbnails. */
bool desktop_holds(const struct plan *plan, uint32_t input);
#define DESKTOP_HOLDS "it lies in the thumbnail cache"

/* Judges an input, by its thumbnails: never UPKEEP_COMPARE. A failure counts for the options that
 * it came by. The entry is filled unless it has to be made, as far as the texts go, and lives until
 * the next call.
 *   max_bytes   a larger input has to be refused anew */
enum upkeep desktop_judge(struct desktop *desktop, uint32_t input, int64_t max_bytes,
                          struct entry *ret);

/* The PNG file of a thumbnail with its texts; ret_bytes lives until the next call.
 *   record   kind and size of the picture
 *   stat     of its file, when it was opened
 * Returns 0, -EPROTO when those are not the bytes of a PNG file, or -ENOMEM. */
int desktop_stamp(struct desktop *desktop, uint32_t input, const struct run_record *record,
                  const struct stat *stat, const struct image_thumb *thumb,
                  const uint8_t **ret_bytes, size_t *ret_size);

/* Remembers a failure that will come again, as the record tells it; or, of a picture that was made,
 * forgets the one before. What goes wrong costs another attempt next time, no more. */
void desktop_note(struct desktop *desktop, struct output *output, uint32_t input,
                  const struct run_record *record, const struct stat *stat);

#endif
