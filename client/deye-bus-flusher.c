/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-flusher.h"

#include "platform-thread.h"

#include <stdatomic.h>

/* Time between two attempts to write while the socket is full. */
#define FULL_US (5 * G_TIME_SPAN_MILLISECOND)
/* A burst is over when nothing was added for this time. */
#define QUIET_US 50

#define SPANS_FIRST 16u

struct DeyeBusFlusher
{
  GThread *thread;
  GMutex lock;
  GCond news;
  _Atomic guint64 added; /* total of the bytes that were added to the buffer and given */
  _Atomic gboolean idle; /* the thread waits for bytes, and has to be woken; or it is about to test @added once more */
  /* Used only by the client. */
  const DeyeBusOutPart *last; /* the last part that was given: bytes added to it directly follow the given ones */
  /* Protected by the lock. */
  gboolean stops;
  gboolean given; /* from end() to begin() */
  gboolean dead;  /* the other side reads no more */
  DeyeBusSocket socket;
  WireSpan *spans;
  guint size;        /* allocated */
  guint first;       /* the span to write next */
  guint n;           /* number of spans */
  const guint8 *end; /* of the last span */
  guint64 covered;   /* the part of @added that is in the spans */
  gsize written;     /* number of bytes since they were given */
  guint64 n_given;   /* number of calls of end() */
};

/* --- the thread; the caller of these functions holds the lock --- */

static gboolean
flusher_has_bytes (const DeyeBusFlusher *self)
{
  return self->given && !self->dead && (self->first < self->n || atomic_load (&self->added) != self->covered);
}

/* Adds the bytes to the spans that the client has since given without the lock, with extend(). */
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

/* Releases the lock for a moment, so that the client can take the bytes back, or add more. */
static void
flusher_yield (DeyeBusFlusher *self)
{
  g_mutex_unlock (&self->lock);
  g_thread_yield ();
  g_mutex_lock (&self->lock);
}

/* A number that changes when the client has given more bytes. */
static guint64
flusher_count_news (const DeyeBusFlusher *self)
{
  return self->n_given + atomic_load (&self->added);
}

/* Waits while the client keeps giving bytes, for DEYE_BUS_FLUSHER_LATEST_US at most. */
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

/* Sleeps until there are bytes. @idle is set before @added is tested, and the client sets @added before it tests @idle. So
 * either the thread sees the new bytes, or the client sees that it has to wake the thread. */
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

/* Gathers all spans of the buffer, since the client may make no further call for a long time. The broker's credit limits their
 * number. */
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
