#include "mproc/futex.h"

#include "mproc/clock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int futex_wait(const _Atomic uint32_t *word, uint32_t seen, int64_t deadline, int slice_ms)
{
    int64_t until = clock_sooner(clock_deadline(slice_ms), deadline);
    /* This form of the call takes the moment itself, by the monotonic clock. Without any moment a
     * handler installed with SA_RESTART would not end the wait. */
    struct timespec moment = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET, seen, &moment, NULL, FUTEX_BITSET_MATCH_ANY) ==
        0)
        return 0;
    if (errno == EINTR)
        return -EINTR;
    return errno == ETIMEDOUT && until == deadline ? -ETIMEDOUT : 0;
}

void futex_wake(_Atomic uint32_t *word, int count)
{
    int before = errno;
    syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
    errno = before;
}
