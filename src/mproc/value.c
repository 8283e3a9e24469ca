/* The value: one atomic word, and a lock for who needs several calls to be one. A double is kept as
 * its bits. */
#include "mproc/lock.h"
#include "mproc/mproc.h"
#include "mproc/shm.h"

#include <errno.h>
#include <string.h>

struct mp_value {
    _Atomic uint64_t bits;
    struct mp_lock lock;
};

static uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static int value_create(uint64_t bits, struct mp_value **ret)
{
    struct mp_value *value = shm_map(sizeof *value);
    if (!value)
        return -ENOMEM;
    atomic_init(&value->bits, bits);
    lock_init(&value->lock, true);
    *ret = value;
    return 0;
}

int mp_value_create(int64_t value, struct mp_value **ret)
{
    return value_create((uint64_t)value, ret);
}

int mp_value_create_double(double value, struct mp_value **ret)
{
    return value_create(bits_of(value), ret);
}

int64_t mp_value_get(const struct mp_value *value)
{
    return (int64_t)atomic_load(&value->bits);
}

void mp_value_set(struct mp_value *value, int64_t to)
{
    atomic_store(&value->bits, (uint64_t)to);
}

int64_t mp_value_add(struct mp_value *value, int64_t what)
{
    return (int64_t)(atomic_fetch_add(&value->bits, (uint64_t)what) + (uint64_t)what);
}

bool mp_value_compare_exchange(struct mp_value *value, int64_t *expected, int64_t to)
{
    uint64_t was = (uint64_t)*expected;
    bool done = atomic_compare_exchange_strong(&value->bits, &was, (uint64_t)to);
    *expected = (int64_t)was;
    return done;
}

double mp_value_get_double(const struct mp_value *value)
{
    return double_of(atomic_load(&value->bits));
}

void mp_value_set_double(struct mp_value *value, double to)
{
    atomic_store(&value->bits, bits_of(to));
}

double mp_value_add_double(struct mp_value *value, double what)
{
    uint64_t was = atomic_load(&value->bits), sum;
    do {
        sum = bits_of(double_of(was) + what);
    } while (!atomic_compare_exchange_weak(&value->bits, &was, sum));
    return double_of(sum);
}

struct mp_lock *mp_value_lock(struct mp_value *value)
{
    return &value->lock;
}

void mp_value_free(struct mp_value *value)
{
    shm_unmap(value, sizeof *value);
}
