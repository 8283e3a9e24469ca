#include "bench/words.h"

#include <math.h>
#include <stdarg.h>

/* Medians that are nearer than this are the same for all purposes, whatever a test finds. */
static const double same_share = 0.02;

void words_say(struct words *words, const char *format, ...)
{
    va_list list;
    if (words->count == WORDS_MAX)
        return;
    va_start(list, format);
    vsnprintf(words->all[words->count++], TEXT_MAX, format, list);
    va_end(list);
}

void words_cell(const struct cell *cell, char *text, size_t size)
{
    if (cell->kind == MP_SEQUENTIAL)
        snprintf(text, size, "sequential");
    else if (cell->kind == MP_THREADS)
        snprintf(text, size, "%d thread%s", cell->workers, cell->workers == 1 ? "" : "s");
    else
        snprintf(text, size, "%d process%s", cell->workers, cell->workers == 1 ? "" : "es");
}

void words_work(const struct bench *bench, const struct result *result, char *text, size_t size)
{
    char amount[40];
    const struct photos *photos = &bench->photos;
    if (!result->cell.work->pictures) {
        result->cell.work->amount(&bench->load, amount, sizeof amount);
        snprintf(text, size, "%d jobs, each %s", result->jobs, amount);
        return;
    }
    text_bytes((double)photos->size_bytes, amount, sizeof amount);
    if (photos->made)
        snprintf(text, size, "%d pictures of %.0f megapixels, painted for this (%s)", result->jobs,
                 PHOTOS_WIDTH * PHOTOS_HEIGHT / 1e6, amount);
    else
        snprintf(text, size, "%d pictures (%s)", result->jobs, amount);
}

/* ---- Comparing two cells -------------------------------------------------------------------- */

enum verdict { SAME, NOISE, DIFFERENT, UNTOLD };

static bool differ(const struct result *a, const struct result *b)
{
    double times[2][STATISTICS_MAX];
    for (int i = 0; i < a->run_count; i++)
        times[0][i] = a->runs[i].wall_s;
    for (int i = 0; i < b->run_count; i++)
        times[1][i] = b->runs[i].wall_s;
    return statistics_differ(times[0], (size_t)a->run_count, times[1], (size_t)b->run_count);
}

/* Noise: the medians lie apart, but no further than chance may put them. Untold: so they do, and
 * there are too few runs to tell. */
static enum verdict compare(const struct result *a, const struct result *b)
{
    if (fabs(a->wall.median / b->wall.median - 1) < same_share)
        return SAME;
    if (a->run_count < STATISTICS_ENOUGH || b->run_count < STATISTICS_ENOUGH)
        return UNTOLD;
    return differ(a, b) ? DIFFERENT : NOISE;
}

/* "1.94 and 1.92 times as fast as sequential"; the times themselves where nothing was run
 * sequentially. */
static void pair_put(const struct result *a, const struct result *b, char *text, size_t size)
{
    char left[40], right[40];
    if (a->speedup > 0) {
        snprintf(text, size, "%.2f and %.2f times as fast as sequential", a->speedup, b->speedup);
        return;
    }
    text_seconds(a->wall.median, left, sizeof left);
    text_seconds(b->wall.median, right, sizeof right);
    snprintf(text, size, "%s and %s", left, right);
}

static void say_pair(struct words *words, const struct result *threads,
                     const struct result *processes)
{
    const struct result *quick = threads, *slow = processes;
    const char *work = threads->cell.work->name;
    char figures[100], names[2][40], pair[2][40];
    if (processes->wall.median < threads->wall.median) {
        quick = processes;
        slow = threads;
    }
    pair_put(threads, processes, figures, sizeof figures);
    words_cell(&threads->cell, pair[0], sizeof pair[0]);
    words_cell(&processes->cell, pair[1], sizeof pair[1]);
    words_cell(&quick->cell, names[0], sizeof names[0]);
    words_cell(&slow->cell, names[1], sizeof names[1]);
    switch (compare(threads, processes)) {
    case SAME:
        words_say(words, "%s: %s and %s are equally fast here (%s).", work, pair[0], pair[1],
                  figures);
        break;
    case NOISE:
        words_say(words, "%s: the difference between %s and %s is within noise (%s).", work,
                  pair[0], pair[1], figures);
        break;
    case UNTOLD:
        words_say(words, "%s: %s and %s: %s; so few runs cannot tell a difference from chance.",
                  work, pair[0], pair[1], figures);
        break;
    case DIFFERENT:
        words_say(words, "%s: %s %s %.2f times as fast as %s (threads and processes: %s).", work,
                  names[0], quick->cell.workers == 1 ? "is" : "are",
                  slow->wall.median / quick->wall.median, names[1], figures);
        break;
    }
}

