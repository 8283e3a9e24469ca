/* JPEGs at one eighth, with bits flipped, cut, and with pieces and markers in the wrong place. Our
 * ways and libjpeg's read each of them, fine and coarse: what both call whole gives the same
 * pixels, and what we call whole is whole, but for scans of progressive files that were jumped
 * over.
 *
 * THUMBPOOL_MUTATIONS says how many files (3000), THUMBPOOL_SEED which number the first one has
 * (1): a file is made from its number alone. A million take some ten minutes in a release build.
 * The last line of the output is the tally. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jerror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/jpeg_dc.h"
#include "image/jpeg_progressive.h"
#include "support/eighth.h"
#include "support/mutant.h"

enum {
    ORIGINALS_MAX = 400,
    SCANS_MAX = 100,
    PIXELS_MAX = 1 << 18,    /* a flipped bit may tell of 65535 x 65535 */
    TAIL = 2,                /* bytes of an end marker, without which a baseline file is whole */
    THREE_STREAMS = 6 * 1024 /* bytes of a scan that are walked by three streams for sure */
};

enum way { FINE, COARSE, WAYS };

/* A whole file. */
struct original {
    char name[80];
    struct test_file file;
    bool progressive;
    struct mutant_scans scans;
    struct pixels pixels[WAYS]; /* of the whole file */
};

enum outcome {
    EQUAL,   /* whole for both */
    WILD,    /* the same, with terms that no encoder writes: pixels may differ */
    DAMAGED, /* for both */
    UNSEEN,  /* damaged for libjpeg alone, in a scan that was jumped over */
    REFUSED, /* damaged for us alone */
    UNUSUAL, /* left to libjpeg by its header */
    HEADER,  /* damaged before the first scan */
    OUTCOMES
};

/* Why we refuse what libjpeg takes, which then reads it from the start. */
enum reason {
    REASON_END,   /* it wants more than there is */
    REASON_STRAY, /* bytes between segments */
    REASON_DC,    /* whatever jpeg_dc_read() says */
    REASON_OTHER, /* a marker that is odd there, or a run of zeros beyond its band */
    REASONS
};

struct tally {
    uint64_t outcomes[2][WAYS][OUTCOMES]; /* of baseline and of progressive files */
    uint64_t reasons[2][REASONS];         /* of those refused in the fine way */
    uint64_t cuts, cuts_whole;
};

struct fixture {
    struct original originals[ORIGINALS_MAX];
    uint32_t count;
    uint64_t first, files; /* numbers */
    struct tally tally;
};

/* ---- whole files ---- */

struct look {
    int width, height, channels;
    int sample_x, sample_y, restart, quality;
    bool noise, optimised, progressive;
    bool apart; /* progressive: first terms a component at a time, and in three steps */
};

/* Noise uses every term of every block and the longest codes. */
static struct pixels paint(const struct look *look)
{
    struct pixels p = test_picture(look->width, look->height, look->channels, false);
    uint64_t random = 3;
    for (size_t i = 0; look->noise && i < p.stride * (size_t)p.height; i++)
        p.data[i] = (uint8_t)mutant_draw(&random, 256);
    return p;
}

static void choose_scans(struct jpeg_compress_struct *cinfo, const struct look *look)
{
    static const jpeg_scan_info apart[] = {
        {1, {0}, 0, 0, 0, 2},  {1, {2}, 0, 0, 0, 2},  {1, {1}, 0, 0, 0, 2},  {1, {1}, 1, 63, 0, 1},
        {1, {0}, 1, 5, 0, 0},  {1, {2}, 1, 20, 0, 0}, {1, {0}, 6, 63, 0, 2}, {1, {0}, 0, 0, 2, 1},
        {1, {1}, 0, 0, 2, 1},  {1, {2}, 0, 0, 2, 1},  {1, {0}, 0, 0, 1, 0},  {1, {1}, 0, 0, 1, 0},
        {1, {2}, 0, 0, 1, 0},  {1, {1}, 1, 63, 1, 0}, {1, {0}, 6, 63, 2, 1}, {1, {0}, 6, 63, 1, 0},
        {1, {2}, 21, 63, 0, 0}};
    if (look->apart && look->channels > 1) {
        cinfo->scan_info = apart;
        cinfo->num_scans = sizeof apart / sizeof *apart;
    } else if (look->progressive) {
        jpeg_simple_progression(cinfo);
    }
}

