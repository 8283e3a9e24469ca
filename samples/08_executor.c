/* The tutorial's last program: blurred thumbnails of some photos on an executor of processes.
 * Usage: 08_executor PHOTO...      makes thumbs/ in the current folder */
#include <mproc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "photo.h"

static int create_thumbnail(struct mp_task *task, const void *name, size_t size)
{
    char to[4096], why[200];
    const char *slash = strrchr(name, '/');
    struct image_spec spec = image_spec_default(); /* with a blur of 2, as GaussianBlur() */
    spec.boxes[0] = (struct image_box){50, 50};
    snprintf(to, sizeof to, "thumbs/%s", slash ? slash + 1 : (const char *)name);
    if (photo_thumbnail(name, to, &spec, why) != 0)
        return mp_task_fail(task, 1, "%s", why);
    return mp_task_return(task, name, size);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: 08_executor PHOTO...\n");
        return 2;
    }
    struct mp_executor *executor;
    struct mp_future **futures = calloc((size_t)argc, sizeof *futures);
    struct timespec begin, end;
    int failed = 0;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    mkdir("thumbs", 0777);
    if (!futures || mp_executor_create(NULL, &executor) < 0)
        return 1;
    for (int i = 1; i < argc; i++)
        if (mp_executor_submit(executor, create_thumbnail, argv[i], strlen(argv[i]) + 1, NULL,
                               &futures[i]) < 0)
            return 1;
    for (int i = 1; i < argc; i++) {
        const void *name;
        size_t size;
        if (mp_future_result(futures[i], MP_FOREVER, &name, &size) == 0)
            printf("%s was processed\n", (const char *)name);
        else
            failed = printf("%s failed: %s\n", argv[i], mp_future_fault(futures[i])->message) > 0;
        mp_future_free(futures[i]);
    }
    mp_executor_shutdown(executor, MP_FINISH, MP_FOREVER);
    mp_executor_free(executor);
    free(futures);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("Total time taken: %.3f s\n",
           (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
    return failed;
}
