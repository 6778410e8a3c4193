/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fs-facts.h"

/*
 * The files that a process has open, as far as they can be read: its working directory, its root, its executable, and its
 * descriptors that have a path.
 *
 * The files are not opened and their file systems are not accessed, because a process chooses its files, and one of the file
 * systems may never answer. The list also contains unreadable files, with the reason.
 *
 * A process can have a million descriptors of a file whose path has 4 KiB, at no cost. Descriptors beyond the limits of the reader
 * are counted, but not read.
 *
 * Invariant: all entries of one answer belong to the process that had the pid when reading began.
 */

/* The numbers of OpenPathUse in proto/filesystem.proto. */
typedef enum
{
  FS_USE_WORKING_DIRECTORY = 1,
  FS_USE_ROOT = 2,
  FS_USE_EXECUTABLE = 3,
  FS_USE_DESCRIPTOR = 4,
} FsUse;

typedef struct
{
  FsUse use;
  guint32 descriptor;
  char *path; /* unescaped bytes; "" if it is unreadable */
  FsKind kind;
  guint64 inode;
  gboolean deleted;
  gboolean writable;
  const char *unreadable; /* the reason; NULL: it is readable */
} FsOpenPath;

typedef struct
{
  guint64 start_time; /* 0: unknown */
  GPtrArray *paths;   /* of FsOpenPath */
  guint others;       /* descriptors without a path */
  guint unreadable;   /* descriptors that could not be read, and are not in paths */
  guint left_out;     /* descriptors that were not read, because of the limits */
  gsize cost;         /* bytes that the paths need at least in an answer */
} FsProcess;

typedef struct
{
  gsize room;        /* bytes of an answer: the reader stops at the first path that does not fit */
  guint descriptors; /* number of descriptors that are read; reading one takes several microseconds */
} FsProcessLimits;

/* Bytes of a path in an answer, beside its text and its reason. */
#define FS_OPEN_PATH_COST 48u

#define FS_PROCESS_DESCRIPTORS 65536u

typedef enum
{
  FS_PROCESS_READ,
  FS_PROCESS_ABSENT,
  FS_PROCESS_UNSUPPORTED, /* on this system */
} FsProcessResult;

/* Clear @process in any case. */
FsProcessResult fs_process_read (guint32 pid, const FsProcessLimits *limits, FsProcess *process);
void fs_process_clear (FsProcess *process);
