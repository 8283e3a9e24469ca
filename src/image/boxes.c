/* Boxes, and the filters that narrow ones are. */
#include "image/boxes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct box box_of(double sigma)
{
    double variance = sigma * sigma / BOXES;
    int radius = (int)floor((sqrt(12 * variance + 1) - 1) / 2);
    double length = 2 * radius + 1;
    double fraction = length * (radius * (radius + 1.0) - 3 * variance) /
                      (6 * (variance - (radius + 1.0) * (radius + 1.0)));
    double weight = 1 / (length + 2 * fraction);

    return (struct box){
        .radius = radius, .whole = (float)weight, .ends = (float)(weight * fraction)};
}

bool narrow_applies(double sigma)
{
    return sigma > 0 && box_of(sigma).radius <= NARROW_RADIUS;
}

static int clamp(int y, int rows)
{
    return y < 0 ? 0 : y < rows ? y : rows - 1;
}

/* The weights of the rows around row y. Every box repeats the edges anew, so what one would take
 * from beyond an edge is taken from the edge. */
static void fill_filter(const struct narrow *narrow, struct box box, int y, double *ret)
{
    double one[NARROW_TAPS] = {0}, two[NARROW_TAPS];
    int middle = narrow->reach, reach = box.radius + 1;

    one[middle] = 1;
    for (int pass = 0; pass < BOXES; pass++) {
        memset(two, 0, sizeof two);
        for (int i = middle - reach * pass; i <= middle + reach * pass; i++)
            for (int j = -reach; j <= reach; j++)
                two[clamp(y + i - middle + j, narrow->rows) - y + middle] +=
                    one[i] * (double)(abs(j) < reach ? box.whole : box.ends);
        memcpy(one, two, sizeof one);
    }
    memcpy(ret, one, sizeof one);
}

void narrow_init(struct narrow *narrow, double sigma, int rows)
{
    struct box box = box_of(sigma);
    int reach = BOXES * (box.radius + 1);

    *narrow = (struct narrow){.rows = rows, .reach = reach};
    for (int y = 0; y < reach && y < rows; y++) {
        fill_filter(narrow, box, y, narrow->filters[narrow_filter(narrow, y)]);
        fill_filter(narrow, box, rows - 1 - y,
                    narrow->filters[narrow_filter(narrow, rows - 1 - y)]);
    }
    if (rows > 2 * reach)
        fill_filter(narrow, box, reach, narrow->filters[reach]);
}
