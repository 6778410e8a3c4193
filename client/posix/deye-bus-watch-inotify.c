/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-watch.h"

#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define WATCH_MASK (IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_MOVE_SELF | IN_ONLYDIR)

struct DeyeBusWatch
{
  int fd;
  int wd; /* of the directory; -1: it does not exist */
  char *directory;
  char *name; /* of the socket in its directory */
};

DeyeBusWatch *
deye_bus_watch_open (const char *address)
{
  int fd = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
  DeyeBusWatch *watch;

  if (fd < 0)
    return NULL;
  watch = g_new (DeyeBusWatch, 1);
  watch->fd = fd;
  watch->wd = -1;
  watch->directory = g_path_get_dirname (address);
  watch->name = g_path_get_basename (address);
  deye_bus_watch_renew (watch);
  return watch;
}

/* An inotify watch follows a directory, not its path. Adding it again returns the same number if the directory is the same. */
void
deye_bus_watch_renew (DeyeBusWatch *watch)
{
  int wd = inotify_add_watch (watch->fd, watch->directory, WATCH_MASK);

  if (watch->wd >= 0 && wd != watch->wd)
    inotify_rm_watch (watch->fd, watch->wd); /* fails if the directory was removed */
  watch->wd = wd;
}

void
deye_bus_watch_close (DeyeBusWatch *watch)
{
  if (watch == NULL)
    return;
  close (watch->fd);
  g_free (watch->directory);
  g_free (watch->name);
  g_free (watch);
}

gint
deye_bus_watch_fd (const DeyeBusWatch *watch)
{
  return watch->fd;
}

/* TRUE if the event is about the socket or its directory. Events of the directory itself have no name, and the event for an
 * overflow of the queue has no watch number. */
static gboolean
watch_concerns (const DeyeBusWatch *watch, const struct inotify_event *event)
{
  if (event->wd != watch->wd && event->wd != -1)
    return FALSE; /* a directory that was replaced */
  return event->len == 0 || strcmp (event->name, watch->name) == 0;
}

static gboolean
watch_find_name (const DeyeBusWatch *watch, const char *events, gsize len)
{
  gsize at = 0;

  while (at < len)
    {
      const struct inotify_event *event = (const struct inotify_event *) (gconstpointer) (events + at);

      if (watch_concerns (watch, event))
        return TRUE;
      at += sizeof *event + event->len;
    }
  return FALSE;
}

gboolean
deye_bus_watch_read (DeyeBusWatch *watch)
{
  char events[4096] __attribute__ ((aligned (8)));
  gboolean changed = FALSE;
  gssize got;

  while ((got = read (watch->fd, events, sizeof events)) > 0)
    changed |= watch_find_name (watch, events, (gsize) got);
  return changed;
}
