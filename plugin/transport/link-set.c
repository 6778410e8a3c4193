/* SPDX-License-Identifier: Apache-2.0 */
#include "link-set.h"

#include "link-private.h"
#include "wire-hot.h"

#define POLLS_MAX 16u /* descriptors in the context; usually three: its wakeup, the links, the listener */

/* --- turns --- */

static gboolean
link_set_may_read (const LinkReady *ready)
{
  return ready->readable && !ready->link->is_dead;
}

/* Returns the number of turns in which no ready link could read, because the debt of each link uses up its shares of these
 * turns. */
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

/* Reads as many bytes as @budget covers if each costs as much as in the last read. Returns their actual cost, in bytes. */
WIRE_HOT static gsize
link_set_read (Link *link, gsize budget)
{
  const guint64 before = link_set_work (link->set);
  const gsize most = MAX (budget / MAX (link->weight, 1), MIN (budget, LINK_READ_LEAST));
  const gsize n = link_on_readable (link, most);
  const gsize cost = n + (gsize) (link_set_work (link->set) - before) * LINK_WORK_BYTES;

  if (n > 0)
    link->weight = (guint) MIN (cost / n, G_MAXUINT);
  link->has_more = n >= most;
  return cost;
}

/* Reads the link's share of this turn, or subtracts the share from the link's debt. Returns TRUE if the link probably has more.
 *
 * Deficit round robin saves unused shares until they cover the next packet, so it must know the size of a packet before
 * taking it. Here the cost of a read is known only afterwards: a large frame is read into its own block with one system call
 * (a read for every 8 KiB of it would multiply the system calls), and the work for a message depends on the number of its
 * receivers. So a link reads before its cost is known. The cost beyond the share becomes the debt of the link; while the debt
 * is at least a share, the link is skipped and its share is subtracted, and a smaller debt shortens the next read.
 *
 * Readiness is level-triggered, so after a turn in which no link reads, the next wait would return at once. Instead the shares
 * of all @idle turns of this kind are subtracted together. This does not change the links' shares of the bytes.
 *
 * A skipped link counts as a link that has more, so that link_set_read_busy() does not give another link its time. */
static gboolean
link_set_read_in_turn (Link *link, gsize idle)
{
  gsize n;

  link->debt -= idle * LINK_TURN_SHARED;
  if (link->debt >= LINK_TURN_SHARED)
    {
      link->debt -= LINK_TURN_SHARED;
      return TRUE;
    }
  n = link->debt + link_set_read (link, LINK_TURN_SHARED - link->debt);
  link->debt = n > LINK_TURN_SHARED ? n - LINK_TURN_SHARED : 0;
  return link->has_more;
}

/* Lets a link read as much as if it were alone. It is the only link of this turn that probably has more.
 *
 * A publisher is seldom alone: its receivers return credit, a few bytes each, and so they are ready in nearly every turn.
 * With a share of 8 KiB the broker would read a few messages and write them to every receiver, because each turn ends with
 * the writes: many small system calls. The other links were read to their end in this turn, so the extra read delays only
 * bytes that arrive meanwhile, and not longer than a link that is alone would.
 *
 * Two links get no extra read. A link in debt has already read more than its share. A link whose messages cause much work
 * (a weight above LINK_WEIGHT_LIGHT) would occupy the handler many times longer than the number of bytes suggests. The weight
 * is that of the last read, and more expensive messages may follow, so the cost beyond the budget becomes a debt. */
static void
link_set_read_busy (Link *link)
{
  const gsize budget = LINK_TURN_ALONE - LINK_TURN_SHARED;
  gsize n;

  if (link->is_dead || link->debt > 0 || link->weight > LINK_WEIGHT_LIGHT)
    return;
  n = link_set_read (link, budget);
  link->debt = n > budget ? n - budget : 0;
}

typedef struct
{
  gsize idle;   /* see link_set_read_in_turn() */
  guint n_read; /* links that were read in this turn */
  guint n_busy; /* links that probably have more */
  Link *busy;   /* one of them */
} LinkTurn;

/* TRUE if the last read of the link was smaller than its share, so that the next one is probably small, too. */
static gboolean
link_is_quiet (const Link *link)
{
  return !link->has_more && link->debt == 0;
}

/* Reads the ready links that have not been read in this turn. @quiet: only links for which link_is_quiet() is TRUE */
static void
link_set_read_some (LinkSet *set, const LinkReady *ready, guint n, gboolean quiet, LinkTurn *turn)
{
  for (guint i = 0; i < n; i++)
    {
      const LinkReady *next = &ready[(set->turn + i) % n];
      Link *link = next->link;

      if (!link_set_may_read (next) || link->turn == set->turn || (quiet && !link_is_quiet (link)))
        continue;
      link->turn = set->turn;
      turn->n_read++;
      if (!link_set_read_in_turn (link, turn->idle))
        continue;
      turn->busy = link;
      turn->n_busy++;
    }
}

/* Notes a turn. @several_are_busy: several links probably have more */
static void
link_set_note_turn (LinkSet *set, gboolean several_are_busy)
{
  if (link_crowd_note (&set->crowd, several_are_busy) && set->handler.crowded != NULL)
    set->handler.crowded (set->user, set->crowd.is_crowded);
}

/* Reads each ready link, at most its share of the turn. Quiet links are read first, and the frames that their messages cause are
 * written before the other links are read. Otherwise a message of a client that sends seldom would wait while the broker handles
 * one share of each link that floods it, and the answer to this message would wait as long again. A link that is read first can
 * delay the others only by its share. */
