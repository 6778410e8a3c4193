/* SPDX-License-Identifier: Apache-2.0 */
#include "link-private.h"

#include "wire-hot.h"

#define PLACE_ALONE 16384u

/* One attempt is enough, because a refusal is short and the send buffer is empty. */
void
link_refuse (LinkHandle handle, GBytes *refusal)
{
  WireSpan span;

  if (refusal == NULL)
    return;
  span.data = g_bytes_get_data (refusal, &span.len);
  if (span.len == 0 || link_io_write (handle, &span, 1) > 0)
    link_io_shutdown (handle);
}

Link *
link_new (LinkSet *set, LinkHandle handle, const TransportCreds *creds)
{
  g_autoptr (GBytes) refusal = NULL;
  Link *link = g_new0 (Link, 1);

  link_io_prepare (handle);
  link->set = set;
  link->handle = handle;
  link->peer = set->handler.connected (set->user, link, creds, &refusal);
  if (link->peer != NULL && set->poller->add (set->source, link, handle))
    {
      link->place = set->links->len;
      g_ptr_array_add (set->links, link);
      return link;
    }
  if (link->peer != NULL)
    set->handler.closed (set->user, link->peer, TRANSPORT_CLOSED_ERROR);
  link_refuse (handle, refusal);
  link_io_close (handle);
  g_free (link);
  return NULL;
}

/* Removes the link from its set. The last link of the set takes its place in the array. */
static void
link_leave_set (const Link *link)
{
  GPtrArray *links = link->set->links;

  ((Link *) links->pdata[links->len - 1])->place = link->place;
  g_ptr_array_remove_index_fast (links, link->place);
}

void
link_destroy (Link *link, TransportClosed why)
{
  LinkSet *set = link->set;

  if (link->is_dead)
    return;
  link->is_dead = TRUE;
  set->poller->remove (set->source, link, link->handle);
  link_leave_set (link);
  if (link->linger != NULL)
    {
      g_source_destroy (link->linger);
      g_clear_pointer (&link->linger, g_source_unref);
    }
  link_io_close (link->handle);
  set->handler.closed (set->user, link->peer, link->is_closing ? TRANSPORT_CLOSED_WANTED : why);
  if (set->dispatching)
    g_ptr_array_add (set->dead, link);
  else
    g_free (link);
}

/* --- reading --- */

/* Returns how many bytes to read beyond @place. None if much of a large frame is missing: another large frame probably
 * follows it, and the handler will offer a place for that. */
static gsize
link_read_behind (gsize place, gsize budget)
{
  return place >= PLACE_ALONE ? 0 : MIN (budget, LINK_SET_BUFFER);
}

/* Reads the next bytes of a large frame into its own memory, and everything else into the buffer of the set. */
static gssize
link_read_once (Link *link, gsize budget)
{
  LinkSet *set = link->set;
  guint8 *where = NULL;
  gsize place = set->handler.place (set->user, link->peer, &where);
  gssize n = link_io_read (link->handle, where, place, set->buffer, link_read_behind (place, budget));

  if (n <= 0)
    return n;
  if (place > 0)
    set->handler.placed (set->user, link->peer, MIN ((gsize) n, place));
  if ((gsize) n > place)
    set->handler.received (set->user, link->peer, set->buffer, (gsize) n - place);
  return n;
}

/* A closing link discards its input until the other side has closed the connection. */
static gssize
link_drain_once (Link *link)
{
  return link_io_read (link->handle, NULL, 0, link->set->buffer, sizeof link->set->buffer);
}

gsize
link_on_readable (Link *link, gsize budget)
{
  gssize n = link->is_closing ? link_drain_once (link) : link_read_once (link, budget);

  if (n > 0)
    return (gsize) n;
  if (n == LINK_IO_WAIT)
    return 0;
  if (n == 0 && !link->is_closing)
    link_flush (link); /* the other side stopped sending, but may still read the queued bytes */
  link_destroy (link, n == 0 ? TRANSPORT_CLOSED_EOF : TRANSPORT_CLOSED_ERROR);
  return 0;
}

/* --- writing --- */

static void
link_watch_writable (Link *link, gboolean wanted)
{
  if (link->is_blocked == wanted)
    return;
  link->is_blocked = wanted;
  link->set->poller->watch_writable (link->set->source, link, link->handle, wanted);
}

typedef enum
{
  LINK_WRITE_MORE, /* try again: there may be more to write, and room for it */
  LINK_WRITE_DONE, /* nothing to write, or no room */
  LINK_WRITE_BROKEN,
} LinkWriteResult;

/* Gathers and writes once. */
WIRE_HOT static LinkWriteResult
link_write_once (Link *link)
{
  LinkSet *set = link->set;
  TRANSPORT_UNSET WireSpan spans[TRANSPORT_SPANS_MAX]; /* set by gather() */
  guint count = set->handler.gather (set->user, link->peer, spans, G_N_ELEMENTS (spans));
  gssize n = count > 0 ? link_io_write (link->handle, spans, count) : 0;

  if (n > 0)
    {
      set->handler.sent (set->user, link->peer, (gsize) n);
      return LINK_WRITE_MORE;
    }
  if (n == LINK_IO_BROKEN)
    return LINK_WRITE_BROKEN;
  link_watch_writable (link, n == LINK_IO_WAIT);
  return LINK_WRITE_DONE;
}

/* FALSE: the connection is broken. */
static gboolean
link_write_all (Link *link)
{
  LinkWriteResult result;

  do
    result = link_write_once (link);
  while (result == LINK_WRITE_MORE);
  return result == LINK_WRITE_DONE;
}

static void
link_finish_closing (Link *link)
{
  if (!link->is_closing || link->is_blocked || link->is_shut)
    return;
  link->is_shut = TRUE;
  link_io_shutdown (link->handle);
}

void
link_flush (Link *link)
{
  if (link->is_dead || link->is_blocked || link->is_shut)
    return;
  /* After an abort the poller reports the link as readable; link_on_readable() reads the end and destroys the link. */
  if (link_write_all (link))
    link_finish_closing (link);
  else
    link_io_abort (link->handle);
}

void
link_on_writable (Link *link)
{
  link_watch_writable (link, FALSE);
  link_flush (link);
}

/* --- closing --- */

static gboolean
link_linger_ended (gpointer data)
{
  link_destroy (data, TRANSPORT_CLOSED_WANTED);
  return G_SOURCE_REMOVE;
}

void
link_close (Link *link, gint64 linger_us)
{
  if (link->is_dead || link->is_closing)
    return;
  link->is_closing = TRUE;
  link->linger = g_timeout_source_new ((guint) MAX (linger_us / 1000, 1));
  g_source_set_callback (link->linger, link_linger_ended, link, NULL);
  g_source_attach (link->linger, link->set->context);
  link->set->prepared_until_us = 0; /* GLib does not wake the context for a source of its own thread */
  link_flush (link);
}