static struct test_file encode(const struct look *look)
{
    struct jpeg_compress_struct cinfo;
    struct jpeg_error_mgr error;
    struct pixels p = paint(look);
    struct test_file file = {0};
    unsigned long size = 0;
    cinfo.err = jpeg_std_error(&error);
    jpeg_create_compress(&cinfo);
    jpeg_mem_dest(&cinfo, &file.bytes, &size);
    cinfo.image_width = (JDIMENSION)p.width;
    cinfo.image_height = (JDIMENSION)p.height;
    cinfo.input_components = p.channels;
    cinfo.in_color_space = p.channels == 1 ? JCS_GRAYSCALE : JCS_EXT_RGBX;
    jpeg_set_defaults(&cinfo);
    jpeg_set_quality(&cinfo, look->quality, TRUE);
    cinfo.comp_info[0].h_samp_factor = look->sample_x;
    cinfo.comp_info[0].v_samp_factor = look->sample_y;
    cinfo.restart_interval = (unsigned)look->restart;
    cinfo.optimize_coding = look->optimised;
    choose_scans(&cinfo, look);
    jpeg_start_compress(&cinfo, TRUE);
    for (int y = 0; y < p.height; y++) {
        JSAMPROW row = p.data + (size_t)y * p.stride;
        jpeg_write_scanlines(&cinfo, &row, 1);
    }
    jpeg_finish_compress(&cinfo);
    jpeg_destroy_compress(&cinfo);
    pixels_done(&p);
    file.size = size;
    return file;
}

/* ---- our ways ---- */

struct ours {
    bool opened, tried, whole;
    bool ended; /* it wanted more than there is */
    enum jpeg_dc_result result;
    struct pixels pixels; /* when it is whole */
};

static void read_progressive(struct eighth *eighth, enum way way, struct reduce *sink,
                             struct ours *ret)
{
    struct jpeg_progressive *picture =
        jpeg_progressive_read(&eighth->cinfo, way == COARSE, SCANS_MAX);
    ret->whole = picture && !eighth->ended; /* the others are left to libjpeg */
    if (ret->whole)
        jpeg_progressive_write(picture, sink);
    jpeg_progressive_free(picture);
}

static bool is_small(const struct jpeg_decompress_struct *cinfo)
{
    return (uint64_t)cinfo->image_width * cinfo->image_height <= PIXELS_MAX;
}

static struct ours read_by_us(const struct test_file *file, enum way way)
{
    struct eighth eighth;
    struct ours ours = {.opened = eighth_open(&eighth, file) && is_small(&eighth.cinfo)};
    if (ours.opened) {
        bool progressive = jpeg_progressive_applies(&eighth.cinfo, way == COARSE);
        struct reduce sink = eighth_sink(&eighth, way == COARSE ? 2 : 1);
        ours.tried = progressive || jpeg_dc_applies(&eighth.cinfo, way == COARSE);
        if (progressive)
            read_progressive(&eighth, way, &sink, &ours);
        else if (ours.tried)
            ours.result = jpeg_dc_read(&eighth.cinfo, way == COARSE, &sink);
        ours.whole |= ours.tried && !progressive && ours.result == JPEG_DC_OK;
        ours.ended = eighth.ended;
        ours.pixels = eighth_take(&sink);
    }
    eighth_close(&eighth);
    return ours;
}

/* ---- libjpeg's ---- */

struct theirs {
    struct eighth eighth; /* first: libjpeg knows it */
    void (*note)(j_common_ptr, int);
    void (*give_up)(j_common_ptr);
    bool progressive, made, whole;
    bool stray;        /* bytes between segments */
    bool needed[WAYS]; /* damage, where this way of ours reads */
    bool doubled;      /* chroma of 2 x 2 samples a block */
    struct pixels pixels;
};

/* Damage in the scan under way. */
static void locate(struct theirs *theirs)
{
    const struct jpeg_decompress_struct *cinfo = &theirs->eighth.cinfo;
    bool doubled = cinfo->cur_comp_info[0] && cinfo->cur_comp_info[0]->DCT_scaled_size > 1;
    theirs->needed[FINE] |= cinfo->Ss == 0 || doubled;
    theirs->needed[COARSE] |= cinfo->Ss == 0;
}

