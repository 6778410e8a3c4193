/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A log thread: takes log records from other threads and passes them to a sink that may block.
 *
 * Pushing a record never waits for the sink. The records wait in a bounded ring. A record that does not fit is dropped and
 * counted, and a marker in the ring keeps the place of the loss, so the sink gets the number in the right order. After a loss
 * the ring accepts records again when a quarter of it is free; otherwise a slow sink would get a marker after every record.
 *
 * The sink is called from this one thread, one call at a time, with no lock held and all signals blocked. This module does not
 * format records and does not know what they are.
 *
 * Ending waits until the ring is empty, at most until a deadline. A sink that blocks longer cannot be interrupted, so the
 * thread is abandoned: the sink gets no further call, and the thread frees the rest when the call returns.
 *
 * Invariant: the ring holds at most PLATFORM_LOG_RECORDS records and PLATFORM_LOG_BYTES bytes, and every pushed record is
 * written, counted by a marker, or counted as unwritten by the end.
 */

#define PLATFORM_LOG_RECORDS 1024u
#define PLATFORM_LOG_BYTES   524288u

typedef struct
{
  void (*write) (gpointer user, gpointer record); /* may block */
  void (*write_lost) (gpointer user, guint64 n);  /* @n records did not fit at this place; may block */
  GDestroyNotify free_record;
  GDestroyNotify free_user; /* (nullable): called when the sink is not needed any more, in either thread */
} PlatformLogSink;

typedef struct PlatformLogThread PlatformLogThread;

/* @user: (transfer full), also on failure. NULL: the system refuses a further thread. */
PlatformLogThread *
platform_log_thread_new (const char *name, const PlatformLogSink *sink, gpointer user, GError **error);

/* @record: (transfer full). @size: the memory that it uses. Any thread may call this, also the sink. */
void platform_log_thread_push (PlatformLogThread *self, gpointer record, gsize size);

/* Waits until everything is written. FALSE: not until @until_us (monotonic). Not for the sink. */
gboolean platform_log_thread_flush (PlatformLogThread *self, gint64 until_us);

/* Waits as flush() does, then ends the thread and frees @self. No other thread may use @self any more. FALSE: the thread was
 * abandoned in a call of the sink. @unwritten: (out) (optional): the number of records that the sink did not get or did not
 * return from. */
gboolean platform_log_thread_end (PlatformLogThread *self, gint64 until_us, guint64 *unwritten);
