/* The scans of a progressive file give, to the bit, what libjpeg gives at one eighth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "image/jpeg_progressive.h"
#include "support/eighth.h"

enum { SCANS_MAX = 100 };

/* ---- scan scripts ---- */

/* A legal order of scans, chosen at random: how the terms are split, and in how many steps their
 * bits come. */
struct script {
    jpeg_scan_info scans[SCANS_MAX];
    int count;
};

static void add(struct script *script, int component, int first, int last, int high, int low)
{
    jpeg_scan_info *scan = &script->scans[script->count++];
    *scan = (jpeg_scan_info){.comps_in_scan = 1, .Ss = first, .Se = last, .Ah = high, .Al = low};
    scan->component_index[0] = component;
}

static void add_first_terms(struct script *script, int components, int high, int low)
{
    jpeg_scan_info *scan = &script->scans[script->count];
    if (rand() % 2) {
        for (int c = components; c-- > 0;)
            add(script, c, 0, 0, high, low);
        return;
    }
    add(script, 0, 0, 0, high, low);
    scan->comps_in_scan = components;
    for (int c = 0; c < components; c++)
        scan->component_index[c] = c;
}

static struct script random_script(int components)
{
    struct script script = {.count = 0};
    int low = rand() % 3;
    add_first_terms(&script, components, 0, low);
    for (int c = 0; c < components; c++)
        for (int first = 1; first < 64;) {
            int last = rand() % 3 ? first + rand() % (64 - first) : 63;
            int bits = rand() % 3;
            add(&script, c, first, last, 0, bits);
            for (; bits > 0; bits--)
                add(&script, c, first, last, bits, bits - 1);
            first = last + 1;
        }
    for (; low > 0; low--)
        add_first_terms(&script, components, low, low - 1);
    return script;
}

static struct test_file encode(const struct pixels *p, int sample_x, int sample_y, int restart,
                               const struct script *script)
{
    struct jpeg_compress_struct cinfo;
    struct jpeg_error_mgr error;
    struct test_file file = {0};
    unsigned long size = 0;
    cinfo.err = jpeg_std_error(&error);
    jpeg_create_compress(&cinfo);
    jpeg_mem_dest(&cinfo, &file.bytes, &size);
    cinfo.image_width = (JDIMENSION)p->width;
    cinfo.image_height = (JDIMENSION)p->height;
    cinfo.input_components = p->channels;
    cinfo.in_color_space = p->channels == 1 ? JCS_GRAYSCALE : JCS_EXT_RGBX;
    jpeg_set_defaults(&cinfo);
    jpeg_set_quality(&cinfo, 50 + rand() % 50, TRUE);
    cinfo.comp_info[0].h_samp_factor = sample_x;
    cinfo.comp_info[0].v_samp_factor = sample_y;
    cinfo.restart_interval = (unsigned)restart;
    cinfo.scan_info = script->scans;
    cinfo.num_scans = script->count;
    jpeg_start_compress(&cinfo, TRUE);
    for (int y = 0; y < p->height; y++) {
        JSAMPROW row = p->data + (size_t)y * p->stride;
        jpeg_write_scanlines(&cinfo, &row, 1);
    }
    jpeg_finish_compress(&cinfo);
    jpeg_destroy_compress(&cinfo);
    file.size = size;
    return file;
}

/* ---- reading ---- */

/* Returns whether it was taken for whole. */
static bool read_by_us(const struct test_file *file, bool coarse, int factor, struct pixels *ret)
{
    struct eighth eighth;
    struct jpeg_progressive *picture = NULL;
    *ret = (struct pixels){0};
    if (eighth_open(&eighth, file) && jpeg_progressive_applies(&eighth.cinfo, coarse))
        picture = jpeg_progressive_read(&eighth.cinfo, coarse, SCANS_MAX);
    bool whole = picture && !eighth.ended;
    if (whole) {
        struct reduce sink = eighth_sink(&eighth, factor);
        jpeg_progressive_write(picture, &sink);
        *ret = eighth_take(&sink);
    }
    jpeg_progressive_free(picture);
    eighth_close(&eighth);
    return whole;
}

