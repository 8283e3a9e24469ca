/* Files of every kind, with bits flipped, cut, and with pieces of themselves or of others in the
 * wrong place. Whatever comes, nothing crashes, no cut file is taken for a whole one, and every
 * thumbnail that is made is a file of the size that it tells.
 *
 * THUMBPOOL_MUTATIONS says how many files (500), THUMBPOOL_SEED where the random numbers begin (1);
 * ten thousand take some minutes in a sanitizer's build. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/geometry.h"
#include "image/module.h"
#include "support/guest.h"
#include "support/images.h"

enum { WIDTH = 120, HEIGHT = 90, FILES_MAX = 40, BOXES = 3 };

static const int boxes[BOXES] = {13, 50, 200}; /* JPEG shrinks by 8, 2 and 1 */

/* A whole file, and what it gives. */
struct original {
    const char *name;
    struct test_file file;
    size_t tail;                 /* bytes at its end that no pixel needs */
    struct pixels thumbs[BOXES]; /* of the whole file */
};

/* What became of the files. */
struct tally {
    int made, damaged, unsupported, limit, cuts, cuts_made;
};

struct fixture {
    struct image_module *module;
    struct original originals[FILES_MAX];
    int count;
    struct tally tally;
    uint64_t random;
};

static uint32_t draw(struct fixture *fixture, uint32_t below)
{
    fixture->random = fixture->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(fixture->random >> 33) % below;
}

static int make(const struct fixture *fixture, const struct test_file *file, int box,
                enum image_on_damage on_damage, struct image_result *ret, struct image_fault *fault)
{
    struct image_spec spec = image_spec_default();
    spec.boxes[0] = (struct image_box){box, box};
    spec.format = IMAGE_KIND_PNG;
    spec.max_pixels = 1 << 20; /* a flipped bit may tell of 65535 x 65535 */
    spec.on_damage = on_damage;
    return test_thumbnail(file->bytes, file->size, &spec, fixture->module, ret, fault);
}

/* The thumbnail as pixels; it must be what the result says and what the picture's size gives. */
static struct pixels thumb_of(const struct image_result *result, int box)
{
    struct image_spec spec = image_spec_default();
    struct geometry_result want =
        geometry_result(result->width, result->height, (struct image_box){box, box}, &spec);
    struct pixels p = test_decode(result->thumbs[0].bytes, result->thumbs[0].size_bytes);
    assert_int_equal(p.width, want.width);
    assert_int_equal(p.height, want.height);
    assert_int_equal(result->thumbs[0].width, want.width);
    assert_int_equal(result->thumbs[0].height, want.height);
    return p;
}

/* ---- the files ---- */

static void add(struct fixture *fixture, const char *name, struct test_file file, size_t tail)
{
    struct original *original = &fixture->originals[fixture->count];
    if (!file.bytes) /* this libvips does not write it */
        return;
    *original = (struct original){.name = name, .file = file, .tail = tail};
    for (int b = 0; b < BOXES; b++) {
        struct image_result result;
        struct image_fault fault;
        if (make(fixture, &file, boxes[b], IMAGE_DAMAGE_FAILS, &result, &fault))
            fail_msg("%s: %s", name, fault.message);
        original->thumbs[b] = thumb_of(&result, boxes[b]);
        image_result_done(&result);
    }
    fixture->count++;
}

static void add_native(struct fixture *fixture, const struct pixels *colour,
                       const struct pixels *alpha)
{
    for (int coding = TEST_BASELINE; coding <= TEST_SCANS; coding++) {
        struct test_jpeg how = {.coding = (enum test_coding)coding, .orientation = 6};
        add(fixture, "jpeg", test_jpeg(colour, how), 2);
        how.sample_x = how.sample_y = 2;
        how.restart = 2;
        add(fixture, "jpeg with restarts", test_jpeg(colour, how), 2);
    }
    add(fixture, "jpeg of inks", test_jpeg(colour, (struct test_jpeg){.colour = TEST_YCCK}), 2);
    for (int interlaced = 0; interlaced <= 1; interlaced++) {
        struct test_png how = {PNG_COLOR_TYPE_RGBA, 8, .interlaced = interlaced, .orientation = 3};
        add(fixture, "png", test_png(alpha, how), 50); /* libpng puts eXIf there once more */
        how.type = PNG_COLOR_TYPE_PALETTE;
        how.depth = 4;
        how.transparent = true;
        add(fixture, "png of a palette", test_png(colour, how), 50);
        how = (struct test_png){.type = PNG_COLOR_TYPE_RGB, .depth = 16, .interlaced = interlaced};
        add(fixture, "png of 16 bits", test_png(colour, how), 12);
    }
}

