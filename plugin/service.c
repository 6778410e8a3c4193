/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include "account.h"
#include "link-pair.h"
#include "link.h"
#include "listener.h"
#include "peer-creds.h"
#include "platform-pages.h"
#include "platform-process.h"
#include "platform-thread.h"
#include "service-log.h"
#include "wire-hot.h"

#include <glib/gi18n-lib.h>

/* The least time for writing the last log records, even if the peers have used up the time for stopping. */
#define LOG_LEAST_US (50 * G_TIME_SPAN_MILLISECOND)

struct Service
{
  GThread *thread;
  GMainContext *context;
  BusConfig *config;
  char *address;
  guint64 epoch;
  guint32 process; /* number of the process that has the thread */
  ServiceLog log;

  /* Used by the broker thread only. */
  BusCore *core;
  LinkSet *links;
  Listener *listener;
  GSource *timer;
  gint64 now_us; /* read once per turn */
  gboolean is_stopped;
  gboolean is_lost; /* no client can connect, because the address was removed or replaced */

  GMutex lock; /* with @done: for threads that wait until the broker thread has run their call */
  GCond done;
};

static gint64
service_now (Service *self)
{
  self->now_us = g_get_monotonic_time ();
  return self->now_us;
}

/* --- the timer --- */

/* Reads the time of the next tick from the core before and after each wait, so a change of this time costs nothing. A call of
 * g_source_set_ready_time() for each change would wake the context, i.e. write to a descriptor and read from it. */
typedef struct
{
  GSource source;
  Service *service;
} ServiceTimer;

static gint64
service_timer_left_us (GSource *source)
{
  return bus_core_next_tick_us (((ServiceTimer *) source)->service->core) - g_source_get_time (source);
}

static gboolean
service_timer_prepare (GSource *source, int *timeout_ms)
{
  gint64 left_us = service_timer_left_us (source);

  *timeout_ms = (int) MIN (left_us / 1000 + 1, G_MAXINT);
  return left_us <= 0;
}

static gboolean
service_timer_check (GSource *source)
{
  return service_timer_left_us (source) <= 0;
}

static gboolean
service_timer_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback (data);
}

static GSourceFuncs service_timer_funcs
    = { .prepare = service_timer_prepare, .check = service_timer_check, .dispatch = service_timer_dispatch };

/* Ends a turn: writes queued bytes, closes links, writes log records. */
WIRE_HOT static void
service_end_turn (Service *self)
{
  BusPeer *peer;

  while ((peer = bus_core_next_writable (self->core)) != NULL)
    link_flush (bus_peer_link (peer));
  while ((peer = bus_core_next_closing (self->core)) != NULL)
    link_close (bus_peer_link (peer), bus_core_linger_us (peer));
  if (self->listener != NULL)
    listener_wake (self->listener);
  service_log_notes (&self->log, self->core);
}

static gboolean
service_on_timer (gpointer data)
{
  Service *self = data;

  service_now (self);
  bus_core_set_wall_us (self->core, g_get_real_time () - self->now_us);
  bus_core_tick (self->core, self->now_us);
  service_end_turn (self);
  return G_SOURCE_CONTINUE;
}

/* --- between transport and core --- */

static gpointer
service_on_connected (gpointer user, Link *link, const TransportCreds *creds, GBytes **refusal)
{
  Service *self = user;
  g_autofree char *name = account_name (creds->account);
  BusCredentials who = { .account = creds->account, .account_name = name, .pid = creds->pid, .agent = creds->agent };
  BusConnectRefusal why;
  BusPeer *peer = bus_core_connect (self->core, &who, link, service_now (self), &why);

  if (peer == NULL)
    {
      g_autofree char *key = g_strdup (why.limit);
      g_autofree char *detail = key != NULL ? g_strdup_printf ("the broker's limit of connections is reached (%s)",
                                                               g_strdelimit (key, "_", '-'))
                                            : NULL;

      *refusal = bus_core_refusal (why.status, detail, why.retry_us);
    }
  return peer;
}

WIRE_HOT static gsize
service_on_place (gpointer user, gpointer peer, guint8 **where)
{
  return bus_core_place (((Service *) user)->core, peer, where);
}

static void
service_on_placed (gpointer user, gpointer peer, gsize n)
{
  Service *self = user;

  bus_core_placed (self->core, peer, n, service_now (self));
}

