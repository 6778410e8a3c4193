/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "deye-bus-senders.h"
#include "wire-hot.h"

/*
 * The pump: moves bytes between the socket and the session, and calls the session when one of its timers is due.
 *
 * A GSource in the client's context drives the pump; during a synchronous call the calling thread drives it with g_poll().
 * Neither iterates the context.
 *
 * The source does not set a ready time, because each change of the ready time would wake the context; its prepare() returns a
 * timeout instead. prepare() also writes the bytes that calls have left in the out-buffer, so that none wait there while the
 * context polls.
 */

#define BUFFER_BYTES    (72u * 1024u) /* a payload of 64 KiB with its fields */
#define BUFFER_LITTLE   (4u * 1024u)  /* the most for a read while many events wait */
#define READS_PER_TURN  4u
#define EVENTS_AHEAD    128u /* a turn with this number of events stops reading, and dispatches them first */
#define READS_AHEAD_MAX 64u  /* the receive windows limit how many bytes the socket can contain */
#define SPANS_MAX       64u
#define CALLS_PER_READ  64u
#define HELD_PER_READ   512u /* about the number of small messages in one write */

typedef struct
{
  GSource source;
  DeyeBusClient *client; /* borrowed: the source is destroyed in its dispose */
} DeyeBusClientSource;

/* --- bytes --- */

static gboolean
client_reads (DeyeBusClient *self)
{
  return self->socket != DEYE_BUS_SOCKET_NONE && deye_bus_session_state (self->session) != DEYE_BUS_SESSION_ENDED;
}

/* Input is only polled for while the client reads; otherwise it would wake the context again and again. */
static GIOCondition
client_poll_condition (DeyeBusClient *self)
{
  gboolean owes = deye_bus_outbuf_bytes (deye_bus_session_out (self->session)) > 0;

  return (client_reads (self) ? G_IO_IN : 0) | (owes ? G_IO_OUT : 0);
}

static void
client_update_polls (DeyeBusClient *self)
{
  GIOCondition wanted = client_poll_condition (self);

  if (self->watched == wanted || self->n_polls == 0)
    return;
  self->watched = wanted;
  (void) deye_bus_socket_polls (self->socket, wanted, self->polls);
}

gsize
deye_bus_client_unwritten (DeyeBusClient *self)
{
  return self->session != NULL ? (gsize) (deye_bus_session_out (self->session)->added - self->write_mark) : 0;
}

WIRE_HOT void
deye_bus_client_write (DeyeBusClient *self)
{
  DEYE_BUS_UNINITIALIZED WireSpan spans[SPANS_MAX]; /* set by deye_bus_outbuf_gather() */
  DeyeBusOutbuf *out;
  gssize written = 1;

  /* A source of a call, or an object that is freed, may write in a forked child too. */
  if (self->socket == DEYE_BUS_SOCKET_NONE || deye_bus_client_is_forked (self))
    return;
  out = deye_bus_session_out (self->session);
  if (self->given != NULL)
    {
      deye_bus_client_take_back (self);
      deye_bus_session_sent (self->session, 0); /* a flush may wait for bytes that the flusher has written */
    }
  self->write_mark = out->added;
  if (self->coalesce && deye_bus_outbuf_bytes (out) > 0)
    self->written_us = g_get_monotonic_time ();
  while (deye_bus_outbuf_bytes (out) > 0 && written > 0 && !self->write_dead)
    {
      guint n = deye_bus_outbuf_gather (out, spans, G_N_ELEMENTS (spans));

      written = deye_bus_socket_write (self->socket, spans, n);
      if (written > 0)
        {
          deye_bus_session_sent (self->session, (gsize) written);
          self->bytes_out += (guint64) written;
        }
      /* The client still reads: the broker may have sent the reason before it closed. */
      self->write_dead = written < 0;
    }
  if (self->write_dead)
    deye_bus_session_drop_out (self->session);
  client_update_polls (self);
}

typedef enum
{
  CLIENT_READ_NOTHING, /* there are no bytes now, or the connection has ended */
  CLIENT_READ_SOME,    /* all bytes that were there; the end of the connection may follow them */
  CLIENT_READ_FULL,    /* there may be more */
} ClientRead;

