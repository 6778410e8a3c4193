/* SPDX-License-Identifier: Apache-2.0 */
#include "listener.h"

#include "link.h"
#include "peer-creds.h"
#include "unix-path.h"
#include "unix-watch.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MIN_MS 10u
#define PAUSE_MAX_MS 1000u
#define DRAIN_MAX    256u

G_DEFINE_QUARK (listener_error, listener_error)

/*
 * A Unix socket, on which a GSocketService accepts.
 *
 * GSocketService spins when accept() fails for want of file descriptors. So a guard looks for a free descriptor before each
 * accept. When there is none, it closes the descriptor that the listener holds in reserve: the next connection can be
 * accepted and refused with a reason, and accepting pauses for 10 ms to 1 s.
 */

struct Listener
{
  LinkSet *set;
  GSocket *socket;
  UnixPath place;
  UnixWatch *watch;
  void (*report) (gpointer user, ListenerEvent event, const char *text);
  void (*refused) (gpointer user, const TransportCreds *creds);
  void (*paused) (gpointer user);
  gpointer user;
  GSocketService *service;
  GSource *guard;  /* NULL: accepting pauses */
  GSource *resume; /* timer; NULL: accepting does not pause */
  guint pause_ms;
  int reserve_fd; /* -1: given up, so that one connection can be refused */
  guint32 *accounts;
  gsize n_accounts;
  GBytes *denied;
  GBytes *full;
};

