#include "bench/hyperfine.h"

#include "batch/json.h"
#include "bench/words.h"

#include <stdio.h>

enum { DIGITS = 9 }; /* behind the point of seconds */

/* Parameters are text there, numbers too. */
static void parameters_write(struct json *json, const struct cell *cell)
{
    char jobs[20];
    snprintf(jobs, sizeof jobs, "%d", cell->workers);
    json_open(json, "parameters", '{');
    json_text(json, "work", cell->work->name);
    json_text(json, "executor", cell_kind_name(cell->kind));
    json_text(json, "jobs", jobs);
    json_close(json, '}');
}

static void runs_write(struct json *json, const struct result *result)
{
    json_open(json, "times", '[');
    for (int i = 0; i < result->run_count; i++)
        json_number(json, NULL, result->runs[i].wall_s, DIGITS);
    json_close(json, ']');
    json_open(json, "memory_usage_byte", '[');
    for (int i = 0; i < result->run_count; i++)
        json_integer(json, NULL, result->runs[i].peak_rss_bytes);
    json_close(json, ']');
    json_open(json, "exit_codes", '[');
    for (int i = 0; i < result->run_count; i++)
        json_integer(json, NULL, 0); /* a run with another is no run */
    json_close(json, ']');
}

static void result_write(struct json *json, const struct result *result)
{
    char cell[40], command[80];
    words_cell(&result->cell, cell, sizeof cell);
    snprintf(command, sizeof command, "%s, %s", result->cell.work->name, cell);
    json_open(json, NULL, '{');
    json_text(json, "command", command);
    json_number(json, "mean", result->wall.mean, DIGITS);
    if (result->run_count > 1)
        json_number(json, "stddev", result->wall.stddev, DIGITS);
    else
        json_null(json, "stddev");
    json_number(json, "median", result->wall.median, DIGITS);
    json_number(json, "user", result->user.mean, DIGITS);
    json_number(json, "system", result->system.mean, DIGITS);
    json_number(json, "min", result->wall.min, DIGITS);
    json_number(json, "max", result->wall.max, DIGITS);
    runs_write(json, result);
    parameters_write(json, &result->cell);
    json_close(json, '}');
}

void hyperfine_write(const struct bench *bench, FILE *file)
{
    struct json json;
    json_begin(&json, file);
    json_open(&json, "results", '[');
    for (int i = 0; i < bench->count; i++)
        if (bench->results[i].run_count > 0)
            result_write(&json, &bench->results[i]);
    json_close(&json, ']');
    json_end(&json);
}