/* The same by libjpeg; `ret_damaged` is whether it warned. Returns false when it gave up. */
static bool read_by_libjpeg(const struct test_file *file, int factor, struct pixels *ret,
                            bool *ret_damaged)
{
    struct eighth eighth;
    *ret = (struct pixels){0};
    bool good = eighth_open(&eighth, file) && eighth_decode(&eighth, factor, ret);
    *ret_damaged = !good || eighth.damaged;
    eighth_close(&eighth);
    return good;
}

static struct pixels noise(int width, int height, int channels)
{
    struct pixels p = test_picture(width, height, channels, false);
    for (size_t i = 0; i < p.stride * (size_t)height; i++)
        p.data[i] = (uint8_t)rand();
    return p;
}

static void check(const struct test_file *file, const char *what)
{
    struct pixels ours, theirs;
    bool damaged;
    assert_true(read_by_libjpeg(file, 1, &theirs, &damaged));
    if (!read_by_us(file, false, 1, &ours))
        fail_msg("%s is not taken for whole", what);
    if (test_psnr(&ours, &theirs) < 99)
        fail_msg("%s: %.1f dB", what, test_psnr(&ours, &theirs));
    pixels_done(&ours);
    pixels_done(&theirs);
}

/* ---- claims ---- */

static void test_jpeg_progressive_is_libjpeg_at_an_eighth(void **state)
{
    (void)state;
    const int samplings[][2] = {{1, 1}, {2, 1}, {1, 2}, {2, 2}, {4, 1}, {4, 2}};
    srand(5);
    for (int i = 0; i < 240; i++) {
        int channels = i % 5 ? 4 : 1;
        int width = 1 + rand() % 200, height = 1 + rand() % 200;
        const int *sampling = samplings[rand() % 6];
        int restart = rand() % 3 ? 0 : 1 + rand() % 9;
        struct script script = random_script(channels == 1 ? 1 : 3);
        struct pixels p =
            i % 2 ? noise(width, height, channels) : test_picture(width, height, channels, false);
        struct test_file file = encode(&p, sampling[0], sampling[1], restart, &script);
        char what[100];
        snprintf(what, sizeof what, "%d: %d x %d, %d channels, sampling %d x %d, restart %d", i,
                 width, height, channels, sampling[0], sampling[1], restart);
        check(&file, what);
        test_file_done(&file);
        pixels_done(&p);
    }
}

static void test_jpeg_progressive_does_with_means_of_chroma_where_the_sink_halves(void **state)
{
    (void)state;
    bool damaged;
    struct pixels p = test_picture(640, 480, 4, false), ours, theirs;
    struct test_file file =
        test_jpeg(&p, (struct test_jpeg){.coding = TEST_PROGRESSIVE, .sample_x = 2, .sample_y = 2});
    assert_true(read_by_libjpeg(&file, 2, &theirs, &damaged));
    assert_true(read_by_us(&file, true, 2, &ours));
    assert_true(test_psnr(&ours, &theirs) > 45);
    pixels_done(&ours);
    pixels_done(&theirs);
    pixels_done(&p);
    test_file_done(&file);
}

/* A file that is cut anywhere lacks its end marker at least, which leaves the verdict to libjpeg.
 */
static void test_jpeg_progressive_takes_no_cut_file_for_whole(void **state)
{
    (void)state;
    struct pixels p = test_picture(150, 110, 4, false), ours;
    struct test_file file =
        test_jpeg(&p, (struct test_jpeg){.coding = TEST_PROGRESSIVE, .sample_x = 2, .sample_y = 2});
    for (size_t size = 2; size < file.size; size++) {
        struct test_file cut = {file.bytes, size};
        if (read_by_us(&cut, false, 1, &ours))
            fail_msg("%zu of %zu bytes are taken for whole", size, file.size);
    }
    test_file_done(&file);
    pixels_done(&p);
}

