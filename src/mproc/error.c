/* Texts for the library's errors. */
#include "mproc/mproc.h"

#include <string.h>

const char *mp_strerror(int error)
{
    switch (error) {
    case MP_ETASK: return "the task failed";
    case MP_ECRASH: return "the worker died while it ran the job";
    case MP_EKILLED: return "the job was killed on request";
    case MP_EBROKEN: return "no worker can be started";
    case MP_ETHREADS: return "the program runs threads, so it cannot fork workers safely";
    case MP_ERETURNED: return "the job never began";
    case MP_EDEADLINE: return "the job ran longer than its deadline and was killed";
    case MP_EFORKED: return "the handle belongs to the process that forked this one";
    case MP_ENOKILL: return "this back-end cannot kill a job that runs, so it has no deadlines";
    case MP_ENOTOWNER: return "the lock is released by somebody who does not hold it";
    default: break;
    }
    const char *text = error < 0 && error > -4096 ? strerrordesc_np(-error) : NULL;
    return error >= 0 ? "success" : text ? text : "unknown error";
}