static void say_alone(struct words *words, const struct result *result)
{
    char cell[40];
    const char *work = result->cell.work->name;
    words_cell(&result->cell, cell, sizeof cell);
    if (result->speedup > 0)
        words_say(words, "%s: %s: %.2f times as fast as sequential.", work, cell, result->speedup);
}

/* ---- One work ------------------------------------------------------------------------------- */

/* The most workers of a kind that the law can be expected to hold for: what computes is no faster
 * on more workers than CPUs, for a reason that is not a serial share. */
static int workers_useful(const struct bench *bench, const struct work *work)
{
    return work->computes ? bench->machine.cpus_usable : INT32_MAX;
}

/* True when the times of a cell are too far from each other for a law to be read from them. */
static bool is_scattered(const struct result *result)
{
    return result && result->wall.max - result->wall.min > 0.25 * result->wall.median;
}

/* Returns the number of points that the fit rests on, or -1 when they are too uncertain for one; 0
 * also where workers take longer than none, of which no share, however large, is the reason. */
static int fit_put(const struct bench *bench, const struct work *work, enum mp_kind kind,
                   char *text, size_t size)
{
    struct amdahl_point points[BENCH_WORKERS_MAX];
    const struct result *base = bench_find(bench, work, MP_SEQUENTIAL, 1);
    size_t count = 0;
    double serial, residual;
    bool scattered = is_scattered(base);
    for (int i = 0; base && i < bench->options.workers_count; i++) {
        int workers = bench->options.workers[i];
        const struct result *result = bench_find(bench, work, kind, workers);
        if (!result || workers > workers_useful(bench, work))
            continue;
        points[count++] = (struct amdahl_point){workers, result->wall.median};
        scattered |= is_scattered(result);
    }
    int used = base ? amdahl_fit(base->wall.median, points, count, &serial, &residual) : 0;
    if (used > 0 && scattered)
        return -1;
    if (used > 0 && serial >= 1)
        return 0;
    if (used > 0)
        snprintf(text, size, "%.1f %% for %s%s", fmax(serial, 0) * 100, cell_kind_name(kind),
                 residual > 0.05 ? " (which fits badly)" : "");
    return used;
}

static void say_serial(const struct bench *bench, const struct work *work, struct words *words)
{
    char threads[80] = "", processes[80] = "";
    int points = fit_put(bench, work, MP_THREADS, threads, sizeof threads);
    int others = fit_put(bench, work, MP_PROCESSES, processes, sizeof processes);
    if (points < 0 || others < 0)
        words_say(words, "%s: the times vary too much for a fit of Amdahl's law.", work->name);
    if (points <= 0 && others <= 0)
        return;
    points = points > others ? points : others;
    words_say(words, "%s: by Amdahl's law a serial share of %s%s%s%s.", work->name, threads,
              threads[0] && processes[0] ? " and " : "", processes,
              points == 1 ? ", as one number of workers tells it" : "");
}

/* What it costs to have a worker at all. One that seems to make it faster does so by chance. */
static void say_overhead(const struct bench *bench, const struct work *work, enum mp_kind kind,
                         struct words *words)
{
    const struct result *base = bench_find(bench, work, MP_SEQUENTIAL, 1);
    const struct result *one = bench_find(bench, work, kind, 1);
    char cell[40];
    if (!base || !one || compare(base, one) != DIFFERENT)
        return;
    double share = one->wall.median / base->wall.median - 1;
    words_cell(&one->cell, cell, sizeof cell);
    if (share > 0)
        words_say(words, "%s: %s takes %.0f %% longer than no worker at all.", work->name, cell,
                  share * 100);
}

