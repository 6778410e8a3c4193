/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-past.h"

void
bus_pasts_init (BusPasts *pasts)
{
  pasts->by_id = g_hash_table_new (bus_key_hash, bus_key_equal);
  g_queue_init (&pasts->gone);
}

static void
past_forget (BusPasts *pasts, BusPast *past)
{
  g_queue_unlink (&pasts->gone, &past->link);
  g_hash_table_remove (pasts->by_id, &past->key);
  g_free (past->profile);
  g_free (past->id);
  g_free (past);
}

void
bus_pasts_clear (BusPasts *pasts)
{
  while (pasts->gone.head != NULL)
    past_forget (pasts, pasts->gone.head->data);
  g_assert (g_hash_table_size (pasts->by_id) == 0);
  g_hash_table_unref (pasts->by_id);
}

static gboolean
past_is_over (const BusPasts *pasts, const BusPast *past, gint64 now_us)
{
  return pasts->gone.length > BUS_PAST_MAX || now_us - past->left_us > BUS_PAST_US;
}

/* The list is in order of time, so only its first entries can be too old. */
static void
past_forget_old (BusPasts *pasts, gint64 now_us)
{
  while (pasts->gone.head != NULL && past_is_over (pasts, pasts->gone.head->data, now_us))
    past_forget (pasts, pasts->gone.head->data);
}

static void
past_forget_of_account (BusPasts *pasts, guint32 account, guint64 most)
{
  BusPast *first = NULL;
  guint64 n = 0;

  for (GList *link = pasts->gone.tail; link != NULL; link = link->prev)
    if (((const BusPast *) link->data)->account == account)
      {
        first = link->data;
        n++;
      }
  if (n > most)
    past_forget (pasts, first);
}

BusPast *
bus_past_open (BusPasts *pasts, guint64 seed, WireSpan id, gint64 now_us)
{
  const BusKey key = bus_key (seed, id);
  BusPast *past;

  past_forget_old (pasts, now_us);
  past = g_hash_table_lookup (pasts->by_id, &key);
  if (past == NULL)
    {
      past = g_new0 (BusPast, 1);
      past->id = g_strndup ((const char *) id.data, id.len);
      past->key = (BusKey){ key.hash, wire_span_str (past->id) };
      past->link.data = past;
      g_hash_table_insert (pasts->by_id, &past->key, past);
    }
  else
    g_queue_unlink (&pasts->gone, &past->link);
  g_assert (past->users == 0);
  past->users = 1;
  g_clear_pointer (&past->profile, g_free);
  return past;
}

BusPast *
bus_past_find (const BusPasts *pasts, guint64 seed, WireSpan id)
{
  const BusKey key = bus_key (seed, id);

  return g_hash_table_lookup (pasts->by_id, &key);
}

void
bus_past_close (BusPasts *pasts, BusPast *past, guint32 account, guint64 most, gint64 now_us)
{
  g_assert (past->users == 1);
  past->users = 0;
  past->left_us = now_us;
  past->account = account;
  g_queue_push_tail_link (&pasts->gone, &past->link);
  past_forget_of_account (pasts, account, most);
  past_forget_old (pasts, now_us);
}

/* Adds a time to a ring. Returns the time that it replaces, which was added @size times before. */
static gint64
past_push (gint64 *ring, guint size, guint *n, gint64 now_us)
{
  gint64 *place = &ring[(*n)++ % size];
  gint64 older = *place;

  *place = now_us;
  return older;
}

static gboolean
past_is_recent (gint64 then_us, gint64 now_us)
{
  return then_us != 0 && now_us - then_us < BUS_PAST_WINDOW_US;
}

/* The connection was only interrupted: the process is alive. */
static void
past_take_death_back (BusPast *past)
{
  past->deaths--;
  if (past->was_at_work)
    past->deaths_at_work--;
  past->last_death_us = 0;
}

gboolean
bus_past_registered (BusPast *past, guint64 incarnation, gint64 now_us)
{
  if (past->last_death_us != 0 && past->last_dead == incarnation && now_us - past->last_death_us <= BUS_PAST_RETURN_US)
    past_take_death_back (past);
  past_push (past->registered_us, G_N_ELEMENTS (past->registered_us), &past->n_registrations, now_us);
  for (guint i = 0; i < G_N_ELEMENTS (past->registered_us); i++)
    if (!past_is_recent (past->registered_us[i], now_us))
      return FALSE;
  return TRUE;
}

guint
bus_past_strikes (const BusPast *past, gint64 now_us)
{
  guint n = 0;

  for (guint i = 0; i < BUS_PAST_STRIKES; i++)
    n += past_is_recent (past->strikes_us[i], now_us) ? 1 : 0;
  return n;
}

gboolean
bus_past_strike (BusPast *past, gint64 now_us)
{
  past_push (past->strikes_us, BUS_PAST_STRIKES, &past->n_strikes, now_us);
  if (bus_past_strikes (past, now_us) < BUS_PAST_STRIKES)
    return FALSE;
  memset (past->strikes_us, 0, sizeof past->strikes_us);
  return TRUE;
}

void
bus_past_died (BusPast *past, guint64 incarnation, gboolean at_work, gint64 now_us)
{
  past->deaths++;
  past->last_dead = incarnation;
  past->last_death_us = now_us;
  past->was_at_work = at_work;
  if (at_work)
    past->deaths_at_work++;
}

void
bus_past_completed (BusPast *past)
{
  past->deaths_at_work = 0;
  past->was_at_work = FALSE;
}

gboolean
bus_past_dies_at_work (const BusPast *past)
{
  return past->deaths_at_work >= 2;
}

gboolean
bus_past_is_held (const BusPast *past, gint64 now_us)
{
  return now_us < past->held_until_us;
}

gint64
bus_past_hold (BusPast *past, gint64 first_us, gint64 most_us, gint64 now_us)
{
  gint64 length_us = first_us;

  if (past->held_until_us == 0 || now_us - past->held_until_us > BUS_PAST_US)
    past->n_holds = 0;
  for (guint i = 0; i < past->n_holds && length_us < most_us; i++)
    length_us *= 2;
  past->n_holds++;
  past->held_until_us = now_us + MIN (length_us, most_us);
  return past->held_until_us;
}
