/* The array: items in shared memory behind their lock. What a death can leave half done is the one
 * item that was being written, which MP_OWNERDEAD tells of. */
#include "mproc/lock.h"
#include "mproc/mproc.h"
#include "mproc/shm.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>

struct mp_array {
    size_t count;
    size_t item_size;
    struct mp_lock lock;
    alignas(64) unsigned char data[];
};

static size_t array_size(const struct mp_array *array)
{
    return sizeof *array + array->count * array->item_size;
}

int mp_array_create(size_t count, size_t item_size, struct mp_array **ret)
{
    if (count == 0 || item_size == 0 || count > (PTRDIFF_MAX - sizeof **ret) / item_size)
        return -EINVAL;
    struct mp_array *array = shm_map(sizeof *array + count * item_size);
    if (!array)
        return -ENOMEM;
    array->count = count;
    array->item_size = item_size;
    lock_init(&array->lock, true);
    *ret = array;
    return 0;
}

void *mp_array_data(struct mp_array *array)
{
    return array->data;
}

size_t mp_array_count(const struct mp_array *array)
{
    return array->count;
}

/* Copies item_size bytes under the lock. */
static int array_copy(struct mp_array *array, void *to, const void *from)
{
    int state = mp_lock_acquire(&array->lock, MP_FOREVER);
    if (state < 0)
        return state;
    memcpy(to, from, array->item_size);
    mp_lock_release(&array->lock);
    return state;
}

int mp_array_get(struct mp_array *array, size_t index, void *ret)
{
    if (index >= array->count)
        return -ERANGE;
    return array_copy(array, ret, array->data + index * array->item_size);
}

int mp_array_set(struct mp_array *array, size_t index, const void *item)
{
    if (index >= array->count)
        return -ERANGE;
    return array_copy(array, array->data + index * array->item_size, item);
}

struct mp_lock *mp_array_lock(struct mp_array *array)
{
    return &array->lock;
}

void mp_array_free(struct mp_array *array)
{
    if (array)
        shm_unmap(array, array_size(array));
}
