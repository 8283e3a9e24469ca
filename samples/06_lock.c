/* A cash machine: one process takes 1 from the account ten thousand times, another gives it back.
 * With the lock the balance is 100 in the end; without, whoever reads while the other has not yet
 * written undoes his work.
 * Usage: 06_lock [--no-lock] */
#include <sched.h>
#include <string.h>

#include "tutorial.h"

struct account {
    struct mp_value *balance;
    struct mp_lock *lock; /* NULL: everybody for himself */
};

static int transact(struct account *account, int amount)
{
    int error = 0;
    for (int i = 0; error == 0 && i < 10000; i++) {
        if (account->lock)
            error = mp_lock_acquire(account->lock, MP_FOREVER);
        int64_t balance = mp_value_get(account->balance);
        sched_yield(); /* C would be done before anybody comes in between; Python is not */
        mp_value_set(account->balance, balance + amount);
        if (account->lock)
            mp_lock_release(account->lock);
    }
    return error != 0;
}

static int withdraw(void *account)
{
    return transact(account, -1);
}

static int deposit(void *account)
{
    return transact(account, 1);
}

static int perform_transactions(bool locked)
{
    struct account account = {0};
    struct mp_process *taker, *giver;
    must(mp_value_create(100, &account.balance));
    if (locked)
        must(mp_lock_create(false, &account.lock));
    must(mp_process_start(withdraw, &account, NULL, &taker));
    must(mp_process_start(deposit, &account, NULL, &giver));
    int failed = process_end(taker) | process_end(giver);
    printf("Final balance = %lld\n", (long long)mp_value_get(account.balance));
    mp_value_free(account.balance);
    mp_lock_free(account.lock);
    return failed;
}

int main(int argc, char **argv)
{
    bool locked = argc < 2 || strcmp(argv[1], "--no-lock") != 0;
    int failed = 0;
    argument(argc, argv, 0);
    for (int round = 0; round < 10; round++)
        failed |= perform_transactions(locked);
    return failed;
}
