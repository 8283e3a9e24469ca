#include "cli/help.h"

#include "cli/option_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 79, DOC_COLUMN = 29, EXIT_STUCK = 3 };

const char help_thumbpool[] =
    "Makes a thumbnail of every picture in PATH, files or folders, on all CPUs.\n\n"
    "  thumbpool --blur 0 -s 640 -f webp -o assets images/\n"
    "  thumbpool ~/Photos -o thumbs\n"
    "  thumbpool -s 50 -j 2 --report report.ndjson *.jpg\n"
    "\v"
    "What a walk takes: names that end in jpg, jpeg, jpe, jfif, png, webp, gif, tif, tiff, heic, "
    "heif"
    " or avif, not hidden, no links. What is named is always tried. Nothing is enlarged without"
    " --upscale.\n\n"
    "thumbpool bench compares sequential work, threads and processes on this machine: see thumbpool"
    " bench --help. A folder of that name is given as ./bench.\n\n"
    "Exit status:\n"
    "  0  all made, up to date or skipped\n"
    "  1  some pictures failed, the rest are done\n"
    "  2  wrong usage, two inputs for one output, or an output that is an input:\n"
    "     nothing was written\n"
    "  3  it could not go on: no input, output not writable, disk full\n"
    "  4  stopped by --fail-fast or --max-errors\n"
    "An interrupted run dies of the signal.\n\n"
    "All of this at length: man thumbpool";

const char help_bench[] =
    "Compares sequential work, threads and processes on this machine, with the real job and the"
    " tutorial's two toys.\n\n"
    "  thumbpool bench\n"
    "  thumbpool bench --html bench.html ~/Photos\n"
    "  thumbpool bench --work cpu -j 1,2,4,8 --runs 10 --export-json bench.json\n"
    "\v"
    "Every run has a process of its own, and the runs of all take turns. Thumbnails are made and"
    " thrown away; of PATH only JPEG and PNG count. Of several words or numbers, commas stand"
    " between.\n\n"
    "Exit status:\n"
    "  0  compared\n"
    "  1  something failed, the table says what\n"
    "  2  wrong usage\n"
    "  3  it could not go on: no pictures, or a file that cannot be written\n"
    "Interrupted, it dies of the signal.\n\n"
    "All of this at length: man thumbpool-bench";

/* ---- Setting -------------------------------------------------------------------------------- */

/* How many columns text takes, a character of UTF-8 being one. */
static int width(const char *text, size_t length)
{
    int columns = 0;
    for (size_t i = 0; i < length; i++)
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    return columns;
}

/* Prints words from a column on, in lines that begin at `indent`, and ends the last line. */
static void print_words(const char *text, size_t length, int column, int indent)
{
    const char *end = text + length;
    for (bool first = true; text < end; first = false) {
        size_t word = strcspn(text, " \n");
        word = text + word > end ? (size_t)(end - text) : word;
        if (!first && column + 1 + width(text, word) > WIDTH)
            column = printf("\n%*s", indent, "") - 1;
        else if (!first)
            column += printf(" ");
        printf("%.*s", (int)word, text);
        column += width(text, word);
        text += word + 1;
    }
    putchar('\n');
}

/* Prints text that has lines of its own; those that are too long are broken. */
static void print_lines(const char *text, size_t length)
{
    for (const char *end = text + length; text < end;) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t line = (size_t)((stop ? stop : end) - text);
        if (width(text, line) <= WIDTH)
            printf("%.*s\n", (int)line, text);
        else
            print_words(text, line, 0, 0);
        text += line + 1;
    }
}

static void print_option(const struct argp_option *option)
{
    char letter[] = {'-', (char)option->key, ',', '\0'};
    int column = printf("  %3s --%s", option_has_letter(option) ? letter : "", option->name);
    if (option->arg) {
        printf("=%s", option->arg);
        column += 1 + width(option->arg, strlen(option->arg));
    }
    if (column + 2 > DOC_COLUMN)
        printf("\n%*s", DOC_COLUMN, "");
    else
        printf("%*s", DOC_COLUMN - column, "");
    print_words(option->doc, strlen(option->doc), DOC_COLUMN, DOC_COLUMN);
}

/* Prints those of the group that the parser and those below it have. */
static void print_group(const struct argp *parser, int group)
{
    int current = 0; /* what has no group is in that of the one before it */
    for (const struct argp_option *option = parser->options; option->name || option->doc;
         option++) {
        current = option->group ? option->group : current;
        if (current != group || (option->flags & OPTION_HIDDEN))
            continue;
        if (option->name)
            print_option(option);
        else
            printf("\n %s\n", option->doc);
    }
    for (const struct argp_child *child = parser->children; child && child->argp; child++)
        print_group(child->argp, group);
}

void help_print(const struct argp *parser, const char *program)
{
    const char *after = strchr(parser->doc, '\v');
    printf("Usage: %s [OPTION...] %s\n", program, parser->args_doc);
    print_lines(parser->doc, (size_t)(after - parser->doc));
    for (int group = HELP_COMMON; group <= HELP_HELP; group++)
        print_group(parser, group);
    putchar('\n');
    print_lines(after + 1, strlen(after + 1));
}

void help_exit(const struct argp_state *state)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        exit(EXIT_SUCCESS);
    argp_failure(state, EXIT_STUCK, 0, "standard output could not be written");
}
