#include "batch/preview.h"

#include "batch/desktop.h"
#include "batch/manifest.h"
#include "batch/original.h"
#include "batch/prune.h"
#include "batch/upkeep.h"
#include "batch/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

struct previewing {
    const struct preview *preview;
    struct manifest *manifest; /* NULL: none */
    struct desktop *desktop;   /* instead of it, where outputs go to the desktop's cache; or NULL */
    int folder_fd;             /* the output folder, -1 none */
    struct run_counts *counts;
};

/* ---- Lines ---------------------------------------------------------------------------------- */

/* True for the control characters of ASCII, and for those that UTF-8 writes as C2 80 to C2 9F. */
static bool is_control(const unsigned char *text)
{
    return *text < 0x20 || *text == 0x7f || (*text == 0xc2 && text[1] < 0xa0);
}

static void name_put(FILE *file, const char *name)
{
    const unsigned char *text = (const unsigned char *)name;
    while (*text) {
        size_t length = utf8_length(text);
        if (*text == '\\' || *text == '\n' || *text == '\t')
            fprintf(file, "\\%c", *text == '\n' ? 'n' : *text == '\t' ? 't' : '\\');
        else if (length > 0 && !is_control(text))
            fwrite(text, 1, length, file);
        else
            for (size_t i = 0; i < (length ? length : 1); i++)
                fprintf(file, "\\%03o", text[i]);
        text += length ? length : 1;
    }
}

static void output_put(const struct preview *preview, const char *name)
{
    name_put(preview->file, preview->plan->options.output);
    fputc('/', preview->file);
    name_put(preview->file, name);
}

static void src_put(const struct preview *preview, const char *what, uint32_t input)
{
    fputs(what, preview->file);
    name_put(preview->file, preview->plan->scan->inputs[input].path);
}

static void make_put(const struct preview *preview, uint32_t input)
{
    src_put(preview, "make ", input);
    for (int i = 0; i < preview->plan->options.spec->box_count; i++) {
        char name[PATH_MAX];
        if (plan_name(preview->plan, input, i, name, sizeof name) < 0)
            continue;
        fputs(i == 0 ? " -> " : ", ", preview->file);
        output_put(preview, name);
    }
    fputc('\n', preview->file);
}

/* "fail " or "skip ", the input, and why. */
static void why_put(const struct preview *preview, const char *what, uint32_t input,
                    const char *why)
{
    src_put(preview, what, input);
    fputs(": ", preview->file);
    name_put(preview->file, why);
    fputc('\n', preview->file);
}

static void current_put(const struct preview *preview, uint32_t input)
{
    if (!preview->all)
        return;
    src_put(preview, "current ", input);
    fputc('\n', preview->file);
}

static void remove_put(void *user, const char *name)
{
    const struct preview *preview = user;
    fputs("remove ", preview->file);
    output_put(preview, name);
    fputc('\n', preview->file);
}

/* ---- Pictures ------------------------------------------------------------------------------- */

/* True when a file that was touched is what it was. */
static bool input_fits(const struct preview *preview, uint32_t number, const struct entry *entry)
{
    const struct scan_input *input = &preview->plan->scan->inputs[number];
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (input->linked ? 0 : O_NOFOLLOW);
    struct image_input image = {.fd = open(input->path, flags), .size_bytes = entry->size_bytes};
    if (image.fd < 0)
        return false;
    bool fits = image_fingerprint_fits(&image, &entry->fingerprint);
    close(image.fd);
    return fits;
}

static enum upkeep input_judge(const struct previewing *previewing, uint32_t input,
                               struct entry *ret)
{
    const struct preview *preview = previewing->preview;
    if (preview->force)
        return UPKEEP_MAKE;
    if (previewing->desktop)
        return desktop_judge(previewing->desktop, input, preview->max_bytes, ret);
    if (!previewing->manifest)
        return UPKEEP_MAKE;
    enum upkeep upkeep = upkeep_judge(previewing->manifest, preview->plan, previewing->folder_fd,
                                      input, preview->max_bytes, ret);
    if (upkeep != UPKEEP_COMPARE)
        return upkeep;
    if (!input_fits(preview, input, ret))
        return UPKEEP_MAKE;
    return ret->failed ? UPKEEP_FAILED : UPKEEP_CURRENT;
}

