#include "bench/page.h"

#include "batch/html.h"
#include "batch/text.h"
#include "bench/figures.h"
#include "bench/words.h"

#include <string.h>

/* Colours: Okabe and Ito's, which those tell apart, too, who see no red or green. */
static const char style[] =
    ":root{color-scheme:light dark;--ink:#1c1e21;--soft:#5c6268;--paper:#fff;--line:#dcdfe3;"
    "--idle:#eef0f2;--sequential:#868c93;--threads:#d55e00;--processes:#0072b2}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e8ea;--soft:#9aa1a9;--paper:#15171a;"
    "--line:#33383e;--idle:#23272b;--sequential:#858c94;--threads:#e69f00;"
    "--processes:#56b4e9}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:76rem;padding:2.5rem 1.25rem 4rem;background:var(--paper);"
    "color:var(--ink);font:16px/1.55 system-ui,\"Segoe UI\",Roboto,\"Helvetica Neue\",Arial,"
    "sans-serif;font-variant-numeric:tabular-nums}\n"
    "h1{font-size:1.75rem;font-weight:600;letter-spacing:-.01em;line-height:1.2;margin:0 0 .4rem}\n"
    "h2{font-size:1.2rem;font-weight:600;margin:3rem 0 .2rem;padding-top:1.2rem;"
    "border-top:1px solid var(--line)}\n"
    "h3{font-size:.875rem;font-weight:600;margin:0 0 .6rem}\n"
    "p,ul{margin:.3rem 0;max-width:46rem}\n"
    "ul{padding-left:1.1rem}\n"
    "li{margin:.2rem 0}\n"
    ".soft,figcaption{color:var(--soft);font-size:.875rem}\n"
    ".summary{font-size:1.0625rem;margin:1.2rem 0 .8rem}\n"
    ".doubt{color:var(--soft);font-size:.875rem}\n"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,21rem),1fr));"
    "gap:2rem 2.5rem;margin:1.2rem 0 1.4rem;align-items:start}\n"
    "figure{margin:0;min-width:0;max-width:26rem}\n"
    "figcaption{margin-top:.5rem;line-height:1.4}\n"
    "svg{display:block;width:100%;height:auto;overflow:visible}\n"
    "svg text{font-size:12px;fill:var(--ink)}\n"
    "svg text.muted{fill:var(--soft)}\n"
    ".sequential{fill:var(--sequential)}.threads{fill:var(--threads)}"
    ".processes{fill:var(--processes)}.idle{fill:var(--idle)}\n"
    ".curve{stroke-width:2;stroke-linecap:round}.curve.threads{stroke:var(--threads)}"
    ".curve.processes{stroke:var(--processes)}\n"
    ".whisker{stroke:var(--ink);stroke-width:1.25}.axis{stroke:var(--soft)}"
    ".grid{stroke:var(--line)}.ideal{stroke:var(--soft);stroke-dasharray:4 4}\n"
    ".wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;margin-bottom:1rem;font-size:.875rem;line-height:1.4}\n"
    "th,td{padding:.32rem .9rem .32rem 0;text-align:right;white-space:nowrap;"
    "border-bottom:1px solid var(--line)}\n"
    "th:first-child,td:first-child{text-align:left}\n"
    "th{color:var(--soft);font-weight:500;vertical-align:bottom}\n"
    ".claims td,.claims th{white-space:normal;vertical-align:top;min-width:7.5rem}\n"
    "i.key{display:inline-block;width:.65em;height:.65em;border-radius:2px;margin-right:.5em}\n"
    "i.sequential{background:var(--sequential)}i.threads{background:var(--threads)}"
    "i.processes{background:var(--processes)}\n"
    "@media(max-width:30rem){body{padding:1.5rem 1rem 3rem}h1{font-size:1.4rem}}\n"
    "@media print{body{max-width:none;padding:0}}\n";

static void words_list(const struct words *words, const char *class, FILE *file)
{
    if (words->count == 0)
        return;
    fprintf(file, "<ul class=\"%s\">\n", class);
    for (int i = 0; i < words->count; i++) {
        fputs("<li>", file);
        html_text(file, words->all[i]);
        fputs("</li>\n", file);
    }
    fputs("</ul>\n", file);
}

/* ---- One work ------------------------------------------------------------------------------- */

static void cell_put(FILE *file, double seconds, int decimals)
{
    fprintf(file, "<td>%.*f</td>", decimals, seconds * 1e3);
}

static void row_write(const struct result *result, FILE *file)
{
    char cell[40], memory[40];
    words_cell(&result->cell, cell, sizeof cell);
    fprintf(file, "<tr><td><i class=\"key %s\"></i>%s</td>", figure_class(result->cell.kind), cell);
    if (result->run_count == 0) {
        fputs("<td colspan=\"9\">failed: ", file);
        html_text(file, result->why);
        fputs("</td></tr>\n", file);
        return;
    }
    const struct cell_run *typical = &result->runs[result_typical_run(result)];
    const struct statistics *wall = &result->wall;
    cell_put(file, wall->median, 1);
    fprintf(file, "<td>%.1f ± %.1f</td><td>%.1f … %.1f</td>", wall->mean * 1e3, wall->stddev * 1e3,
            wall->min * 1e3, wall->max * 1e3);
    if (result->speedup > 0)
        fprintf(file, "<td>%.2f×</td><td>%.0f %%</td>", result->speedup, result->efficiency * 100);
    else
        fputs("<td>–</td><td>–</td>", file);
    cell_put(file, result->startup.median, 2);
    text_bytes((double)typical->peak_rss_bytes, memory, sizeof memory);
    fprintf(file, "<td>%.1f + %.1f</td><td>%s</td><td>%ld + %ld</td></tr>\n",
            result->user.mean * 1e3, result->system.mean * 1e3, memory, typical->switches_waiting,
            typical->switches_forced);
}