WIRE_HOT static void
service_on_received (gpointer user, gpointer peer, const guint8 *bytes, gsize len)
{
  Service *self = user;

  bus_core_received (self->core, peer, bytes, len, service_now (self));
}

static void
service_on_closed (gpointer user, gpointer peer, TransportClosed why)
{
  Service *self = user;

  bus_core_disconnected (self->core, peer, why == TRANSPORT_CLOSED_WANTED ? WIRE_STATUS_OK : WIRE_STATUS_ABSENT,
                         service_now (self));
}

WIRE_HOT static guint
service_on_gather (gpointer user, gpointer peer, WireSpan *spans, guint max)
{
  return bus_core_gather (((Service *) user)->core, peer, spans, max);
}

WIRE_HOT static void
service_on_sent (gpointer user, gpointer peer, gsize n)
{
  Service *self = user;

  bus_core_sent (self->core, peer, n, self->now_us);
}

WIRE_HOT static guint64
service_on_work (gpointer user)
{
  return bus_core_work (((Service *) user)->core);
}

WIRE_HOT static void
service_on_turn_ended (gpointer user)
{
  service_end_turn (user);
}

WIRE_HOT static gint64
service_due_us (gpointer user)
{
  return bus_core_next_tick_us (((Service *) user)->core);
}

/* While several peers flood the broker, their programs compete with its thread for the processors. The thread waits until such a
 * program has used its slice (about 1.4 ms with two processors), and messages of other peers wait as long. A short slice shortens
 * this wait. Otherwise the thread keeps the usual slice, because with a short one round trips of single messages took 67 us instead
 * of 28 us. */
static void
service_on_crowded (gpointer user, gboolean is_crowded)
{
  platform_thread_set_slice (is_crowded);
}

static const TransportHandler service_handler
    = { service_on_connected, service_on_place,  service_on_placed, service_on_received,
        service_on_closed,    service_on_gather, service_on_sent,   service_on_turn_ended,
        service_on_work,      service_due_us,    service_on_crowded };

/* --- calls of other threads --- */

typedef struct
{
  Service *service;
  void (*function) (Service *service, gpointer data);
  gpointer data;
  gboolean done;
} ServiceCall;

static gboolean
service_run_call (gpointer data)
{
  ServiceCall *call = data;
  Service *self = call->service;

  call->function (self, call->data);
  g_mutex_lock (&self->lock);
  call->done = TRUE;
  g_cond_broadcast (&self->done);
  g_mutex_unlock (&self->lock);
  return G_SOURCE_REMOVE;
}

static void
service_call_broker (Service *self, void (*function) (Service *, gpointer), gpointer data)
{
  ServiceCall call = { .service = self, .function = function, .data = data };
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_HIGH);
  g_source_set_callback (source, service_run_call, &call, NULL);
  g_source_attach (source, self->context);
  g_mutex_lock (&self->lock);
  while (!call.done)
    g_cond_wait (&self->done, &self->lock);
  g_mutex_unlock (&self->lock);
}

/* --- the thread --- */

static void
service_finish (Service *self)
{
  g_clear_pointer (&self->links, link_set_free);
  service_log_notes (&self->log, self->core);
  g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
  g_clear_pointer (&self->core, bus_core_free);
}