static void
link_set_read_all (LinkSet *set, const LinkReady *ready, guint n)
{
  LinkTurn turn = { .idle = link_set_idle_turns (ready, n) };

  set->turn++;
  link_set_read_some (set, ready, n, TRUE, &turn);
  if (turn.n_read > 0 && turn.n_read < n)
    set->handler.turn_ended (set->user);
  link_set_read_some (set, ready, n, FALSE, &turn);
  if (turn.n_busy == 1)
    link_set_read_busy (turn.busy);
  link_set_note_turn (set, turn.n_busy > 1);
}

WIRE_HOT static void
link_set_dispatch (LinkSet *set, const LinkReady *ready, guint n)
{
  set->dispatching = TRUE;
  for (guint i = 0; i < n; i++)
    if (ready[i].writable && !ready[i].link->is_dead)
      link_on_writable (ready[i].link);
  if (n > 1)
    link_set_read_all (set, ready, n);
  else if (n == 1 && link_set_may_read (ready))
    {
      /* No other link waits, so the debt does not matter. */
      ready->link->debt = 0;
      link_set_read (ready->link, LINK_TURN_ALONE);
      link_set_note_turn (set, FALSE);
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
  set->links = g_ptr_array_new ();
  set->dead = g_ptr_array_new_with_free_func (g_free);
  set->source = set->poller->source_new ();
  g_source_set_callback (set->source, G_SOURCE_FUNC (link_set_dispatch), set, NULL);
  g_source_set_static_name (set->source, "deye-bus-links");
  /* Otherwise GLib removes the source's descriptors from its poll set and adds them again for every dispatch. The callback
   * does not run the context, so the source is never dispatched recursively. */
  g_source_set_can_recurse (set->source, TRUE);
  g_source_attach (set->source, context);
  return set;
}

void
link_set_free (LinkSet *set)
{
  while (set->links->len > 0)
    link_destroy (set->links->pdata[set->links->len - 1], TRANSPORT_CLOSED_WANTED);
  g_source_destroy (set->source);
  g_source_unref (set->source);
  g_ptr_array_unref (set->links);
  g_ptr_array_unref (set->dead);
  g_main_context_unref (set->context);
  g_free (set);
}

guint
link_set_size (const LinkSet *set)
{
  return set->links->len;
}

GMainContext *
link_set_context (const LinkSet *set)
{
  return set->context;
}

/* Milliseconds until @due_us, rounded up; -1: for ever */
static gint
link_set_timeout_ms (gint64 due_us)
{
  gint64 left_us;

  if (due_us == G_MAXINT64)
    return -1;
  left_us = due_us - g_get_monotonic_time ();
  return left_us > 0 ? (gint) MIN ((left_us + 999) / 1000, G_MAXINT) : 0;
}

/* Waits without preparing the context. FALSE: a source of the context is ready, or has to run. */
static gboolean
link_set_iterate_prepared (LinkSet *set)
{
  const gint timeout_ms = link_set_timeout_ms (MIN (set->prepared_until_us, set->handler.due_us (set->user)));
  const LinkReady *ready;
  const guint n = timeout_ms != 0 ? set->poller->wait_links (set->source, timeout_ms, &ready) : 0;

  if (n == 0)
    return FALSE;
  link_set_dispatch (set, ready, n);
  return TRUE;
}

/* Does the same as a blocking g_main_context_iteration(), but waits with the poller's wait(). If only links are ready, it handles
 * them without the context, because check and dispatch of a context take about as long as handling a message. A timer that expires
 * meanwhile is found by the next g_main_context_prepare(); in that iteration the context dispatches all sources. It also does so
 * if a source asks for no wait, because the check() of that source may say that it is ready. */
static void
link_set_iterate_context (LinkSet *set)
{
  GMainContext *context = set->context;
  TRANSPORT_UNSET GPollFD fds[POLLS_MAX]; /* set by g_main_context_query() */
  const LinkReady *ready;
  const gint64 now_us = set->handler.due_us != NULL ? g_get_monotonic_time () : 0;
  gint priority = 0, timeout_ms = 0, n = G_MAXINT;
  guint n_ready;

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
  if (set->handler.due_us != NULL && timeout_ms != 0)
    set->prepared_until_us = timeout_ms < 0 ? G_MAXINT64 : now_us + timeout_ms * G_TIME_SPAN_MILLISECOND;
  (void) set->poller->wait (set->source, fds, (guint) n, timeout_ms);
  n_ready = timeout_ms != 0 ? set->poller->take (set->source, &ready) : 0; /* 0 also if a source is ready already */
  if (n_ready > 0)
    {
      link_set_dispatch (set, ready, n_ready);
      return;
    }
  set->prepared_until_us = 0;
  if (g_main_context_check (context, priority, fds, n))
    g_main_context_dispatch (context);
}

/* After a turn in which only links were ready the context is not prepared again, because that takes about a fifth of the
 * instructions for a message that arrives alone. No source has changed: GLib wakes the context for a source of another thread and
 * for a source with a descriptor, due_us() reports the time of the handler, and link_close() marks the timeout of its link. */
void
link_set_iterate (LinkSet *set)
{
  if (set->prepared_until_us != 0 && link_set_iterate_prepared (set))
    return;
  set->prepared_until_us = 0;
  link_set_iterate_context (set);
}

gboolean
link_set_adopt (LinkSet *set, LinkHandle handle, const TransportCreds *creds)
{
  gboolean added = link_new (set, handle, creds) != NULL;

  set->handler.turn_ended (set->user);
  return added;
}
