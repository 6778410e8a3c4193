/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-log-thread.h"

#include "platform-thread.h"

typedef struct
{
  gpointer record; /* NULL: a marker */
  gsize size;
  guint64 lost; /* of a marker: number of records that did not fit at this place */
} LogEntry;

struct PlatformLogThread
{
  gatomicrefcount references; /* the owner, the thread */
  GThread *thread;
  PlatformLogSink sink;
  gpointer user;

  GMutex lock; /* protects the members below; never held during a call of the sink */
  GCond changed;
  GQueue entries; /* LogEntry, oldest first */
  gsize records;  /* number of records in entries, without markers */
  gsize bytes;
  gboolean is_full; /* a record was dropped, and less than a quarter is free */
  gboolean is_writing;
  gboolean is_ending;
};

static void
log_thread_unref (PlatformLogThread *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  if (self->sink.free_user != NULL)
    self->sink.free_user (self->user);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

/* --- the thread --- */

static LogEntry *
log_thread_take (PlatformLogThread *self)
{
  LogEntry *entry = g_queue_pop_head (&self->entries);

  if (entry != NULL && entry->record != NULL)
    {
      self->records--;
      self->bytes -= entry->size;
    }
  if (self->records <= PLATFORM_LOG_RECORDS / 4 * 3 && self->bytes <= PLATFORM_LOG_BYTES / 4 * 3)
    self->is_full = FALSE;
  return entry;
}

static void
log_thread_write (PlatformLogThread *self, LogEntry *entry)
{
  if (entry->record == NULL)
    self->sink.write_lost (self->user, entry->lost);
  else
    {
      self->sink.write (self->user, entry->record);
      self->sink.free_record (entry->record);
    }
  g_free (entry);
}

static gpointer
log_thread_run (gpointer data)
{
  PlatformLogThread *self = data;

  platform_thread_block_signals ();
  g_mutex_lock (&self->lock);
  while (self->entries.length > 0 || !self->is_ending)
    {
      LogEntry *entry = log_thread_take (self);

      if (entry == NULL)
        {
          g_cond_wait (&self->changed, &self->lock);
          continue;
        }
      self->is_writing = TRUE;
      g_mutex_unlock (&self->lock);
      log_thread_write (self, entry);
      g_mutex_lock (&self->lock);
      self->is_writing = FALSE;
      g_cond_broadcast (&self->changed);
    }
  g_mutex_unlock (&self->lock);
  log_thread_unref (self);
  return NULL;
}

/* --- the other threads --- */

PlatformLogThread *
platform_log_thread_new (const char *name, const PlatformLogSink *sink, gpointer user, GError **error)
{
  PlatformLogThread *self = g_new0 (PlatformLogThread, 1);

  g_atomic_ref_count_init (&self->references);
  self->sink = *sink;
  self->user = user;
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_atomic_ref_count_inc (&self->references);
  self->thread = g_thread_try_new (name, log_thread_run, self, error);
  if (self->thread != NULL)
    return self;
  g_atomic_ref_count_dec (&self->references);
  log_thread_unref (self);
  return NULL;
}

static void
log_thread_add_lost (PlatformLogThread *self)
{
  LogEntry *last = g_queue_peek_tail (&self->entries);

  self->is_full = TRUE;
  if (last == NULL || last->record != NULL)
    {
      last = g_new0 (LogEntry, 1);
      g_queue_push_tail (&self->entries, last);
    }
  last->lost++;
}

static void
log_thread_add (PlatformLogThread *self, gpointer record, gsize size)
{
  LogEntry *entry = g_new0 (LogEntry, 1);

  entry->record = record;
  entry->size = size;
  self->records++;
  self->bytes += size;
  g_queue_push_tail (&self->entries, entry);
}

void
platform_log_thread_push (PlatformLogThread *self, gpointer record, gsize size)
{
  gboolean fits;

  g_mutex_lock (&self->lock);
  fits = !self->is_full && self->records < PLATFORM_LOG_RECORDS && size <= PLATFORM_LOG_BYTES - self->bytes;
  if (fits)
    log_thread_add (self, record, size);
  else
    log_thread_add_lost (self);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  if (!fits)
    self->sink.free_record (record);
}

static gboolean
log_thread_wait (PlatformLogThread *self, gint64 until_us)
{
  while (self->entries.length > 0 || self->is_writing)
    if (!g_cond_wait_until (&self->changed, &self->lock, until_us))
      return self->entries.length == 0 && !self->is_writing;
  return TRUE;
}

gboolean
platform_log_thread_flush (PlatformLogThread *self, gint64 until_us)
{
  gboolean done;

  g_mutex_lock (&self->lock);
  done = log_thread_wait (self, until_us);
  g_mutex_unlock (&self->lock);
  return done;
}

/* Removes all entries that were not written in time. Returns the number of their records, including lost ones. */
static guint64
log_thread_clear (PlatformLogThread *self)
{
  guint64 n = 0;
  LogEntry *entry;

  while ((entry = log_thread_take (self)) != NULL)
    {
      n += entry->record != NULL ? 1 : entry->lost;
      if (entry->record != NULL)
        self->sink.free_record (entry->record);
      g_free (entry);
    }
  return n;
}

gboolean
platform_log_thread_end (PlatformLogThread *self, gint64 until_us, guint64 *unwritten)
{
  gboolean is_abandoned;
  guint64 n;

  g_mutex_lock (&self->lock);
  self->is_ending = TRUE;
  g_cond_broadcast (&self->changed);
  log_thread_wait (self, until_us);
  n = log_thread_clear (self);
  is_abandoned = self->is_writing;
  g_mutex_unlock (&self->lock);
  if (unwritten != NULL)
    *unwritten = n + (is_abandoned ? 1 : 0);
  /* If no call of the sink is in progress, the thread ends at once, because the ring is empty. */
  if (is_abandoned)
    g_thread_unref (self->thread);
  else
    g_thread_join (self->thread);
  log_thread_unref (self);
  return !is_abandoned;
}