static void add_guests(struct fixture *fixture, const struct pixels *colour,
                       const struct pixels *alpha)
{
    static const struct {
        const char *suffix;
        size_t tail;
    } guests[] = {
        {".webp", 0},
        {".webp[lossless]", 0},
        {".webp[page_height=45]", 0},
        {".gif", 4},
        {".gif[interlace]", 4},
        {".tif", 1},
        {".tif[compression=lzw]", 1},
        {".tif[compression=deflate,tile,tile_width=64,tile_height=64]", 1},
        {".tif[compression=jpeg]", 1},
        {".avif", 0},
        {".heic", 0},
    };
    for (size_t i = 0; i < sizeof guests / sizeof *guests; i++)
        add(fixture, guests[i].suffix, test_guest_file(colour, guests[i].suffix), guests[i].tail);
    add(fixture, ".webp with alpha", test_guest_file(alpha, ".webp"), 0);
    add(fixture, ".webp with alpha, lossless", test_guest_file(alpha, ".webp[lossless]"), 0);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const char *seed = getenv("THUMBPOOL_SEED");
    char why[200];
    if (!fixture || image_module_load(VIPS_MODULE_FILE, &fixture->module, why, sizeof why) ||
        image_module_start(fixture->module, false))
        return -1;
    struct pixels colour = test_picture(WIDTH, HEIGHT, 4, false);
    struct pixels alpha = test_picture(WIDTH, HEIGHT, 4, true);
    fixture->random = seed ? strtoull(seed, NULL, 10) : 1;
    add_native(fixture, &colour, &alpha);
    add_guests(fixture, &colour, &alpha);
    pixels_done(&colour);
    pixels_done(&alpha);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < fixture->count; i++) {
        test_file_done(&fixture->originals[i].file);
        for (int b = 0; b < BOXES; b++)
            pixels_done(&fixture->originals[i].thumbs[b]);
    }
    image_module_free(fixture->module);
    free(fixture);
    return 0;
}

/* ---- the mutations ---- */

/* Bits, one to eight of them, in the first 200 bytes or anywhere. */
static void flip(struct fixture *fixture, struct test_file *file)
{
    size_t within = draw(fixture, 2) && file->size > 200 ? 200 : file->size;
    for (uint32_t flips = draw(fixture, 8) + 1; flips--;)
        file->bytes[draw(fixture, (uint32_t)within)] ^= (uint8_t)(1 << draw(fixture, 8));
}

/* A piece of another file over, or of this one in, or out of, this one. `file` has room for twice
 * its size. */
static void splice(struct fixture *fixture, struct test_file *file)
{
    const struct test_file *other =
        &fixture->originals[draw(fixture, (uint32_t)fixture->count)].file;
    size_t at = draw(fixture, (uint32_t)file->size), size = draw(fixture, 300) + 1;
    size_t from = draw(fixture, (uint32_t)other->size);
    if (size > file->size - at)
        size = file->size - at;
    if (draw(fixture, 3) == 0) {
        memmove(file->bytes + at, file->bytes + at + size, file->size - at - size);
        file->size -= size;
        return;
    }
    if (draw(fixture, 2)) {
        memmove(file->bytes + at + size, file->bytes + at, file->size - at);
        file->size += size;
    }
    if (size > other->size - from)
        size = other->size - from;
    memcpy(file->bytes + at, other->bytes + from, size);
}

