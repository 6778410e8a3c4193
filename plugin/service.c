/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include "link.h"
#include "service-log.h"
#include "transport-unix.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct Service
{
  GThread *thread;
  GMainContext *context;
  BusConfig *config;
  char *address;
  guint64 epoch;
  ServiceLog log;

  /* Of the broker thread. */
  BusCore *core;
  LinkSet *links;
  TransportUnix *listener;
  GSource *timer;
  gint64 now_us; /* read once per turn */
  gboolean is_stopped;

  GMutex lock; /* with done: calls of other threads */
  GCond done;
};

static gint64
now (Service *self)
{
  self->now_us = g_get_monotonic_time ();
  return self->now_us;
}

/* --- the timer --- */

/* The core is asked before each wait and after it, so that a new wish of it costs nothing: g_source_set_ready_time() would
 * wake its own thread for each, by a write and a read. */
typedef struct
{
  GSource source;
  Service *service;
} Timer;

static gint64
timer_left_us (GSource *source)
{
  return bus_core_next_tick_us (((Timer *) source)->service->core) - g_source_get_time (source);
}

static gboolean
timer_prepare (GSource *source, int *timeout_ms)
{
  gint64 left_us = timer_left_us (source);

  *timeout_ms = (int) MIN (left_us / 1000 + 1, G_MAXINT);
  return left_us <= 0;
}

static gboolean
timer_check (GSource *source)
{
  return timer_left_us (source) <= 0;
}

static gboolean
timer_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback (data);
}

static GSourceFuncs timer_funcs = { .prepare = timer_prepare, .check = timer_check, .dispatch = timer_dispatch };

/* What every turn ends with: write, close, log. */
static void
end_turn (Service *self)
{
  BusPeer *peer;

  while ((peer = bus_core_next_writable (self->core)) != NULL)
    link_flush (bus_peer_link (peer));
  while ((peer = bus_core_next_closing (self->core)) != NULL)
    link_close (bus_peer_link (peer), BUS_CORE_LINGER_US);
  service_log_notes (&self->log, self->core, self->now_us);
}

static gboolean
on_timer (gpointer data)
{
  Service *self = data;

  now (self);
  bus_core_set_wall_us (self->core, g_get_real_time () - self->now_us);
  bus_core_tick (self->core, self->now_us);
  end_turn (self);
  return G_SOURCE_CONTINUE;
}

/* --- between transport and core --- */

static gpointer
on_connected (gpointer user, Link *link, const TransportCreds *creds, GBytes **refusal)
{
  Service *self = user;
  BusCredentials who = { .uid = creds->uid, .pid = creds->pid, .agent = creds->agent };
  const char *limit;
  WireStatus status;
  BusPeer *peer = bus_core_connect (self->core, &who, link, now (self), &status, &limit);

  if (peer == NULL)
    {
      g_autofree char *detail
          = limit != NULL ? g_strdup_printf ("the broker's limit of connections is reached (%s)", limit) : NULL;

      *refusal = bus_core_refusal (status, detail);
    }
  return peer;
}

static gsize
on_place (gpointer user, gpointer peer, guint8 **where)
{
  return bus_core_place (((Service *) user)->core, peer, where);
}

static void
on_placed (gpointer user, gpointer peer, gsize n)
{
  Service *self = user;

  bus_core_placed (self->core, peer, n, now (self));
}

static void
on_received (gpointer user, gpointer peer, const guint8 *bytes, gsize len)
{
  Service *self = user;

  bus_core_received (self->core, peer, bytes, len, now (self));
}

static void
on_closed (gpointer user, gpointer peer, TransportClosed why)
{
  Service *self = user;

  bus_core_disconnected (self->core, peer, why == TRANSPORT_CLOSED_WANTED ? WIRE_STATUS_OK : WIRE_STATUS_ABSENT,
                         now (self));
}

static guint
on_gather (gpointer user, gpointer peer, WireSpan *spans, guint max)
{
  return bus_core_gather (((Service *) user)->core, peer, spans, max);
}

