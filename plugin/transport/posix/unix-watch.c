/* SPDX-License-Identifier: Apache-2.0 */
#include "unix-watch.h"

#define PERIOD_S 2u

struct UnixWatch
{
  UnixPath *place;
  const UnixWatchHandler *handler;
  gpointer user;
  GSource *timer;
  gboolean is_lost;
  char *obstacle; /* the last reported reason why the address was not restored */
};

static gboolean
unix_watch_on_timer (gpointer data)
{
  unix_watch_check (data);
  return G_SOURCE_CONTINUE;
}

UnixWatch *
unix_watch_new (GMainContext *context, UnixPath *place, const UnixWatchHandler *handler, gpointer user)
{
  UnixWatch *self = g_new0 (UnixWatch, 1);

  self->place = place;
  self->handler = handler;
  self->user = user;
  self->timer = g_timeout_source_new_seconds (PERIOD_S);
  g_source_set_static_name (self->timer, "deye-bus-watch");
  g_source_set_callback (self->timer, unix_watch_on_timer, self, NULL);
  g_source_attach (self->timer, context);
  return self;
}

void
unix_watch_free (UnixWatch *self)
{
  g_source_destroy (self->timer);
  g_source_unref (self->timer);
  g_free (self->obstacle);
  g_free (self);
}

static void
unix_watch_set_lost (UnixWatch *self, gboolean is_lost, const char *why)
{
  if (self->is_lost == is_lost)
    return;
  self->is_lost = is_lost;
  g_clear_pointer (&self->obstacle, g_free);
  self->handler->report (self->user, is_lost ? UNIX_WATCH_LOST : UNIX_WATCH_RESTORED, why);
}

static void
unix_watch_restore (UnixWatch *self)
{
  g_autoptr (GError) error = NULL;
  int fd = unix_path_restore (self->place, &error);

  if (fd >= 0)
    {
      self->handler->moved (self->user, fd);
      unix_watch_set_lost (self, FALSE, NULL);
    }
  else if (g_strcmp0 (self->obstacle, error->message) != 0)
    {
      g_free (self->obstacle);
      self->obstacle = g_strdup (error->message);
      self->handler->report (self->user, UNIX_WATCH_NOT_RESTORED, error->message);
    }
}

void
unix_watch_check (UnixWatch *self)
{
  g_autofree char *why = NULL;

  switch (unix_path_check (self->place, &why))
    {
    case UNIX_PATH_IN_PLACE:
      unix_watch_set_lost (self, FALSE, NULL);
      break;
    case UNIX_PATH_LOCK_LOST:
      unix_watch_set_lost (self, FALSE, NULL);
      if (unix_path_restore_lock (self->place))
        self->handler->report (self->user, UNIX_WATCH_LOCK_RESTORED, why);
      break;
    case UNIX_PATH_LOST:
      unix_watch_set_lost (self, TRUE, why);
      unix_watch_restore (self);
      break;
    }
}
