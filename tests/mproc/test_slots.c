/* slots: which job is in which slot, and who decides about it. */
#include "mproc/slots.h"
#include "support/mproc.h"

static struct control control;

static struct slots slots_fresh(void)
{
    control = (struct control){0};
    return (struct slots){.control = &control};
}

static void test_slots_find_what_was_added_and_not_what_was_removed(void **state)
{
    struct slots slots = slots_fresh();
    struct mp_job jobs[CONTROL_SLOTS] = {0};
    (void)state;
    for (unsigned i = 0; i < CONTROL_SLOTS; i++)
        assert_int_equal(slots_add(&slots, &jobs[i], i + 1), i);
    assert_int_equal(slots.held, CONTROL_SLOTS);
    assert_int_equal(slots_find(&slots, &jobs[5]), 5);
    assert_ptr_equal(slots_remove(&slots, 5), &jobs[5]);
    assert_int_equal(slots_find(&slots, &jobs[5]), -1);
    assert_int_equal(slots.held, CONTROL_SLOTS - 1);
    assert_int_equal(slots_add(&slots, &jobs[5], 100), 5);
    assert_int_equal(slots_state(&slots, 5), CONTROL_QUEUED);
}

static void test_slots_go_from_the_newest_to_the_oldest(void **state)
{
    struct slots slots = slots_fresh();
    struct mp_job jobs[3] = {0};
    (void)state;
    assert_int_equal(slots_newest(&slots, UINT64_MAX), -1);
    slots_add(&slots, &jobs[0], 7);
    slots_add(&slots, &jobs[1], 9);
    slots_add(&slots, &jobs[2], 8);
    assert_int_equal(slots_newest(&slots, UINT64_MAX), 1);
    assert_int_equal(slots_newest(&slots, 9), 2);
    assert_int_equal(slots_newest(&slots, 8), 0);
    assert_int_equal(slots_newest(&slots, 7), -1);
}

static void test_slots_revoke_only_what_has_not_begun(void **state)
{
    struct slots slots = slots_fresh();
    struct mp_job jobs[2] = {0};
    (void)state;
    slots_add(&slots, &jobs[0], 1);
    slots_add(&slots, &jobs[1], 2);
    control_move(&control, 1, 2, CONTROL_QUEUED, CONTROL_RUNNING); /* as the worker does */
    assert_true(slots_revoke(&slots, 0));
    assert_false(slots_revoke(&slots, 0));
    assert_false(slots_revoke(&slots, 1));
    assert_int_equal(slots_state(&slots, 0), CONTROL_REVOKED);
    assert_int_equal(slots_state(&slots, 1), CONTROL_RUNNING);
}

static void test_slots_condemn_lets_what_has_ended_win(void **state)
{
    struct slots slots = slots_fresh();
    struct mp_job jobs[3] = {0};
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        slots_add(&slots, &jobs[i], i + 1);
    control_move(&control, 1, 2, CONTROL_QUEUED, CONTROL_RUNNING);
    control_move(&control, 2, 3, CONTROL_QUEUED, CONTROL_SENDING);
    slots_condemn(&slots);
    assert_int_equal(slots_state(&slots, 0), CONTROL_REVOKED);
    assert_int_equal(slots_state(&slots, 1), CONTROL_KILLED);
    assert_int_equal(slots_state(&slots, 2), CONTROL_SENDING);
    assert_true(slots_state_is_finished(slots_state(&slots, 2)));
    assert_false(slots_state_is_finished(slots_state(&slots, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_slots_find_what_was_added_and_not_what_was_removed),
        SUPPORT_TEST(test_slots_go_from_the_newest_to_the_oldest),
        SUPPORT_TEST(test_slots_revoke_only_what_has_not_begun),
        SUPPORT_TEST(test_slots_condemn_lets_what_has_ended_win),
    };
    return cmocka_run_group_tests_name("mproc/slots", tests, NULL, NULL);
}
