/* control: one word decides, and only one side wins. */
#include "mproc/control.h"
#include "support/mproc.h"

#include <string.h>

static void test_move_needs_the_state_it_moves_from(void **state)
{
    (void)state;
    struct control control = {0};
    control_set(&control, 3, 41, CONTROL_QUEUED);
    assert_false(control_move(&control, 3, 41, CONTROL_RUNNING, CONTROL_SENDING));
    assert_int_equal(control_state_of(&control, 3, 41), CONTROL_QUEUED);
    assert_true(control_move(&control, 3, 41, CONTROL_QUEUED, CONTROL_RUNNING));
    assert_false(control_move(&control, 3, 41, CONTROL_QUEUED, CONTROL_REVOKED));
    assert_true(control_move(&control, 3, 41, CONTROL_RUNNING, CONTROL_KILLED));
    assert_false(control_move(&control, 3, 41, CONTROL_RUNNING, CONTROL_SENDING));
    assert_int_equal(control_state_of(&control, 3, 41), CONTROL_KILLED);
}

static void test_an_old_assignment_cannot_move_a_slot_used_again(void **state)
{
    (void)state;
    struct control control = {0};
    control_set(&control, 0, 1, CONTROL_QUEUED);
    assert_true(control_move(&control, 0, 1, CONTROL_QUEUED, CONTROL_REVOKED));
    control_set(&control, 0, 2, CONTROL_QUEUED);
    assert_false(control_move(&control, 0, 1, CONTROL_QUEUED, CONTROL_RUNNING));
    assert_int_equal(control_state_of(&control, 0, 1), CONTROL_FREE);
    assert_int_equal(control_state_of(&control, 0, 2), CONTROL_QUEUED);
}

static void test_slots_do_not_touch_each_other(void **state)
{
    (void)state;
    struct control control = {0};
    for (unsigned slot = 0; slot < CONTROL_SLOTS; slot++)
        control_set(&control, slot, 100 + slot, CONTROL_QUEUED);
    assert_true(control_move(&control, 7, 107, CONTROL_QUEUED, CONTROL_RUNNING));
    for (unsigned slot = 0; slot < CONTROL_SLOTS; slot++)
        assert_int_equal(control_state_of(&control, slot, 100 + slot),
                         slot == 7 ? CONTROL_RUNNING : CONTROL_QUEUED);
}

/* Parent and child, who both want the same word. */
struct race {
    struct control control;
    struct support_flag round; /* the assignment that both go for */
    _Atomic uint32_t rounds_done;
    _Atomic uint32_t child_wins;
};

enum { ROUNDS = 20000 };

static int child_race(void *arg)
{
    struct race *race = arg;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        while (atomic_load(&race->round.value) < round)
            ;
        if (control_move(&race->control, 0, round, CONTROL_QUEUED, CONTROL_RUNNING))
            atomic_fetch_add(&race->child_wins, 1);
        atomic_store(&race->rounds_done, round);
    }
    return 0;
}

static void test_exactly_one_side_wins_a_race(void **state)
{
    (void)state;
    struct race *race = support_share(sizeof *race);
    struct mp_process *child;
    assert_int_equal(mp_process_start(child_race, race, NULL, &child), 0);
    uint32_t parent_wins = 0;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        control_set(&race->control, 0, round, CONTROL_QUEUED);
        atomic_store(&race->round.value, round);
        for (uint32_t spin = 0; spin < round % 64; spin++)
            atomic_load(&race->rounds_done); /* vary who comes first */
        parent_wins += control_move(&race->control, 0, round, CONTROL_QUEUED, CONTROL_REVOKED);
        while (atomic_load(&race->rounds_done) < round)
            if (mp_process_exit_code(child) != MP_ALIVE && atomic_load(&race->rounds_done) < round)
                fail_msg("the child is gone");
        enum control_state end = control_state_of(&race->control, 0, round);
        assert_true(end == CONTROL_RUNNING || end == CONTROL_REVOKED);
    }
    assert_int_equal(parent_wins + race->child_wins, ROUNDS);
    assert_int_equal(mp_process_join(child, SUPPORT_LONG_MS), 0);
    assert_int_equal(mp_process_close(child), 0);
    support_unshare(race, sizeof *race);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_move_needs_the_state_it_moves_from),
        SUPPORT_TEST(test_an_old_assignment_cannot_move_a_slot_used_again),
        SUPPORT_TEST(test_slots_do_not_touch_each_other),
        SUPPORT_TEST(test_exactly_one_side_wins_a_race),
    };
    return cmocka_run_group_tests_name("mproc/control", tests, NULL, NULL);
}