/* Reads once, at most @most bytes unless they are those of a large frame, and passes the bytes to the session. */
WIRE_HOT static ClientRead
client_read_once (DeyeBusClient *self, gsize most, gint64 now_us)
{
  guint8 *where = NULL;
  gsize room = deye_bus_session_place (self->session, &where);
  gboolean placed = room > 0;
  const char *why = NULL;
  gssize got;

  if (!placed)
    {
      if (self->buffer == NULL)
        self->buffer = g_malloc (BUFFER_BYTES);
      where = self->buffer;
      room = most;
    }
  got = deye_bus_socket_read (self->socket, where, room, &why);
  if (got < 0)
    deye_bus_session_lost (self->session, why);
  if (got <= 0)
    return CLIENT_READ_NOTHING;
  self->bytes_in += (guint64) got;
  if (placed)
    deye_bus_session_placed (self->session, (gsize) got, now_us);
  else
    deye_bus_session_received (self->session, where, (gsize) got, now_us);
  return (gsize) got == room ? CLIENT_READ_FULL : CLIENT_READ_SOME;
}

/* A short read does not end the loop: the end of the connection may follow, and a request must not be handled after it. */
void
deye_bus_client_read_ahead (DeyeBusClient *self)
{
  gint64 now_us = g_get_monotonic_time ();

  for (guint i = 0; i < READS_AHEAD_MAX && client_reads (self); i++)
    if (client_read_once (self, BUFFER_BYTES, now_us) == CLIENT_READ_NOTHING)
      break;
  deye_bus_client_settle (self);
}

/* When to stop reading in a turn of the pump. */
typedef struct
{
  guint events_ahead;         /* there are so many events */
  DeyeBusCondition condition; /* NULL: none; or this condition holds, which a synchronous call waits for */
  gconstpointer data;
} ClientGoal;

static const ClientGoal client_goal_dispatch = { .events_ahead = EVENTS_AHEAD };
static const ClientGoal client_goal_all = { .events_ahead = G_MAXUINT };

static gboolean
client_has_reached (DeyeBusClient *self, const ClientGoal *goal)
{
  return self->events.count >= goal->events_ahead || (goal->condition != NULL && goal->condition (goal->data));
}

/* If so many events wait already, the turn reads only once, and at most BUFFER_LITTLE bytes: these events are dispatched first, so
 * that the next messages get the memory of theirs. The read is not omitted, because it shows that the broker is alive. */
WIRE_HOT static void
client_read (DeyeBusClient *self, const ClientGoal *goal, gint64 now_us)
{
  const gsize most = self->events.count >= goal->events_ahead ? BUFFER_LITTLE : BUFFER_BYTES;

  for (guint i = 0; i < READS_PER_TURN && client_reads (self); i++)
    if (client_read_once (self, most, now_us) != CLIENT_READ_FULL || client_has_reached (self, goal))
      break;
}

/* Handles the socket, the watch and the timers. Stops reading when @goal is reached: so the messages fit into the pool of the
 * session, and are still in the cache when they are dispatched. */
WIRE_HOT static void
client_step_connection (DeyeBusClient *self, const ClientGoal *goal)
{
  gint64 now_us = g_get_monotonic_time ();

  self->calls_since_read = 0;
  deye_bus_client_step_watch (self, now_us);
  deye_bus_client_step_connect (self, now_us);
  if (self->session == NULL)
    return;
  client_read (self, goal, now_us);
  deye_bus_session_tick (self->session, now_us);
  deye_bus_client_settle (self);
  deye_bus_client_step_tasks (self);
}

/* One turn of the pump, without the dispatch of events. A caller that waits for an answer sets no limit to the number of events,
 * because its answer may be behind any number of messages. */
static void
client_step (DeyeBusClient *self, const ClientGoal *goal)
{
  client_step_connection (self, goal);
  if (self->senders != NULL)
    deye_bus_senders_drain (self->senders);
}

WIRE_HOT static gint64
client_next_us (DeyeBusClient *self)
{
  gint64 soonest = self->session != NULL ? deye_bus_session_next_us (self->session) : G_MAXINT64;

  if (self->schedule.due_us > 0)
    soonest = MIN (soonest, self->schedule.due_us);
  if (self->retry_us > 0)
    soonest = MIN (soonest, self->retry_us);
  if (self->linger_us > 0)
    soonest = MIN (soonest, self->linger_us);
  return MIN (soonest, deye_bus_client_next_tasks_us (self));
}

