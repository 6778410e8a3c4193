/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-resend.h"

#define SLOTS     9u
#define MINUTE_US (60 * G_TIME_SPAN_SECOND)

typedef struct
{
  guint64 number; /* of the first message; in its payload, and names its frame */
  guint64 seq;
  gboolean is_acked;
  guint matched;
  guint queued;
  guint refused;
} ResendKnown;

typedef struct
{
  gboolean exists;
  gboolean has_client;
  guint64 incarnation;
  gint64 left_us;
  guint64 left_nth; /* counts the clients that left, so that they have an order */
  GHashTable *ids;  /* message_id -> ResendKnown; owned by known */
} ResendWindow;

struct SimResends
{
  guint most;
  guint64 left;
  guint64 incarnations[SLOTS]; /* of the client that is connected */
  guint32 accounts[SLOTS];
  ResendWindow windows[SLOTS];
  GPtrArray *known;     /* ResendKnown, all that ever existed */
  GHashTable *by_frame; /* frame that is answered -> ResendKnown */
};

SimResends *
sim_resends_new (guint most)
{
  SimResends *resends = g_new0 (SimResends, 1);

  resends->most = most;
  for (guint i = 0; i < SLOTS; i++)
    resends->windows[i].ids = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  resends->known = g_ptr_array_new_with_free_func (g_free);
  resends->by_frame = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  return resends;
}

void
sim_resends_free (SimResends *resends)
{
  for (guint i = 0; i < SLOTS; i++)
    g_hash_table_unref (resends->windows[i].ids);
  g_hash_table_unref (resends->by_frame);
  g_ptr_array_unref (resends->known);
  g_free (resends);
}

/* --- windows --- */

static void
resend_end_window (ResendWindow *window)
{
  g_hash_table_remove_all (window->ids);
  window->exists = window->has_client = FALSE;
}

static gboolean
resend_is_up_to (gpointer key, gpointer value, gpointer last_known)
{
  return *(const guint64 *) key <= *(const guint64 *) last_known;
}

guint
sim_resends_join (SimResends *resends, guint slot, guint32 account, guint64 incarnation, guint64 last_known)
{
  ResendWindow *window = &resends->windows[slot];

  resends->incarnations[slot] = incarnation;
  resends->accounts[slot] = account;
  if (!window->exists)
    return 0;
  window->has_client = TRUE;
  if (window->incarnation != incarnation)
    last_known = G_MAXUINT64;
  window->incarnation = incarnation;
  return g_hash_table_foreach_remove (window->ids, resend_is_up_to, &last_known);
}

void
sim_resends_leave (SimResends *resends, guint slot, gint64 now_us)
{
  ResendWindow *window = &resends->windows[slot];

  if (!window->exists || !window->has_client)
    return;
  window->has_client = FALSE;
  window->left_us = now_us;
  window->left_nth = ++resends->left;
}

void
sim_resends_tick (SimResends *resends, gint64 now_us)
{
  for (guint i = 0; i < SLOTS; i++)
    {
      ResendWindow *window = &resends->windows[i];

      if (window->exists && !window->has_client && window->left_us + MINUTE_US <= now_us)
        resend_end_window (window);
    }
}

guint
sim_resends_count (const SimResends *resends)
{
  guint n = 0;

  for (guint i = 0; i < SLOTS; i++)
    n += resends->windows[i].exists;
  return n;
}

static guint
resend_count_of (const SimResends *resends, guint32 account)
{
  guint n = 0;

  for (guint i = 0; i < SLOTS; i++)
    n += resends->windows[i].exists && resends->accounts[i] == account;
  return n;
}

/* TRUE if the first of two windows without a client is removed before the second one. */
static gboolean
resend_is_removed_first (const SimResends *resends, guint slot, guint other)
{
  guint own = resend_count_of (resends, resends->accounts[slot]);
  guint others = resend_count_of (resends, resends->accounts[other]);

  return own > others || (own == others && resends->windows[slot].left_nth < resends->windows[other].left_nth);
}

/* The window to remove: of the account with the most windows, the one without a client for longest. NULL: each has a client. */
static ResendWindow *
resend_find_idle (const SimResends *resends)
{
  guint found = SLOTS;

  for (guint i = 0; i < SLOTS; i++)
    {
      const ResendWindow *window = &resends->windows[i];

      if (window->exists && !window->has_client && (found == SLOTS || resend_is_removed_first (resends, i, found)))
        found = i;
    }
  return found < SLOTS ? (ResendWindow *) &resends->windows[found] : NULL;
}

gboolean
sim_resends_open (SimResends *resends, guint slot)
{
  ResendWindow *window = &resends->windows[slot];
  gboolean is_full = sim_resends_count (resends) >= resends->most;

  if (window->exists)
    return FALSE;
  if (is_full)
    resend_end_window (resend_find_idle (resends));
  window->incarnation = resends->incarnations[slot];
  window->exists = window->has_client = TRUE;
  return is_full;
}

/* --- messages --- */

SimResendKind
sim_resends_look_up (const SimResends *resends, guint slot, guint64 message_id, guint64 *first)
{
  const ResendWindow *window = &resends->windows[slot];
  const ResendKnown *known = g_hash_table_lookup (window->ids, &message_id);

  *first = 0;
  if (!window->exists && sim_resends_count (resends) >= resends->most && resend_find_idle (resends) == NULL)
    return SIM_RESEND_NO_WINDOW;
  if (known == NULL)
    return SIM_RESEND_NEW;
  *first = known->number;
  return SIM_RESEND_KNOWN;
}

static void
resend_note_frame (SimResends *resends, guint64 frame, ResendKnown *known)
{
  g_hash_table_insert (resends->by_frame, g_memdup2 (&frame, sizeof frame), known);
}

void
sim_resends_accepted (SimResends *resends, guint slot, guint64 message_id, guint64 number, guint64 seq)
{
  ResendKnown *known = g_new0 (ResendKnown, 1);

  known->number = number;
  known->seq = seq;
  g_ptr_array_add (resends->known, known);
  g_hash_table_insert (resends->windows[slot].ids, g_memdup2 (&message_id, sizeof message_id), known);
  resend_note_frame (resends, number, known);
}

void
sim_resends_repeated (SimResends *resends, guint slot, guint64 message_id, guint64 frame)
{
  resend_note_frame (resends, frame, g_hash_table_lookup (resends->windows[slot].ids, &message_id));
}

/* --- input of a client --- */

gboolean
sim_resends_got_ack (SimResends *resends,
                     guint64 frame,
                     guint64 seq,
                     guint matched,
                     guint queued,
                     guint refused,
                     const char **problem)
{
  ResendKnown *known = g_hash_table_lookup (resends->by_frame, &frame);

  *problem = NULL;
  if (known == NULL)
    return FALSE;
  if (known->seq != seq)
    *problem = "K12: the ACK of a message that was sent again names another sequence";
  else if (known->is_acked && (known->matched != matched || known->queued != queued || known->refused != refused))
    *problem = "K12: the ACK of a message that was sent again counts other receivers";
  known->is_acked = TRUE;
  known->matched = matched;
  known->queued = queued;
  known->refused = refused;
  return known->number != frame;
}
