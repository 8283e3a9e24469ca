#include "batch/chart.h"

#include "batch/html.h"
#include "batch/text.h"

#include <math.h>

/* Shares of the font's size: how wide a character of the fonts in question is at most, on average
 * over a label of figures and small letters, and how far text reaches above and below its line. */
static const double character_em = 0.6, ascent_em = 0.8, descent_em = 0.25;

void chart_begin(struct chart *chart, FILE *file, double width, double height, const char *label)
{
    *chart = (struct chart){.file = file, .width = width, .height = height};
    fprintf(file, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", width, height);
    html_text(file, label);
    fputs("\">\n", file);
}

void chart_end(struct chart *chart)
{
    fputs("</svg>\n", chart->file);
}

static struct chart_box box_of(double x, double y, enum chart_anchor anchor, const char *text)
{
    double width = (double)text_columns(text) * character_em * CHART_FONT_PX;
    double left = anchor == CHART_LEFT ? x : anchor == CHART_MIDDLE ? x - width / 2 : x - width;
    return (struct chart_box){left, y - ascent_em * CHART_FONT_PX, left + width,
                              y + descent_em * CHART_FONT_PX};
}

bool chart_boxes_overlap(const struct chart_box *a, const struct chart_box *b)
{
    return a->left < b->right && b->left < a->right && a->top < b->bottom && b->top < a->bottom;
}

void chart_text(struct chart *chart, double x, double y, enum chart_anchor anchor,
                const char *class, const char *text)
{
    static const char *const anchors[] = {"start", "middle", "end"};
    if (chart->text_count == CHART_TEXTS_MAX)
        return;
    chart->texts[chart->text_count++] = box_of(x, y, anchor, text);
    fprintf(chart->file, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y,
            anchors[anchor], class);
    html_text(chart->file, text);
    fputs("</text>\n", chart->file);
}

bool chart_text_if_free(struct chart *chart, double x, double y, enum chart_anchor anchor,
                        const char *class, const char *text)
{
    struct chart_box box = box_of(x, y, anchor, text);
    for (int i = 0; i < chart->text_count; i++)
        if (chart_boxes_overlap(&box, &chart->texts[i]))
            return false;
    chart_text(chart, x, y, anchor, class, text);
    return true;
}

void chart_rect(struct chart *chart, double x, double y, double width, double height,
                const char *class)
{
    fprintf(chart->file,
            "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" class=\"%s\"/>\n", x, y,
            width < 0 ? 0 : width, height, class);
}

void chart_line(struct chart *chart, double x1, double y1, double x2, double y2, const char *class)
{
    fprintf(chart->file, "<line x1=\"%.2f\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\" class=\"%s\"/>\n",
            x1, y1, x2, y2, class);
}

void chart_dot(struct chart *chart, double x, double y, double radius, const char *class)
{
    fprintf(chart->file, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"%.1f\" class=\"%s\"/>\n", x, y,
            radius, class);
}

void chart_steps(struct chart *chart, double left, double right, double step, double bottom,
                 double height, const double *shares, int count, const char *class)
{
    int last = 0; /* tenths of a pixel */
    fprintf(chart->file, "<path class=\"%s\" d=\"M%.1f %.1f", class, left, bottom);
    for (int i = 0; i < count; i++) {
        int high = (int)lround(shares[i] * height * 10);
        if (high != last)
            fprintf(chart->file, "H%.1fV%.1f", fmin(left + i * step, right), bottom - high / 10.0);
        last = high;
    }
    fprintf(chart->file, "H%.1fV%.1fz\"/>\n", fmin(left + count * step, right), bottom);
}

/* Steps of 1, 2 or 5 times a power of ten, three to six of them. */
static double step_of(double seconds)
{
    double power = pow(10, floor(log10(seconds / 3)));
    double share = seconds / 3 / power;
    return power * (share >= 5 ? 5 : share >= 2 ? 2 : 1);
}

void chart_time_axis(struct chart *chart, double seconds, double left, double right, double y)
{
    double step = step_of(seconds), factor;
    const char *unit = text_unit(seconds, &factor);
    for (int i = 0; i * step <= seconds * 1.001; i++) {
        char text[40];
        double x = left + i * step * (right - left) / seconds;
        snprintf(text, sizeof text, i == 0 ? "%g %s" : "%g", i * step * factor, unit);
        chart_line(chart, x, y, x, y + 4, "axis");
        chart_text_if_free(chart, fmin(x, right - 6), y + 16, i == 0 ? CHART_LEFT : CHART_MIDDLE,
                           "muted", text);
    }
}
