/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-flusher.h"

#include "platform-thread.h"

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
  /* Of the lock. */
  gboolean stops;
  gboolean sleeps; /* the thread waits for bytes, and has to be woken */
  gboolean dead;   /* the other side reads no more */
  DeyeBusSocket socket;
  WireSpan *spans;
  guint size;      /* allocated */
  guint first;     /* span to be written next */
  guint n;         /* spans */
  gsize written;   /* since they were given */
  guint64 n_given; /* how often */
};

/* --- the thread; the caller of these functions holds the lock --- */

static gboolean
flusher_has_bytes (const DeyeBusFlusher *self)
{
  return self->first < self->n && !self->dead;
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
  gssize written = deye_bus_socket_write (self->socket, self->spans + self->first, self->n - self->first);

  self->dead = written < 0;
  if (written > 0)
    flusher_advance (self, (gsize) written);
  return written != 0;
}

/* Lets the client go on, without the lock: it may write by itself, or add more. */
static void
flusher_yield (DeyeBusFlusher *self)
{
  g_mutex_unlock (&self->lock);
  g_thread_yield ();
  g_mutex_lock (&self->lock);
}

/* Waits while more and more comes, but not for long. */
static void
flusher_let_burst_end (DeyeBusFlusher *self)
{
  gint64 latest_us = g_get_monotonic_time () + DEYE_BUS_FLUSHER_LATEST_US;
  guint64 seen = self->n_given;

  flusher_yield (self);
  while (seen != self->n_given && flusher_has_bytes (self) && !self->stops && g_get_monotonic_time () < latest_us)
    {
      seen = self->n_given;
      (void) g_cond_wait_until (&self->news, &self->lock, g_get_monotonic_time () + QUIET_US);
    }
}

static void
flusher_sleep (DeyeBusFlusher *self)
{
  while (!flusher_has_bytes (self) && !self->stops)
    {
      self->sleeps = TRUE;
      g_cond_wait (&self->news, &self->lock);
    }
  self->sleeps = FALSE;
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

void
deye_bus_flusher_end (DeyeBusFlusher *self, DeyeBusSocket socket, const DeyeBusOutbuf *out)
{
  self->socket = socket;
  self->n = out != NULL ? flusher_gather (self, out) : 0;
  self->n_given++;
  self->dead = self->dead && out == NULL;
  if (self->n > 0 && self->sleeps)
    {
      self->sleeps = FALSE; /* one signal is enough */
      g_cond_signal (&self->news);
    }
  g_mutex_unlock (&self->lock);
}