static int
listener_open_reserve (void)
{
  return open ("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* --- the guard --- */

typedef struct
{
  GSource source;
  Listener *listener;
  GPollFD listening; /* not g_source_add_unix_fd(), which makes a source ready whatever check() returns */
  gboolean passed;   /* the guard has run; now the accept, of lower priority, has its turn */
} ListenerGuard;

static gboolean
listener_guard_check (GSource *source)
{
  ListenerGuard *guard = (ListenerGuard *) source;

  if (guard->listening.revents == 0)
    return FALSE;
  guard->passed = !guard->passed;
  return guard->passed;
}

static gboolean
listener_guard_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  Listener *self = ((ListenerGuard *) source)->listener;
  int probe = fcntl (self->reserve_fd, F_DUPFD_CLOEXEC, 0);

  if (probe >= 0)
    close (probe);
  else if (self->reserve_fd >= 0)
    {
      close (self->reserve_fd);
      self->reserve_fd = -1;
    }
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs listener_guard_funcs = { .check = listener_guard_check, .dispatch = listener_guard_dispatch };

static void
listener_start_guard (Listener *self)
{
  ListenerGuard *guard;

  self->guard = g_source_new (&listener_guard_funcs, sizeof (ListenerGuard));
  guard = (ListenerGuard *) self->guard;
  guard->listener = self;
  guard->listening = (GPollFD){ .fd = g_socket_get_fd (self->socket), .events = G_IO_IN };
  g_source_add_poll (self->guard, &guard->listening);
  g_source_set_static_name (self->guard, "deye-bus-accept-guard");
  g_source_set_priority (self->guard, G_PRIORITY_HIGH);
  g_source_set_can_recurse (self->guard, TRUE);
  g_source_attach (self->guard, link_set_context (self->set));
}

static void
listener_clear_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

/* --- pausing --- */

static gboolean
listener_on_resume (gpointer data)
{
  Listener *self = data;

  g_clear_pointer (&self->resume, g_source_unref);
  if (self->reserve_fd < 0)
    self->reserve_fd = listener_open_reserve ();
  g_socket_service_start (self->service);
  listener_start_guard (self);
  return G_SOURCE_REMOVE;
}

static void
listener_pause (Listener *self)
{
  g_socket_service_stop (self->service);
  listener_clear_source (&self->guard);
  self->pause_ms = CLAMP (self->pause_ms * 2, PAUSE_MIN_MS, PAUSE_MAX_MS);
  self->paused (self->user);
  self->resume = g_timeout_source_new (self->pause_ms);
  g_source_set_callback (self->resume, listener_on_resume, self, NULL);
  g_source_attach (self->resume, link_set_context (self->set));
}

/* --- accepting --- */

static gboolean
listener_may_connect (const Listener *self, guint32 account)
{
  for (gsize i = 0; i < self->n_accounts; i++)
    if (self->accounts[i] == account)
      return TRUE;
  return FALSE;
}

/* The reserve was given up for this connection. Closing it makes room for a new reserve. */
static void
listener_refuse_full (Listener *self, GSocketConnection *connection, int fd)
{
  link_refuse (fd, self->full);
  g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
  self->reserve_fd = listener_open_reserve ();
  listener_pause (self);
}

/* The link gets a descriptor of its own: @connection closes the accepted one when GIO frees it after this, and with it all
 * memory that GIO needs for a connection. */
static gboolean
listener_on_incoming (GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
  Listener *self = data;
  int fd = g_socket_get_fd (g_socket_connection_get_socket (connection));
  TransportCreds creds;
  int own;

  if (self->reserve_fd < 0)
    {
      listener_refuse_full (self, connection, fd);
      return TRUE;
    }
  if (!peer_creds_read (fd, &creds))
    {
      link_refuse (fd, self->denied);
      return TRUE;
    }
  if (!listener_may_connect (self, creds.account))
    {
      link_refuse (fd, self->denied);
      self->refused (self->user, &creds);
      return TRUE;
    }
  own = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  if (own < 0)
    {
      link_refuse (fd, self->full);
      listener_pause (self);
      return TRUE;
    }
  self->pause_ms = 0;
  link_set_adopt (self->set, own, &creds);
  return TRUE;
}

/* --- starting and stopping --- */

static gboolean
listener_open_socket (Listener *self, int fd, GError **error)
{
  self->socket = g_socket_new_from_fd (fd, error);
  if (self->socket == NULL)
    close (fd);
  return self->socket != NULL;
}

static gboolean
listener_start_service (Listener *self, GError **error)
{
  self->service = g_socket_service_new ();
  g_socket_service_stop (self->service);
  g_signal_connect (self->service, "incoming", G_CALLBACK (listener_on_incoming), self);
  if (!g_socket_listener_add_socket (G_SOCKET_LISTENER (self->service), self->socket, NULL, error))
    return FALSE;
  if (self->resume != NULL)
    return TRUE;
  g_socket_service_start (self->service);
  listener_start_guard (self);
  return TRUE;
}

static void
listener_stop_service (Listener *self)
{
  listener_clear_source (&self->guard);
  if (self->service != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->service, self);
      g_socket_service_stop (self->service);
      g_socket_listener_close (G_SOCKET_LISTENER (self->service));
      g_clear_object (&self->service);
    }
  g_clear_object (&self->socket);
}

/* --- when the address was lost --- */

/* Accepts the clients that connected before the address was lost. There may be more where the old directory has been moved. */
static void
listener_drain (Listener *self)
{
  for (guint i = 0; i < DRAIN_MAX; i++)
    {
      TransportCreds creds;
      int fd = accept (g_socket_get_fd (self->socket), NULL, NULL);

      if (fd < 0)
        return;
      fcntl (fd, F_SETFD, FD_CLOEXEC);
      if (peer_creds_read (fd, &creds) && listener_may_connect (self, creds.account))
        {
          link_set_adopt (self->set, fd, &creds);
          continue;
        }
      link_refuse (fd, self->denied);
      close (fd);
    }
}

static void
listener_on_moved (gpointer user, int fd)
{
  Listener *self = user;
  gboolean accepts;

  listener_drain (self);
  listener_stop_service (self);
  accepts = listener_open_socket (self, fd, NULL) && listener_start_service (self, NULL);
  g_assert (accepts); /* GIO refuses only what is no socket or is closed */
}

static void
listener_on_watch (gpointer user, UnixWatchEvent event, const char *text)
{
  static const ListenerEvent events[] = {
    [UNIX_WATCH_LOST] = LISTENER_EVENT_LOST,
    [UNIX_WATCH_NOT_RESTORED] = LISTENER_EVENT_NOT_RESTORED,
    [UNIX_WATCH_RESTORED] = LISTENER_EVENT_RESTORED,
    [UNIX_WATCH_LOCK_RESTORED] = LISTENER_EVENT_LOCK_RESTORED,
  };
  Listener *self = user;

  self->report (self->user, events[event], text);
}

static const UnixWatchHandler listener_watch_handler = { listener_on_moved, listener_on_watch };

Listener *
listener_new (LinkSet *set, const ListenerOptions *options, GError **error)
{
  Listener *self = g_new0 (Listener, 1);
  int fd;

  self->set = set;
  self->reserve_fd = listener_open_reserve ();
  self->n_accounts = options->n_accounts;
  self->accounts = g_memdup2 (options->accounts, options->n_accounts * sizeof (guint32));
  self->denied = g_bytes_ref (options->denied);
  self->full = g_bytes_ref (options->full);
  self->report = options->report;
  self->refused = options->refused;
  self->paused = options->paused;
  self->user = options->user;
  unix_path_init (&self->place, options->address, options->group);
  fd = unix_path_listen (&self->place, error);
  if (fd < 0 || !listener_open_socket (self, fd, error) || !listener_start_service (self, error))
    {
      listener_free (self);
      return NULL;
    }
  self->watch = unix_watch_new (link_set_context (set), &self->place, &listener_watch_handler, self);
  return self;
}

/* The files are removed while the socket is open: see unix-path.h. */
void
listener_free (Listener *self)
{
  g_clear_pointer (&self->watch, unix_watch_free);
  listener_clear_source (&self->resume);
  unix_path_clear (&self->place);
  listener_stop_service (self);
  if (self->reserve_fd >= 0)
    close (self->reserve_fd);
  g_free (self->accounts);
  g_bytes_unref (self->denied);
  g_bytes_unref (self->full);
  g_free (self);
}

/* Three quarters of the descriptors that this process may open. */
guint64
listener_max_connections (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return G_MAXUINT64;
  return MAX (limit.rlim_cur / 4 * 3, 1);
}
