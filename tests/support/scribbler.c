#include "support/scribbler.h"

#include "mproc/control.h"
#include "mproc/wire.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINGER_MS = 30 }; /* a helper of the scribbler's outlives it for so long */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint32_t scribbler_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

bool scribbler_one_in(uint64_t *state, uint32_t n)
{
    return scribbler_random(state) % n == 0;
}

/* The newest assignment that is said to run. */
static uint64_t running_seq(const struct scribbler *scribbler)
{
    const struct control *control = (const struct control *)scribbler->page[0].begin;
    uint64_t seq = 0;
    for (int i = 0; i < CONTROL_SLOTS; i++)
        if ((control->words[i] & 7) == CONTROL_RUNNING && control->words[i] >> 3 > seq)
            seq = control->words[i] >> 3;
    return seq;
}

void scribbler_look(struct scribbler *scribbler)
{
    scribbler->seq = running_seq(scribbler);
}

/* A word that some assignment may have, from those that are in the page. */
static uint64_t word_forge(struct scribbler *scribbler, const _Atomic uint64_t *words)
{
    uint64_t *random = &scribbler->random;
    uint64_t word = words[scribbler_random(random) % CONTROL_SLOTS];
    uint64_t seq = (word >> 3) + scribbler_random(random) % 5 - 2;
    return scribbler_one_in(random, 8)
               ? (uint64_t)scribbler_random(random) << 33 | scribbler_random(random)
               : control_word(seq, (enum control_state)(scribbler_random(random) & 7));
}

/* How far a journal may be said to be good, most often that of the job that runs. */
static uint64_t progress_forge(struct scribbler *scribbler, const _Atomic uint64_t *words)
{
    uint64_t *random = &scribbler->random;
    uint64_t word = control_word(scribbler->seq, CONTROL_RUNNING);
    if (scribbler_one_in(random, 4))
        word = word_forge(scribbler, words);
    return control_progress_pack(
        (struct control_progress){.frozen = scribbler_one_in(random, 4),
                                  .seq = (uint32_t)(word >> 3),
                                  .count = scribbler_random(random) % (CONTROL_COUNT_MAX + 1),
                                  .size = scribbler_random(random) % (1 << CONTROL_SIZE_BITS)});
}

static void page_scribble(struct scribbler *scribbler, const struct page *page)
{
    uint64_t *random = &scribbler->random;
    _Atomic uint64_t *words = (_Atomic uint64_t *)page->begin;
    size_t count = page->size / sizeof *words;
    uint32_t times = 1u << scribbler_random(random) % 12;
    switch (scribbler_random(random) % 7) {
    case 5: /* the journal */
    case 6:
        for (size_t i = CONTROL_SLOTS + 8; i < count; i++)
            words[i] = scribbler_one_in(random, 3) ? scribbler_random(random)
                                                   : scribbler_random(random) % 64;
        words[CONTROL_SLOTS] = progress_forge(scribbler, words);
        break;
    case 0: /* everywhere */
        while (times-- > 0)
            words[scribbler_random(random) % count] = word_forge(scribbler, words);
        break;
    case 1: /* the jobs' words, and how far the journal is good */
        while (times-- > 0)
            words[scribbler_random(random) % (CONTROL_SLOTS + 1)] = word_forge(scribbler, words);
        break;
    case 2: memset(page->begin, (int)scribbler_random(random), page->size); break;
    case 3:
        memset(page->begin, (int)scribbler_random(random), CONTROL_SLOTS * sizeof *words);
        break;
    case 4: /* of the last job of all, which may be its own, only the state */
        for (int i = 0; i < CONTROL_SLOTS; i++)
            words[i] =
                control_word(words[i] >> 3, (enum control_state)(scribbler_random(random) & 7));
        break;
    }
}

static void pages_scribble(struct scribbler *scribbler)
{
    for (unsigned i = 0; i < scribbler->pages; i++)
        page_scribble(scribbler, &scribbler->page[i]);
}

/* Writes some, and does not mind what becomes of it. */
static void put(int fd, const void *bytes, size_t size)
{
    if (write(fd, bytes, size) < 0 && (errno == EPIPE || errno == EBADF))
        _exit(97);
}

static struct wire_header header_forge(struct scribbler *scribbler)
{
    static const uint64_t sizes[] = {0,
                                     1,
                                     16,
                                     100,
                                     4096,
                                     SCRIBBLER_RESULT_MAX,
                                     SCRIBBLER_RESULT_MAX + 1,
                                     300000,
                                     1 << 30,
                                     UINT64_MAX,
                                     UINT64_MAX - 48};
    uint64_t *random = &scribbler->random;
    const _Atomic uint64_t *words = (const _Atomic uint64_t *)scribbler->page[0].begin;
    uint32_t slot = scribbler_random(random) % (scribbler_one_in(random, 9) ? 100 : 4);
    return (struct wire_header){
        .magic = scribbler_one_in(random, 20) ? scribbler_random(random) : WIRE_MAGIC,
        .kind = scribbler_one_in(random, 9) ? scribbler_random(random) % 7
                                            : WIRE_RESULT + scribbler_random(random) % 2,
        .seq = scribbler_one_in(random, 9) ? scribbler_random(random)
                                           : words[slot % CONTROL_SLOTS] >> 3,
        .fn = scribbler_random(random),
        .size = sizes[scribbler_random(random) %
                      (scribbler_one_in(random, 2) ? 4 : sizeof sizes / sizeof *sizes)],
        .slot = slot,
        .fd_count = scribbler_one_in(random, 9) ? scribbler_random(random) : 0,
        .code = (int32_t)scribbler_random(random),
        .status = (int32_t)scribbler_random(random)};
}