/* Milliseconds until @due_us, rounded up, for poll(); -1: for ever. */
static gint
client_timeout_ms (gint64 due_us)
{
  gint64 left_us;

  if (due_us == G_MAXINT64)
    return -1;
  left_us = due_us - g_get_monotonic_time ();
  if (left_us <= 0)
    return 0;
  return (gint) MIN ((left_us + 999) / 1000, G_MAXINT);
}

/* --- the source --- */

WIRE_HOT static gboolean
client_source_prepare (GSource *source, gint *timeout)
{
  DeyeBusClient *self = ((DeyeBusClientSource *) source)->client;

  if (deye_bus_client_unwritten (self) > 0 && !deye_bus_client_is_forked (self))
    deye_bus_client_write (self);
  *timeout = self->events.count > 0 ? 0 : client_timeout_ms (client_next_us (self));
  return *timeout == 0;
}

static gboolean
client_is_polled (DeyeBusClient *self)
{
  for (guint i = 0; i < self->n_polls; i++)
    if (self->polls[i].revents != 0)
      return TRUE;
  if (self->senders != NULL && self->senders->polled && self->senders->poll.revents != 0)
    return TRUE;
  return self->watch_polled && self->watch_poll.revents != 0;
}

WIRE_HOT static gboolean
client_source_check (GSource *source)
{
  DeyeBusClient *self = ((DeyeBusClientSource *) source)->client;

  return self->events.count > 0 || client_is_polled (self) || client_timeout_ms (client_next_us (self)) == 0;
}

/* TRUE if the client's context is the default one of this thread. Then it need not be pushed: asynchronous calls that callbacks
 * start complete in it anyway. */
static gboolean
client_is_thread_default (const DeyeBusClient *self)
{
  return g_main_context_get_thread_default () == (self->is_for_default ? NULL : self->context);
}

WIRE_HOT static gboolean
client_source_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  g_autoptr (DeyeBusClient) self = g_object_ref (((DeyeBusClientSource *) source)->client);
  const gboolean pushes = !client_is_thread_default (self);

  if (!deye_bus_client_enter (self, NULL)) /* forked: GLib has acquired the context */
    return G_SOURCE_REMOVE;
  if (pushes)
    g_main_context_push_thread_default (self->context);
  self->dispatching++;
  client_step (self, &client_goal_dispatch);
  deye_bus_client_dispatch (self);
  self->dispatching--;
  if (self->dispatching == 0)
    {
      deye_bus_client_step_tasks (self); /* tasks that callbacks have submitted, or whose results they have read */
      deye_bus_client_write (self);
      if (self->linger_us > 0)
        deye_bus_client_step_close (self, g_get_monotonic_time ());
    }
  if (pushes)
    g_main_context_pop_thread_default (self->context);
  deye_bus_client_exit (self);
  /* A closed client that has dispatched all events leaves nothing in the context. */
  if (self->state == DEYE_BUS_CLIENT_STATE_CLOSED && self->linger_us == 0 && self->events.count == 0)
    deye_bus_client_detach (self);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs client_source_funcs
    = { client_source_prepare, client_source_check, client_source_dispatch, NULL, NULL, NULL };

void
deye_bus_client_attach (DeyeBusClient *self)
{
  if (self->source != NULL)
    return;
  self->source = g_source_new (&client_source_funcs, sizeof (DeyeBusClientSource));
  ((DeyeBusClientSource *) self->source)->client = self;
  g_source_set_static_name (self->source, "DeyeBusClient");
  /* Otherwise GLib would remove the socket from the poll set during each dispatch, and add it again afterwards. */
  g_source_set_can_recurse (self->source, TRUE);
  g_source_attach (self->source, self->context);
  if (self->senders != NULL)
    deye_bus_senders_poll (self->senders, self->source);
}

void
deye_bus_client_detach (DeyeBusClient *self)
{
  deye_bus_client_unwatch_socket (self);
  deye_bus_client_unpoll_watch (self);
  if (self->source == NULL)
    return;
  if (self->senders != NULL)
    deye_bus_senders_unpoll (self->senders, self->source);
  g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
}

void
deye_bus_client_watch_socket (DeyeBusClient *self)
{
  self->watched = G_IO_IN;
  self->n_polls = deye_bus_socket_polls (self->socket, G_IO_IN, self->polls);
  for (guint i = 0; i < self->n_polls; i++)
    {
      self->polls[i].revents = 0;
      g_source_add_poll (self->source, &self->polls[i]);
    }
}

