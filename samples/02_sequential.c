/* Squares, then cubes, with a second of waiting each: one after the other.
 * Usage: 02_sequential [SECONDS] */
#include "tutorial.h"

static double pause_s; /* between the lines */

static void calc_square(const int *numbers, int count)
{
    for (int i = 0; i < count; i++) {
        sleep_s(pause_s);
        printf("square: %d\n", numbers[i] * numbers[i]);
    }
}

static void calc_cube(const int *numbers, int count)
{
    for (int i = 0; i < count; i++) {
        sleep_s(pause_s);
        printf("cube: %d\n", numbers[i] * numbers[i] * numbers[i]);
    }
}

int main(int argc, char **argv)
{
    static const int numbers[] = {2, 3, 8, 9};
    pause_s = argument(argc, argv, 1);
    double begin = now_s();
    calc_square(numbers, 4);
    calc_cube(numbers, 4);
    printf("Total time: %.3f s\n", now_s() - begin);
    return 0;
}