WIRE_HOT static gpointer
service_broker_thread (gpointer data)
{
  Service *self = data;

  platform_thread_block_signals ();
  /* A sandbox that ends processes for this call does so now, and not when peers flood the broker. */
  platform_thread_set_slice (FALSE);
  g_main_context_push_thread_default (self->context);
  while (!self->is_stopped)
    if (self->links != NULL)
      link_set_iterate (self->links);
    else
      g_main_context_iteration (self->context, TRUE);
  /* Let sources that are ready run, so that GIO completes operations that the stop has cancelled. */
  while (g_main_context_iteration (self->context, FALSE))
    ;
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static guint64
service_random_u64 (void)
{
  return (guint64) g_random_int () << 32 | g_random_int ();
}

static void
service_clamp_connections (BusLimits *limits)
{
  gboolean is_share = limits->max_connections_per_uid == bus_limits_share (limits->max_connections);

  limits->max_connections = MIN (limits->max_connections, listener_max_connections ());
  if (is_share)
    limits->max_connections_per_uid = bus_limits_share (limits->max_connections);
  limits->max_unauthenticated = MIN (limits->max_unauthenticated, limits->max_connections);
}

static void
service_make_core (Service *self)
{
  gint64 start_us = service_now (self);
  BusCoreOptions options = { .limits = self->config->limits,
                             .tool_accounts = self->config->tool_accounts,
                             .n_tool_accounts = self->config->n_tool_accounts,
                             .groups = (const BusGroupRule *) (gconstpointer) self->config->groups->data,
                             .n_groups = self->config->groups->len,
                             .closes_failed = self->config->closes_failed,
                             .epoch = self->epoch,
                             .seed = service_random_u64 (),
                             .wall_us = g_get_real_time () - start_us,
                             .chunks = { platform_pages_take, platform_pages_give },
                             .software_version = PACKAGE_VERSION };

  self->core = bus_core_new (&options, start_us);
  self->links = link_set_new (self->context, NULL, &service_handler, self);
  self->timer = g_source_new (&service_timer_funcs, sizeof (ServiceTimer));
  ((ServiceTimer *) self->timer)->service = self;
  g_source_set_static_name (self->timer, "deye-bus-timer");
  g_source_set_callback (self->timer, service_on_timer, self, NULL);
  g_source_attach (self->timer, self->context);
}

static void
service_on_address (gpointer user, ListenerEvent event, const char *text)
{
  Service *self = user;

  self->is_lost = event == LISTENER_EVENT_LOST || event == LISTENER_EVENT_NOT_RESTORED;
  service_log_address (&self->log, event, self->address, text);
}

static void
service_on_refused (gpointer user, const TransportCreds *creds)
{
  Service *self = user;
  BusCredentials who = { .account = creds->account, .pid = creds->pid };

  bus_core_note_refused (self->core, &who, WIRE_STATUS_DENIED, "the setting uids does not contain this uid",
                         service_now (self));
  service_log_notes (&self->log, self->core);
}

static void
service_on_paused (gpointer user)
{
  Service *self = user;

  service_log_pause (&self->log, service_now (self));
}

static gint64
service_on_wait (gpointer user)
{
  Service *self = user;

  return bus_core_accept_wait_us (self->core, service_now (self));
}

typedef struct
{
  GError *error;
} ServiceStart;

static void
service_listen_in_thread (Service *self, gpointer data)
{
  ServiceStart *start = data;
  g_autoptr (GBytes) denied
      = bus_core_refusal (WIRE_STATUS_DENIED, "your uid may not connect (uids in the broker's configuration)", 0);
  g_autoptr (GBytes) full = bus_core_refusal (
      WIRE_STATUS_LIMIT, "the broker is out of file descriptors: try again later", G_TIME_SPAN_SECOND);
  ListenerOptions options = { .address = self->address,
                              .group = self->config->socket_group,
                              .accounts = self->config->accounts,
                              .n_accounts = self->config->n_accounts,
                              .denied = denied,
                              .full = full,
                              .report = service_on_address,
                              .refused = service_on_refused,
                              .paused = service_on_paused,
                              .wait_us = service_on_wait,
                              .user = self };

  service_make_core (self);
  self->listener = listener_new (self->links, &options, &start->error);
  if (self->listener != NULL)
    return;
  service_finish (self);
  self->is_stopped = TRUE;
}

static void
service_free (Service *self)
{
  g_main_context_unref (self->context);
  bus_config_free (self->config);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->done);
  g_free (self->address);
  g_free (self);
}

Service *
service_start (BusConfig *config, const DaemoneyeHost *host, GError **error)
{
  Service *self = g_new0 (Service, 1);
  ServiceStart start = { NULL };

  self->config = config;
  self->context = g_main_context_new ();
  self->epoch = service_random_u64 () | 1;
  self->process = platform_process_id ();
  g_mutex_init (&self->lock);
  g_cond_init (&self->done);
  service_clamp_connections (&config->limits);
  self->address = bus_config_resolve_address (config, host != NULL ? host->address : NULL);
  if (self->address == NULL)
    {
      g_set_error (error, BUS_CONFIG_ERROR, BUS_CONFIG_ERROR_VALUE,
                   _ ("no address: set [socket] address, or XDG_RUNTIME_DIR"));
      service_free (self);
      return NULL;
    }

  if (!service_log_init (&self->log, host, error))
    {
      service_free (self);
      return NULL;
    }
  self->thread = g_thread_new ("deye-bus", service_broker_thread, self);
  service_call_broker (self, service_listen_in_thread, &start);
  if (start.error == NULL)
    return self;
  g_propagate_error (error, start.error);
  g_thread_join (self->thread);
  service_log_end (&self->log, g_get_monotonic_time () + LOG_LEAST_US, NULL);
  service_free (self);
  return NULL;
}

