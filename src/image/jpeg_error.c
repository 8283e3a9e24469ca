/* libjpeg's errors: each of its codes is either the picture's fault, a limit of ours, or memory. */
#include "image/jpeg_error.h"

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
    case JERR_OUT_OF_MEMORY: return IMAGE_MEMORY;
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW: return IMAGE_LIMIT;
    case JERR_ARITH_NOTIMPL:
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

void jpeg_error_exit(j_common_ptr cinfo)
{
    struct jpeg_error *error = (struct jpeg_error *)cinfo->err;

    if (error->base.msg_code == JERR_BAD_PRECISION)
        image_fail(error->fault, IMAGE_UNSUPPORTED,
                   "a JPEG of %d bits a sample; only those of 8 are read",
                   error->base.msg_parm.i[0]);
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