static void
on_sent (gpointer user, gpointer peer, gsize n)
{
  Service *self = user;

  bus_core_sent (self->core, peer, n, self->now_us);
}

static void
on_turn_ended (gpointer user)
{
  end_turn (user);
}

static const TransportHandler handler
    = { on_connected, on_place, on_placed, on_received, on_closed, on_gather, on_sent, on_turn_ended };

/* --- calls of other threads --- */

typedef struct
{
  Service *service;
  void (*function) (Service *service, gpointer data);
  gpointer data;
  gboolean done;
} Call;

static gboolean
run_call (gpointer data)
{
  Call *call = data;
  Service *self = call->service;

  call->function (self, call->data);
  g_mutex_lock (&self->lock);
  call->done = TRUE;
  g_cond_broadcast (&self->done);
  g_mutex_unlock (&self->lock);
  return G_SOURCE_REMOVE;
}

static void
call_broker (Service *self, void (*function) (Service *, gpointer), gpointer data)
{
  Call call = { .service = self, .function = function, .data = data };
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_HIGH);
  g_source_set_callback (source, run_call, &call, NULL);
  g_source_attach (source, self->context);
  g_mutex_lock (&self->lock);
  while (!call.done)
    g_cond_wait (&self->done, &self->lock);
  g_mutex_unlock (&self->lock);
}

/* --- the thread --- */

static void
finish (Service *self)
{
  g_clear_pointer (&self->links, link_set_free);
  service_log_notes (&self->log, self->core, now (self));
  g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
  g_clear_pointer (&self->core, bus_core_free);
}

static gpointer
broker_thread (gpointer data)
{
  Service *self = data;
  sigset_t all;

  sigfillset (&all);
  pthread_sigmask (SIG_BLOCK, &all, NULL); /* the host's signals are the host's */
  g_main_context_push_thread_default (self->context);
  while (!self->is_stopped)
    g_main_context_iteration (self->context, TRUE);
  /* What GIO cancelled on stop still wants to be told. */
  while (g_main_context_iteration (self->context, FALSE))
    ;
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static guint64
random_u64 (void)
{
  return (guint64) g_random_int () << 32 | g_random_int ();
}

/* Connections never take more than 3/4 of the descriptors that the host may have. */
static void
clamp_connections (BusLimits *limits)
{
  struct rlimit rlimit;

  if (getrlimit (RLIMIT_NOFILE, &rlimit) != 0 || rlimit.rlim_cur == RLIM_INFINITY)
    return;
  limits->max_connections = MIN (limits->max_connections, MAX (rlimit.rlim_cur / 4 * 3, 1));
  limits->max_unauthenticated = MIN (limits->max_unauthenticated, limits->max_connections);
}

static void
make_core (Service *self)
{
  gint64 start_us = now (self);
  BusCoreOptions options = { .limits = self->config->limits,
                             .tool_uids = self->config->tool_uids,
                             .n_tool_uids = self->config->n_tool_uids,
                             .epoch = self->epoch,
                             .seed = random_u64 (),
                             .wall_us = g_get_real_time () - start_us,
                             .software_version = PACKAGE_VERSION };

  self->core = bus_core_new (&options, start_us);
  self->links = link_set_new (self->context, NULL, &handler, self);
  self->timer = g_source_new (&timer_funcs, sizeof (Timer));
  ((Timer *) self->timer)->service = self;
  g_source_set_static_name (self->timer, "deye-bus-timer");
  g_source_set_callback (self->timer, on_timer, self, NULL);
  g_source_attach (self->timer, self->context);
}

typedef struct
{
  GError *error;
} Start;

static void
listen_in_thread (Service *self, gpointer data)
{
  Start *start = data;
  g_autoptr (GBytes) denied
      = bus_core_refusal (WIRE_STATUS_DENIED, "your uid may not connect (uids in the broker's configuration)");
  g_autoptr (GBytes) full
      = bus_core_refusal (WIRE_STATUS_LIMIT, "the broker is out of file descriptors: try again later");
  TransportUnixOptions options = { .path = self->address,
                                   .group = self->config->socket_group,
                                   .uids = self->config->uids,
                                   .n_uids = self->config->n_uids,
                                   .denied = denied,
                                   .full = full };

  make_core (self);
  self->listener = transport_unix_new (self->links, &options, &start->error);
  if (self->listener != NULL)
    return;
  finish (self);
  self->is_stopped = TRUE;
}

static void
service_free (Service *self)
{
  service_log_clear (&self->log);
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
  Start start = { NULL };

  self->config = config;
  self->context = g_main_context_new ();
  self->epoch = random_u64 () | 1;
  g_mutex_init (&self->lock);
  g_cond_init (&self->done);
  service_log_init (&self->log, host);
  clamp_connections (&config->limits);
  self->address = bus_config_resolve_address (config, host != NULL ? host->address : NULL);
  if (self->address == NULL)
    {
      g_set_error (error, BUS_CONFIG_ERROR, BUS_CONFIG_ERROR_VALUE,
                   _ ("no address: set [socket] address, or XDG_RUNTIME_DIR"));
      service_free (self);
      return NULL;
    }

  self->thread = g_thread_new ("deye-bus", broker_thread, self);
  call_broker (self, listen_in_thread, &start);
  if (start.error == NULL)
    return self;
  g_propagate_error (error, start.error);
  g_thread_join (self->thread);
  service_free (self);
  return NULL;
}

const char *
service_address (const Service *self)
{
  return self->address;
}

guint64
service_epoch (const Service *self)
{
  return self->epoch;
}

static void
add_agent (Service *self, gpointer data)
{
  int *fd = data;
  TransportCreds creds = { .uid = (guint32) geteuid (), .pid = (guint32) getpid (), .agent = TRUE };

  if (link_new (self->links, *fd, &creds) == NULL)
    *fd = -1;
  end_turn (self);
}

int
service_connect (Service *self, GError **error)
{
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), _ ("can't make a socket pair: %s"),
                   g_strerror (errno));
      return -1;
    }
  call_broker (self, add_agent, &fds[0]);
  if (fds[0] >= 0)
    return fds[1];
  close (fds[1]);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _ ("the broker takes no connection: it stops"));
  return -1;
}

