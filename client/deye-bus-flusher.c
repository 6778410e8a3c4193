/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-flusher.h"

#include "platform-thread.h"

#include <stdatomic.h>

/* Between two tries while the socket is full. */
#define FULL_US (5 * G_TIME_SPAN_MILLISECOND)
/* Without news for this time the burst is over. */
#define QUIET_US 50

#define SPANS_FIRST 16u

struct DeyeBusFlusher
{
  GThread *thread;
  GMutex lock;
  GCond news;
  _Atomic guint64 added; /* bytes that were ever added to the buffer, as far as they are given */
  _Atomic gboolean idle; /* the thread waits for bytes, and has to be woken; or it is about to test @added once more */
  /* Of the client. */
  const DeyeBusOutPart *last; /* what is added to this part of the buffer stands right behind what was given */
  /* Of the lock. */
  gboolean stops;
  gboolean given; /* from end() to begin() */
  gboolean dead;  /* the other side reads no more */
  DeyeBusSocket socket;
  WireSpan *spans;
  guint size;        /* allocated */
  guint first;       /* span to be written next */
  guint n;           /* spans */
  const guint8 *end; /* of the last of them */
  guint64 covered;   /* as much of @added is in them */
  gsize written;     /* since they were given */
  guint64 n_given;   /* how often */
};

/* --- the thread; the caller of these functions holds the lock --- */

static gboolean
flusher_has_bytes (const DeyeBusFlusher *self)
{
  return self->given && !self->dead && (self->first < self->n || atomic_load (&self->added) != self->covered);
}

/* Takes what the client has added since, without the lock, to the part that it gave last. */
static void
flusher_cover (DeyeBusFlusher *self)
{
  const guint64 added = atomic_load (&self->added);
  const gsize more = (gsize) (added - self->covered);

  if (more == 0)
    return;
  if (self->first == self->n)
    {
      self->first = 0;
      self->n = 1;
      self->spans[0] = wire_span (self->end, 0);
    }
  self->spans[self->n - 1].len += more;
  self->end += more;
  self->covered = added;
}

static void
flusher_advance (DeyeBusFlusher *self, gsize written)
{
  self->written += written;
  while (self->first < self->n && written >= self->spans[self->first].len)
    written -= self->spans[self->first++].len;
  if (self->first < self->n)
    self->spans[self->first]
        = wire_span (self->spans[self->first].data + written, self->spans[self->first].len - written);
}

/* FALSE: the socket is full. */
static gboolean
flusher_write (DeyeBusFlusher *self)
{
  gssize written;

  flusher_cover (self);
  written = deye_bus_socket_write (self->socket, self->spans + self->first, self->n - self->first);
  self->dead = written < 0;
  if (written > 0)
    flusher_advance (self, (gsize) written);
  return written != 0;
}

/* Lets the client continue, without the lock: it may write by itself, or add more. */
static void
flusher_yield (DeyeBusFlusher *self)
{
  g_mutex_unlock (&self->lock);
  g_thread_yield ();
  g_mutex_lock (&self->lock);
}

/* Changes when more has come. */
static guint64
flusher_count_news (const DeyeBusFlusher *self)
{
  return self->n_given + atomic_load (&self->added);
}

/* Waits while more and more comes, but not for long. */
static void
flusher_let_burst_end (DeyeBusFlusher *self)
{
  gint64 latest_us = g_get_monotonic_time () + DEYE_BUS_FLUSHER_LATEST_US;
  guint64 seen = flusher_count_news (self);

  flusher_yield (self);
  while (seen != flusher_count_news (self) && flusher_has_bytes (self) && !self->stops
         && g_get_monotonic_time () < latest_us)
    {
      seen = flusher_count_news (self);
      (void) g_cond_wait_until (&self->news, &self->lock, g_get_monotonic_time () + QUIET_US);
    }
}

/* @idle is set before the bytes are tested, and the client tests it after it has added bytes: one of them sees the other. */
static void
flusher_sleep (DeyeBusFlusher *self)
{
  atomic_store (&self->idle, TRUE);
  while (!flusher_has_bytes (self) && !self->stops)
    {
      g_cond_wait (&self->news, &self->lock);
      atomic_store (&self->idle, TRUE);
    }
  atomic_store (&self->idle, FALSE);
}

static gpointer
flusher_run (gpointer data)
{
  DeyeBusFlusher *self = data;

  platform_thread_block_signals ();
  g_mutex_lock (&self->lock);
  while (!self->stops)
    {
      flusher_sleep (self);
      flusher_let_burst_end (self);
      if (flusher_has_bytes (self) && !flusher_write (self))
        (void) g_cond_wait_until (&self->news, &self->lock, g_get_monotonic_time () + FULL_US);
    }
  g_mutex_unlock (&self->lock);
  return NULL;
}

/* --- the client --- */

DeyeBusFlusher *
deye_bus_flusher_new (void)
{
  DeyeBusFlusher *self = g_new0 (DeyeBusFlusher, 1);

  g_mutex_init (&self->lock);
  g_cond_init (&self->news);
  self->socket = DEYE_BUS_SOCKET_NONE;
  self->thread = g_thread_try_new ("deye-bus-flusher", flusher_run, self, NULL);
  if (self->thread == NULL)
    deye_bus_flusher_free (g_steal_pointer (&self));
  return self;
}

void
deye_bus_flusher_free (DeyeBusFlusher *self)
{
  g_mutex_lock (&self->lock);
  self->stops = TRUE;
  g_cond_signal (&self->news);
  g_mutex_unlock (&self->lock);
  if (self->thread != NULL)
    g_thread_join (self->thread);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->news);
  g_free (self->spans);
  g_free (self);
}

gssize
deye_bus_flusher_begin (DeyeBusFlusher *self)
{
  gssize written;

  g_mutex_lock (&self->lock);
  written = self->dead ? -1 : (gssize) self->written;
  self->given = FALSE;
  self->first = self->n = 0;
  self->written = 0;
  return written;
}

/* All of them: the client may not come back for long. The credit of the broker bounds their number. */
static guint
flusher_gather (DeyeBusFlusher *self, const DeyeBusOutbuf *out)
{
  guint n;

  while ((n = deye_bus_outbuf_gather (out, self->spans, self->size)) == self->size)
    {
      self->size = MAX (SPANS_FIRST, 2 * self->size);
      self->spans = g_renew (WireSpan, self->spans, self->size);
    }
  return n;
}

static void
flusher_give (DeyeBusFlusher *self, const DeyeBusOutbuf *out)
{
  self->n = flusher_gather (self, out);
  self->end = wire_span_end (self->spans[self->n - 1]);
  self->covered = out->added;
  atomic_store (&self->added, out->added);
  self->last = out->last;
  self->given = TRUE;
}

void
deye_bus_flusher_end (DeyeBusFlusher *self, DeyeBusSocket socket, const DeyeBusOutbuf *out)
{
  self->socket = socket;
  if (out != NULL)
    flusher_give (self, out);
  self->n_given++;
  self->dead = self->dead && out == NULL;
  if (self->given && atomic_load (&self->idle))
    {
      atomic_store (&self->idle, FALSE); /* one signal is enough */
      g_cond_signal (&self->news);
    }
  g_mutex_unlock (&self->lock);
}

gboolean
deye_bus_flusher_extend (DeyeBusFlusher *self, const DeyeBusOutbuf *out)
{
  if (out->last != self->last)
    return FALSE;
  atomic_store (&self->added, out->added);
  return !atomic_load (&self->idle);
}
