#include "mproc/pace.h"

#include "mproc/clock.h"

enum {
    CHUNK_MAX = 1024,     /* elements */
    CHUNK_NS = 2000000,   /* the time that a chunk should take */
    MEASURE_NS = 500000,  /* the shortest time to draw conclusions from */
    AWAY_NS = 1000000000, /* nor from what is longer: the caller was away */
};

void pace_init(struct pace *pace, int chunk)
{
    *pace = (struct pace){
        .chunk = chunk > 0 ? chunk : 1, .adapts = chunk == 0, .since_ns = clock_now_ns()};
}

void pace_learn(struct pace *pace, uint64_t count, int workers)
{
    pace->done += count;
    if (!pace->adapts || pace->done == 0)
        return;
    int64_t now = clock_now_ns(), took = now - pace->since_ns;
    if (took < MEASURE_NS)
        return;
    int64_t each = took * workers / (int64_t)pace->done;
    int64_t wanted = CHUNK_NS / (each > 0 ? each : 1), most = 2 * (int64_t)pace->chunk;
    pace->done = 0;
    pace->since_ns = now;
    if (took > AWAY_NS && wanted < pace->chunk)
        return;
    wanted = wanted < most ? wanted : most;
    pace->chunk = wanted < 1 ? 1 : wanted < CHUNK_MAX ? (int)wanted : CHUNK_MAX;
}
