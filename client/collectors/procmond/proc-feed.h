/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-message.h"

/*
 * The feed of the kernel's reports about processes: it opens the connector, waits for the kernel's confirmation, and passes on the
 * messages in their order.
 *
 * The kernel sends no confirmation to a process in a PID namespace or a user namespace, so a feed without a confirmation fails
 * after a moment. Before the confirmation no messages are passed on: other programs may have requested them, and their process
 * numbers may belong to another namespace.
 *
 * Reports are lost if the kernel's queue is full because procmond did not run for some time. The feed reports that and
 * continues; then the owner compares its state with a full table of processes.
 *
 * Invariant: on_message() and on_pause() are called only between on_open() and on_failed(). No function is called after
 * on_failed().
 */

typedef struct
{
  void (*on_open) (gpointer data); /* the kernel reports from now on */
  void (*on_message) (const ProcMessage *message, gpointer data);
  /* No further message waits, or several thousand were passed on since the last pause. */
  void (*on_pause) (gpointer data);
  void (*on_overrun) (gpointer data); /* messages were lost */
  /* @reason: for people. The callbacks must not free the feed. */
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

/* @queue_bytes: size of the kernel's queue of reports. @handler and @data must exist longer than the feed. NULL with @error: the
 * kernel does not report. */
ProcFeed *proc_feed_new (gsize queue_bytes, const ProcFeedHandler *handler, gpointer data, GError **error);
void proc_feed_free (ProcFeed *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcFeed, proc_feed_free)

gboolean proc_feed_is_open (const ProcFeed *self);
const ProcFeedCounts *proc_feed_get_counts (const ProcFeed *self);
/* Passes on the messages that have arrived, at most a few thousand. */
void proc_feed_read (ProcFeed *self);
