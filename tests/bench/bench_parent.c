/* What a picture costs the parent: the batch's own run with workers that only sleep and answer with
 * a thumbnail made beforehand, while real inputs are opened, and real outputs written and named.
 *
 *   bench_parent [-j WORKERS]... [-n PICTURES] [-f FOLDERS] [-u SLEEP_US] [-r ROUNDS] [-d FOLDER]
 *                [-R]
 *
 * For each number of workers: pictures a second, the parent's processor time for one (the median
 * of the rounds; walk and names come before the run), at how many pictures a second it would be
 * busy all the time, and with how many workers that need so long for a picture. -d is where the
 * tree goes, /dev/shm unless given; -R has a report written, too. Exits 1 when a picture was not
 * made. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "batch/job.h"
#include "batch/plan.h"
#include "batch/report.h"
#include "batch/run.h"
#include "batch/scan.h"
#include "support/images.h"

enum { CASES_MAX = 16, ROUNDS_MAX = 99, WIDTH = 1024, HEIGHT = 683, EXAMPLE_MS = 5 };

struct bench {
    int workers[CASES_MAX];
    int case_count;
    int pictures, folders, sleep_us, rounds;
    bool report; /* write one */
    const char *where;
    char root[PATH_MAX - 64]; /* the tree's folder */
};

/* One run, microseconds a picture but for the last. */
struct cost {
    double plan_us;         /* parent's processor time before the run: walk and names */
    double user_us, sys_us; /* and in it */
    double per_s;           /* pictures a second */
};

/* What every worker answers; made before they are forked. */
static struct {
    uint8_t *bytes;
    size_t size;
    struct timespec sleep;
} answer;

static int task_answers(struct mp_task *task, const void *arg, size_t arg_size)
{
    (void)arg;
    (void)arg_size;
    nanosleep(&answer.sleep, NULL);
    return mp_task_return(task, answer.bytes, answer.size);
}

static void die(const char *what)
{
    fprintf(stderr, "bench_parent: %s: %s\n", what, strerror(errno));
    exit(3);
}

/* ---- The tree ------------------------------------------------------------------------------- */

/* Writes the original, and encodes the answer that its thumbnail is. */
static void original_make(const char *path, const struct image_spec *spec)
{
    struct pixels pixels = test_picture(WIDTH, HEIGHT, 4, false);
    struct test_file file = test_jpeg(&pixels, (struct test_jpeg){0});
    struct job_result result = {.total_ms = 1};
    FILE *out = fopen(path, "wbe");
    if (!out || fwrite(file.bytes, 1, file.size, out) != file.size || fclose(out) != 0)
        die(path);
    if (test_thumbnail(file.bytes, file.size, spec, NULL, &result.image, &result.fault) != 0)
        die("the thumbnail");
    result.fault.code = IMAGE_OK;
    answer.size = job_result_size(&result);
    if (!(answer.bytes = malloc(answer.size)))
        die("memory");
    job_result_encode(&result, answer.bytes);
    image_result_done(&result.image);
    test_file_done(&file);
    pixels_done(&pixels);
}

/* Fills the tree with names of the one original. */
static void tree_make(struct bench *bench, const struct image_spec *spec)
{
    char original[PATH_MAX], path[PATH_MAX];
    if (!mkdtemp(bench->root))
        die(bench->root);
    snprintf(original, sizeof original, "%s/original.jpg", bench->root);
    original_make(original, spec);
    snprintf(path, sizeof path, "%s/in", bench->root);
    if (mkdir(path, 0777) != 0)
        die(path);
    for (int i = 0; i < bench->folders; i++) {
        snprintf(path, sizeof path, "%s/in/%03d", bench->root, i);
        if (mkdir(path, 0777) != 0)
            die(path);
    }
    for (int i = 0; i < bench->pictures; i++) {
        snprintf(path, sizeof path, "%s/in/%03d/IMG_%06d.jpg", bench->root, i % bench->folders, i);
        if (link(original, path) != 0)
            die(path);
    }
}

static void tree_remove(const char *folder)
{
    char command[PATH_MAX + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0)
        die(folder);
}

/* ---- Measuring ------------------------------------------------------------------------------ */

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static struct rusage usage(void)
{
    struct rusage now;
    getrusage(RUSAGE_SELF, &now);
    return now;
}

static FILE *report_open(const struct bench *bench)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/report.ndjson", bench->root);
    FILE *file = fopen(path, "we");
    if (!file)
        die(path);
    return file;
}