static void say_rate(const struct bench *bench, const struct work *work, struct words *words)
{
    const struct result *best = NULL;
    char cell[40];
    for (int i = 0; i < bench->count; i++) {
        const struct result *result = &bench->results[i];
        if (result->cell.work == work && result->run_count > 0 &&
            (!best || result->wall.median < best->wall.median))
            best = result;
    }
    if (!best || !work->pictures)
        return;
    words_cell(&best->cell, cell, sizeof cell);
    words_say(words, "%s: %.0f pictures a second at best (%s).", work->name,
              best->jobs / best->wall.median, cell);
}

static void work_conclude(const struct bench *bench, const struct work *work, struct words *words)
{
    int most = bench->options.workers[bench->options.workers_count - 1];
    const struct result *threads = bench_find(bench, work, MP_THREADS, most);
    const struct result *processes = bench_find(bench, work, MP_PROCESSES, most);
    if (threads && processes)
        say_pair(words, threads, processes);
    else if (threads || processes)
        say_alone(words, threads ? threads : processes);
    if (work->computes && most > bench->machine.cpus_usable)
        words_say(words, "%s: %d workers share %d CPU%s, which nothing makes faster than %d.",
                  work->name, most, bench->machine.cpus_usable,
                  bench->machine.cpus_usable == 1 ? "" : "s", bench->machine.cpus_usable);
    say_serial(bench, work, words);
    say_overhead(bench, work, MP_THREADS, words);
    say_overhead(bench, work, MP_PROCESSES, words);
    say_rate(bench, work, words);
}

/* ---- All of it ------------------------------------------------------------------------------ */

void words_conclude_work(const struct bench *bench, const struct work *work, struct words *ret)
{
    ret->count = 0;
    work_conclude(bench, work, ret);
}

void words_conclude(const struct bench *bench, struct words *ret)
{
    ret->count = 0;
    for (int i = 0; i < bench->options.work_count; i++)
        work_conclude(bench, bench->options.works[i], ret);
    words_add_claims(bench, ret);
}

/* ---- Doubts --------------------------------------------------------------------------------- */

static void doubt_results(const struct bench *bench, struct words *words)
{
    size_t outliers = 0, runs = 0;
    for (int i = 0; i < bench->count; i++) {
        const struct result *result = &bench->results[i];
        char cell[40];
        words_cell(&result->cell, cell, sizeof cell);
        outliers += result->wall.outliers;
        runs += (size_t)result->run_count;
        if (result->run_count == 0)
            words_say(words, "%s, %s failed: %s.", result->cell.work->name, cell, result->why);
        else if (result->failed > 0)
            words_say(words, "%s, %s: %d of %d jobs failed (%s); their time counts.",
                      result->cell.work->name, cell, result->failed, result->jobs, result->why);
    }
    if (outliers > 0)
        words_say(words,
                  "%zu of %zu runs lie%s far from the others of %s kind: something disturbed %s.",
                  outliers, runs, outliers == 1 ? "s" : "", outliers == 1 ? "its" : "their",
                  outliers == 1 ? "it" : "them");
}

/* The same jobs, one after the other, should take the same processor time. Where they do not, the
 * CPUs were not equally fast all the time, and no load average shows why. */
static void doubt_speed(const struct bench *bench, const struct work *work, struct words *words)
{
    const double enough = 1.15;
    const struct result *base = bench_find(bench, work, MP_SEQUENTIAL, 1);
    double least = INFINITY, most = 0;
    char fast[40], slow[40];
    for (int i = 0; base && i < base->run_count; i++) {
        double used = base->runs[i].user_s + base->runs[i].system_s;
        least = fmin(least, used);
        most = fmax(most, used);
    }
    if (!work->computes || most < enough * least)
        return;
    text_seconds(least, fast, sizeof fast);
    text_seconds(most, slow, sizeof slow);
    words_say(words,
              "%s: the same jobs took %s to %s of processor time in turn: the CPUs changed their"
              " speed meanwhile, or shared their cores with others.",
              work->name, fast, slow);
}

