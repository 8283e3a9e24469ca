/* A queue: first in, first out.
 * Usage: 04_queue */
#include <string.h>

#include "tutorial.h"

int main(void)
{
    static const char *const colours[] = {"red", "green", "blue", "black"};
    struct mp_queue *queue;
    char colour[16];
    size_t size;
    must(mp_queue_create(4, sizeof colour, &queue));
    printf("pushing items to queue:\n");
    for (int i = 0; i < 4; i++) {
        printf("item no: %d %s\n", i + 1, colours[i]);
        must(mp_queue_put(queue, colours[i], strlen(colours[i]) + 1, MP_FOREVER));
    }
    printf("\npopping items from queue:\n");
    for (int i = 0; !mp_queue_empty(queue); i++) {
        must(mp_queue_get(queue, colour, sizeof colour, MP_FOREVER, &size));
        printf("item no: %d %s\n", i, colour);
    }
    mp_queue_free(queue);
    return 0;
}
