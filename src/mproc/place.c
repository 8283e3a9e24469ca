#include "mproc/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP_BYTES = 4 << 10 }; /* of a result's memory, kept for the next */

/* ---- All of them ---------------------------------------------------------------------------- */

/* Makes one more. Returns NULL when there is no memory. */
static struct place *place_create(struct places *places)
{
    bool full = (places->count & (places->count - 1)) == 0; /* room is made in powers of two */
    size_t room = places->count ? (size_t)places->count * 2 : 1;
    struct place **all = full ? realloc(places->all, room * sizeof *all) : places->all;
    struct place *place = all ? calloc(1, sizeof *place) : NULL;
    if (all)
        places->all = all;
    if (!place)
        return NULL;
    place->number = places->count;
    places->all[places->count++] = place;
    return place;
}

struct place *places_take(struct places *places)
{
    struct place *place = places->free;
    if (!place)
        return place_create(places);
    places->free = place->next;
    place->ready = false;
    return place;
}

void places_give(struct places *places, struct place *place)
{
    free(place->text);
    place->text = NULL;
    if (place->capacity > KEEP_BYTES) {
        free(place->data);
        place->data = NULL;
        place->capacity = 0;
    }
    place->next = places->free;
    places->free = place;
}

void places_done(struct places *places)
{
    for (uint32_t i = 0; i < places->count; i++) {
        free(places->all[i]->data);
        free(places->all[i]->text);
        free(places->all[i]);
    }
    free(places->all);
    *places = (struct places){0};
}

/* ---- Lists ---------------------------------------------------------------------------------- */

void place_list_append(struct place_list *list, struct place *place)
{
    place->next = NULL;
    *(list->last ? &list->last->next : &list->first) = place;
    list->last = place;
}

struct place *place_list_take(struct place_list *list)
{
    struct place *place = list->first;
    list->first = place->next;
    if (!list->first)
        list->last = NULL;
    return place;
}

/* ---- One ------------------------------------------------------------------------------------ */

void place_succeed(struct place *place, const void *data, size_t size)
{
    if (size > place->capacity || !place->data) {
        unsigned char *grown = realloc(place->data, size ? size : 1);
        if (!grown) {
            place_fail_plainly(place, -ENOMEM);
            return;
        }
        place->data = grown;
        place->capacity = size ? size : 1;
    }
    if (size > 0)
        memcpy(place->data, data, size);
    place->size = size;
    place->error = 0;
    place->ready = true;
}

void place_fail(struct place *place, const struct mp_fault *fault)
{
    size_t message_size = strlen(fault->message) + 1;
    place->error = fault->code;
    place->size = 0;
    place->ready = true;
    place->fault = *fault;
    place->text = malloc(message_size + fault->log_size + 1);
    if (place->text) {
        char *log = place->text + message_size;
        place->fault.message = memcpy(place->text, fault->message, message_size);
        memcpy(log, fault->log, fault->log_size);
        log[fault->log_size] = '\0';
        place->fault.log = log;
    } else {
        place->fault.message = mp_strerror(fault->code);
        place->fault.log = "";
        place->fault.log_size = 0;
    }
}

void place_fail_plainly(struct place *place, int code)
{
    place_fail(place, &(struct mp_fault){
                          .code = code, .worker = -1, .message = mp_strerror(code), .log = ""});
}

struct mp_item place_item(const struct place *place)
{
    bool failed = place->error != 0;
    return (struct mp_item){.index = place->index,
                            .error = place->error,
                            .data = failed ? NULL : place->data,
                            .size = place->size,
                            .fault = failed ? &place->fault : NULL};
}
