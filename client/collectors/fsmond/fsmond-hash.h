/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-collector.h"

/*
 * The operation hash_file: a task with a HashQuery, whose result is a FileHash.
 *
 * Files are read in a limited number of threads; further tasks wait. A task reports progress, in bytes, even while it waits, and
 * ends soon after it was cancelled. Reading changes nothing, so the operation is idempotent. A thread whose file system does
 * not respond can't be stopped; the broker ends its task when a time limit has passed.
 *
 * Invariant: a file is opened only if its path is allowed.
 */

#define FSMOND_HASH_OPERATION "hash_file"

typedef struct
{
  /* TRUE: the file may be hashed. @path: in the form of fs_path_parse(). */
  gboolean (*allows) (const char *path, gpointer data);
  gpointer data;
  guint64 max_bytes; /* may be changed later */
} FsmondHashRules;

typedef struct FsmondHashes FsmondHashes;

/* @rules: borrowed. @max: number of files that are read at the same time. NULL with @error: the operation can't be added. */
FsmondHashes *fsmond_hashes_new (DeyeBusCollector *collector, const FsmondHashRules *rules, guint max, GError **error);
/* Cancels the threads and waits for them. */
void fsmond_hashes_free (FsmondHashes *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FsmondHashes, fsmond_hashes_free)
