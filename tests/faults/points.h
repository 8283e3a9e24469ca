/* Fault points: places in the program at which a test can make it fail, by the environment:
 *
 *     THUMBPOOL_FAULT=POINT:NTH:ACTION[,...]
 *
 * The NTH passage of the point, counted from 1 over all processes of the run, fails once; with NTH+
 * every one from there on. ACTION is what happens there: segv, abort, kill, stop, exit, hang (it
 * sleeps for ever), spin (it computes for ever), or an error that the call returns instead of being
 * made: eio, enospc, edquot, emfile, enomem, eintr, eagain, enoent, eopnotsupp.
 * THUMBPOOL_FAULT_TALLY names a file that gets two numbers for each fault of the list, 32 bits
 * each: how often its point was passed, and how often it failed there.
 *
 * The program itself has none of this. This file is included before all else in copies of the
 * sources that thumbpool-faults is built with, -DPOINTS_<file> tells in which. There the calls at
 * which something can go wrong are wrapped, as those of workers are by inject.h for tests of mproc
 * alone. */
#ifndef TESTS_FAULTS_POINTS_H
#define TESTS_FAULTS_POINTS_H

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Passes a point. Returns false; or true, with errno set, when the call is to fail. */
bool point_pass(const char *point);

/* Writes a frame, and passes "pre-frame" before, "mid-frame" when half of its header is written,
 * and "post-frame" behind. Returns 0, or -errno. */
int point_frame(int fd, struct iovec *iov, int count);

#define POINT(point, failed, call) (point_pass(point) ? (failed) : (call))

/* ---- In a worker, in the order in which it gets there ---------------------------------------- */

#ifdef POINTS_worker
#include "mproc/io.h"
#include "mproc/task.h"

#define calloc(...)       POINT("start", NULL, calloc(__VA_ARGS__))
#define recvmsg(...)      POINT("recv", -1, recvmsg(__VA_ARGS__)) /* the next jobs */
#define io_write_all(...) point_frame(__VA_ARGS__)
#define task_run(...)     ((void)point_pass("begin"), task_run(__VA_ARGS__), (void)point_pass("end"))
#endif

#ifdef POINTS_task
#include "batch/sandbox.h"
#include "image/thumbnail.h"
#define sandbox_enter(...) POINT("jail", -1, sandbox_enter(__VA_ARGS__))
/* Nothing of the picture has been read. */
#define image_thumbnail(...) ((void)point_pass("open"), image_thumbnail(__VA_ARGS__))
#endif

#ifdef POINTS_source
#define pread(...) POINT("read", -1, pread(__VA_ARGS__)) /* 128 KiB of the picture */
#endif

#ifdef POINTS_thumbnail
#include "image/jpeg.h"
#include "image/reduce.h"
/* Its header is known, and no row of it. */
#define reduce_init(...) POINT("decode", -1, reduce_init(__VA_ARGS__))
#define jpeg_encode(...) ((void)point_pass("encode"), jpeg_encode(__VA_ARGS__))
#endif

/* ---- In the parent; and "malloc", which points.c has ------------------------------------------
 */

#ifdef POINTS_process
#define fork()      POINT("fork", -1, fork())
#define waitid(...) POINT("reap", -1, waitid(__VA_ARGS__))
#endif

#ifdef POINTS_channel
#define sendmsg(...) POINT("dispatch", -1, sendmsg(__VA_ARGS__))
#endif

#ifdef POINTS_member
#define read(...) POINT("collect", -1, read(__VA_ARGS__))
#endif

#ifdef POINTS_original
#define open(...)  POINT("input-open", -1, open(__VA_ARGS__))
#define fstat(...) POINT("input-stat", -1, fstat(__VA_ARGS__))
#define pread(...) POINT("input-read", -1, pread(__VA_ARGS__))
#endif

#ifdef POINTS_output
/* What is opened: a file without a name, one with a temporary name, a folder or what is there. */
static inline const char *point_of_flags(int flags)
{
    return (flags & O_TMPFILE) == O_TMPFILE ? "create" : flags & O_CREAT ? "temporary" : "enter";
}

#define openat(at, name, flags, ...) \
    POINT(point_of_flags(flags), -1, openat(at, name, flags, ##__VA_ARGS__))
#define mkdirat(...)  POINT("folder", -1, mkdirat(__VA_ARGS__))
#define write(...)    POINT("write", -1, write(__VA_ARGS__))
#define linkat(...)   POINT("link", -1, linkat(__VA_ARGS__))
#define renameat(...) POINT("rename", -1, renameat(__VA_ARGS__))
#define close(...)    POINT("close", (close(__VA_ARGS__), -1), close(__VA_ARGS__))
#endif

#ifdef POINTS_durable
#define fsync(...)     POINT("flush", -1, fsync(__VA_ARGS__))
#define fdatasync(...) POINT("flush", -1, fdatasync(__VA_ARGS__))
#endif

#ifdef POINTS_manifest
#define write(...) POINT("manifest-write", -1, write(__VA_ARGS__))
#endif

#ifdef POINTS_ledger
#define openat(...)   POINT("manifest-open", -1, openat(__VA_ARGS__))
#define flock(...)    POINT("manifest-lock", -1, flock(__VA_ARGS__))
#define fclose(...)   POINT("manifest-close", EOF, fclose(__VA_ARGS__))
#define renameat(...) POINT("manifest-rename", -1, renameat(__VA_ARGS__))
#endif

#ifdef POINTS_parts
#define unlinkat(...) POINT("part-remove", -1, unlinkat(__VA_ARGS__))
#endif

#endif