static void hear(j_common_ptr cinfo, int level)
{
    struct theirs *theirs = cinfo->client_data;
    bool before = theirs->eighth.damaged;
    theirs->eighth.damaged = false;
    theirs->stray |= level < 0 && cinfo->err->msg_code == JWRN_EXTRANEOUS_DATA;
    theirs->note(cinfo, level);
    if (theirs->eighth.damaged)
        locate(theirs);
    theirs->eighth.damaged |= before;
}

/* Tables that are none, or missing, concern the scan that wants them. */
static void hear_last(j_common_ptr cinfo)
{
    struct theirs *theirs = cinfo->client_data;
    int code = cinfo->err->msg_code;
    if (code == JERR_BAD_HUFF_TABLE || code == JERR_NO_HUFF_TABLE)
        locate(theirs);
    else
        theirs->needed[FINE] = theirs->needed[COARSE] = true;
    theirs->give_up(cinfo);
}

static void read_by_libjpeg(struct theirs *theirs, const struct test_file *file)
{
    struct eighth *eighth = &theirs->eighth;
    *theirs = (struct theirs){0};
    assert_true(eighth_open(eighth, file));
    theirs->note = eighth->error.emit_message;
    theirs->give_up = eighth->error.error_exit;
    eighth->error.emit_message = hear;
    eighth->error.error_exit = hear_last;
    theirs->progressive = eighth->cinfo.progressive_mode;
    for (int c = 0; c < eighth->cinfo.num_components; c++)
        theirs->doubled |= eighth->cinfo.comp_info[c].DCT_scaled_size > 1;
    theirs->made = eighth_decode(eighth, 1, &theirs->pixels);
    theirs->whole = theirs->made && !eighth->damaged && !(theirs->progressive && eighth->ended);
}

static void theirs_done(struct theirs *theirs)
{
    pixels_done(&theirs->pixels);
    eighth_close(&theirs->eighth);
}

/* ---- claims ---- */

/* A file under test. */
struct subject {
    uint64_t number;
    const struct original *original;
    struct test_file file;
    bool cut; /* and nothing else */
};

#define fail_subject(subject, what)                                            \
    fail_msg("%s: %s, of %s; THUMBPOOL_SEED=%llu THUMBPOOL_MUTATIONS=1",       \
             way == FINE ? "fine" : "coarse", what, (subject)->original->name, \
             (unsigned long long)(subject)->number)

/* libjpeg's pixels as the coarse way hands them out. */
static struct pixels halve(const struct theirs *theirs)
{
    const struct pixels *p = &theirs->pixels;
    struct reduce sink = eighth_sink(&theirs->eighth, 2);
    for (int y = 0; y < p->height; y++) {
        memcpy(reduce_row(&sink), p->data + (size_t)y * p->stride,
               (size_t)(p->width * p->channels));
        reduce_commit(&sink);
    }
    return eighth_take(&sink);
}

/* Both have pixels, which must be equal; but the coarse way does with means of chroma. */
static enum outcome compare(const struct subject *subject, enum way way, const struct ours *ours,
                            const struct theirs *theirs)
{
    struct pixels halved = {0};
    if (way == COARSE && theirs->doubled)
        return EQUAL;
    if (way == COARSE)
        halved = halve(theirs);
    bool equal = test_pixels_equal(&ours->pixels, way == COARSE ? &halved : &theirs->pixels);
    pixels_done(&halved);
    if (equal)
        return EQUAL;
    if (eighth_is_tame(&subject->file))
        fail_subject(subject, "pixels differ");
    return WILD;
}

static enum outcome judge(const struct subject *subject, enum way way, const struct ours *ours,
                          const struct theirs *theirs)
{
    if (!ours->tried)
        return UNUSUAL;
    if (!ours->whole)
        return theirs->whole ? REFUSED : DAMAGED;
    if (theirs->whole)
        return compare(subject, way, ours, theirs);
    if (!theirs->progressive)
        fail_subject(subject, "a damaged baseline file is called whole");
    if (theirs->needed[way])
        fail_subject(subject, "damage that counts is not seen");
    if (theirs->made)
        compare(subject, way, ours, theirs);
    return UNSEEN;
}

/* Without its end marker alone a baseline file is whole still. */
static void check_cut(struct fixture *fixture, const struct subject *subject, enum way way,
                      const struct ours *ours)
{
    const struct original *original = subject->original;
    fixture->tally.cuts += way == FINE;
    if (!ours->whole)
        return;
    fixture->tally.cuts_whole += way == FINE;
    if (original->progressive || original->file.size - subject->file.size > TAIL ||
        !test_pixels_equal(&ours->pixels, &original->pixels[way]))
        fail_subject(subject, "a cut file is called whole");
}

