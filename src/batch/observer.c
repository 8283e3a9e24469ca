#include "batch/observer.h"

void observers_begin(const struct run_observers *observers, size_t inputs, int workers)
{
    for (size_t i = 0; i < observers->count; i++)
        if (observers->all[i].begin)
            observers->all[i].begin(observers->all[i].self, inputs, workers);
}

void observers_result(const struct run_observers *observers, const struct run_record *record,
                      const struct run_counts *counts)
{
    for (size_t i = 0; i < observers->count; i++)
        if (observers->all[i].result)
            observers->all[i].result(observers->all[i].self, record, counts);
}

void observers_warn(const struct run_observers *observers, const char *sentence)
{
    for (size_t i = 0; i < observers->count; i++)
        if (observers->all[i].warn)
            observers->all[i].warn(observers->all[i].self, sentence);
}

void observers_tick(const struct run_observers *observers)
{
    for (size_t i = 0; i < observers->count; i++)
        if (observers->all[i].tick)
            observers->all[i].tick(observers->all[i].self);
}

void observers_end(const struct run_observers *observers, const struct run_summary *summary)
{
    for (size_t i = 0; i < observers->count; i++)
        if (observers->all[i].end)
            observers->all[i].end(observers->all[i].self, summary);
}
