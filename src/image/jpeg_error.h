/* How libjpeg's errors leave it: by longjmp to the function that entered it, with the fault
 * filled. That function owns this struct, or the struct around it, and keeps what it needs
 * afterwards nowhere else. */
#ifndef IMAGE_JPEG_ERROR_H
#define IMAGE_JPEG_ERROR_H

#include <setjmp.h>
#include <stdio.h> /* jpeglib.h wants FILE and size_t */

#include <jpeglib.h>

#include <jerror.h> /* its codes depend on how jpeglib.h was configured */

#include "image/fault.h"

struct jpeg_error {
    struct jpeg_error_mgr base; /* first: libjpeg holds a pointer to it */
    jmp_buf escape;             /* set by whoever calls libjpeg next */
    struct image_fault *fault;  /* borrowed */
};

/* Makes `error` the error manager of a compressor or decompressor: cinfo->err = its result. */
struct jpeg_error_mgr *jpeg_error_init(struct jpeg_error *error, struct image_fault *fault);

/* What libjpeg calls on an error that it cannot go on after: fills the fault and leaves. */
_Noreturn void jpeg_error_exit(j_common_ptr cinfo);

/* Leaves libjpeg. The fault is filled already. */
_Noreturn void jpeg_error_escape(j_common_ptr cinfo);

/* Fills the fault with libjpeg's own sentence for its latest message. */
void jpeg_error_quote(j_common_ptr cinfo, enum image_code code);

#endif