static enum reason reason_of(const struct ours *ours, const struct theirs *theirs)
{
    if (ours->ended)
        return REASON_END;
    if (theirs->stray)
        return REASON_STRAY;
    return ours->result ? REASON_DC : REASON_OTHER;
}

static void check(struct fixture *fixture, const struct subject *subject)
{
    struct ours ours[WAYS] = {read_by_us(&subject->file, FINE), read_by_us(&subject->file, COARSE)};
    struct tally *tally = &fixture->tally;
    struct theirs theirs;
    if (!ours[FINE].opened) {
        tally->outcomes[subject->original->progressive][FINE][HEADER]++;
        return;
    }
    read_by_libjpeg(&theirs, &subject->file);
    for (enum way way = FINE; way < WAYS; way++) {
        enum outcome outcome = judge(subject, way, &ours[way], &theirs);
        tally->outcomes[theirs.progressive][way][outcome]++;
        if (outcome == REFUSED && way == FINE)
            tally->reasons[theirs.progressive][reason_of(&ours[way], &theirs)]++;
        if (subject->cut)
            check_cut(fixture, subject, way, &ours[way]);
        pixels_done(&ours[way].pixels);
    }
    theirs_done(&theirs);
}

/* Mostly small ones; those that three streams walk are the slowest. */
static const struct original *draw_original(const struct fixture *fixture, uint64_t *random)
{
    const struct original *original = &fixture->originals[mutant_draw(random, fixture->count)];
    while (original->pixels[FINE].width > 20 && mutant_draw(random, 8) > 0)
        original = &fixture->originals[mutant_draw(random, fixture->count)];
    return original;
}

/* A number makes a file: of an original, by mutations, in memory that ends where the file does. */
static void check_number(struct fixture *fixture, uint64_t number)
{
    uint64_t random = number * 0x9e3779b97f4a7c15u;
    struct subject subject = {.number = number};
    mutant_draw(&random, 1);
    subject.original = draw_original(fixture, &random);
    struct test_file file =
        mutant_make(&subject.original->file, &subject.original->scans, &random, &subject.cut);
    subject.file = (struct test_file){malloc(file.size), file.size};
    memcpy(subject.file.bytes, file.bytes, file.size);
    test_file_done(&file);
    check(fixture, &subject);
    test_file_done(&subject.file);
}

/* ---- the files ---- */

static void add(struct fixture *fixture, const struct look *look, const char *sampling)
{
    assert_true(fixture->count < ORIGINALS_MAX);
    struct original *original = &fixture->originals[fixture->count++];
    struct theirs theirs;
    original->file = encode(look);
    original->progressive = look->progressive;
    snprintf(original->name, sizeof original->name, "%s, %s, %d x %d, restart %d, %s",
             look->apart         ? "progressive in many scans"
             : look->progressive ? "progressive"
             : look->optimised   ? "baseline, optimised"
                                 : "baseline",
             sampling, look->width, look->height, look->restart, look->noise ? "noise" : "slopes");
    original->scans = mutant_scans(&original->file);
    read_by_libjpeg(&theirs, &original->file);
    for (enum way way = FINE; way < WAYS; way++) {
        struct subject subject = {0, original, original->file, false};
        struct ours ours = read_by_us(&original->file, way);
        if (judge(&subject, way, &ours, &theirs) != EQUAL)
            fail_subject(&subject, "an unchanged file is not whole");
        original->pixels[way] = ours.pixels;
    }
    theirs_done(&theirs);
    if (!look->progressive && look->width >= 400)
        assert_true(original->scans.spans[0].end - original->scans.spans[0].start > THREE_STREAMS);
}

/* Every sampling, and intervals between restart markers. */
static void add_samplings(struct fixture *fixture, struct look look)
{
    static const struct {
        const char *name;
        int channels, x, y;
    } samplings[] = {
        {"grey", 1, 1, 1},  {"4:4:4", 4, 1, 1}, {"4:2:2", 4, 2, 1},
        {"4:2:0", 4, 2, 2}, {"4:4:0", 4, 1, 2},
    };
    static const int restarts[] = {0, 1, 7}, qualities[] = {50, 75, 90, 97};
    for (size_t i = 0; i < sizeof samplings / sizeof *samplings; i++)
        for (size_t r = 0; r < sizeof restarts / sizeof *restarts; r++) {
            look.channels = samplings[i].channels;
            look.sample_x = samplings[i].x;
            look.sample_y = samplings[i].y;
            look.restart = restarts[r];
            look.quality = qualities[fixture->count % 4];
            add(fixture, &look, samplings[i].name);
        }
}

