/* Segments: read byte by byte, because they are few. */
#include "image/jpeg_segment.h"

#include <string.h>

#include "image/jpeg_source.h"

enum { EXTRA_BITS_MAX = 13 /* of successive approximation */ };

static int take_two(struct jpeg_decompress_struct *cinfo)
{
    int high = jpeg_source_byte(cinfo);

    return high << 8 | jpeg_source_byte(cinfo);
}

/* Reads the next marker, which fill bytes may precede. Returns -1 when there is another byte. */
static int take_marker(struct jpeg_decompress_struct *cinfo)
{
    int byte = jpeg_source_byte(cinfo);

    if (byte != 0xff)
        return -1;
    while (byte == 0xff)
        byte = jpeg_source_byte(cinfo);
    return byte;
}

/* ---- tables ---- */

/* Reads one table of a segment that has `left` bytes left. Returns how many it took, or -1. */
static int table_take(struct jpeg_segments *segments, int left)
{
    struct jpeg_decompress_struct *cinfo = segments->cinfo;
    int number = jpeg_source_byte(cinfo), count = 0;

    if (left < 17 || (number & 15) >= NUM_HUFF_TBLS || number >> 4 > 1)
        return -1;
    JHUFF_TBL *table = number >> 4 ? &segments->ac[number & 15] : &segments->dc[number & 15];
    memset(table, 0, sizeof *table);
    for (int bits = 1; bits <= 16; bits++)
        count += table->bits[bits] = (UINT8)jpeg_source_byte(cinfo);
    if (count > 256 || count > left - 17)
        return -1;
    for (int i = 0; i < count; i++)
        table->huffval[i] = (UINT8)jpeg_source_byte(cinfo);
    return 17 + count;
}

static bool take_tables(struct jpeg_segments *segments)
{
    int left = take_two(segments->cinfo) - 2;

    while (left > 0) {
        int taken = table_take(segments, left);
        if (taken < 0)
            return false;
        left -= taken;
    }
    return left == 0;
}

static bool take_restart(struct jpeg_segments *segments)
{
    if (take_two(segments->cinfo) != 4)
        return false;
    segments->restart = take_two(segments->cinfo);
    return true;
}

static bool jump_segment(struct jpeg_segments *segments)
{
    int left = take_two(segments->cinfo) - 2;

    if (left > 0)
        segments->cinfo->src->skip_input_data(segments->cinfo, left);
    return left >= 0;
}

/* ---- scans ---- */

/* The rules for what a progressive scan may hold. Source: ITU-T T.81, section G.1.1.1. */
static bool scan_is_legal(const struct jpeg_scan *scan)
{
    bool terms = scan->first == 0
                     ? scan->last == 0
                     : scan->last >= scan->first && scan->last < DCTSIZE2 && scan->count == 1;

    return terms && scan->low <= EXTRA_BITS_MAX && (scan->high == 0 || scan->high == scan->low + 1);
}

static int component_find(const struct jpeg_decompress_struct *cinfo, int id)
{
    for (int c = 0; c < cinfo->num_components; c++)
        if (cinfo->comp_info[c].component_id == id)
            return c;
    return -1;
}

static bool take_component(struct jpeg_segments *segments, struct jpeg_scan *scan, int i)
{
    int c = component_find(segments->cinfo, jpeg_source_byte(segments->cinfo));
    int tables = jpeg_source_byte(segments->cinfo);

    for (int before = 0; before < i; before++)
        if (scan->components[before] == c)
            return false;
    scan->components[i] = c;
    scan->dc[i] = tables >> 4;
    scan->ac[i] = tables & 15;
    return c >= 0 && scan->dc[i] < NUM_HUFF_TBLS && scan->ac[i] < NUM_HUFF_TBLS;
}

