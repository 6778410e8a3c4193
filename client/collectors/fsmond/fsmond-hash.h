/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-collector.h"

/*
 * The operation hash_file: a task with a HashQuery, whose result is a FileHash.
 *
 * Files are read in threads, so many at once as is set; further tasks wait. A task reports progress, in bytes, also while it
 * waits, and ends soon after it was cancelled. Reading changes nothing, so the operation is idempotent. A thread whose file system
 * does not answer can't be ended; its task runs into the limits of the broker.
 *
 * Invariant: a file is opened only if its path is allowed.
 */

#define FSMOND_HASH_OPERATION "hash_file"

typedef struct
{
  /* May the file be hashed? @path: in the form of fs_path_parse(). */
  gboolean (*allows) (const char *path, gpointer data);
  gpointer data;
  guint64 max_bytes; /* may be set again */
} FsmondHashRules;

typedef struct FsmondHashes FsmondHashes;

/* @rules: borrowed. @max: files at once. NULL with @error: the operation can't be added. */
FsmondHashes *fsmond_hashes_new (DeyeBusCollector *collector, const FsmondHashRules *rules, guint max, GError **error);
/* Waits for the threads, which are cancelled. */
void fsmond_hashes_free (FsmondHashes *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FsmondHashes, fsmond_hashes_free)