/* What is said of a picture that is to be made, and turns out to be none as soon as it is opened.
 */
static enum original_verdict input_open(const struct preview *preview, uint32_t number,
                                        struct image_fault *fault)
{
    struct original original = {.fd = -1};
    enum original_verdict verdict =
        original_open(&preview->plan->scan->inputs[number], preview->max_bytes, &original, fault);
    if (verdict == ORIGINAL_OPEN &&
        image_check_trust(original.kind, preview->plan->options.spec, fault) != 0)
        verdict = ORIGINAL_FAILED;
    original_close(&original);
    return verdict;
}

static void make_preview(const struct previewing *previewing, uint32_t number)
{
    struct image_fault fault;
    enum original_verdict verdict = input_open(previewing->preview, number, &fault);
    previewing->counts->made += verdict == ORIGINAL_OPEN;
    previewing->counts->skipped += verdict == ORIGINAL_SKIPPED;
    previewing->counts->failed += verdict == ORIGINAL_FAILED;
    if (verdict == ORIGINAL_OPEN)
        make_put(previewing->preview, number);
    else
        why_put(previewing->preview, verdict == ORIGINAL_SKIPPED ? "skip " : "fail ", number,
                fault.message);
}

static void input_preview(const struct previewing *previewing, uint32_t number)
{
    const struct preview *preview = previewing->preview;
    int error = preview->plan->scan->inputs[number].error;
    struct entry entry;
    if (previewing->desktop && desktop_holds(preview->plan, number)) {
        previewing->counts->skipped++;
        why_put(preview, "skip ", number, DESKTOP_HOLDS);
        return;
    }
    enum upkeep upkeep = error ? UPKEEP_FAILED : input_judge(previewing, number, &entry);
    previewing->counts->current += upkeep == UPKEEP_CURRENT;
    previewing->counts->failed += upkeep == UPKEEP_FAILED;
    if (upkeep == UPKEEP_MAKE)
        make_preview(previewing, number);
    else if (upkeep == UPKEEP_FAILED)
        why_put(preview, "fail ", number, error ? strerrordesc_np(error) : entry.message);
    else
        current_put(preview, number);
}

static void prune_preview(const struct previewing *previewing)
{
    struct prune prune = {.plan = previewing->preview->plan,
                          .manifest = previewing->manifest,
                          .tell = remove_put,
                          .user = (void *)previewing->preview};
    if (previewing->manifest && previewing->preview->prune)
        prune_run(&prune);
    prune_done(&prune);
}

int preview_write(const struct preview *preview, struct run_counts *ret, char ret_why[300])
{
    const struct plan *plan = preview->plan;
    struct previewing previewing = {.preview = preview, .counts = ret};
    int error = 0;
    *ret = (struct run_counts){0};
    ret_why[0] = '\0';
    previewing.folder_fd = open(plan->options.output, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (plan->options.layout == PLAN_FREEDESKTOP)
        error = desktop_open(plan, previewing.folder_fd, preview->versions ? preview->versions : "",
                             &previewing.desktop);
    else if (preview->versions)
        error = manifest_open(plan, previewing.folder_fd, preview->versions, &previewing.manifest);
    if (previewing.manifest && manifest_complaint(previewing.manifest))
        snprintf(ret_why, 300, "%s", manifest_complaint(previewing.manifest));
    for (size_t i = 0; i < plan->count && error == 0; i++)
        input_preview(&previewing, plan->order[i]);
    if (error == 0)
        prune_preview(&previewing);
    manifest_close(previewing.manifest);
    desktop_close(previewing.desktop);
    if (previewing.folder_fd >= 0)
        close(previewing.folder_fd);
    return error;
}
