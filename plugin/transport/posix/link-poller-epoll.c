/* SPDX-License-Identifier: Apache-2.0 */
#include "posix-pollers.h"

#include "wire-hot.h"

#include <glib-unix.h>
#include <sys/epoll.h>
#include <unistd.h>

/*
 * A poller that uses epoll: the GMainContext polls one file descriptor for any number of links. Linux only.
 *
 * In wait(), one epoll_wait() waits for the links and for the other descriptors of the context, and the dispatch uses its
 * result. The other descriptors are few and seldom change. They are in a second epoll instance, which is a member of the
 * first. When they change, the second instance is closed and created again; a descriptor is never removed by its number,
 * because the number may belong to another file by then.
 *
 * A descriptor that was closed and opened again with the same number looks unchanged. But GLib wakes the context whenever a
 * source adds or removes a descriptor, and the wakeup is one of the other descriptors. Therefore the second instance is also
 * created again after one of them was ready.
 *
 * Invariant: ready[] contains no link that was removed.
 */

#define EVENTS_MAX 64
#define OTHERS_MAX 16

typedef struct
{
  GSource source;
  int epoll_fd;
  gpointer tag;
  LinkReady ready[EVENTS_MAX]; /* the result of wait(), for the dispatch that follows */
  int n_ready;
  int others_fd;       /* the second instance; -1: the system refused it */
  gboolean is_changed; /* it has to be created again */
  gboolean is_found;   /* wait_links() found another descriptor ready: the next wait() returns its result */
  GPollFD others[OTHERS_MAX];
  guint n_others;
} EpollSource;

static gboolean
epoll_check (GSource *source)
{
  EpollSource *self = (EpollSource *) source;

  return g_source_query_unix_fd (source, self->tag) != 0;
}

/* Waits for at most @timeout_ms until a link or another descriptor is ready. Returns the number of ready links. @others:
 * (out): one of the other descriptors is ready */
WIRE_HOT static int
epoll_ask (EpollSource *self, int timeout_ms, gboolean *others)
{
  TRANSPORT_UNSET struct epoll_event events[EVENTS_MAX]; /* set by epoll_wait() */
  int n = epoll_wait (self->epoll_fd, events, EVENTS_MAX, timeout_ms);
  int n_ready = 0;

  *others = FALSE;
  for (int i = 0; i < n; i++)
    if (events[i].data.ptr == NULL)
      *others = TRUE;
    else
      self->ready[n_ready++] = (LinkReady){ .link = events[i].data.ptr,
                                            .readable = (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0,
                                            .writable = (events[i].events & EPOLLOUT) != 0 };
  return n_ready;
}

static gboolean
epoll_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  EpollSource *self = (EpollSource *) source;
  gboolean others;
  int n = self->n_ready > 0 ? self->n_ready : epoll_ask (self, 0, &others);

  self->n_ready = 0;
  if (n > 0)
    ((LinkReadyFunc) (void (*) (void)) callback) (data, self->ready, (guint) n);
  return G_SOURCE_CONTINUE;
}

/* --- waiting for the whole context --- */

static void
epoll_drop_others (EpollSource *self)
{
  if (self->others_fd >= 0)
    close (self->others_fd);
  self->others_fd = -1;
}

static gboolean
epoll_has_others (const EpollSource *self, const GPollFD *others, guint n)
{
  if (self->is_changed || self->others_fd < 0 || self->n_others != n)
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (self->others[i].fd != others[i].fd || self->others[i].events != others[i].events)
      return FALSE;
  return TRUE;
}

/* Creates the second instance. The events of poll() and epoll have the same numbers. */
static gboolean
epoll_make_others (EpollSource *self, const GPollFD *others, guint n)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
  gboolean added;

  epoll_drop_others (self);
  self->others_fd = epoll_create1 (EPOLL_CLOEXEC);
  added = self->others_fd >= 0 && epoll_ctl (self->epoll_fd, EPOLL_CTL_ADD, self->others_fd, &event) == 0;
  for (guint i = 0; i < n && added; i++)
    {
      event.events = others[i].events;
      added = epoll_ctl (self->others_fd, EPOLL_CTL_ADD, others[i].fd, &event) == 0;
      self->others[i] = others[i];
    }
  self->n_others = n;
  if (!added)
    epoll_drop_others (self);
  return added;
}

