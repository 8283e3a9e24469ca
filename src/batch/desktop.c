#include "batch/desktop.h"

#include "batch/cachename.h"
#include "batch/key.h"
#include "batch/pngtext.h"
#include "batch/uri.h"
#include "image/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Our own texts, of failures: what went wrong, and by which options. */
#define KEY_ERROR   "Thumb::X-Thumbpool::Error"
#define KEY_OPTIONS "Thumb::X-Thumbpool::Options"

enum {
    NUMBER_BYTES = 32,
    MESSAGE_BYTES = 300,
    TEXTS_MAX = 9, /* in one file */
};

/* What a file says of the picture that it shows. */
struct texts {
    char uri[URI_BYTES];
    char mtime[NUMBER_BYTES], size[NUMBER_BYTES], width[NUMBER_BYTES], height[NUMBER_BYTES];
    char mime[NUMBER_BYTES * 2];
    char error[MESSAGE_BYTES], options[NUMBER_BYTES];
    struct pngtext_head head; /* of its own pixels */
};

struct desktop {
    const struct plan *plan;
    const char *versions;
    int folder_fd;                         /* borrowed */
    char uri[URI_BYTES];                   /* of the picture that is looked at */
    struct texts texts;                    /* of the file that was read last */
    char names[IMAGE_SIZES_MAX][PATH_MAX]; /* of the outputs of the entry */
    struct buffer file;                    /* that was stamped last */
};

/* ---- Names ---------------------------------------------------------------------------------- */

static const char *const mime_types[IMAGE_KIND_COUNT] = {
    [IMAGE_KIND_JPEG] = "image/jpeg",    [IMAGE_KIND_PNG] = "image/png",
    [IMAGE_KIND_WEBP] = "image/webp",    [IMAGE_KIND_GIF] = "image/gif",
    [IMAGE_KIND_TIFF] = "image/tiff",    [IMAGE_KIND_HEIF] = "image/heif",
    [IMAGE_KIND_AVIF] = "image/avif",    [IMAGE_KIND_SVG] = "image/svg+xml",
    [IMAGE_KIND_PDF] = "application/pdf"};

static enum image_kind kind_of_mime(const char *mime)
{
    for (int kind = 0; kind < IMAGE_KIND_COUNT; kind++)
        if (mime_types[kind] && strcmp(mime_types[kind], mime) == 0)
            return (enum image_kind)kind;
    return IMAGE_KIND_UNKNOWN;
}

bool desktop_holds(const struct plan *plan, uint32_t input)
{
    char path[PATH_MAX];
    const char *cache = plan->options.output_real;
    size_t length = cache ? strlen(cache) : 0;
    return cache && plan_real(plan, input, path, sizeof path) &&
           strncmp(path, cache, length) == 0 && path[length] == '/';
}

/* The name of the file that remembers a failure. */
static int failure_name(const struct desktop *desktop, char *name, size_t size)
{
    char folder[100];
    int version = (int)strcspn(desktop->versions, " /");
    snprintf(folder, sizeof folder, "fail/thumbpool-%.*s", version, desktop->versions);
    return cachename_of(folder, desktop->uri, name, size);
}

int desktop_open(const struct plan *plan, int folder_fd, const char *versions, struct desktop **ret)
{
    struct desktop *desktop = calloc(1, sizeof *desktop);
    if (!desktop)
        return -ENOMEM;
    desktop->plan = plan;
    desktop->folder_fd = folder_fd;
    desktop->versions = versions;
    *ret = desktop;
    return 0;
}

