/* One picture's line, as the report and the manifest have it. */
#ifndef BATCH_RESULT_H
#define BATCH_RESULT_H

#include "batch/json.h"
#include "batch/observer.h"

/* Writes "type":"result" and all that a record says as members of an object that has been begun.
 * What it does not say is left out, and so are times where no worker had the picture. */
void result_write(struct json *json, const struct run_record *record);

/* The word for a status: made, current, failed or skipped. */
const char *result_status_name(enum run_status status);

#endif
