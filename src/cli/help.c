#include "cli/help.h"

#include <argp.h>

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

char *help_filter(int key, const char *text, void *input)
{
    (void)input;
    return key == ARGP_KEY_HELP_DUP_ARGS_NOTE ? NULL : (char *)text;
}
