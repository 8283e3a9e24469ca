#include "batch/engine.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/resource.h>

enum {
    PICTURES_PER_WORKER = 3, /* one runs, one is sent ahead, one waits in the parent */
    DESCRIPTORS_SPARE = 10,
    MEMBER_DESCRIPTORS = 3,   /* of a worker, in the parent */
    EXECUTOR_DESCRIPTORS = 4, /* of an executor beside them, and while it starts one */
    LEAVE_MS = 2000,          /* for idle workers, before they are killed */
};

/* The largest result that the spec's boxes allow: raw pixels, and something for headers. */
static size_t result_max(const struct image_spec *spec)
{
    const size_t open_side = 8192, most = (size_t)1 << 30;
    size_t size = 1 << 20;
    for (int i = 0; i < spec->box_count; i++) {
        size_t width = spec->boxes[i].width ? (size_t)spec->boxes[i].width : open_side;
        size_t height = spec->boxes[i].height ? (size_t)spec->boxes[i].height : open_side;
        size += width * height * 5;
    }
    return size > most ? most : size;
}

/* Among threads libvips has one to itself: two may not share it. */
static int engine_start(struct engines *engines, struct engine *engine)
{
    struct mp_executor_options options = engines->options;
    options.ctx = &engine->ctx;
    if (options.kind == MP_THREADS && engine->ctx.module)
        options.workers = 1;
    return mp_executor_create(&options, &engine->executor);
}

/* Descriptors that this process may still open. */
static int descriptors_left(void)
{
    struct rlimit limit;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder || getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        if (folder)
            closedir(folder);
        return errno == EMFILE ? 0 : INT_MAX;
    }
    int open = -1; /* the folder's own */
    for (const struct dirent *entry; (entry = readdir(folder));)
        open += entry->d_name[0] != '.';
    closedir(folder);
    return limit.rlim_cur > INT_MAX ? INT_MAX : (int)limit.rlim_cur - open;
}

/* That the second engine will take, should it be needed. */
static int descriptors_of_module(const struct engines *engines)
{
    bool forks = engines->options.kind == MP_PROCESSES;
    if (!engines->module_path || !forks)
        return 0;
    return MEMBER_DESCRIPTORS * engines->options.workers + EXECUTOR_DESCRIPTORS;
}

/* True for what fewer workers may do without. */
static bool is_shortage(int error)
{
    return error == -EMFILE || error == -EAGAIN || error == -ENOMEM;
}

/* Every picture under way holds a descriptor; some must be left for its outputs, the module and a
 * worker's replacement. Returns 0, or an error. */
static int base_start(struct engines *engines)
{
    int error, workers = engines->options.workers;
    for (;; engines->options.workers = workers = (workers + 1) / 2) {
        struct engine *base = &engines->all[ENGINE_BASE];
        engines->most = PICTURES_PER_WORKER * workers;
        if ((error = engine_start(engines, base)) == 0) {
            int left = descriptors_left() - DESCRIPTORS_SPARE - descriptors_of_module(engines);
            if (left >= workers || (workers == 1 && left > 0)) {
                engines->most = left < engines->most ? left : engines->most;
                engines->spare = left - engines->most;
                return 0;
            }
            mp_executor_free(base->executor);
            base->executor = NULL;
            error = -EMFILE;
        }
        if (!is_shortage(error) || workers == 1)
            return error;
        engines->shortage = error;
    }
}

int engines_init(struct engines *engines, enum mp_kind kind, int workers, int timeout_ms,
                 int64_t max_memory, const char *module_path, const struct image_spec *spec,
                 const struct sandbox *sandbox)
{
    *engines = (struct engines){.module_path = module_path};
    engines->options = (struct mp_executor_options){.kind = kind,
                                                    .workers = workers,
                                                    .prefetch = 1,
                                                    .deadline_ms = timeout_ms,
                                                    .result_max = result_max(spec),
                                                    .name = "thumbpool-work",
                                                    .start = picture_task_start};
    budget_init(&engines->budget, max_memory, workers);
    engines->all[ENGINE_MODULE].ctx.untrusted = spec->allow_untrusted;
    for (int i = 0; i < ENGINE_COUNT; i++) {
        struct picture_task_ctx *ctx = &engines->all[i].ctx;
        ctx->sandbox = kind == MP_PROCESSES ? sandbox : NULL;
        ctx->memory_bytes = kind == MP_PROCESSES ? max_memory : 0;
        ctx->ordinary_bytes = engines->budget.ordinary;
    }
    return base_start(engines);
}

/* Loads libvips, which starts nothing: this process may fork as before. */
static void module_start(struct engines *engines)
{
    struct engine *engine = &engines->all[ENGINE_MODULE];
    size_t size = sizeof engines->module_why;
    if (!engines->module_path)
        snprintf(engines->module_why, size,
                 "this kind needs the libvips module, thumbpool-vips.so, which is not installed");
    else if (image_module_load(engines->module_path, &engine->ctx.module, engines->module_why,
                               size) == 0) {
        int error = engine_start(engines, engine);
        if (error < 0)
            snprintf(engines->module_why, size, "libvips cannot be started: %s",
                     mp_strerror(error));
    }
}

struct mp_executor *engines_get(struct engines *engines, enum engine_kind kind,
                                const char **ret_why)
{
    struct engine *engine = &engines->all[kind];
    if (kind == ENGINE_MODULE && !engine->executor && engines->module_why[0] == '\0')
        module_start(engines);
    *ret_why = engines->module_why;
    return engine->executor;
}

int engines_workers(const struct engines *engines)
{
    return engines->options.workers;
}

const char *engines_shortage(const struct engines *engines)
{
    return engines->shortage == -EMFILE ? "open files (ulimit -n)" : "processes or memory";
}

int engines_spare(const struct engines *engines)
{
    return engines->spare;
}

static int running(int flying, int workers)
{
    return flying < workers ? flying : workers;
}

bool engines_have_room(const struct engines *engines, enum engine_kind kind)
{
    int workers = engines->options.workers;
    int own = engines->all[kind].flying, other = engines->all[!kind].flying;
    if (other == 0)
        return own < engines->most;
    return own + other < engines->most &&
           running(own + 1, workers) + running(other, workers) <= workers;
}

void engines_count(struct engines *engines, enum engine_kind kind, int change)
{
    engines->all[kind].flying += change;
}

void engines_stop(struct engines *engines)
{
    for (int i = 0; i < ENGINE_COUNT; i++) {
        struct mp_executor *executor = engines->all[i].executor;
        enum mp_how how = engines->all[i].flying > 0 ? MP_KILL : MP_FINISH;
        if (executor && mp_executor_shutdown(executor, how, LEAVE_MS) < 0)
            while (mp_executor_shutdown(executor, MP_KILL, MP_FOREVER) == -EINTR)
                ;
    }
}

uint64_t engines_workers_lost(const struct engines *engines)
{
    uint64_t lost = 0;
    for (int i = 0; i < ENGINE_COUNT; i++) {
        struct mp_executor_stats stats = {0};
        if (engines->all[i].executor)
            mp_executor_stats(engines->all[i].executor, &stats);
        lost += stats.backend.workers_lost;
    }
    return lost;
}

void engines_done(struct engines *engines)
{
    for (int i = 0; i < ENGINE_COUNT; i++) {
        mp_executor_free(engines->all[i].executor);
        engines->all[i].executor = NULL;
        image_module_free(engines->all[i].ctx.module);
        engines->all[i].ctx.module = NULL;
    }
}
