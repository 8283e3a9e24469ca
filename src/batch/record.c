#include "batch/record.h"

void record_tell(struct run *run, enum run_status status)
{
    struct run_counts *counts = &run->summary->counts;
    run->record.status = status;
    counts->made += status == RUN_MADE;
    run->unflushed += status == RUN_MADE && run->options->durable;
    counts->current += status == RUN_CURRENT;
    counts->failed += status == RUN_FAILED;
    counts->skipped += status == RUN_SKIPPED;
    observers_result(&run->options->observers, &run->record, counts);
}

void record_begin(struct run *run, const struct picture *picture)
{
    run->record =
        (struct run_record){.input = &run->plan->scan->inputs[picture->input],
                            .kind = picture->original.kind,
                            .source_bytes = picture->original.stat.st_size,
                            .worker = picture->future ? mp_future_worker(picture->future) : -1,
                            .module = picture->engine == ENGINE_MODULE,
                            .begin_ms = picture->submitted_ms,
                            .end_ms = run_now_s() * 1e3,
                            .attempts = picture->attempts};
}

void record_fail(struct run *run, const char *code, const char *message)
{
    run->record.code = code;
    run->record.message = message;
    run->record.output_count = 0;
    record_tell(run, RUN_FAILED);
}
