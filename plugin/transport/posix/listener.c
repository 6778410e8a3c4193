/* SPDX-License-Identifier: Apache-2.0 */
#include "listener.h"

#include "link.h"
#include "peer-creds.h"
#include "unix-path.h"
#include "unix-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MIN_MS     10u
#define PAUSE_MAX_MS     1000u
#define DRAIN_MAX        1024u
#define ACCEPTS_PER_TURN 16u
#define TURN_MOST_US     (10 * G_TIME_SPAN_MILLISECOND)

G_DEFINE_QUARK (listener_error, listener_error)

/*
 * The listener of POSIX systems: a Unix socket. One source of default priority accepts connections, at most ACCEPTS_PER_TURN
 * in a turn of the main loop, so that many new clients do not delay the connected ones. A turn that has lasted for TURN_MOST_US
 * accepts no more: this thread may have got no CPU meanwhile, and new clients may have sent their first frames. They are read
 * before the next turn, so that these clients do not seem to be silent.
 *
 * When the process has no free file descriptor, accept() leaves the connection in the queue and the socket stays readable; a
 * plain loop would spin. So the listener closes a descriptor that it holds in reserve, accepts one connection with it,
 * refuses the connection with a reason, and pauses for 10 ms to 1 s.
 */

struct Listener
{
  LinkSet *set;
  int fd; /* -1: none */
  UnixPath place;
  UnixWatch *watch;
  void (*report) (gpointer user, ListenerEvent event, const char *text);
  void (*refused) (gpointer user, const TransportCreds *creds);
  void (*paused) (gpointer user);
  gint64 (*wait_us) (gpointer user);
  gpointer user;
  GSource *source; /* NULL: accepting pauses */
  GSource *resume; /* timer; NULL: accepting does not pause */
  guint pause_ms;
  gboolean is_held; /* accepting pauses because wait_us() said so */
  int reserve_fd;   /* -1: the system refused it */
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

static void
listener_close_reserve (Listener *self)
{
  if (self->reserve_fd >= 0)
    close (self->reserve_fd);
  self->reserve_fd = -1;
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

static void listener_start (Listener *self);

static gboolean
listener_on_resume (gpointer data)
{
  Listener *self = data;

  g_clear_pointer (&self->resume, g_source_unref);
  self->is_held = FALSE;
  listener_start (self);
  return G_SOURCE_REMOVE;
}

static void
listener_stop_for (Listener *self, guint ms)
{
  listener_clear_source (&self->source);
  self->resume = g_timeout_source_new (ms);
  g_source_set_callback (self->resume, listener_on_resume, self, NULL);
  g_source_attach (self->resume, link_set_context (self->set));
}

static void
listener_pause (Listener *self)
{
  self->pause_ms = CLAMP (self->pause_ms * 2, PAUSE_MIN_MS, PAUSE_MAX_MS);
  self->paused (self->user);
  listener_stop_for (self, self->pause_ms);
}

static void
listener_hold (Listener *self, gint64 wait_us)
{
  self->is_held = TRUE;
  listener_stop_for (self, (guint) (wait_us / 1000 + 1));
}

void
listener_wake (Listener *self)
{
  if (!self->is_held || self->wait_us (self->user) > 0)
    return;
  g_source_destroy (self->resume);
  listener_on_resume (self);
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

/* Takes ownership of @fd. */
static void
listener_refuse (int fd, GBytes *refusal)
{
  link_refuse (fd, refusal);
  close (fd);
}

/* Takes ownership of @fd. */
static void
listener_take (Listener *self, int fd)
{
  TransportCreds creds;

  if (!peer_creds_read (fd, &creds))
    {
      listener_refuse (fd, self->denied);
      return;
    }
  if (!listener_may_connect (self, creds.account))
    {
      listener_refuse (fd, self->denied);
      self->refused (self->user, &creds);
      return;
    }
  link_set_adopt (self->set, fd, &creds);
}

static int
listener_accept (const Listener *self)
{
  int fd;

  do
    fd = accept (self->fd, NULL, NULL);
  while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (fd >= 0)
    fcntl (fd, F_SETFD, FD_CLOEXEC);
  return fd;
}

/* Refuses the next connection, with the reserve, because the process has no other descriptor for it. */
static void
listener_refuse_full (Listener *self)
{
  int fd;

  listener_close_reserve (self);
  fd = listener_accept (self);
  if (fd >= 0)
    listener_refuse (fd, self->full);
  self->reserve_fd = listener_open_reserve ();
  listener_pause (self);
}

/* FALSE: the listener accepts no more connections in this turn. */
static gboolean
listener_accept_one (Listener *self)
{
  gint64 wait_us = self->wait_us (self->user);
  int fd;

  if (wait_us > 0)
    {
      listener_hold (self, wait_us);
      return FALSE;
    }
  fd = listener_accept (self);
  if (fd >= 0)
    {
      self->pause_ms = 0;
      listener_take (self, fd);
      return TRUE;
    }
  if (errno != EAGAIN)
    listener_refuse_full (self);
  return FALSE;
}

typedef struct
{
  GSource source;
  GPollFD listening;
} ListenerSource;

static gboolean
listener_source_check (GSource *source)
{
  return ((ListenerSource *) source)->listening.revents != 0;
}

static gboolean
listener_source_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback (data);
}

static GSourceFuncs listener_source_funcs = { .check = listener_source_check, .dispatch = listener_source_dispatch };

static gboolean
listener_on_readable (gpointer data)
{
  Listener *self = data;
  const gint64 until_us = g_get_monotonic_time () + TURN_MOST_US;

  for (guint i = 0; i < ACCEPTS_PER_TURN && g_get_monotonic_time () < until_us && listener_accept_one (self); i++)
    ;
  return G_SOURCE_CONTINUE;
}

/* --- starting and stopping --- */

/* Lets the source recurse, although it never does: otherwise GLib removes its descriptor from the poll set and adds it again
 * for every dispatch. */
static void
listener_start (Listener *self)
{
  ListenerSource *source;

  if (self->reserve_fd < 0)
    self->reserve_fd = listener_open_reserve ();
  self->source = g_source_new (&listener_source_funcs, sizeof (ListenerSource));
  source = (ListenerSource *) self->source;
  source->listening = (GPollFD){ .fd = self->fd, .events = G_IO_IN };
  g_source_add_poll (self->source, &source->listening);
  g_source_set_static_name (self->source, "deye-bus-accept");
  g_source_set_callback (self->source, listener_on_readable, self, NULL);
  g_source_set_can_recurse (self->source, TRUE);
  g_source_attach (self->source, link_set_context (self->set));
}

/* Takes ownership of @fd, a listening socket. */
static void
listener_open (Listener *self, int fd)
{
  fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
  self->fd = fd;
  if (self->resume == NULL)
    listener_start (self);
}

static void
listener_close (Listener *self)
{
  listener_clear_source (&self->source);
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}

/* --- loss of the address --- */

/* Accepts the clients that connected before the address was lost. If its directory was only renamed, more clients can connect
 * meanwhile, so the number is limited. */
static void
listener_drain (Listener *self)
{
  for (guint i = 0; i < DRAIN_MAX; i++)
    {
      int fd = listener_accept (self);

      if (fd < 0)
        return;
      listener_take (self, fd);
    }
}

static void
listener_on_moved (gpointer user, int fd)
{
  Listener *self = user;

  listener_drain (self);
  listener_close (self);
  listener_open (self, fd);
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
  self->fd = -1;
  self->reserve_fd = listener_open_reserve ();
  self->n_accounts = options->n_accounts;
  self->accounts = g_memdup2 (options->accounts, options->n_accounts * sizeof (guint32));
  self->denied = g_bytes_ref (options->denied);
  self->full = g_bytes_ref (options->full);
  self->report = options->report;
  self->refused = options->refused;
  self->paused = options->paused;
  self->wait_us = options->wait_us;
  self->user = options->user;
  unix_path_init (&self->place, options->address, options->group);
  fd = unix_path_listen (&self->place, error);
  if (fd < 0)
    {
      listener_free (self);
      return NULL;
    }
  listener_open (self, fd);
  self->watch = unix_watch_new (link_set_context (set), &self->place, &listener_watch_handler, self);
  return self;
}

/* Removes the files before it closes the socket; unix-path.h has the reason. */
void
listener_free (Listener *self)
{
  g_clear_pointer (&self->watch, unix_watch_free);
  listener_clear_source (&self->resume);
  unix_path_clear (&self->place);
  listener_close (self);
  listener_close_reserve (self);
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
