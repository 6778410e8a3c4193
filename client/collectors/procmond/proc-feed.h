/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-message.h"

/*
 * The kernel's reports about processes, as long as they come: it opens the connector, waits for the kernel's confirmation, and
 * passes the messages on in their order.
 *
 * The kernel confirms nothing to a process in a PID namespace or a user namespace, so a feed without a confirmation fails after
 * a moment; messages that others have asked for, with numbers of another namespace, are not passed on.
 *
 * Reports are lost if the kernel's queue is full, because procmond does not run for some time. The feed reports that and
 * continues; then the owner compares with a full table of processes.
 *
 * Invariant: on_message() is called between on_open() and on_failed() only. After on_failed() nothing is called any more.
 */

typedef struct
{
  void (*on_open) (gpointer data); /* the kernel reports from now on */
  void (*on_message) (const ProcMessage *message, gpointer data);
  void (*on_overrun) (gpointer data); /* messages are missing */
  /* @reason: for people. No function frees the feed. */
  void (*on_failed) (const char *reason, gpointer data);
} ProcFeedHandler;

typedef struct
{
  guint64 messages;  /* about processes */
  guint64 overruns;  /* times that messages were lost */
  guint64 malformed; /* datagrams that can't be read */
} ProcFeedCounts;

#define PROC_FEED_CONFIRM_MS 1000u

typedef struct ProcFeed ProcFeed;

/* @queue_bytes: that the kernel may keep of reports. @handler, @data: live longer than the feed. NULL with @error: the kernel
 * does not report. */
ProcFeed *proc_feed_new (gsize queue_bytes, const ProcFeedHandler *handler, gpointer data, GError **error);
void proc_feed_free (ProcFeed *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcFeed, proc_feed_free)

gboolean proc_feed_is_open (const ProcFeed *self);
const ProcFeedCounts *proc_feed_get_counts (const ProcFeed *self);
/* Passes on what has come by now, at most a few thousand messages. */
void proc_feed_read (ProcFeed *self);
