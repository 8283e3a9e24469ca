#include "batch/original.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum original_verdict fail(struct image_fault *fault, enum image_code code,
                                  const char *message)
{
    image_fail(fault, code, "%s", message);
    return ORIGINAL_FAILED;
}

/* What was named has failed when it is not a file; what a walk met is only passed over. */
static enum original_verdict pass_over(const struct scan_input *input, struct image_fault *fault,
                                       const char *what)
{
    fail(fault, IMAGE_UNSUPPORTED, what);
    return input->named ? ORIGINAL_FAILED : ORIGINAL_SKIPPED;
}

static enum original_verdict open_failed(const struct scan_input *input, struct image_fault *fault,
                                         int error)
{
    if (error == ELOOP && !input->linked)
        return pass_over(input, fault, "a symbolic link, which a walk does not follow");
    if (error == ENXIO) /* a socket, or a device without its driver */
        return pass_over(input, fault, "not a regular file");
    return fail(fault, IMAGE_IO, strerrordesc_np(error));
}

/* Says how the file begins, so that a web page saved as .jpg is recognised at a glance. */
static enum original_verdict not_a_picture(struct image_fault *fault, const unsigned char *head,
                                           size_t size)
{
    char start[17] = "";
    size_t length = size < sizeof start - 1 ? size : sizeof start - 1;
    size_t printable = 0;
    while (printable < length && isprint(head[printable]) && head[printable] < 0x80)
        printable++;
    memcpy(start, head, printable);
    start[printable] = '\0';
    fault->code = IMAGE_UNSUPPORTED;
    if (printable >= 3)
        snprintf(fault->message, sizeof fault->message,
                 "not a picture that can be read here: it starts with \"%s\"", start);
    else
        snprintf(fault->message, sizeof fault->message,
                 "not a picture that can be read here: unknown first bytes");
    return ORIGINAL_FAILED;
}

static enum original_verdict original_check(const struct scan_input *input, off_t max_bytes,
                                            struct original *original, struct image_fault *fault)
{
    if (fstat(original->fd, &original->stat) != 0)
        return fail(fault, IMAGE_IO, strerrordesc_np(errno));
    if (!S_ISREG(original->stat.st_mode)) /* it has become something else meanwhile */
        return pass_over(input, fault, "not a regular file");
    if (original->stat.st_size == 0)
        return fail(fault, IMAGE_DAMAGED, "the file is empty");
    if (original->stat.st_size > max_bytes)
        return fail(fault, IMAGE_LIMIT, "the file is larger than one input may be (--max-bytes)");
    unsigned char head[IMAGE_KIND_HEAD_BYTES];
    ssize_t size = pread(original->fd, head, sizeof head, 0);
    if (size < 0)
        return fail(fault, IMAGE_IO, strerrordesc_np(errno));
    original->kind = image_kind_sniff(head, (size_t)size);
    if (original->kind == IMAGE_KIND_UNKNOWN)
        return not_a_picture(fault, head, (size_t)size);
    return ORIGINAL_OPEN;
}

/* Opening alone has effects on some things: a FIFO's writer wakes up, a tape rewinds. */
static enum original_verdict type_check(const struct scan_input *input, struct image_fault *fault)
{
    struct stat found;
    if (fstatat(AT_FDCWD, input->path, &found, input->linked ? 0 : AT_SYMLINK_NOFOLLOW) != 0)
        return open_failed(input, fault, errno);
    if (S_ISLNK(found.st_mode))
        return open_failed(input, fault, ELOOP);
    if (S_ISDIR(found.st_mode))
        return pass_over(input, fault, "a folder, not a picture");
    if (!S_ISREG(found.st_mode))
        return pass_over(input, fault, "not a regular file");
    return ORIGINAL_OPEN;
}

enum original_verdict original_open(const struct scan_input *input, off_t max_bytes,
                                    struct original *ret, struct image_fault *fault)
{
    struct original original = {.fd = -1};
    if (input->error != 0)
        return open_failed(input, fault, input->error);
    enum original_verdict verdict = type_check(input, fault);
    if (verdict != ORIGINAL_OPEN)
        return verdict;
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (input->linked ? 0 : O_NOFOLLOW);
    original.fd = open(input->path, flags);
    if (original.fd < 0)
        return open_failed(input, fault, errno);
    verdict = original_check(input, max_bytes, &original, fault);
    if (verdict == ORIGINAL_OPEN)
        *ret = original;
    else
        original_close(&original);
    return verdict;
}

int original_changed(const struct original *original)
{
    struct stat now;
    return fstat(original->fd, &now) != 0 || now.st_size != original->stat.st_size ||
           now.st_mtim.tv_sec != original->stat.st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != original->stat.st_mtim.tv_nsec;
}

void original_close(struct original *original)
{
    if (original->fd >= 0)
        close(original->fd);
    original->fd = -1;
}