/* Scans are left out that hold what is needed, with an end marker behind what there is. */
static void test_jpeg_progressive_wants_all_first_terms(void **state)
{
    (void)state;
    struct pixels p = test_picture(150, 110, 4, false), ours;
    struct test_file file = test_jpeg(&p, (struct test_jpeg){.coding = TEST_PROGRESSIVE});
    size_t last = file.size;
    for (size_t i = 0; i + 1 < file.size; i++) /* the last scan refines Y; that before, Cb; … */
        if (file.bytes[i] == 0xff && file.bytes[i + 1] == 0xda && file.bytes[i + 4] == 3)
            last = i; /* of all three components at once: the refinement of the first terms */
    assert_true(last < file.size - 2);
    file.bytes[last] = 0xff;
    file.bytes[last + 1] = JPEG_EOI;
    assert_false(read_by_us(&file, false, 1, &ours));
    test_file_done(&file);
    pixels_done(&p);
}

/* Damage goes unseen in scans that are jumped over, and only there: libjpeg, which goes on behind
 * its warnings, then still gives the same pixels. */
static void test_jpeg_progressive_agrees_with_libjpeg_on_changed_files(void **state)
{
    (void)state;
    int whole = 0, unseen = 0;
    struct pixels p = test_picture(150, 110, 4, false);
    srand(9);
    for (int round = 0; round < 3000; round++) {
        struct script script = random_script(3);
        struct test_file file = encode(&p, 2, 2, round % 4 ? 0 : 5, &script);
        struct pixels ours, theirs = {0};
        bool damaged;
        for (int flips = 1 + rand() % 3; flips > 0; flips--)
            file.bytes[20 + (size_t)rand() % (file.size - 20)] ^= (uint8_t)(1 << rand() % 8);
        if (read_by_us(&file, false, 1, &ours)) {
            bool decoded = read_by_libjpeg(&file, 1, &theirs, &damaged);
            if (decoded && test_psnr(&ours, &theirs) < 99)
                fail_msg("round %d: %.1f dB", round, test_psnr(&ours, &theirs));
            whole += !damaged;
            unseen += damaged;
        }
        pixels_done(&ours);
        pixels_done(&theirs);
        test_file_done(&file);
    }
    print_message("%d of 3000 changed files are whole for both, %d for us alone\n", whole, unseen);
    assert_true(whole > 100);
    pixels_done(&p);
}

/* A first bit of a term, 2^16, of which 16 bits are zero; then a scan that adds a bit to what is
 * not zero. */
static void test_jpeg_progressive_term_beyond_16_bits_is_zero(void **state)
{
    (void)state;
    static const uint8_t start[] = {0xff, 0xd8, 0xff, 0xdb, 0, 67, 0};
    static const uint8_t rest[] = {
        0xff, 0xc2, 0x00, 0x11, 0x08, 0x00, 0x10, 0x00, 0x10, 0x03, 0x01, 0x22, 0x00, 0x02, 0x11,
        0x00, 0x03, 0x11, 0x00, 0xff, 0xc4, 0x00, 0x14, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xc4, 0x00, 0x15,
        0x10, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x04, 0xff, 0xda, 0x00, 0x0c, 0x03, 0x01, 0x00, 0x02, 0x00, 0x03, 0x00,
        0x00, 0x00, 0x00, 0x03, 0xff, 0xda, 0x00, 0x08, 0x01, 0x02, 0x00, 0x01, 0x01, 0x0d, 0xa3,
        0xff, 0xda, 0x00, 0x08, 0x01, 0x02, 0x00, 0x01, 0x01, 0xdc, 0x7f, 0xff, 0xd9};
    uint8_t bytes[sizeof start + 64 + sizeof rest];
    memcpy(bytes, start, sizeof start);
    memset(bytes + sizeof start, 1, 64); /* quanta */
    memcpy(bytes + sizeof start + 64, rest, sizeof rest);
    check(&(struct test_file){bytes, sizeof bytes}, "a term of 2^16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jpeg_progressive_is_libjpeg_at_an_eighth),
        cmocka_unit_test(test_jpeg_progressive_does_with_means_of_chroma_where_the_sink_halves),
        cmocka_unit_test(test_jpeg_progressive_takes_no_cut_file_for_whole),
        cmocka_unit_test(test_jpeg_progressive_wants_all_first_terms),
        cmocka_unit_test(test_jpeg_progressive_agrees_with_libjpeg_on_changed_files),
        cmocka_unit_test(test_jpeg_progressive_term_beyond_16_bits_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