static void
read_stats (Service *self, gpointer data)
{
  bus_core_stats (self->core, data);
}

gboolean
service_stats (Service *self, BusCoreStats *stats)
{
  call_broker (self, read_stats, stats);
  return TRUE;
}

/* --- stopping --- */

static gboolean
stop_now (gpointer data)
{
  Service *self = data;

  if (self->is_stopped)
    return G_SOURCE_REMOVE;
  finish (self);
  self->is_stopped = TRUE;
  return G_SOURCE_REMOVE;
}

/* Checked after each turn: as soon as nobody is connected any more there is nothing to wait for. */
static gboolean
stop_when_empty (gpointer data)
{
  Service *self = data;

  if (!self->is_stopped && link_set_size (self->links) > 0)
    return G_SOURCE_CONTINUE;
  return stop_now (self);
}

static void
begin_stop (Service *self, gpointer data)
{
  gint64 deadline_us = *(gint64 *) data;
  g_autoptr (GSource) poll = g_timeout_source_new (5);
  g_autoptr (GSource) deadline = g_timeout_source_new ((guint) MIN (deadline_us / 1000, G_MAXUINT));

  g_clear_pointer (&self->listener, transport_unix_free);
  bus_core_shutdown (self->core, now (self));
  end_turn (self);
  g_source_set_callback (poll, stop_when_empty, self, NULL);
  g_source_attach (poll, self->context);
  g_source_set_callback (deadline, stop_now, self, NULL);
  g_source_attach (deadline, self->context);
}

void
service_stop (Service *self, gint64 deadline_us)
{
  call_broker (self, begin_stop, &deadline_us);
  g_thread_join (self->thread);
  service_free (self);
}