static void count(struct tally *tally, int rc, const struct image_fault *fault)
{
    tally->made += rc == 0;
    tally->damaged += rc && fault->code == IMAGE_DAMAGED;
    tally->unsupported += rc && fault->code == IMAGE_UNSUPPORTED;
    tally->limit += rc && fault->code == IMAGE_LIMIT;
}

/* A cut file that was made as if it were whole. */
static void check_cut(struct fixture *fixture, const struct original *original, size_t size, int b,
                      const struct pixels *thumb)
{
    fixture->tally.cuts_made++;
    if (original->file.size - size > original->tail || test_psnr(thumb, &original->thumbs[b]) < 99)
        fail_msg("%s cut to %zu of %zu, into %d, is taken for whole", original->name, size,
                 original->file.size, boxes[b]);
}

/* Once more, with fresh memory that is filled with something else: what no decoder wrote would show
 * as a difference. (Not in a sanitizer's build, whose own allocator it is.) */
static void check_twin(struct fixture *fixture, const char *name, const struct test_file *file,
                       int b, enum image_on_damage on_damage, const struct pixels *thumb)
{
    struct image_result result;
    struct image_fault fault;
    mallopt(M_PERTURB, (int)draw(fixture, 255) + 1);
    int rc = make(fixture, file, boxes[b], on_damage, &result, &fault);
    mallopt(M_PERTURB, 0);
    assert_int_equal(rc, 0);
    struct pixels twin = thumb_of(&result, boxes[b]);
    if (test_psnr(&twin, thumb) < 99)
        fail_msg("a damaged %s gives something else each time", name);
    pixels_done(&twin);
    image_result_done(&result);
}

static void mutate(struct fixture *fixture)
{
    const struct original *original = &fixture->originals[draw(fixture, (uint32_t)fixture->count)];
    struct test_file file = {malloc(2 * original->file.size), original->file.size};
    memcpy(file.bytes, original->file.bytes, file.size);
    uint32_t way = draw(fixture, 4), b = draw(fixture, BOXES);
    if (way == 0)
        file.size = draw(fixture, (uint32_t)file.size);
    else if (way == 1)
        splice(fixture, &file);
    else
        flip(fixture, &file);
    fixture->tally.cuts += way == 0;
    for (int lenient = 0; lenient < 2; lenient++) {
        struct image_result result;
        struct image_fault fault = {.message = ""};
        enum image_on_damage on_damage = lenient ? IMAGE_DAMAGE_WARNS : IMAGE_DAMAGE_FAILS;
        int rc = make(fixture, &file, boxes[b], on_damage, &result, &fault);
        if (!lenient)
            count(&fixture->tally, rc, &fault);
        if (rc) {
            assert_true(fault.code != IMAGE_OK && fault.message[0] != '\0');
            continue;
        }
        struct pixels thumb = thumb_of(&result, boxes[b]);
        if (way == 0 && result.damage.code == IMAGE_OK)
            check_cut(fixture, original, file.size, (int)b, &thumb);
        if (draw(fixture, 4) == 0)
            check_twin(fixture, original->name, &file, (int)b, on_damage, &thumb);
        pixels_done(&thumb);
        image_result_done(&result);
    }
    test_file_done(&file);
}

static void test_mutated_files_do_no_harm(void **state)
{
    struct fixture *fixture = *state;
    const char *wanted = getenv("THUMBPOOL_MUTATIONS");
    int rounds = wanted ? atoi(wanted) : 500;
    for (int i = 0; i < rounds; i++)
        mutate(fixture);
    const struct tally *tally = &fixture->tally;
    print_message(
        "%d files of %d kinds: %d made, %d damaged, %d unsupported, %d over a limit; of %d"
        " that were cut %d made twice over, whole but for their end marks\n",
        rounds, fixture->count, tally->made, tally->damaged, tally->unsupported, tally->limit,
        tally->cuts, tally->cuts_made);
    assert_true(tally->damaged > rounds / 4);
    assert_true(tally->made > rounds / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mutated_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