/* Scans and plans as the program does, then runs. */
static struct cost measure(const struct bench *bench, const struct image_spec *spec, int workers)
{
    char in[PATH_MAX], output[PATH_MAX];
    char *paths[] = {in};
    const char *bad;
    struct scan scan;
    struct plan plan;
    struct run_summary summary;
    snprintf(in, sizeof in, "%s/in", bench->root);
    snprintf(output, sizeof output, "%s/out", bench->root);
    struct scan_options scan_options = {.paths = paths, .path_count = 1};
    struct plan_options plan_options = {.spec = spec, .output = output};
    struct run_options options = {.kind = MP_PROCESSES,
                                  .workers = workers,
                                  .retries = 1,
                                  .timeout_ms = 60000,
                                  .max_bytes = 1 << 30,
                                  .task = task_answers};
    struct report report = {.version = "", .plan = &plan, .run = &options};
    struct run_observer observer = report_observer(&report);
    if (bench->report) {
        report.file = report_open(bench);
        options.observers = (struct run_observers){&observer, 1};
    }
    struct rusage begin = usage();
    if (scan_run(&scan_options, &scan, &bad) < 0 || plan_make(&plan_options, &scan, &plan) < 0)
        die("the plan");
    struct rusage planned = usage();
    if (run_plan(&plan, &options, &summary) < 0 || summary.counts.made != (size_t)bench->pictures) {
        fprintf(stderr, "bench_parent: %zu of %d made %s\n", summary.counts.made, bench->pictures,
                summary.fatal);
        exit(1);
    }
    struct rusage end = usage();
    if (report.file)
        fclose(report.file);
    plan_done(&plan);
    scan_done(&scan);
    tree_remove(output);
    double scale = 1e6 / bench->pictures;
    return (struct cost){.plan_us = scale * (seconds(planned.ru_utime) + seconds(planned.ru_stime) -
                                             seconds(begin.ru_utime) - seconds(begin.ru_stime)),
                         .user_us = scale * (seconds(end.ru_utime) - seconds(planned.ru_utime)),
                         .sys_us = scale * (seconds(end.ru_stime) - seconds(planned.ru_stime)),
                         .per_s = bench->pictures / summary.seconds};
}

static double run_us(const struct cost *cost)
{
    return cost->user_us + cost->sys_us;
}

static int cost_order(const void *a, const void *b)
{
    double x = run_us(a), y = run_us(b);
    return (x > y) - (x < y);
}

static void case_print(const struct bench *bench, int workers, struct cost *costs)
{
    qsort(costs, (size_t)bench->rounds, sizeof *costs, cost_order);
    const struct cost *median = &costs[(bench->rounds - 1) / 2];
    double limit_per_s = 1e6 / run_us(median);
    printf("| %d | %.0f | %.1f | %.1f | %.1f | %.1f | %.1f | %.0f | %.0f |\n", workers,
           median->per_s, run_us(median), run_us(&costs[0]), median->user_us, median->sys_us,
           median->plan_us, limit_per_s, limit_per_s * EXAMPLE_MS / 1000);
    fflush(stdout);
}

/* ---- The program ---------------------------------------------------------------------------- */

static bool number(const char *text, int least, int most, int *ret)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < least || value > most)
        return false;
    *ret = (int)value;
    return true;
}

static bool parse(int argc, char **argv, struct bench *bench)
{
    int option;
    bool good = true;
    while (good && (option = getopt(argc, argv, "j:n:f:u:r:d:R")) != -1)
        switch (option) {
        case 'j':
            good = bench->case_count < CASES_MAX &&
                   number(optarg, 1, MP_WORKERS_MAX, &bench->workers[bench->case_count++]);
            break;
        case 'n': good = number(optarg, 1, 10000000, &bench->pictures); break;
        case 'f': good = number(optarg, 1, 999, &bench->folders); break;
        case 'u': good = number(optarg, 0, 1000000, &bench->sleep_us); break;
        case 'r': good = number(optarg, 1, ROUNDS_MAX, &bench->rounds); break;
        case 'd': bench->where = optarg; break;
        case 'R': bench->report = true; break;
        default: good = false;
        }
    return good && optind == argc;
}

int main(int argc, char **argv)
{
    struct bench bench = {
        .pictures = 20000, .folders = 20, .sleep_us = 1000, .rounds = 5, .where = "/dev/shm"};
    struct image_spec spec = image_spec_default();
    if (!parse(argc, argv, &bench)) {
        fprintf(stderr, "usage: bench_parent [-j WORKERS]... [-n PICTURES] [-f FOLDERS] "
                        "[-u SLEEP_US] [-r ROUNDS] [-d FOLDER] [-R]\n");
        return 2;
    }
    if (bench.case_count == 0) {
        bench.workers[bench.case_count++] = 16;
        bench.workers[bench.case_count++] = 64;
    }
    answer.sleep.tv_sec = bench.sleep_us / 1000000;
    answer.sleep.tv_nsec = bench.sleep_us % 1000000 * 1000L;
    snprintf(bench.root, sizeof bench.root, "%s/thumbpool-parent-XXXXXX", bench.where);
    tree_make(&bench, &spec);
    printf("%d pictures in %d folders, tasks of %d us, thumbnails of %zu bytes, %d rounds\n\n",
           bench.pictures, bench.folders, bench.sleep_us, answer.size, bench.rounds);
    printf(
        "| workers | pictures/s | parent us a picture | least | user | system | before the run | "
        "its limit, pictures/s | workers of %d ms a picture |\n"
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        EXAMPLE_MS);
    for (int i = 0; i < bench.case_count; i++) {
        struct cost costs[ROUNDS_MAX];
        for (int round = 0; round < bench.rounds; round++)
            costs[round] = measure(&bench, &spec, bench.workers[i]);
        case_print(&bench, bench.workers[i], costs);
    }
    tree_remove(bench.root);
    free(answer.bytes);
    return 0;
}
