#include "mproc/spin.h"

#include "mproc/clock.h"

#include <sched.h>

enum {
    ROUNDS = 120, /* about as long as it takes to fall asleep and be woken */
    LONGEST_MOMENT = 8,
};

unsigned spin_limit(void)
{
    /* More CPUs than the mask has bits make the call fail: that is not one CPU. */
    cpu_set_t mask;
    return sched_getaffinity(0, sizeof mask, &mask) == 0 && CPU_COUNT(&mask) == 1 ? 0 : ROUNDS;
}

void spin_pause(unsigned round)
{
    unsigned moments = round < LONGEST_MOMENT ? round + 1 : LONGEST_MOMENT;
    while (moments-- > 0)
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ __volatile__("yield");
#else
        __asm__ __volatile__("");
#endif
}

int64_t spin_until(int64_t ns)
{
    return clock_now_ns() + ns;
}

bool spin_yield(int64_t until)
{
    sched_yield();
    return clock_now_ns() < until;
}
