/* The tutorial's claims, as they were measured, in words. */
#include "bench/words.h"

#include "mproc/mproc.h"

static void times_put(const double *seconds, char *threads, char *processes, size_t size)
{
    text_seconds(seconds[CLAIMS_THREADS], threads, size);
    text_seconds(seconds[CLAIMS_PROCESSES], processes, size);
}

static void crash_put(const struct claims *claims, int of, char *text, size_t size)
{
    char seconds[40];
    text_seconds(claims->crash_s[of], seconds, sizeof seconds);
    if (claims->crash_exit[of] == 0)
        snprintf(text, size, "%d of %d jobs lost, next result after %s", claims->crash_lost[of],
                 claims->crash_jobs, seconds);
    else
        snprintf(text, size, "the program dies, %d of %d jobs lost", claims->crash_lost[of],
                 claims->crash_jobs);
}

static void kill_put(const struct claims *claims, int of, char *text, size_t size)
{
    if (claims->kill_error[of] == 0)
        text_seconds(claims->kill_s[of], text, size);
    else
        snprintf(text, size, "cannot be killed");
}

void words_claims(const struct claims *claims, struct claim_line *ret)
{
    struct claim_line *line = ret;
    enum { SIZE = sizeof line->threads };
    line->what = "start, to its first instruction";
    times_put(claims->start_s, line->threads, line->processes, SIZE);
    (++line)->what = "start, end and collection";
    times_put(claims->life_s, line->threads, line->processes, SIZE);
    (++line)->what = "memory of its own, idle";
    text_bytes(claims->memory_bytes[CLAIMS_THREADS], line->threads, SIZE);
    text_bytes(claims->memory_bytes[CLAIMS_PROCESSES], line->processes, SIZE);
    (++line)->what = "empty job, there and back";
    times_put(claims->round_trip_s, line->threads, line->processes, SIZE);
    (++line)->what = "empty job, among many";
    times_put(claims->job_s, line->threads, line->processes, SIZE);
    (++line)->what = "item through a queue";
    times_put(claims->queue_s, line->threads, line->processes, SIZE);
    (++line)->what = "turn of a lock that two want";
    times_put(claims->lock_s, line->threads, line->processes, SIZE);
    (++line)->what = "job that hangs, killed";
    kill_put(claims, CLAIMS_THREADS, line->threads, SIZE);
    kill_put(claims, CLAIMS_PROCESSES, line->processes, SIZE);
    (++line)->what = "job that aborts";
    crash_put(claims, CLAIMS_THREADS, line->threads, SIZE);
    crash_put(claims, CLAIMS_PROCESSES, line->processes, SIZE);
}

/* Says who is better at something, by a factor that is worth a word. */
static void say_factor(struct words *words, const char *what, const double *figures,
                       const char *threads, const char *processes)
{
    double ratio = figures[CLAIMS_PROCESSES] / figures[CLAIMS_THREADS];
    if (figures[CLAIMS_THREADS] <= 0 || figures[CLAIMS_PROCESSES] <= 0)
        return; /* as little as that has no factor */
    if (ratio > 1.2)
        words_say(words, "%s: a process %s, a thread %s, %.1f times less.", what, processes,
                  threads, ratio);
    else if (ratio < 1 / 1.2)
        words_say(words, "%s: a thread %s, a process %s, %.1f times less.", what, threads,
                  processes, 1 / ratio);
    else
        words_say(words, "%s: about the same for a thread (%s) and a process (%s).", what, threads,
                  processes);
}

static void claims_conclude(const struct claims *claims, struct words *words)
{
    struct claim_line lines[CLAIM_LINES];
    char caller[40];
    words_claims(claims, lines);
    say_factor(words, "Start", claims->start_s, lines[0].threads, lines[0].processes);
    say_factor(words, "Memory", claims->memory_bytes, lines[2].threads, lines[2].processes);
    text_seconds(claims->sequential_job_s, caller, sizeof caller);
    words_say(words,
              "An empty job costs %s on threads, %s on processes, and %s where the caller does it.",
              lines[4].threads, lines[4].processes, caller);
    words_say(words, "A job that aborts: with threads, %s; with processes, %s.", lines[8].threads,
              lines[8].processes);
    if (claims->kill_error[CLAIMS_THREADS] != 0)
        words_say(
            words,
            "A job that hangs: a process was gone after %s; of a thread the answer is \"%s\".",
            lines[7].processes, mp_strerror(claims->kill_error[CLAIMS_THREADS]));
}

void words_add_claims(const struct bench *bench, struct words *words)
{
    if (bench->claims.measured)
        claims_conclude(&bench->claims, words);
}

void words_conclude_claims(const struct bench *bench, struct words *ret)
{
    ret->count = 0;
    words_add_claims(bench, ret);
}
