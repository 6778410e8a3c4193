/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-feed.h"

#include "collector-timer.h"
#include "proc-connector.h"

#include <glib/gi18n.h>

/* Datagrams in one turn of the main loop: a limit, so that other sources run even if the machine starts processes all the time. */
#define DATAGRAMS_MAX 4096u

typedef enum
{
  FEED_ASKED,
  FEED_OPEN,
  FEED_FAILED,
} FeedState;

struct ProcFeed
{
  const ProcFeedHandler *handler;
  gpointer data;
  FeedState state;
  guint32 token;
  ProcConnector *connector;
  GSource *readable;
  GSource *confirm; /* NULL: it is confirmed */
  ProcFeedCounts counts;
};

static void
feed_fail (ProcFeed *self, const char *reason)
{
  self->state = FEED_FAILED;
  collector_timer_clear (&self->readable);
  collector_timer_clear (&self->confirm);
  self->handler->on_failed (reason, self->data);
}

static gboolean
feed_on_unconfirmed (gpointer data)
{
  feed_fail (data,
             _ ("the kernel does not confirm that it reports processes (as in a PID namespace or user namespace)"));
  return G_SOURCE_REMOVE;
}

static void
feed_open (ProcFeed *self, const ProcMessage *confirmation)
{
  if (self->state != FEED_ASKED || confirmation->token != self->token)
    return;
  if (confirmation->error != 0)
    {
      g_autofree char *reason
          = g_strdup_printf (_ ("the kernel refuses to report processes: %s"), g_strerror ((int) confirmation->error));

      feed_fail (self, reason);
      return;
    }
  self->state = FEED_OPEN;
  collector_timer_clear (&self->confirm);
  self->handler->on_open (self->data);
}

static void
feed_take (ProcFeed *self, const ProcMessage *message)
{
  if (message->kind == PROC_MESSAGE_NONE)
    feed_open (self, message);
  else if (self->state == FEED_OPEN)
    {
      self->counts.messages++;
      self->handler->on_message (message, self->data);
    }
}

static void
feed_take_datagram (ProcFeed *self, const guint8 *bytes, gsize len)
{
  ProcMessagesResult result;
  ProcMessage message;
  gsize at = 0;

  while (self->state != FEED_FAILED && (result = proc_messages_next (bytes, len, &at, &message)) != PROC_MESSAGES_END)
    {
      if (result == PROC_MESSAGES_ONE)
        feed_take (self, &message);
      else
        self->counts.malformed++;
    }
}

/* FALSE: there is no datagram to read now. */
static gboolean
feed_read_one (ProcFeed *self)
{
  guint8 bytes[PROC_CONNECTOR_BYTES_MAX];
  gsize len;

  switch (proc_connector_read (self->connector, bytes, sizeof bytes, &len))
    {
    case PROC_CONNECTOR_BYTES:
      feed_take_datagram (self, bytes, len);
      return TRUE;
    case PROC_CONNECTOR_OVERRUN:
      self->counts.overruns++;
      if (self->state == FEED_OPEN)
        self->handler->on_overrun (self->data);
      return TRUE;
    case PROC_CONNECTOR_EMPTY:
      return FALSE;
    case PROC_CONNECTOR_BROKEN:
      break;
    }
  feed_fail (self, _ ("the connection to the kernel has ended"));
  return FALSE;
}

void
proc_feed_read (ProcFeed *self)
{
  for (guint n = 0; self->state != FEED_FAILED && n < DATAGRAMS_MAX && feed_read_one (self); n++)
    ;
  if (self->state == FEED_OPEN)
    self->handler->on_pause (self->data);
}

static gboolean
feed_on_readable (gpointer data)
{
  proc_feed_read (data);
  return G_SOURCE_CONTINUE;
}

/* Returns a random token, so that the confirmation can be distinguished from those of other programs. */
static guint32
feed_make_token (void)
{
  return g_random_int () | 1u << 31;
}

ProcFeed *
proc_feed_new (gsize queue_bytes, const ProcFeedHandler *handler, gpointer data, GError **error)
{
  ProcFeed *self = g_new0 (ProcFeed, 1);
  guint8 request[PROC_REQUEST_BYTES];

  self->handler = handler;
  self->data = data;
  self->token = feed_make_token ();
  proc_messages_write_request (request, self->token);
  self->connector = proc_connector_open (queue_bytes, request, sizeof request, error);
  if (self->connector == NULL)
    {
      proc_feed_free (self);
      return NULL;
    }
  self->readable = proc_connector_create_source (self->connector);
  g_source_set_callback (self->readable, feed_on_readable, self, NULL);
  g_source_attach (self->readable, g_main_context_get_thread_default ());
  self->confirm = collector_timer_new (PROC_FEED_CONFIRM_MS, feed_on_unconfirmed, self);
  return self;
}

void
proc_feed_free (ProcFeed *self)
{
  if (self == NULL)
    return;
  collector_timer_clear (&self->readable);
  collector_timer_clear (&self->confirm);
  g_clear_pointer (&self->connector, proc_connector_close);
  g_free (self);
}

gboolean
proc_feed_is_open (const ProcFeed *self)
{
  return self->state == FEED_OPEN;
}

const ProcFeedCounts *
proc_feed_get_counts (const ProcFeed *self)
{
  return &self->counts;
}
