/* SPDX-License-Identifier: Apache-2.0 */
#include "transport-unix.h"

#include "link-private.h"
#include "transport-creds.h"
#include "unix-path.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MIN_MS 10u
#define PAUSE_MAX_MS 1000u

G_DEFINE_QUARK (transport_unix_error, transport_unix_error)

struct TransportUnix
{
  LinkSet *set;
  UnixPath place;
  GSocketService *service;
  GSource *guard;
  GSource *resume; /* while accepting pauses */
  guint pause_ms;
  int reserve_fd; /* given up so that one connection can be refused; -1: given up */
  guint32 *uids;
  gsize n_uids;
  GBytes *denied;
  GBytes *full;
  TransportUnixStats stats;
};

/* --- the guard: looks for a free descriptor before each accept --- */

typedef struct
{
  GSource source;
  TransportUnix *transport;
  GPollFD listening; /* not g_source_add_unix_fd(), which makes a source ready whatever check() says */
  gboolean passed;   /* it looked, and now the lower prioritised accept has its turn */
} Guard;

static gboolean
guard_check (GSource *source)
{
  Guard *guard = (Guard *) source;

  if (guard->listening.revents == 0)
    return FALSE;
  guard->passed = !guard->passed;
  return guard->passed;
}

static gboolean
guard_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  TransportUnix *transport = ((Guard *) source)->transport;
  int probe = fcntl (transport->reserve_fd, F_DUPFD_CLOEXEC, 0);

  if (probe >= 0)
    close (probe);
  else if (transport->reserve_fd >= 0)
    {
      close (transport->reserve_fd);
      transport->reserve_fd = -1;
    }
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs guard_funcs = { .check = guard_check, .dispatch = guard_dispatch };

static void
start_guard (TransportUnix *self, int listen_fd)
{
  Guard *guard;

  self->guard = g_source_new (&guard_funcs, sizeof (Guard));
  guard = (Guard *) self->guard;
  guard->transport = self;
  guard->listening = (GPollFD){ .fd = listen_fd, .events = G_IO_IN };
  g_source_add_poll (self->guard, &guard->listening);
  g_source_set_static_name (self->guard, "deye-bus-accept-guard");
  g_source_set_priority (self->guard, G_PRIORITY_HIGH);
  g_source_set_can_recurse (self->guard, TRUE);
  g_source_attach (self->guard, self->set->context);
}

/* --- pausing --- */

static gboolean
resume (gpointer data)
{
  TransportUnix *self = data;

  g_clear_pointer (&self->resume, g_source_unref);
  if (self->reserve_fd < 0)
    self->reserve_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  g_socket_service_start (self->service);
  start_guard (self, g_socket_get_fd (g_object_get_data (G_OBJECT (self->service), "socket")));
  return G_SOURCE_REMOVE;
}

static void
stop_guard (TransportUnix *self)
{
  if (self->guard == NULL)
    return;
  g_source_destroy (self->guard);
  g_clear_pointer (&self->guard, g_source_unref);
}

static void
pause_accepting (TransportUnix *self)
{
  g_socket_service_stop (self->service);
  stop_guard (self);
  self->stats.pauses++;
  self->pause_ms = CLAMP (self->pause_ms * 2, PAUSE_MIN_MS, PAUSE_MAX_MS);
  self->resume = g_timeout_source_new (self->pause_ms);
  g_source_set_callback (self->resume, resume, self, NULL);
  g_source_attach (self->resume, self->set->context);
}

/* --- accepting --- */

static gboolean
may_connect (const TransportUnix *self, guint32 uid)
{
  for (gsize i = 0; i < self->n_uids; i++)
    if (self->uids[i] == uid)
      return TRUE;
  return FALSE;
}

static void
send_refusal (int fd, GBytes *refusal)
{
  gsize len;
  gconstpointer bytes = g_bytes_get_data (refusal, &len);

  if (send (fd, bytes, len, MSG_NOSIGNAL) > 0)
    shutdown (fd, SHUT_WR);
}

static void
refuse_for_want_of_descriptors (TransportUnix *self, GSocketConnection *connection, int fd)
{
  send_refusal (fd, self->full);
  self->stats.full++;
  g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
  self->reserve_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  pause_accepting (self);
}

static gboolean
incoming (GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
  TransportUnix *self = data;
  int fd = g_socket_get_fd (g_socket_connection_get_socket (connection));
  TransportCreds creds;
  int own;

  if (self->reserve_fd < 0)
    {
      refuse_for_want_of_descriptors (self, connection, fd);
      return TRUE;
    }
  if (!transport_creds_read (fd, &creds) || !may_connect (self, creds.uid))
    {
      send_refusal (fd, self->denied);
      self->stats.denied++;
      return TRUE;
    }
  /* The connection object closes its descriptor when it goes: the link gets one of its own, and GIO's objects with all
   * their memory go at once. */
  own = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  if (own < 0)
    {
      send_refusal (fd, self->full);
      self->stats.full++;
      pause_accepting (self);
      return TRUE;
    }
  self->pause_ms = 0;
  self->stats.accepted++;
  link_new (self->set, own, &creds);
  self->set->handler.turn_ended (self->set->user);
  return TRUE;
}

static gboolean
start_service (TransportUnix *self, GSocket *socket, GError **error)
{
  gboolean added;

  self->service = g_socket_service_new ();
  g_socket_service_stop (self->service);
  g_signal_connect (self->service, "incoming", G_CALLBACK (incoming), self);
  added = g_socket_listener_add_socket (G_SOCKET_LISTENER (self->service), socket, NULL, error);
  g_object_set_data_full (G_OBJECT (self->service), "socket", g_object_ref (socket), g_object_unref);
  if (added)
    g_socket_service_start (self->service);
  return added;
}

TransportUnix *
transport_unix_new (LinkSet *set, const TransportUnixOptions *options, GError **error)
{
  TransportUnix *self = g_new0 (TransportUnix, 1);
  g_autoptr (GSocket) socket = NULL;
  int fd;

  self->set = set;
  self->reserve_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  self->n_uids = options->n_uids;
  self->uids = g_memdup2 (options->uids, options->n_uids * sizeof (guint32));
  self->denied = g_bytes_ref (options->denied);
  self->full = g_bytes_ref (options->full);
  fd = unix_path_listen (&self->place, options->path, options->group, error);
  if (fd >= 0)
    {
      socket = g_socket_new_from_fd (fd, error);
      if (socket == NULL)
        close (fd);
    }
  if (socket == NULL || !start_service (self, socket, error))
    {
      transport_unix_free (self);
      return NULL;
    }
  start_guard (self, fd);
  return self;
}

void
transport_unix_free (TransportUnix *self)
{
  stop_guard (self);
  if (self->resume != NULL)
    {
      g_source_destroy (self->resume);
      g_clear_pointer (&self->resume, g_source_unref);
    }
  if (self->service != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->service, self);
      g_socket_service_stop (self->service);
      g_socket_listener_close (G_SOCKET_LISTENER (self->service));
      g_clear_object (&self->service);
    }
  if (self->place.path != NULL)
    unix_path_clear (&self->place);
  if (self->reserve_fd >= 0)
    close (self->reserve_fd);
  g_free (self->uids);
  g_bytes_unref (self->denied);
  g_bytes_unref (self->full);
  g_free (self);
}

void
transport_unix_stats (const TransportUnix *self, TransportUnixStats *stats)
{
  *stats = self->stats;
}
