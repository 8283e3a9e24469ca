/* The terminal that standard error may be: what it can do, how wide it is, and text that does it no
 * harm. The only file that knows what a terminal is. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* True when standard error is a terminal whose last line can be written anew. */
bool terminal_is_capable(void);

/* True when what goes there may be coloured: NO_COLOR in the environment says no, FORCE_COLOR yes,
 * and otherwise it is a capable terminal. */
bool terminal_has_colour(void);

/* Says yes or no in the environment, whatever it said before. While there is one thread only. */
void terminal_force_colour(bool wanted);

/* False while this program runs in the background of a terminal, where another one is in use. */
bool terminal_is_ours(void);

/* Columns of the terminal as it is now. */
size_t terminal_width(void);

/* How many bytes of the text take no more than `width` columns: wide characters take two, and what
 * is not UTF-8 takes one a byte. */
size_t terminal_cut(const char *text, size_t width);

/* Writes the text over the last line, cut to the terminal's width. */
void terminal_line(const char *text);

/* Takes that line away. */
void terminal_clear_line(void);

/* Copies text that may be anything into text that can do a terminal no harm: control bytes become
 * question marks, and so do the control characters that UTF-8 writes as C2 80 to C2 9F. `tame` may
 * be `text`; it is cut to `size`, NUL included. */
void terminal_tame(const char *text, char *tame, size_t size);

#endif