static void set_up(struct fixture *fixture)
{
    static const int sizes[][2] = {{48, 32}, {131, 97}, {400, 300}, {517, 389}};
    static const struct look codings[] = {
        {0}, {.optimised = true}, {.progressive = true}, {.progressive = true, .apart = true}};
    for (size_t size = 0; size < sizeof sizes / sizeof *sizes; size++)
        for (size_t c = 0; c < sizeof codings / sizeof *codings; c++) {
            struct look look = codings[c];
            look.width = sizes[size][0];
            look.height = sizes[size][1];
            look.noise = (size + c) % 2;
            add_samplings(fixture, look);
            look.noise = !look.noise;
            if (size < 2)
                add_samplings(fixture, look);
        }
}

static void tear_down(struct fixture *fixture)
{
    for (uint32_t i = 0; i < fixture->count; i++) {
        test_file_done(&fixture->originals[i].file);
        for (enum way way = FINE; way < WAYS; way++)
            pixels_done(&fixture->originals[i].pixels[way]);
    }
}

static uint64_t count_of(const struct tally *tally, enum outcome outcome)
{
    return tally->outcomes[0][FINE][outcome] + tally->outcomes[1][FINE][outcome];
}

static void test_mutated_files_are_whole_for_us_only_when_they_are(void **state)
{
    struct fixture *fixture = *state;
    set_up(fixture);
    for (uint64_t i = 0; i < fixture->files; i++)
        check_number(fixture, fixture->first + i);
    tear_down(fixture);
    if (fixture->files < 1000) /* one of them to be looked at */
        return;
    assert_true(count_of(&fixture->tally, EQUAL) > fixture->files / 10);
    assert_true(count_of(&fixture->tally, DAMAGED) > fixture->files / 4);
    assert_true(count_of(&fixture->tally, UNSEEN) > fixture->files / 200);
}

/* ---- the tally ---- */

static void print_outcomes(const struct tally *tally, bool progressive, enum way way)
{
    static const char *const names[OUTCOMES] = {[EQUAL] = "equal",
                                                [WILD] = "wild",
                                                [DAMAGED] = "damaged",
                                                [UNSEEN] = "unseen",
                                                [REFUSED] = "refused",
                                                [UNUSUAL] = "unusual",
                                                [HEADER] = "without a header"};
    printf("%s %s:", progressive ? "; progressive" : "; baseline", way == FINE ? "fine" : "coarse");
    for (int i = 0; i < OUTCOMES; i++)
        if (i != HEADER || way == FINE)
            printf("%s %llu %s", i ? "," : "",
                   (unsigned long long)tally->outcomes[progressive][way][i], names[i]);
}

static void print_reasons(const struct tally *tally, bool progressive)
{
    static const char *const names[REASONS] = {[REASON_END] = "want more than there is",
                                               [REASON_STRAY] = "have stray bytes",
                                               [REASON_DC] = "end the walk",
                                               [REASON_OTHER] = "are odd"};
    printf("; of %s refused", progressive ? "progressive" : "baseline");
    for (int i = 0; i < REASONS; i++)
        printf("%s %llu %s", i ? "," : "", (unsigned long long)tally->reasons[progressive][i],
               names[i]);
}

static void print_tally(const struct fixture *fixture)
{
    const struct tally *tally = &fixture->tally;
    printf("%llu files from %llu on, %llu of them cut, %llu of these whole but for the end marker",
           (unsigned long long)fixture->files, (unsigned long long)fixture->first,
           (unsigned long long)tally->cuts, (unsigned long long)tally->cuts_whole);
    for (int progressive = 0; progressive < 2; progressive++)
        for (enum way way = FINE; way < WAYS; way++)
            print_outcomes(tally, progressive, way);
    for (int progressive = 0; progressive < 2; progressive++)
        print_reasons(tally, progressive);
    printf("\n");
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

int main(void)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (!fixture)
        return 1;
    fixture->first = number_from("THUMBPOOL_SEED", 1);
    fixture->files = number_from("THUMBPOOL_MUTATIONS", 3000);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_mutated_files_are_whole_for_us_only_when_they_are, fixture),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    print_tally(fixture);
    free(fixture);
    return failed;
}
