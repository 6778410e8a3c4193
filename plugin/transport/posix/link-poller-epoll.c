/* SPDX-License-Identifier: Apache-2.0 */
#include "posix-pollers.h"

#include <glib-unix.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Waits with epoll: one file descriptor in the GMainContext, whatever the number of links. Linux only. */

#define EVENTS_MAX 64

typedef struct
{
  GSource source;
  int epoll_fd;
  gpointer tag;
} EpollSource;

static gboolean
epoll_check (GSource *source)
{
  EpollSource *self = (EpollSource *) source;

  return g_source_query_unix_fd (source, self->tag) != 0;
}

static gboolean
epoll_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  EpollSource *self = (EpollSource *) source;
  struct epoll_event events[EVENTS_MAX];
  LinkReady ready[EVENTS_MAX];
  int n = epoll_wait (self->epoll_fd, events, EVENTS_MAX, 0);

  for (int i = 0; i < n; i++)
    ready[i] = (LinkReady){ .link = events[i].data.ptr,
                            .readable = (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0,
                            .writable = (events[i].events & EPOLLOUT) != 0 };
  if (n > 0)
    ((LinkReadyFunc) (void (*) (void)) callback) (data, ready, (guint) n);
  return G_SOURCE_CONTINUE;
}

static void
epoll_finalize (GSource *source)
{
  close (((EpollSource *) source)->epoll_fd);
}

static GSourceFuncs epoll_funcs = { .check = epoll_check, .dispatch = epoll_dispatch, .finalize = epoll_finalize };

static GSource *
epoll_source_new (void)
{
  GSource *source = g_source_new (&epoll_funcs, sizeof (EpollSource));
  EpollSource *self = (EpollSource *) source;

  self->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
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
  epoll_ctl (((EpollSource *) source)->epoll_fd, EPOLL_CTL_DEL, (int) handle, NULL);
}

const LinkPoller link_poller_epoll = { "epoll", epoll_source_new, epoll_add, epoll_watch_writable, epoll_remove };
