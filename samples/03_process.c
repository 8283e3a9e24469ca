/* Squares and cubes again, each in a process of its own.
 * Usage: 03_process [SECONDS] */
#include "tutorial.h"

static const int numbers[] = {2, 3, 8, 9};
static double pause_s; /* between the lines; the children have it as the fork left it */

static int calc_square(void *arg)
{
    (void)arg;
    for (int i = 0; i < 4; i++) {
        sleep_s(pause_s);
        printf("square: %d\n", numbers[i] * numbers[i]);
    }
    return 0;
}

static int calc_cube(void *arg)
{
    (void)arg;
    for (int i = 0; i < 4; i++) {
        sleep_s(pause_s);
        printf("cube: %d\n", numbers[i] * numbers[i] * numbers[i]);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct mp_process *square, *cube;
    pause_s = argument(argc, argv, 1);
    double begin = now_s();
    must(mp_process_start(calc_square, NULL, NULL, &square));
    must(mp_process_start(calc_cube, NULL, NULL, &cube));
    int failed = process_end(square) | process_end(cube);
    printf("Total time: %.3f s\n", now_s() - begin);
    return failed;
}