static void doubt_photos(const struct bench *bench, struct words *words)
{
    const struct photos *photos = &bench->photos;
    if (photos->count == 0)
        return;
    words_say(words, "photos: thumbnails were made and thrown away; nothing was written.");
    if (photos->passed_over > 0)
        words_say(words, "photos: %zu input%s no readable JPEG or PNG %s left out.",
                  photos->passed_over, photos->passed_over == 1 ? " that is" : "s that are",
                  photos->passed_over == 1 ? "was" : "were");
    if (photos->beyond > 0)
        words_say(words, "photos: %zu pictures past the first %d were left out.", photos->beyond,
                  PHOTOS_FOUND_MAX);
    if (!bench->options.cold && photos->made)
        words_say(words, "photos: the pictures were in memory.");
    else if (!bench->options.cold)
        words_say(words,
                  "photos: the page cache was left alone: what fits into it was read from a"
                  " disk once at most, %s.",
                  bench->options.warmup > 0 ? "while warming up" : "in the first run");
    else if (bench->chilled_share < 0.01)
        words_say(words, "photos: the pictures were dropped from the page cache before each run.");
    else
        words_say(
            words,
            "photos: the page cache was not to be emptied: %.0f %% of the pictures stayed in it.",
            bench->chilled_share * 100);
}

void words_doubt(const struct bench *bench, struct words *ret)
{
    ret->count = 0;
    if (machine_was_busy(&bench->machine))
        words_say(
            ret,
            "The machine was not idle: others took %.0f %% of the CPUs meanwhile. Times are longer"
            " and speed-ups lower than they would be.",
            bench->machine.others_share * 100);
    for (int i = 0; i < bench->options.work_count; i++)
        doubt_speed(bench, bench->options.works[i], ret);
    doubt_results(bench, ret);
    if (bench->options.runs < STATISTICS_ENOUGH)
        words_say(ret, "%d run%s of each cannot tell a difference from chance; %d can.",
                  bench->options.runs, bench->options.runs == 1 ? "" : "s", STATISTICS_ENOUGH);
    if (bench->options.claims && !bench->claims.measured)
        words_say(ret, "What threads and processes cost apart from the work was not to be"
                       " measured here.");
    doubt_photos(bench, ret);
}

/* ---- The machine ---------------------------------------------------------------------------- */

void words_machine(const struct bench *bench, struct words *ret)
{
    const struct machine *machine = &bench->machine;
    char memory[40], seconds[40];
    ret->count = 0;
    text_bytes(machine->memory_bytes, memory, sizeof memory);
    text_seconds(bench->seconds, seconds, sizeof seconds);
    words_say(ret, "%s%s%d CPU%s, of which %d may be used here, %s of memory, %s.", machine->model,
              machine->model[0] ? ", " : "", machine->cpus_host, machine->cpus_host == 1 ? "" : "s",
              machine->cpus_usable, memory, machine->kernel);
    if (machine->governor[0])
        words_say(ret, "Frequency governor: %s.", machine->governor);
    if (machine->load_before >= 0 && machine->load_after >= 0)
        words_say(ret, "Load average %.2f before and %.2f after.", machine->load_before,
                  machine->load_after);
    if (machine->others_share >= 0)
        words_say(ret, "Others took %.1f %% of the CPUs meanwhile.", machine->others_share * 100);
    else
        words_say(ret, "What others took of the CPUs meanwhile is not to be seen here.");
    words_say(ret, "%d timed run%s of each after %d of warming up, taking turns; %s in all.",
              bench->options.runs, bench->options.runs == 1 ? "" : "s", bench->options.warmup,
              seconds);
    words_say(ret, "thumbpool %s, %s.", bench->options.version, bench->options.libraries);
}
