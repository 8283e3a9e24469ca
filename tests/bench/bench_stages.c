/* Where the time of a picture goes: milliseconds per stage over the pictures of a folder, in one
 * process and one thread, without the pool.
 *
 *   bench_stages [-s BOX] [-b SIGMA] [-f png|jpeg] [-n ROUNDS] [-m MODULE] [-o DIR] FOLDER
 *
 * With -o the thumbnails are written too, named by the stem, so that tests/image/compare_pillow.py
 * can look at them. The table gives the mean of a picture in the fastest of the rounds. */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "image/module.h"
#include "image/thumbnail.h"

struct bench {
    struct image_spec spec;
    struct image_module *module;
    const char *folder;
    const char *output; /* folder, or NULL */
    int rounds;
};

struct totals {
    struct image_times ms;
    double cpu_ms, peak_ms; /* processor time of all; the slowest picture */
    int made, failed;
};

static double now_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static void write_thumb(const struct bench *bench, const char *name,
                        const struct image_thumb *thumb)
{
    char path[4096];
    const char *dot = strrchr(name, '.');
    int stem = dot ? (int)(dot - name) : (int)strlen(name);

    snprintf(path, sizeof path, "%s/%.*s.%s", bench->output, stem, name,
             bench->spec.format == IMAGE_KIND_PNG ? "png" : "jpg");
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(thumb->bytes, 1, thumb->size_bytes, file) != thumb->size_bytes) {
        perror(path);
        exit(3);
    }
    fclose(file);
}

static void add_times(struct image_times *sum, const struct image_times *more)
{
    sum->read += more->read;
    sum->decode += more->decode;
    sum->blur += more->blur;
    sum->resize += more->resize;
    sum->encode += more->encode;
}

static void make_one(const struct bench *bench, const char *name, bool write, struct totals *totals)
{
    char path[4096];
    uint8_t head[IMAGE_KIND_HEAD_BYTES];
    struct stat st;
    struct image_result result;
    struct image_fault fault;

    snprintf(path, sizeof path, "%s/%s", bench->folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        return;
    }
    ssize_t got = pread(fd, head, sizeof head, 0);
    struct image_input input = {.fd = fd,
                                .size_bytes = st.st_size,
                                .kind = image_kind_sniff(head, got > 0 ? (size_t)got : 0)};
    double start = now_ms(CLOCK_MONOTONIC);
    if (image_thumbnail(&input, &bench->spec, bench->module, &result, &fault)) {
        fprintf(stderr, "%s: %s\n", path, fault.message);
        totals->failed++;
    } else {
        double took = now_ms(CLOCK_MONOTONIC) - start;
        if (took > totals->peak_ms)
            totals->peak_ms = took;
        add_times(&totals->ms, &result.ms);
        totals->made++;
        if (write)
            write_thumb(bench, name, &result.thumbs[0]);
        image_result_done(&result);
    }
    close(fd);
}

static struct totals run_round(const struct bench *bench, struct dirent **names, int count,
                               bool write)
{
    struct totals totals = {0};
    double start = now_ms(CLOCK_PROCESS_CPUTIME_ID);

    for (int i = 0; i < count; i++)
        if (names[i]->d_name[0] != '.')
            make_one(bench, names[i]->d_name, write, &totals);
    totals.cpu_ms = now_ms(CLOCK_PROCESS_CPUTIME_ID) - start;
    return totals;
}

static int parse(int argc, char **argv, struct bench *bench)
{
    char why[200];
    int option;

    while ((option = getopt(argc, argv, "s:b:f:n:m:o:")) != -1) {
        if (option == 's' && image_box_parse(optarg, &bench->spec.boxes[0]))
            return -1;
        if (option == 'b')
            bench->spec.blur_sigma_px = atof(optarg);
        if (option == 'f')
            bench->spec.format = optarg[0] == 'p' ? IMAGE_KIND_PNG : IMAGE_KIND_JPEG;
        if (option == 'n')
            bench->rounds = atoi(optarg);
        if (option == 'o')
            bench->output = optarg;
        if (option == 'm' && (image_module_load(optarg, &bench->module, why, sizeof why) ||
                              image_module_start(bench->module, false))) {
            fprintf(stderr, "%s: %s\n", optarg, why);
            return -1;
        }
        if (option == '?')
            return -1;
    }
    bench->folder = argv[optind];
    return bench->folder && bench->rounds > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct bench bench = {.spec = image_spec_default(), .rounds = 1};
    struct totals best = {0};
    struct dirent **names;

    if (parse(argc, argv, &bench)) {
        fprintf(stderr, "usage: bench_stages [-s BOX] [-b SIGMA] [-f png|jpeg] [-n ROUNDS] "
                        "[-m MODULE] [-o DIR] FOLDER\n");
        return 2;
    }
    int count = scandir(bench.folder, &names, NULL, alphasort);
    if (count < 0) {
        perror(bench.folder);
        return 3;
    }
    for (int round = 0; round < bench.rounds; round++) {
        struct totals totals = run_round(&bench, names, count, bench.output && round == 0);
        if (round == 0 || totals.cpu_ms < best.cpu_ms)
            best = totals;
    }
    int made = best.made ? best.made : 1;
    printf("%d made, %d failed; ms a picture: read %.3f decode %.3f blur %.3f resize %.3f "
           "encode %.3f, cpu %.3f, slowest %.1f; cpu of all %.1f ms\n",
           best.made, best.failed, best.ms.read / made, best.ms.decode / made, best.ms.blur / made,
           best.ms.resize / made, best.ms.encode / made, best.cpu_ms / made, best.peak_ms,
           best.cpu_ms);
    while (count--)
        free(names[count]);
    free(names);
    return best.failed ? 1 : 0;
}
