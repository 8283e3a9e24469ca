#include "batch/sandbox.h"

#include "jail/scout.h"
#include "mproc/mproc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { SCOUT_MS = 10000 }; /* it takes a few; a machine may be busy */

/* Starts the scout and waits for its end. Returns 0, or an error. */
static int scout_send(struct scout *scout)
{
    struct mp_process *process;
    const struct mp_process_options options = {.name = "thumbpool-scout"};
    int error = mp_process_start(scout_run, scout, &options, &process);
    if (error < 0)
        return error;
    if (mp_process_join(process, SCOUT_MS) == -ETIMEDOUT)
        mp_process_signal(process, SIGKILL);
    while ((error = mp_process_join(process, MP_FOREVER)) == -EINTR)
        ;
    mp_process_close(process);
    return error;
}

/* Names what got through, the first of it. */
static void attacks_tell(const struct scout *scout, char *text, size_t size)
{
    for (int i = 0; scout_attack_name(i); i++)
        if (scout->got_through >> i & 1) {
            snprintf(text, size, "it did not hold against: %s", scout_attack_name(i));
            return;
        }
}

/* Without the filter some of the attacks must get through: that it is missing says it all. */
static void scout_judge(const struct scout *scout, struct sandbox *sandbox)
{
    sandbox->state = scout->state;
    jail_lacks(&scout->state, sandbox->lacks, sizeof sandbox->lacks);
    bool letters = scout->options.kind < JAIL_DRAWERS || scout->state.landlock;
    size_t length = strlen(sandbox->lacks);
    if (!letters)
        snprintf(sandbox->lacks + length, sizeof sandbox->lacks - length,
                 "; drawings get no fonts, since any file could be read then");
    if (!scout->done)
        snprintf(sandbox->lacks, sizeof sandbox->lacks, "the trial of it failed");
    else if (scout->state.filter && scout->got_through != 0)
        attacks_tell(scout, sandbox->lacks, sizeof sandbox->lacks);
    sandbox->level = jail_level(&scout->state);
}

int sandbox_try(enum sandbox_mode mode, bool untrusted, struct sandbox *ret)
{
    *ret = (struct sandbox){
        .mode = mode, .options = {.kind = untrusted ? JAIL_DRAWERS : JAIL_GUESTS}, .level = "off"};
    if (mode == SANDBOX_OFF)
        return 0;
    struct scout *scout = mp_shared_alloc(sizeof *scout);
    if (!scout)
        return -ENOMEM;
    scout->options = ret->options;
    if (scout_send(scout) < 0)
        scout->done = false;
    scout_judge(scout, ret);
    mp_shared_free(scout, sizeof *scout);
    return mode == SANDBOX_REQUIRE && ret->lacks[0] != '\0' ? -EPERM : 0;
}

int sandbox_enter(const struct sandbox *sandbox, bool guests)
{
    struct jail_options options = sandbox->options;
    struct jail_state state;
    if (sandbox->mode == SANDBOX_OFF)
        return 0;
    if (!guests)
        options.kind = JAIL_DECODERS;
    jail_enter(&options, &state);
    bool less = (sandbox->state.filter && !state.filter) ||
                state.landlock < sandbox->state.landlock ||
                (sandbox->state.nobody && !state.nobody);
    return less ? -1 : 0;
}