const char *
service_address (const Service *self)
{
  return self->address;
}

gboolean
service_is_forked (const Service *self)
{
  return self->process != platform_process_id ();
}

guint64
service_epoch (const Service *self)
{
  return self->epoch;
}

/* Takes ownership of the handle, and sets it to LINK_HANDLE_NONE if the core refuses the connection. */
static void
service_add_agent (Service *self, gpointer data)
{
  LinkHandle *handle = data;
  TransportCreds creds = peer_creds_of_agent ();

  if (!link_set_adopt (self->links, *handle, &creds))
    *handle = LINK_HANDLE_NONE;
}

gintptr
service_connect (Service *self, GError **error)
{
  LinkHandle ours;
  gintptr theirs;

  if (!link_pair_open (&ours, &theirs, error))
    return -1;
  service_call_broker (self, service_add_agent, &ours);
  if (ours != LINK_HANDLE_NONE)
    return theirs;
  link_pair_close_theirs (theirs);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _ ("the broker accepts no connections: it is stopping"));
  return -1;
}

static void
service_read_lost (Service *self, gpointer data)
{
  *(gboolean *) data = self->is_lost;
}

gboolean
service_is_lost (Service *self)
{
  gboolean is_lost = FALSE;

  service_call_broker (self, service_read_lost, &is_lost);
  return is_lost;
}

static void
service_read_stats (Service *self, gpointer data)
{
  bus_core_stats (self->core, data);
}

void
service_stats (Service *self, BusCoreStats *stats)
{
  service_call_broker (self, service_read_stats, stats);
}

/* --- stopping --- */

static gboolean
service_stop_now (gpointer data)
{
  Service *self = data;

  if (self->is_stopped)
    return G_SOURCE_REMOVE;
  service_finish (self);
  self->is_stopped = TRUE;
  return G_SOURCE_REMOVE;
}

/* Runs every few milliseconds: if no peer is connected any more, the service stops before the deadline. */
static gboolean
service_stop_when_empty (gpointer data)
{
  Service *self = data;

  if (!self->is_stopped && link_set_size (self->links) > 0)
    return G_SOURCE_CONTINUE;
  return service_stop_now (self);
}

static void
service_begin_stop (Service *self, gpointer data)
{
  gint64 deadline_us = *(gint64 *) data;
  g_autoptr (GSource) poll = g_timeout_source_new (5);
  g_autoptr (GSource) deadline = g_timeout_source_new ((guint) MIN (deadline_us / 1000, G_MAXUINT));

  g_clear_pointer (&self->listener, listener_free);
  bus_core_shutdown (self->core, service_now (self));
  service_end_turn (self);
  g_source_set_callback (poll, service_stop_when_empty, self, NULL);
  g_source_attach (poll, self->context);
  g_source_set_callback (deadline, service_stop_now, self, NULL);
  g_source_attach (deadline, self->context);
}

/* The broker thread stops first, and then the log thread.
 *
 * The broker thread runs until all peers have disconnected, or until the deadline. It is joined without a limit, because
 * nothing in it can block. As its last action it pushes the remaining log records (service_finish()), so the log can end only
 * after the join. The log thread has the rest of the time, and at least LOG_LEAST_US.
 *
 * The log thread can't be joined in the same way. It calls the host's function, which may block for ever: it may write to a pipe
 * that no process reads, or need a lock that the caller of stop() holds. A thread can't be interrupted in foreign code, so a
 * join could make stop() hang. Therefore service_log_end() abandons the thread if it has not returned at the deadline. The
 * thread owns everything that it uses, so the service can be freed; it makes no further call, and ends when the call
 * returns. The result is FALSE then, because the host has to keep its function and data until that moment. */
gboolean
service_stop (Service *self, gint64 deadline_us, guint64 *unwritten)
{
  gint64 until_us = g_get_monotonic_time () + deadline_us;
  gboolean log_ended;

  service_call_broker (self, service_begin_stop, &deadline_us);
  g_thread_join (self->thread);
  log_ended = service_log_end (&self->log, MAX (until_us, g_get_monotonic_time () + LOG_LEAST_US), unwritten);
  service_free (self);
  return log_ended;
}
