/* libjpeg's errors: each of its codes is either the picture's fault, a limit of ours, or memory. */
#include "image/jpeg_error.h"

#include <stdbool.h>

void jpeg_error_escape(j_common_ptr cinfo)
{
    longjmp(((struct jpeg_error *)cinfo->err)->escape, 1);
}

void jpeg_error_quote(j_common_ptr cinfo, enum image_code code)
{
    char sentence[JMSG_LENGTH_MAX];

    cinfo->err->format_message(cinfo, sentence);
    image_fail(((struct jpeg_error *)cinfo->err)->fault, code, "%s", sentence);
}

static enum image_code code_of(int message)
{
    switch (message) {
#if JPEG_LIB_VERSION < 70 /* later ones always have it */
    case JERR_ARITH_NOTIMPL: return IMAGE_UNSUPPORTED;
#endif
    case JERR_OUT_OF_MEMORY: return IMAGE_MEMORY;
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW: return IMAGE_LIMIT;
    case JERR_BAD_J_COLORSPACE:
    case JERR_BAD_PRECISION:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_EMPTY_IMAGE: /* a height that only a DNL marker gives */
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED: return IMAGE_UNSUPPORTED;
    default: return IMAGE_DAMAGED;
    }
}

/* What frames and markers of codings that libjpeg has not are called, or NULL for others. Source:
 * ITU-T T.81, table B.1. */
static const char *coding_of(int marker)
{
    switch (marker) {
    case 0xc3:
    case 0xcb: return "lossless";
    case 0xc5:
    case 0xc6:
    case 0xc7:
    case 0xcd:
    case 0xce:
    case 0xcf:
    case 0xde: return "hierarchical";
    default: return NULL;
    }
}

void jpeg_error_exit(j_common_ptr cinfo)
{
    struct jpeg_error *error = (struct jpeg_error *)cinfo->err;
    int message = error->base.msg_code, parameter = error->base.msg_parm.i[0];
    bool of_marker = message == JERR_SOF_UNSUPPORTED || message == JERR_UNKNOWN_MARKER;
    const char *coding = of_marker ? coding_of(parameter) : NULL;

    if (message == JERR_BAD_PRECISION)
        image_fail(error->fault, IMAGE_UNSUPPORTED,
                   "a JPEG of %d bits a sample; only those of 8 are read", parameter);
    else if (coding)
        image_fail(error->fault, IMAGE_UNSUPPORTED, "a %s JPEG, which is not read", coding);
    else
        jpeg_error_quote(cinfo, code_of(error->base.msg_code));
    jpeg_error_escape(cinfo);
}

/* Never prints. What a warning means is the decoder's to say. */
static void say_nothing(j_common_ptr cinfo)
{
    (void)cinfo;
}

static void count_nothing(j_common_ptr cinfo, int level)
{
    (void)cinfo;
    (void)level;
}

struct jpeg_error_mgr *jpeg_error_init(struct jpeg_error *error, struct image_fault *fault)
{
    jpeg_std_error(&error->base);
    error->base.error_exit = jpeg_error_exit;
    error->base.output_message = say_nothing;
    error->base.emit_message = count_nothing;
    error->fault = fault;
    return &error->base;
}