static bool take_scan(struct jpeg_segments *segments, struct jpeg_scan *ret)
{
    struct jpeg_decompress_struct *cinfo = segments->cinfo;
    int length = take_two(cinfo);
    struct jpeg_scan scan = {.count = jpeg_source_byte(cinfo)};

    if (scan.count < 1 || scan.count > SCAN_COMPONENTS_MAX || length != 6 + 2 * scan.count)
        return false;
    for (int i = 0; i < scan.count; i++)
        if (!take_component(segments, &scan, i))
            return false;
    scan.first = jpeg_source_byte(cinfo);
    scan.last = jpeg_source_byte(cinfo);
    int approximation = jpeg_source_byte(cinfo);
    scan.high = approximation >> 4;
    scan.low = approximation & 15;
    *ret = scan;
    return scan_is_legal(ret);
}

/* ---- the way from scan to scan ---- */

static void tables_copy(JHUFF_TBL *const *from, JHUFF_TBL *to)
{
    for (int i = 0; i < NUM_HUFF_TBLS; i++)
        if (from[i])
            to[i] = *from[i];
}

bool jpeg_segments_init(struct jpeg_segments *segments, struct jpeg_decompress_struct *cinfo,
                        struct jpeg_scan *ret_first)
{
    struct jpeg_scan scan = {.count = cinfo->comps_in_scan,
                             .first = cinfo->Ss,
                             .last = cinfo->Se,
                             .high = cinfo->Ah,
                             .low = cinfo->Al};

    *segments = (struct jpeg_segments){.cinfo = cinfo, .restart = (int)cinfo->restart_interval};
    tables_copy(cinfo->dc_huff_tbl_ptrs, segments->dc);
    tables_copy(cinfo->ac_huff_tbl_ptrs, segments->ac);
    if (scan.count > SCAN_COMPONENTS_MAX)
        return false;
    for (int i = 0; i < scan.count; i++) {
        const jpeg_component_info *component = cinfo->cur_comp_info[i];
        scan.components[i] = component->component_index;
        scan.dc[i] = component->dc_tbl_no;
        scan.ac[i] = component->ac_tbl_no;
        if (scan.dc[i] >= NUM_HUFF_TBLS || scan.ac[i] >= NUM_HUFF_TBLS)
            return false;
    }
    *ret_first = scan;
    return scan_is_legal(ret_first);
}

int jpeg_segments_next(struct jpeg_segments *segments, int marker, struct jpeg_scan *ret)
{
    for (;; marker = take_marker(segments->cinfo)) {
        bool good = false;
        if (marker == JPEG_EOI)
            return 0;
        if (marker == 0xda)
            return take_scan(segments, ret) ? 1 : -1;
        if (marker == 0xc4)
            good = take_tables(segments);
        else if (marker == 0xdd)
            good = take_restart(segments);
        else if (marker == JPEG_COM || (marker >= JPEG_APP0 && marker <= JPEG_APP0 + 15))
            good = jump_segment(segments);
        if (!good)
            return -1;
    }
}

int jpeg_segments_jump(struct jpeg_segments *segments)
{
    struct jpeg_source_mgr *src = segments->cinfo->src;

    for (;;) {
        const JOCTET *stop = memchr(src->next_input_byte, 0xff, src->bytes_in_buffer);
        if (!stop) {
            src->bytes_in_buffer = 0;
            if (jpeg_source_byte(segments->cinfo) != 0xff)
                continue; /* the first of the source's next piece */
        } else {
            src->bytes_in_buffer -= (size_t)(stop + 1 - src->next_input_byte);
            src->next_input_byte = stop + 1;
        }
        int byte = 0xff;
        while (byte == 0xff)
            byte = jpeg_source_byte(segments->cinfo);
        if (byte != 0 && (byte < JPEG_RST0 || byte > JPEG_RST0 + 7))
            return byte;
    }
}

bool jpeg_segments_exceed(struct jpeg_decompress_struct *cinfo, int most)
{
    struct jpeg_segments segments;
    struct jpeg_scan scan;
    int scans = 1, more = jpeg_segments_init(&segments, cinfo, &scan);

    while (more == 1 && scans++ <= most)
        more = jpeg_segments_next(&segments, jpeg_segments_jump(&segments), &scan);
    return more == 1;
}
