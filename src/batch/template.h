/* Templates of output names: text with words in braces.
 *
 *   {dir}   folders above the picture, without a slash at the end; none for one at the top
 *   {stem}  its name without the ending
 *   {ext}   the ending of the output, with its dot
 *   {w} {h} width and height of the box, pixels; nothing for a side that is open
 *   {size}  the box: 256, 320x240, 320x or x240 */
#ifndef BATCH_TEMPLATE_H
#define BATCH_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "image/spec.h"

/* What the words stand for. Strings are borrowed and need no NUL where a length is given. */
struct template_words {
    const char *dir, *dir_rest; /* two parts that follow each other */
    int dir_length, dir_rest_length;
    const char *stem;
    int stem_length;
    const char *suffix; /* that {stem} ends with, too */
    const char *ext;    /* without its dot */
    struct image_box box;
};

/* Looks whether a template can be used at all. `several` is that outputs of several boxes are named
 * by it. Returns NULL, or a sentence that says why not. */
const char *template_check(const char *text, bool several);

/* Puts the name that a template gives, relative to the output folder, into name[0..size). Returns
 * 0, -ENAMETOOLONG, or -EINVAL when it would be a folder's, or nobody's, or would not stay below
 * that folder. */
int template_expand(const char *text, const struct template_words *words, char *name, size_t size);

#endif
