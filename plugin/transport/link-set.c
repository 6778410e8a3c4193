/* SPDX-License-Identifier: Apache-2.0 */
#include "link-set.h"

#include "link-private.h"

#define POLLS_MAX 16u /* descriptors in the context: its own, that of the links, that of the listener */

/* --- turns --- */

static gboolean
link_set_may_read (const LinkReady *ready)
{
  return ready->readable && !ready->link->is_dead;
}

/* The number of turns in which no ready link could read, because each of them has to work off a debt. They are skipped. */
static gsize
link_set_idle_turns (const LinkReady *ready, guint n)
{
  gsize turns = G_MAXSIZE;

  for (guint i = 0; i < n; i++)
    if (link_set_may_read (&ready[i]))
      turns = MIN (turns, ready[i].link->debt / LINK_TURN_SHARED);
  return turns;
}

static guint64
link_set_work (const LinkSet *set)
{
  return set->handler.work != NULL ? set->handler.work (set->user) : 0;
}

/* Reads what @budget bytes should cost. Returns what it cost. @has_more: (out): it read as much as it might */
static gsize
link_set_read (Link *link, gsize budget, gboolean *has_more)
{
  const guint64 before = link_set_work (link->set);
  const gsize most = MAX (budget / MAX (link->weight, 1), MIN (budget, LINK_READ_LEAST));
  const gsize n = link_on_readable (link, most);
  const gsize cost = n + (gsize) (link_set_work (link->set) - before) * LINK_WORK_BYTES;

  if (n > 0)
    link->weight = cost / n;
  *has_more = n >= most;
  return cost;
}

/* A link that read more than its turn, because a large frame is read at once or its bytes cost more, is skipped until its debt is paid.
 * Returns TRUE if the link probably has more. */
static gboolean
link_set_read_in_turn (Link *link, gsize idle)
{
  gboolean has_more;
  gsize n;

  link->debt -= idle * LINK_TURN_SHARED;
  if (link->debt >= LINK_TURN_SHARED)
    {
      link->debt -= LINK_TURN_SHARED;
      return TRUE;
    }
  n = link->debt + link_set_read (link, LINK_TURN_SHARED - link->debt, &has_more);
  link->debt = n > LINK_TURN_SHARED ? n - LINK_TURN_SHARED : 0;
  return has_more;
}

/* Beside links that had little to read, as receivers that return credit, a single busy one has the turn of a link that is alone.
 * Otherwise a publisher with several receivers would be read, and each of them be written to, in small pieces. Bytes that cost more
 * than themselves stay with what they have paid for, and are a debt when that turns out afterwards. */
static void
link_set_read_busy (Link *link)
{
  const gsize budget = LINK_TURN_ALONE - LINK_TURN_SHARED;
  gboolean has_more;
  gsize n;

  if (link->is_dead || link->debt > 0 || link->weight > LINK_WEIGHT_LIGHT)
    return;
  n = link_set_read (link, budget, &has_more);
  link->debt = n > budget ? n - budget : 0;
}

static void
link_set_read_all (LinkSet *set, const LinkReady *ready, guint n)
{
  guint first = set->turn++ % n;
  gsize idle = link_set_idle_turns (ready, n);
  Link *busy = NULL;
  guint n_busy = 0;

  for (guint i = 0; i < n; i++)
    {
      const LinkReady *next = &ready[(first + i) % n];

      if (link_set_may_read (next) && link_set_read_in_turn (next->link, idle))
        {
          busy = next->link;
          n_busy++;
        }
    }
  if (n_busy == 1)
    link_set_read_busy (busy);
}

static void
link_set_dispatch (LinkSet *set, const LinkReady *ready, guint n)
{
  gboolean has_more;

  set->dispatching = TRUE;
  for (guint i = 0; i < n; i++)
    if (ready[i].writable && !ready[i].link->is_dead)
      link_on_writable (ready[i].link);
  if (n > 1)
    link_set_read_all (set, ready, n);
  else if (n == 1 && link_set_may_read (ready))
    {
      /* No other link waits, so its debt is void. */
      ready->link->debt = 0;
      link_set_read (ready->link, LINK_TURN_ALONE, &has_more);
    }
  set->handler.turn_ended (set->user);
  set->dispatching = FALSE;
  if (set->dead->len > 0)
    g_ptr_array_set_size (set->dead, 0);
}

/* --- the set --- */

LinkSet *
link_set_new (GMainContext *context, const LinkPoller *poller, const TransportHandler *handler, gpointer user)
{
  LinkSet *set = g_new0 (LinkSet, 1);

  set->context = g_main_context_ref (context);
  set->poller = poller != NULL ? poller : link_pollers[0];
  set->handler = *handler;
  set->user = user;
  set->links = g_hash_table_new (NULL, NULL);
  set->dead = g_ptr_array_new_with_free_func (g_free);
  set->source = set->poller->source_new ();
  g_source_set_callback (set->source, G_SOURCE_FUNC (link_set_dispatch), set, NULL);
  g_source_set_static_name (set->source, "deye-bus-links");
  /* Without this, GLib removes the file descriptors of the source from its poll set and adds them again for every dispatch.
   * The source never recurses. */
  g_source_set_can_recurse (set->source, TRUE);
  g_source_attach (set->source, context);
  return set;
}

void
link_set_free (LinkSet *set)
{
  g_autoptr (GList) links = g_hash_table_get_keys (set->links);

  for (GList *link = links; link != NULL; link = link->next)
    link_destroy (link->data, TRANSPORT_CLOSED_WANTED);
  g_source_destroy (set->source);
  g_source_unref (set->source);
  g_hash_table_unref (set->links);
  g_ptr_array_unref (set->dead);
  g_main_context_unref (set->context);
  g_free (set);
}

guint
link_set_size (const LinkSet *set)
{
  return g_hash_table_size (set->links);
}

GMainContext *
link_set_context (const LinkSet *set)
{
  return set->context;
}

/* As g_main_context_iteration(), but with wait() of the poller. */
void
link_set_iterate (LinkSet *set)
{
  GMainContext *context = set->context;
  GPollFD fds[POLLS_MAX];
  gint priority = 0, timeout_ms = 0, n = G_MAXINT;

  if (set->poller->wait != NULL)
    {
      g_main_context_prepare (context, &priority);
      n = g_main_context_query (context, priority, &timeout_ms, fds, POLLS_MAX);
    }
  if (n > (gint) POLLS_MAX)
    {
      g_main_context_iteration (context, TRUE);
      return;
    }
  (void) set->poller->wait (set->source, fds, (guint) n, timeout_ms);
  if (g_main_context_check (context, priority, fds, n))
    g_main_context_dispatch (context);
}

gboolean
link_set_adopt (LinkSet *set, LinkHandle handle, const TransportCreds *creds)
{
  gboolean added = link_new (set, handle, creds) != NULL;

  set->handler.turn_ended (set->user);
  return added;
}
