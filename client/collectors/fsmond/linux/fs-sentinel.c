/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-sentinel.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* The events that GLib requests, so that both queues get the same notices. */
#define SENTINEL_MASK                                                                                                  \
  (IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_CREATE | IN_DELETE_SELF | IN_UNMOUNT           \
   | IN_MOVE_SELF | IN_CLOSE_WRITE | IN_ONLYDIR)

/* GLib reads within about 10 ms. */
#define READ_DELAY_MS 250

#define WATCHES_FILE "/proc/sys/fs/inotify/max_user_watches"

struct FsSentinel
{
  int fd;
  FsSentinelFunc overflowed;
  gpointer data;
  guint readable; /* source; 0: waits until it is time to read */
  guint delay;    /* source; 0: waits until something can be read */
};

static void sentinel_wait (FsSentinel *self);

static gboolean
sentinel_find_overflow (const char *buffer, gssize len)
{
  struct inotify_event notice;

  for (gssize at = 0; at < len; at += (gssize) (sizeof notice + notice.len))
    {
      memcpy (&notice, buffer + at, sizeof notice);
      if ((notice.mask & IN_Q_OVERFLOW) != 0)
        return TRUE;
    }
  return FALSE;
}

static gboolean
sentinel_on_delay (gpointer data)
{
  FsSentinel *self = data;
  g_autofree char *buffer = g_malloc (64 << 10);
  gboolean overflowed = FALSE;
  gssize len;

  self->delay = 0;
  while ((len = read (self->fd, buffer, 64 << 10)) > 0)
    overflowed = sentinel_find_overflow (buffer, len) || overflowed;
  sentinel_wait (self);
  if (overflowed)
    self->overflowed (self->data);
  return G_SOURCE_REMOVE;
}

static gboolean
sentinel_on_readable (int fd, GIOCondition condition, gpointer data)
{
  FsSentinel *self = data;

  self->readable = 0;
  self->delay = g_timeout_add (READ_DELAY_MS, sentinel_on_delay, self);
  return G_SOURCE_REMOVE;
}

static void
sentinel_wait (FsSentinel *self)
{
  self->readable = g_unix_fd_add (self->fd, G_IO_IN, sentinel_on_readable, self);
}

gboolean
fs_sentinel_is_available (void)
{
  return TRUE;
}

FsSentinel *
fs_sentinel_new (FsSentinelFunc overflowed, gpointer data, const char **reason)
{
  FsSentinel *self;
  int fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  int room = fd >= 0 ? inotify_init1 (IN_CLOEXEC) : -1;

  if (room >= 0)
    close (room);
  else if (fd >= 0)
    close (fd);
  if (room < 0)
    {
      *reason = errno == EMFILE ? "the limit fs.inotify.max_user_instances of this user, or of open files, is reached"
                                : "the system can't make a queue of notices";
      return NULL;
    }
  self = g_new0 (FsSentinel, 1);
  *self = (FsSentinel){ .fd = fd, .overflowed = overflowed, .data = data };
  sentinel_wait (self);
  return self;
}

void
fs_sentinel_free (FsSentinel *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->readable, g_source_remove);
  g_clear_handle_id (&self->delay, g_source_remove);
  close (self->fd);
  g_free (self);
}

static const char *
sentinel_reason (int error)
{
  if (error == ENOSPC)
    return "the limit fs.inotify.max_user_watches of this user is reached; raise it with sysctl";
  return error == EACCES ? "permission denied" : "the system refuses to watch it";
}

/* Adds the watch through the descriptor, so that exactly the examined directory is watched. */
int
fs_sentinel_add (FsSentinel *self, int directory, const char **reason)
{
  char path[64];
  int watch;

  g_snprintf (path, sizeof path, "/proc/self/fd/%d", directory);
  watch = inotify_add_watch (self->fd, path, SENTINEL_MASK);
  if (watch < 0)
    *reason = sentinel_reason (errno);
  return watch;
}

void
fs_sentinel_remove (FsSentinel *self, int watch)
{
  (void) inotify_rm_watch (self->fd, watch); /* fails if the directory was removed */
}

guint
fs_sentinel_capacity (void)
{
  g_autofree char *text = NULL;
  guint64 watches = 0;

  if (!g_file_get_contents (WATCHES_FILE, &text, NULL, NULL)
      || !g_ascii_string_to_unsigned (g_strstrip (text), 10, 0, G_MAXUINT, &watches, NULL))
    return G_MAXUINT;
  return (guint) watches / 2;
}