/* A frame, or some of it. */
static void frame_scribble(struct scribbler *scribbler)
{
    static unsigned char payload[SCRIBBLER_RESULT_MAX + 400];
    uint64_t *random = &scribbler->random;
    struct wire_header header = header_forge(scribbler);
    size_t size = header.size < SCRIBBLER_RESULT_MAX
                      ? (size_t)header.size + wire_padding(header.size)
                      : scribbler_random(random) % sizeof payload;
    memset(payload, (int)scribbler_random(random), sizeof payload);
    if (scribbler_one_in(random,
                         4)) /* it says that it is finished, first: else nothing is believed */
        for (unsigned i = 0; i < scribbler->pages; i++)
            ((_Atomic uint64_t *)scribbler->page[i].begin)[header.slot % CONTROL_SLOTS] =
                control_word(header.seq, CONTROL_SENDING);
    put(scribbler->result_fd, &header,
        scribbler_one_in(random, 9) ? scribbler_random(random) % sizeof header : sizeof header);
    put(scribbler->result_fd, payload,
        scribbler_one_in(random, 5) ? scribbler_random(random) % (size + 1) : size);
    if (scribbler_one_in(random, 5))
        put(scribbler->result_fd, &header, sizeof header); /* once more */
}

/* Nobody reads the socket, but it has room for much more. */
static void noise_scribble(struct scribbler *scribbler)
{
    unsigned char noise[512];
    int fds[] = {scribbler->result_fd, scribbler->job_fd};
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (unsigned char)scribbler_random(&scribbler->random);
    int fd = fds[scribbler_random(&scribbler->random) % 2];
    put(fd, noise, scribbler_random(&scribbler->random) % sizeof noise);
}

/* A byte at a time, with pauses. */
static void dribble(struct scribbler *scribbler)
{
    struct wire_header header = header_forge(scribbler);
    for (size_t i = 0; i < sizeof header; i++) {
        put(scribbler->result_fd, (const char *)&header + i, 1);
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
}

void scribbler_scribble(struct scribbler *scribbler)
{
    for (uint32_t times = scribbler_random(&scribbler->random) % 6; times > 0; times--)
        switch (scribbler_random(&scribbler->random) % 16) {
        case 0: noise_scribble(scribbler); break;
        case 1: dribble(scribbler); break;
        case 2:
        case 3:
        case 4: frame_scribble(scribbler); break;
        default: pages_scribble(scribbler); break;
        }
}

static void *scribble_on(void *arg)
{
    for (;;) {
        pages_scribble(arg);
        nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
    }
    return NULL;
}

/* A helper that scribbles on behind the back of a worker that is gone. */
void scribbler_leave_helper(struct scribbler *scribbler)
{
    if (fork() != 0)
        return;
    for (int64_t end = now_ms() + LINGER_MS; now_ms() < end;)
        pages_scribble(scribbler);
    _exit(0);
}

/* What ends it at once. */
void scribbler_leave(struct scribbler *scribbler)
{
    switch (scribbler_random(&scribbler->random) % 4) {
    case 0: _exit(0);
    case 1: _exit((int)scribbler_random(&scribbler->random) % 90);
    case 2: abort();
    default: raise(SIGKILL);
    }
}

/* What only a deadline ends: stopped, busy, asleep, silent, or slow. */
void scribbler_stay(struct scribbler *scribbler)
{
    uint32_t how = scribbler_random(&scribbler->random) % 5;
    if (how == 0)
        raise(SIGSTOP);
    if (how == 1) {
        close(scribbler->result_fd);
        close(scribbler->job_fd);
    }
    for (;;)
        if (how == 2)
            pages_scribble(scribbler);
        else if (how == 3)
            dribble(scribbler);
        else
            pause();
}

/* Goes on as an honest worker would, or nearly so; with what it wrote into its page it often waits
 * to be ended. */
void scribbler_go_on(struct scribbler *scribbler)
{
    static struct scribbler behind; /* the thread's */
    pthread_t thread;
    behind = *scribbler;
    switch (scribbler_random(&scribbler->random) % 4) {
    case 0: close(scribbler->result_fd); break;
    case 1: close(scribbler->job_fd); break;
    case 2: (void)!pthread_create(&thread, NULL, scribble_on, &behind); break;
    }
}
