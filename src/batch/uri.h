/* Paths as file: URIs, letter for letter as desktops write them: a picture's thumbnail is found by
 * its URI, so another spelling of the same path would be another picture. */
#ifndef BATCH_URI_H
#define BATCH_URI_H

#include <limits.h>
#include <stddef.h>

/* "file://" and a path of which every byte is escaped, with its NUL. */
enum { URI_BYTES = 7 + 3 * PATH_MAX };

/* Puts the URI of an absolute path into uri[0..size). Bytes that URIs have another use for, and all
 * that is not ASCII, become %XX. Returns 0 or -ENAMETOOLONG.
 * Source: the set that GLib's g_filename_to_uri() leaves as it is. */
int uri_of_path(const char *path, char *uri, size_t size);

/* Puts the path of a folder, absolute, without ".", ".." and doubled slashes, into
 * ret[0..PATH_MAX): as the user reached it, through links and all, for that is how a file manager
 * gets there. path   any spelling; "" is the working folder real   the same folder without links,
 * for where ".." behind a link would make the short spelling another folder; NULL where there is
 * none Returns 0 or -ENAMETOOLONG. */
int uri_folder_path(const char *path, const char *real, char *ret);

#endif