void desktop_close(struct desktop *desktop)
{
    if (!desktop)
        return;
    buffer_done(&desktop->file);
    free(desktop);
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* Reads what the file `name` says of itself. Returns its size, or -errno. */
static int64_t texts_read(struct desktop *desktop, const char *name)
{
    struct texts *texts = &desktop->texts;
    struct pngtext_wanted wanted[] = {
        {"Thumb::URI", texts->uri, sizeof texts->uri},
        {"Thumb::MTime", texts->mtime, sizeof texts->mtime},
        {"Thumb::Size", texts->size, sizeof texts->size},
        {"Thumb::Mimetype", texts->mime, sizeof texts->mime},
        {"Thumb::Image::Width", texts->width, sizeof texts->width},
        {"Thumb::Image::Height", texts->height, sizeof texts->height},
        {KEY_ERROR, texts->error, sizeof texts->error},
        {KEY_OPTIONS, texts->options, sizeof texts->options},
    };
    struct stat found;
    int fd = desktop->folder_fd < 0
                 ? -1
                 : openat(desktop->folder_fd, name,
                          O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -ENOENT;
    int error = fstat(fd, &found) == 0 && S_ISREG(found.st_mode) ? 0 : -EPROTO;
    if (error == 0)
        error = pngtext_read(fd, wanted, sizeof wanted / sizeof *wanted, &texts->head);
    close(fd);
    return error < 0 ? error : (int64_t)found.st_size;
}

static bool is_number(const char *text, int64_t number)
{
    char digits[NUMBER_BYTES];
    snprintf(digits, sizeof digits, "%" PRId64, number);
    return strcmp(text, digits) == 0;
}

/* True when the file that was read shows the picture as it is now. */
static bool is_of(const struct desktop *desktop, const struct stat *input)
{
    const struct texts *texts = &desktop->texts;
    return strcmp(texts->uri, desktop->uri) == 0 &&
           is_number(texts->mtime, input->st_mtim.tv_sec) &&
           (texts->size[0] == '\0' || is_number(texts->size, input->st_size));
}

/* A number of pixels as a text tells it; 0 where it is none. */
static int pixels_of(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);
    return end != text && *end == '\0' && number > 0 && number <= INT_MAX ? (int)number : 0;
}

/* Takes what the texts say of the picture itself. */
static void entry_describe(const struct texts *texts, struct entry *entry)
{
    entry->kind = kind_of_mime(texts->mime);
    entry->width = pixels_of(texts->width);
    entry->height = pixels_of(texts->height);
    if (entry->height == 0)
        entry->width = 0; /* both or none */
}

/* True when all thumbnails are there and show the picture as it is. */
static bool thumbnails_are_there(struct desktop *desktop, uint32_t input, const struct stat *stat,
                                 struct entry *entry)
{
    entry->output_count = desktop->plan->options.spec->box_count;
    for (int i = 0; i < entry->output_count; i++) {
        char *name = desktop->names[i];
        if (plan_name(desktop->plan, input, i, name, PATH_MAX) < 0)
            return false;
        int64_t size = texts_read(desktop, name);
        if (size < 0 || !is_of(desktop, stat))
            return false;
        entry->outputs[i] = (struct run_output){name, desktop->texts.head.width,
                                                desktop->texts.head.height, (size_t)size};
        if (i == 0 || entry->width == 0)
            entry_describe(&desktop->texts, entry);
    }
    return true;
}

/* The options by which a picture fails or not, as text. */
static void options_put(const struct desktop *desktop, uint32_t input, char *text)
{
    uint64_t key = key_of(desktop->plan->options.spec, plan_format_of(desktop->plan, input),
                          desktop->versions);
    snprintf(text, NUMBER_BYTES, "%016" PRIx64, key);
}

/* True when nothing could be made of the picture as it is, by the same options. */
static bool failure_is_there(struct desktop *desktop, uint32_t input, const struct stat *stat,
                             struct entry *entry)
{
    char name[PATH_MAX], options[NUMBER_BYTES];
    char *text = desktop->texts.error;
    options_put(desktop, input, options);
    if (failure_name(desktop, name, sizeof name) < 0 || texts_read(desktop, name) < 0 ||
        !is_of(desktop, stat) || strcmp(desktop->texts.options, options) != 0)
        return false;
    char *message = strstr(text, ": ");
    if (!message)
        return false;
    *message = '\0';
    *entry = (struct entry){.failed = true, .message = message + 2};
    entry_describe(&desktop->texts, entry);
    for (int code = IMAGE_DAMAGED; code <= IMAGE_LIMIT; code++)
        if (strcmp(text, image_code_name((enum image_code)code)) == 0)
            entry->code = image_code_name((enum image_code)code);
    return entry->code != NULL;
}

enum upkeep desktop_judge(struct desktop *desktop, uint32_t number, int64_t max_bytes,
                          struct entry *ret)
{
    const struct scan_input *input = &desktop->plan->scan->inputs[number];
    struct stat found;
    *ret = (struct entry){0};
    if (input->error != 0 ||
        fstatat(AT_FDCWD, input->path, &found, input->linked ? 0 : AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(found.st_mode) || found.st_size > max_bytes ||
        plan_uri(desktop->plan, number, desktop->uri, sizeof desktop->uri) < 0)
        return UPKEEP_MAKE;
    if (thumbnails_are_there(desktop, number, &found, ret))
        return UPKEEP_CURRENT;
    return failure_is_there(desktop, number, &found, ret) ? UPKEEP_FAILED : UPKEEP_MAKE;
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* Puts the texts that every file has into texts[0..TEXTS_MAX), which point into `room`. Returns how
 * many there are. */
static int texts_make(const struct desktop *desktop, const struct run_record *record,
                      const struct stat *stat, struct texts *room, struct pngtext *texts)
{
    int count = 0;
    snprintf(room->mtime, NUMBER_BYTES, "%" PRId64, (int64_t)stat->st_mtim.tv_sec);
    snprintf(room->size, NUMBER_BYTES, "%" PRId64, (int64_t)stat->st_size);
    snprintf(room->width, NUMBER_BYTES, "%d", record->width);
    snprintf(room->height, NUMBER_BYTES, "%d", record->height);
    texts[count++] = (struct pngtext){"Thumb::URI", desktop->uri};
    texts[count++] = (struct pngtext){"Thumb::MTime", room->mtime};
    texts[count++] = (struct pngtext){"Thumb::Size", room->size};
    if (mime_types[record->kind])
        texts[count++] = (struct pngtext){"Thumb::Mimetype", mime_types[record->kind]};
    if (record->width > 0) {
        texts[count++] = (struct pngtext){"Thumb::Image::Width", room->width};
        texts[count++] = (struct pngtext){"Thumb::Image::Height", room->height};
    }
    texts[count++] = (struct pngtext){"Software", "thumbpool"};
    return count;
}

int desktop_stamp(struct desktop *desktop, uint32_t input, const struct run_record *record,
                  const struct stat *stat, const struct image_thumb *thumb,
                  const uint8_t **ret_bytes, size_t *ret_size)
{
    struct pngtext texts[TEXTS_MAX];
    int error = plan_uri(desktop->plan, input, desktop->uri, sizeof desktop->uri);
    if (error < 0)
        return error;
    int count = texts_make(desktop, record, stat, &desktop->texts, texts);
    desktop->file.size = 0;
    error = pngtext_insert(thumb->bytes, thumb->size_bytes, texts, count, &desktop->file);
    *ret_bytes = desktop->file.bytes;
    *ret_size = desktop->file.size;
    return error;
}

/* A picture of one pixel, which is not to be seen. */
static const uint8_t nothing[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44,
    0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x04, 0x00, 0x00, 0x00, 0xb5,
    0x1c, 0x0c, 0x02, 0x00, 0x00, 0x00, 0x0e, 0x49, 0x44, 0x41, 0x54, 0x78, 0x01, 0x01, 0x03,
    0x00, 0xfc, 0xff, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x01, 0xaa, 0x07, 0xe5, 0xfe, 0x00,
    0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

static void failure_remember(struct desktop *desktop, struct output *output, uint32_t input,
                             const char *name, const struct run_record *record,
                             const struct stat *stat)
{
    struct pngtext texts[TEXTS_MAX];
    enum output_written written;
    const struct output_guard nobody = {0};
    struct texts *room = &desktop->texts;
    int count = texts_make(desktop, record, stat, room, texts);
    snprintf(room->error, sizeof room->error, "%s: %s", record->code, record->message);
    options_put(desktop, input, room->options);
    texts[count++] = (struct pngtext){KEY_ERROR, room->error};
    texts[count++] = (struct pngtext){KEY_OPTIONS, room->options};
    desktop->file.size = 0;
    if (pngtext_insert(nothing, sizeof nothing, texts, count, &desktop->file) == 0)
        (void)output_write(output, name, desktop->file.bytes, desktop->file.size, nobody, false,
                           &written);
}

static void failure_forget(struct desktop *desktop, struct output *output, const char *name)
{
    struct stat found;
    if (fstatat(desktop->folder_fd, name, &found, AT_SYMLINK_NOFOLLOW) == 0)
        (void)output_remove(output, name, found.st_size);
}

void desktop_note(struct desktop *desktop, struct output *output, uint32_t input,
                  const struct run_record *record, const struct stat *stat)
{
    char name[PATH_MAX];
    if (plan_uri(desktop->plan, input, desktop->uri, sizeof desktop->uri) < 0 ||
        failure_name(desktop, name, sizeof name) < 0)
        return;
    if (record->status == RUN_FAILED)
        failure_remember(desktop, output, input, name, record, stat);
    else
        failure_forget(desktop, output, name);
}
