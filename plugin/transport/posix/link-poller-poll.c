/* SPDX-License-Identifier: Apache-2.0 */
#include "posix-pollers.h"

#include <glib-unix.h>

/* A poller that uses poll(), for systems without epoll: one source has the file descriptors of all links. */

typedef struct
{
  GSource source;
  GHashTable *tags; /* Link -> tag of its fd */
} PollSource;

static gboolean
poll_check (GSource *source)
{
  PollSource *self = (PollSource *) source;
  GHashTableIter iter;
  gpointer tag;

  g_hash_table_iter_init (&iter, self->tags);
  while (g_hash_table_iter_next (&iter, NULL, &tag))
    if (g_source_query_unix_fd (source, tag) != 0)
      return TRUE;
  return FALSE;
}

static gboolean
poll_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  PollSource *self = (PollSource *) source;
  g_autoptr (GArray) ready = g_array_new (FALSE, FALSE, sizeof (LinkReady));
  GHashTableIter iter;
  gpointer link, tag;

  g_hash_table_iter_init (&iter, self->tags);
  while (g_hash_table_iter_next (&iter, &link, &tag))
    {
      GIOCondition seen = g_source_query_unix_fd (source, tag);
      LinkReady one = { .link = link,
                        .readable = (seen & (G_IO_IN | G_IO_HUP | G_IO_ERR)) != 0,
                        .writable = (seen & G_IO_OUT) != 0 };

      if (seen != 0)
        g_array_append_val (ready, one);
    }
  if (ready->len > 0)
    ((LinkReadyFunc) (void (*) (void)) callback) (data, (const LinkReady *) (gconstpointer) ready->data, ready->len);
  return G_SOURCE_CONTINUE;
}

static void
poll_finalize (GSource *source)
{
  g_hash_table_unref (((PollSource *) source)->tags);
}

static GSourceFuncs poll_funcs = { .check = poll_check, .dispatch = poll_dispatch, .finalize = poll_finalize };

static GSource *
poll_source_new (void)
{
  GSource *source = g_source_new (&poll_funcs, sizeof (PollSource));
  PollSource *self = (PollSource *) source;

  self->tags = g_hash_table_new (NULL, NULL);
  return source;
}

static gboolean
poll_add (GSource *source, Link *link, LinkHandle handle)
{
  g_hash_table_insert (((PollSource *) source)->tags, link, g_source_add_unix_fd (source, (int) handle, G_IO_IN));
  return TRUE;
}

static void
poll_watch_writable (GSource *source, Link *link, LinkHandle handle, gboolean wanted)
{
  gpointer tag = g_hash_table_lookup (((PollSource *) source)->tags, link);

  g_source_modify_unix_fd (source, tag, wanted ? G_IO_IN | G_IO_OUT : G_IO_IN);
}

static void
poll_remove (GSource *source, Link *link, LinkHandle handle)
{
  PollSource *self = (PollSource *) source;
  gpointer tag = g_hash_table_lookup (self->tags, link);

  if (tag != NULL)
    g_source_remove_unix_fd (source, tag);
  g_hash_table_remove (self->tags, link);
}

const LinkPoller link_poller_poll
    = { "poll", poll_source_new, poll_add, poll_watch_writable, poll_remove, NULL, NULL, NULL };