/* In a forked child the source may have been destroyed; then its descriptors are already removed. */
void
deye_bus_client_unwatch_socket (DeyeBusClient *self)
{
  for (guint i = 0; i < self->n_polls && !g_source_is_destroyed (self->source); i++)
    g_source_remove_poll (self->source, &self->polls[i]);
  self->n_polls = 0;
}

void
deye_bus_client_poll_watch (DeyeBusClient *self)
{
  if (self->watch_polled || self->source == NULL || g_source_is_destroyed (self->source))
    return;
  self->watch_poll = (GPollFD){ .fd = deye_bus_watch_fd (self->watch), .events = G_IO_IN };
  g_source_add_poll (self->source, &self->watch_poll);
  self->watch_polled = TRUE;
}

void
deye_bus_client_unpoll_watch (DeyeBusClient *self)
{
  if (self->watch_polled && !g_source_is_destroyed (self->source))
    g_source_remove_poll (self->source, &self->watch_poll);
  self->watch_polled = FALSE;
}

/* --- synchronous calls --- */

static void
client_poll_once (DeyeBusClient *self, gint64 due_us, const GPollFD *cancel)
{
  GPollFD polls[DEYE_BUS_SOCKET_POLLS_MAX + 3];
  guint n = 0;

  if (self->socket != DEYE_BUS_SOCKET_NONE)
    n = deye_bus_socket_polls (self->socket, client_poll_condition (self), polls);
  if (self->watch != NULL)
    polls[n++] = (GPollFD){ .fd = deye_bus_watch_fd (self->watch), .events = G_IO_IN };
  if (self->senders != NULL)
    polls[n++] = self->senders->poll;
  if (cancel != NULL)
    polls[n++] = *cancel;
  /* The result does not matter, even if poll was interrupted: the caller checks everything again. */
  (void) g_poll (polls, n, client_timeout_ms (MIN (due_us, client_next_us (self))));
}

gboolean
deye_bus_client_wait (DeyeBusClient *self,
                      DeyeBusCondition condition,
                      gconstpointer data,
                      gint64 due_us,
                      GCancellable *cancellable)
{
  const ClientGoal goal = { G_MAXUINT, condition, data };
  GPollFD cancel_fd;
  gboolean watched = g_cancellable_make_pollfd (cancellable, &cancel_fd);
  gboolean holds, last = FALSE;

  deye_bus_client_step_tasks (self);
  deye_bus_client_write (self);
  deye_bus_client_settle (self);
  while (!(holds = condition (data)) && !g_cancellable_is_cancelled (cancellable) && !last)
    {
      /* Even a caller with no time left reads once, and gets messages that have already arrived. */
      last = g_get_monotonic_time () >= due_us;
      client_poll_once (self, due_us, watched && cancellable != NULL ? &cancel_fd : NULL);
      client_step (self, &goal);
      deye_bus_client_write (self);
      if (self->linger_us > 0)
        deye_bus_client_step_close (self, g_get_monotonic_time ());
    }
  if (watched && cancellable != NULL)
    g_cancellable_release_fd (cancellable);
  return holds;
}

void
deye_bus_client_pump_if_due (DeyeBusClient *self)
{
  if (++self->calls_since_read >= (self->holds > 0 ? HELD_PER_READ : CALLS_PER_READ))
    client_step (self, &client_goal_all);
}

void
deye_bus_client_pump_now (DeyeBusClient *self)
{
  client_step (self, &client_goal_all);
}

static gboolean
client_pending_is_done (gconstpointer data)
{
  return ((const DeyeBusPending *) data)->done;
}

void
deye_bus_client_wait_done (DeyeBusClient *self, DeyeBusPending *pending, GCancellable *cancellable)
{
  GError *cancelled = NULL;

  /* The session watches the deadline of the call. */
  if (deye_bus_client_wait (self, client_pending_is_done, pending, G_MAXINT64, cancellable)
      || !g_cancellable_set_error_if_cancelled (cancellable, &cancelled))
    return;
  deye_bus_session_cancel (self->session, pending, cancelled);
  deye_bus_client_settle (self);
}

gboolean
deye_bus_client_wait_pending (DeyeBusClient *self, DeyeBusPending *pending, GCancellable *cancellable, GError **error)
{
  deye_bus_client_wait_done (self, pending, cancellable);
  if (pending->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&pending->error));
  return FALSE;
}