/* Copies all of @fds except the epoll instance of the links to @others. Returns their number; G_MAXUINT: too many. */
static guint
epoll_find_others (const EpollSource *self, const GPollFD *fds, guint n, GPollFD *others)
{
  guint n_others = 0;

  for (guint i = 0; i < n; i++)
    {
      if (fds[i].fd == self->epoll_fd)
        continue;
      if (n_others == OTHERS_MAX)
        return G_MAXUINT;
      others[n_others++] = fds[i];
    }
  return n_others;
}

static gint
epoll_report (EpollSource *self, GPollFD *fds, guint n, gboolean has_others)
{
  gint count = has_others ? g_poll (fds, n, 0) : 0;

  for (guint i = 0; i < n; i++)
    {
      if (!has_others)
        fds[i].revents = 0;
      if (fds[i].fd != self->epoll_fd)
        continue;
      count += self->n_ready > 0 && fds[i].revents == 0 ? 1 : 0;
      fds[i].revents = self->n_ready > 0 ? G_IO_IN : 0;
    }
  return count;
}

static gint
epoll_wait_for_context (GSource *source, GPollFD *fds, guint n, gint timeout_ms)
{
  EpollSource *self = (EpollSource *) source;
  TRANSPORT_UNSET GPollFD others[OTHERS_MAX]; /* set by epoll_find_others() */
  guint n_others = epoll_find_others (self, fds, n, others);
  gboolean is_other = self->is_found;

  self->is_found = FALSE;
  if (n_others == G_MAXUINT
      || (!epoll_has_others (self, others, n_others) && !epoll_make_others (self, others, n_others)))
    {
      self->n_ready = 0;
      return g_poll (fds, n, timeout_ms);
    }
  if (!is_other)
    self->n_ready = epoll_ask (self, timeout_ms, &is_other);
  self->is_changed = is_other;
  return epoll_report (self, fds, n, is_other);
}

static guint
epoll_take (GSource *source, const LinkReady **ready)
{
  EpollSource *self = (EpollSource *) source;
  guint n = self->is_changed ? 0 : (guint) self->n_ready;

  if (n > 0)
    self->n_ready = 0;
  *ready = self->ready;
  return n;
}

/* If another descriptor is ready, the next wait() returns this result. It must not ask again: if more than EVENTS_MAX descriptors
 * are ready, epoll_wait() returns them in turn, so every second turn would contain the other descriptor, and be discarded. */
WIRE_HOT static guint
epoll_wait_links (GSource *source, gint timeout_ms, const LinkReady **ready)
{
  EpollSource *self = (EpollSource *) source;
  gboolean is_other;
  int n = epoll_ask (self, timeout_ms, &is_other);

  self->is_found = is_other;
  self->n_ready = is_other ? n : 0;
  *ready = self->ready;
  return is_other ? 0 : (guint) n;
}

static void
epoll_finalize (GSource *source)
{
  epoll_drop_others ((EpollSource *) source);
  close (((EpollSource *) source)->epoll_fd);
}

static GSourceFuncs epoll_funcs = { .check = epoll_check, .dispatch = epoll_dispatch, .finalize = epoll_finalize };

static GSource *
epoll_source_new (void)
{
  GSource *source = g_source_new (&epoll_funcs, sizeof (EpollSource));
  EpollSource *self = (EpollSource *) source;

  self->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  self->others_fd = epoll_create1 (EPOLL_CLOEXEC);
  self->is_changed = TRUE;
  self->tag = g_source_add_unix_fd (source, self->epoll_fd, G_IO_IN);
  return source;
}

static gboolean
epoll_add (GSource *source, Link *link, LinkHandle handle)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = link };

  return epoll_ctl (((EpollSource *) source)->epoll_fd, EPOLL_CTL_ADD, (int) handle, &event) == 0;
}

static void
epoll_watch_writable (GSource *source, Link *link, LinkHandle handle, gboolean wanted)
{
  struct epoll_event event = { .events = EPOLLIN | (wanted ? EPOLLOUT : 0), .data.ptr = link };

  epoll_ctl (((EpollSource *) source)->epoll_fd, EPOLL_CTL_MOD, (int) handle, &event);
}

static void
epoll_remove (GSource *source, Link *link, LinkHandle handle)
{
  EpollSource *self = (EpollSource *) source;

  epoll_ctl (self->epoll_fd, EPOLL_CTL_DEL, (int) handle, NULL);
  for (int i = 0; i < self->n_ready; i++)
    if (self->ready[i].link == link)
      self->ready[i--] = self->ready[--self->n_ready];
}

const LinkPoller link_poller_epoll = { "epoll",      epoll_source_new,       epoll_add,  epoll_watch_writable,
                                       epoll_remove, epoll_wait_for_context, epoll_take, epoll_wait_links };
