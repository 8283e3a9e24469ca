#include "batch/date.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const long long LATEST = 253402300799; /* the end of the year 9999 */

bool date_find(const char *text, time_t *ret)
{
    *ret = time(NULL);
    if (!text || !*text)
        return true;
    errno = 0;
    long long seconds = strtoll(text, NULL, 10);
    if (text[strspn(text, "0123456789")] != '\0' || errno != 0 || seconds > LATEST)
        return false;
    *ret = (time_t)seconds;
    return true;
}

void date_text(time_t when, char ret[DATE_BYTES])
{
    struct tm parts;
    if (!gmtime_r(&when, &parts) || strftime(ret, DATE_BYTES, "%-d %B %Y, %H:%M UTC", &parts) == 0)
        ret[0] = '\0';
}