static void table_write(const struct bench *bench, const struct work *work, FILE *file)
{
    fputs("<div class=\"wide\"><table>\n<tr><th></th><th>median<br>ms</th><th>mean ± σ<br>ms</th>"
          "<th>min … max<br>ms</th><th>speed-up</th><th>efficiency</th><th>start<br>ms</th>"
          "<th>user + system<br>ms</th>"
          "<th>peak memory<br>of a process</th><th>switches,<br>waiting + forced</th></tr>\n",
          file);
    for (int i = 0; i < bench->count; i++)
        if (bench->results[i].cell.work == work)
            row_write(&bench->results[i], file);
    fputs("</table></div>\n", file);
}

static void charts_write(const struct bench *bench, const struct work *work, FILE *file)
{
    struct chart chart;
    int runs = bench->options.runs;
    fputs("<div class=\"charts\">\n<figure><h3>Time</h3>\n", file);
    figure_times(bench, work, file, &chart);
    fprintf(file,
            "<figcaption>Median of %d run%s; lines reach from the fastest to the slowest."
            "</figcaption></figure>\n",
            runs, runs == 1 ? "" : "s");
    if (bench->options.workers[bench->options.workers_count - 1] > 1 &&
        bench_find(bench, work, MP_SEQUENTIAL, 1)) {
        fputs("<figure><h3>Speed-up</h3>\n", file);
        figure_speedup(bench, work, file, &chart);
        fputs("<figcaption>Against sequential, by medians; both axes double at equal steps."
              "</figcaption></figure>\n",
              file);
    }
    fputs("<figure><h3>Who did which job when</h3>\n", file);
    figure_timeline(bench, work, file, &chart);
    fputs(
        "<figcaption>The typical run of each: a row a worker, a box a job; what is pale was spent "
        "on starting, waiting and ending.</figcaption></figure>\n</div>\n",
        file);
}

static void work_write(const struct bench *bench, const struct work *work, FILE *file)
{
    char title[TEXT_MAX] = "";
    struct words words;
    for (int i = 0; i < bench->count && !title[0]; i++)
        if (bench->results[i].cell.work == work)
            words_work(bench, &bench->results[i], title, sizeof title);
    fprintf(file, "<h2>%s</h2>\n<p class=\"soft\">", work->name);
    html_text(file, title);
    fputs("</p>\n", file);
    charts_write(bench, work, file);
    table_write(bench, work, file);
    words_conclude_work(bench, work, &words);
    words_list(&words, "", file);
}

/* ---- The page ------------------------------------------------------------------------------- */

static void claims_write(const struct bench *bench, FILE *file)
{
    struct claim_line lines[CLAIM_LINES];
    struct words words;
    words_claims(&bench->claims, lines);
    fputs("<h2>Threads against processes</h2>\n<p class=\"soft\">What a worker costs, and what "
          "becomes of a job that goes wrong; measured in children of their own.</p>\n"
          "<div class=\"wide\"><table class=\"claims\">\n<tr><th></th><th>thread</th>"
          "<th>process</th></tr>\n",
          file);
    for (int i = 0; i < CLAIM_LINES; i++)
        fprintf(file, "<tr><td>%s</td><td>%s</td><td>%s</td></tr>\n", lines[i].what,
                lines[i].threads, lines[i].processes);
    fputs("</table></div>\n", file);
    words_conclude_claims(bench, &words);
    words_list(&words, "", file);
}

/* The first sentence of each work; the others stand with its figures. */
static void summary_write(const struct bench *bench, FILE *file)
{
    struct words words, all = {0};
    for (int i = 0; i < bench->options.work_count; i++) {
        words_conclude_work(bench, bench->options.works[i], &words);
        if (words.count > 0)
            memcpy(all.all[all.count++], words.all[0], TEXT_MAX);
    }
    words_list(&all, "summary", file);
    words_doubt(bench, &words);
    words_list(&words, "doubt", file);
}

void page_write(const struct bench *bench, FILE *file)
{
    struct words words;
    fprintf(file,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<title>Sequential, threads, processes</title>\n<style>\n%s</style>\n</head>\n<body>\n"
            "<h1>Sequential, threads, processes</h1>\n",
            style);
    words_machine(bench, &words);
    fputs("<p class=\"soft\">", file);
    html_text(file, words.all[0]);
    fputs("</p>\n", file);
    summary_write(bench, file);
    for (int i = 0; i < bench->options.work_count; i++)
        work_write(bench, bench->options.works[i], file);
    if (bench->claims.measured)
        claims_write(bench, file);
    words_machine(bench, &words);
    fputs("<h2>Measured on</h2>\n", file);
    words_list(&words, "", file);
    fputs("</body>\n</html>\n", file);
}
