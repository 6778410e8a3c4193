/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A log thread: takes log records from other threads and passes them to a sink that may block.
 *
 * Pushing a record never waits for the sink. The records wait in a bounded ring. A record that does not fit is dropped and
 * counted; a marker in the ring marks the place of the loss, so the sink gets the number of lost records in the right order.
 * After a loss the ring accepts records again only when a quarter of it is free; otherwise a slow sink would get a marker after
 * every record.
 *
 * Only this thread calls the sink, one call at a time, with no lock held and all signals blocked. The module does not format
 * records and does not interpret them.
 *
 * platform_log_thread_end() waits until the ring is empty, at most until a deadline. A sink that blocks longer can't be
 * interrupted, so the thread is abandoned: it calls the sink no more, and frees the remaining memory when the call returns.
 *
 * Invariant: the ring holds at most PLATFORM_LOG_RECORDS records and PLATFORM_LOG_BYTES bytes, and every pushed record is
 * written, counted by a marker, or counted as unwritten by the end.
 */

#define PLATFORM_LOG_RECORDS 1024u
#define PLATFORM_LOG_BYTES   524288u

typedef struct
{
  void (*write) (gpointer user, gpointer record); /* may block */
  void (*write_lost) (gpointer user, guint64 n);  /* reports that @n records were dropped at this place; may block */
  GDestroyNotify free_record;
  GDestroyNotify free_user; /* (nullable): called when the sink is not used any more, in any thread */
} PlatformLogSink;

typedef struct PlatformLogThread PlatformLogThread;

/* @user: (transfer full), also on failure. NULL: the system refuses another thread. */
PlatformLogThread *
platform_log_thread_new (const char *name, const PlatformLogSink *sink, gpointer user, GError **error);

/* @record: (transfer full). @size: its size in memory. May be called by any thread, and by the sink. */
void platform_log_thread_push (PlatformLogThread *self, gpointer record, gsize size);

/* Waits until all records are written. FALSE: @until_us (monotonic) was reached first. Must not be called by the sink. */
gboolean platform_log_thread_flush (PlatformLogThread *self, gint64 until_us);

/* Waits as flush() does, then ends the thread and frees @self. No other thread may use @self any more. FALSE: the thread was
 * abandoned in a call of the sink. @unwritten: (out) (optional): the number of records that were not written, including the
 * one whose call has not returned. */
gboolean platform_log_thread_end (PlatformLogThread *self, gint64 until_us, guint64 *unwritten);
