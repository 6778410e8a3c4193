/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-watch.h"

#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

struct DeyeBusWatch
{
  int fd;
  char *name; /* of the socket in its directory */
};

DeyeBusWatch *
deye_bus_watch_open (const char *address)
{
  g_autofree char *directory = g_path_get_dirname (address);
  int fd = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
  DeyeBusWatch *watch;

  if (fd < 0)
    return NULL;
  if (inotify_add_watch (fd, directory, IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR) < 0)
    {
      close (fd);
      return NULL;
    }
  watch = g_new (DeyeBusWatch, 1);
  watch->fd = fd;
  watch->name = g_path_get_basename (address);
  return watch;
}

void
deye_bus_watch_close (DeyeBusWatch *watch)
{
  if (watch == NULL)
    return;
  close (watch->fd);
  g_free (watch->name);
  g_free (watch);
}

gint
deye_bus_watch_fd (const DeyeBusWatch *watch)
{
  return watch->fd;
}

static gboolean
watch_find_name (const DeyeBusWatch *watch, const char *events, gsize len)
{
  gsize at = 0;

  while (at < len)
    {
      const struct inotify_event *event = (const struct inotify_event *) (gconstpointer) (events + at);

      /* An overflow of the queue has no name. */
      if (event->len == 0 || strcmp (event->name, watch->name) == 0)
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
