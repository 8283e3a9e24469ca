/* Two functions that take time: one waits, one computes. Both say who they are: process number,
 * name of the process, name of the thread. */
#ifndef SAMPLES_BOUND_H
#define SAMPLES_BOUND_H

#include <stdint.h>
#include <unistd.h>

#include "tutorial.h"

static _Thread_local const char *thread_name = "MainThread";

static inline void bound_say(const char *what)
{
    printf("%d * %s * %s ---> %s\n", (int)getpid(), mp_current_process_name(), thread_name, what);
}

static inline void io_bound(double seconds)
{
    bound_say("Start sleeping...");
    sleep_s(seconds);
    bound_say("Finished sleeping...");
}

static inline void cpu_bound(uint64_t count)
{
    bound_say("Start counting...");
    while (count > 0) {
        count--;
        /* A barrier for the compiler, which would take the whole loop for a 0: it must believe
         * that somebody looks at the count, and may change it, each time. */
        __asm__ volatile("" : "+r"(count));
    }
    bound_say("Finished counting...");
}

#endif
