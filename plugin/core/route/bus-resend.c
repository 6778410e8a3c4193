/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-resend.h"

#include "peer/bus-shed.h"
#include "peer/bus-state.h"
#include "route/bus-routes.h"

/* The approximate memory of a number in the hash table. */
#define LOOK_UP_BYTES  48u
#define ACCEPTED_BYTES (sizeof (BusAccepted) + LOOK_UP_BYTES)

typedef struct BusResendWindow
{
  BusTimer timer;
  BusKey key; /* of account and id; the text is behind the struct */
  BusCore *core;
  BusAccount *account; /* held */
  BusPeer *peer;       /* NULL: not connected */
  guint64 incarnation;
  GHashTable *by_id; /* number -> BusAccepted */
  GQueue accepted;   /* BusAccepted by their link, oldest first */
  GList idle_link;   /* of windows without a peer */
} BusResendWindow;

/* --- numbers --- */

static void
resend_charge (BusResendWindow *window, gsize bytes)
{
  bus_quota_keep (&window->core->quota, &window->account->usage, bytes);
}

static void
resend_refund (BusResendWindow *window, gsize bytes)
{
  bus_quota_unkeep (&window->core->quota, &window->account->usage, bytes);
}

static void
resend_forget (BusResendWindow *window, BusAccepted *accepted)
{
  bus_confirm_drop_witness (&accepted->witness);
  g_hash_table_remove (window->by_id, &accepted->message_id);
  g_queue_unlink (&window->accepted, &accepted->link);
  resend_refund (window, ACCEPTED_BYTES);
  g_slice_free (BusAccepted, accepted);
}

static void
resend_forget_up_to (BusResendWindow *window, guint64 last_known)
{
  for (GList *link = window->accepted.head, *next; link != NULL; link = next)
    {
      BusAccepted *accepted = link->data;

      next = link->next;
      if (accepted->message_id <= last_known)
        resend_forget (window, accepted);
    }
}

/* --- windows --- */

static char *
resend_key_text (const BusPeer *peer)
{
  return g_strdup_printf ("%u/%s", peer->account->number, peer->id);
}

static void
resend_free_window (BusResendWindow *window)
{
  BusCore *core = window->core;

  resend_forget_up_to (window, G_MAXUINT64);
  bus_deadline_disarm (&core->deadlines, &window->timer.deadline);
  if (window->peer != NULL)
    bus_peer_need_calls (window->peer)->resend = NULL;
  else
    g_queue_unlink (&core->routes->resend_idle, &window->idle_link);
  g_hash_table_remove (core->routes->resend_windows, &window->key);
  g_hash_table_unref (window->by_id);
  window->account->resend_windows--;
  resend_refund (window, sizeof (BusResendWindow) + window->key.text.len);
  bus_account_release (core->accounts, &core->deadlines, window->account);
  g_free (window);
}

static BusResendWindow *
resend_new_window (BusPeer *peer, WireSpan text)
{
  BusCore *core = peer->core;
  BusResendWindow *window = g_malloc0 (sizeof (BusResendWindow) + text.len);
  guint8 *copy = (guint8 *) (window + 1);

  memcpy (copy, text.data, text.len);
  window->key = bus_key (core->seed, wire_span (copy, text.len));
  window->core = core;
  window->account = peer->account;
  bus_account_hold (window->account);
  window->account->resend_windows++;
  window->incarnation = peer->incarnation;
  window->by_id = g_hash_table_new (g_int64_hash, g_int64_equal);
  window->timer.kind = BUS_TIMER_RESEND;
  window->timer.owner = window;
  window->idle_link.data = window;
  g_hash_table_insert (core->routes->resend_windows, &window->key, window);
  resend_charge (window, sizeof (BusResendWindow) + text.len);
  return window;
}

static BusResendWindow *
resend_find_window (const BusPeer *peer)
{
  g_autofree char *text = resend_key_text (peer);
  BusKey key = bus_key (peer->core->seed, wire_span_str (text));

  return g_hash_table_lookup (peer->core->routes->resend_windows, &key);
}

/* Gives the window to a peer that has returned, or is new. */
static void
resend_attach (BusResendWindow *window, BusPeer *peer)
{
  if (window->incarnation != peer->incarnation)
    resend_forget_up_to (window, G_MAXUINT64);
  window->incarnation = peer->incarnation;
  window->peer = peer;
  bus_peer_need_calls (peer)->resend = window;
}

/* The window to replace: of the account that has the most windows, the one whose client disconnected first. NULL: all clients are
 * connected. */
static BusResendWindow *
resend_find_place (const BusCore *core)
{
  BusResendWindow *found = NULL;

  for (GList *link = core->routes->resend_idle.head; link != NULL; link = link->next)
    {
      BusResendWindow *window = link->data;

      if (found == NULL || window->account->resend_windows > found->account->resend_windows)
        found = window;
    }
  return found;
}

static gboolean
resend_make_place (BusCore *core)
{
  BusResendWindow *window;

  if (g_hash_table_size (core->routes->resend_windows) < core->limits.resend_windows)
    return TRUE;
  window = resend_find_place (core);
  if (window == NULL)
    return FALSE;
  resend_free_window (window);
  return TRUE;
}

gboolean
bus_resend_open (BusPeer *peer)
{
  g_autofree char *text = NULL;

  if (peer->calls->resend != NULL)
    return TRUE;
  if (!resend_make_place (peer->core))
    return FALSE;
  text = resend_key_text (peer);
  resend_attach (resend_new_window (peer, wire_span_str (text)), peer);
  return TRUE;
}

void
bus_resend_join (BusPeer *peer, guint64 last_known)
{
  BusResendWindow *window = resend_find_window (peer);

  if (window == NULL || window->peer != NULL)
    return;
  bus_deadline_disarm (&peer->core->deadlines, &window->timer.deadline);
  g_queue_unlink (&peer->core->routes->resend_idle, &window->idle_link);
  resend_attach (window, peer);
  resend_forget_up_to (window, last_known);
}

void
bus_resend_leave (BusPeer *peer, gint64 now_us)
{
  BusResendWindow *window = peer->calls->resend;

  if (window == NULL)
    return;
  bus_peer_need_calls (peer)->resend = NULL;
  window->peer = NULL;
  g_queue_push_tail_link (&peer->core->routes->resend_idle, &window->idle_link);
  bus_deadline_arm (&peer->core->deadlines, &window->timer.deadline, now_us + BUS_RESEND_US);
}

void
bus_resend_due (gpointer window)
{
  resend_free_window (window);
}

void
bus_resend_clear (BusCore *core)
{
  while (core->routes->resend_idle.head != NULL)
    resend_free_window (core->routes->resend_idle.head->data);
}

/* --- messages --- */

BusAccepted *
bus_resend_find (const BusPeer *peer, guint64 message_id)
{
  return g_hash_table_lookup (peer->calls->resend->by_id, &message_id);
}

gboolean
bus_resend_has_room (const BusPeer *peer, gint64 now_us, BusExcess *excess)
{
  BusCore *core = peer->core;

  if (peer->calls->resend->accepted.length == BUS_RESEND_IDS)
    return TRUE;
  if (!bus_shed_fit_account (peer->account, ACCEPTED_BYTES, now_us))
    *excess = (BusExcess){ BUS_LIMIT_uid_bytes, core->limits.uid_bytes, peer->account->usage.charged + ACCEPTED_BYTES };
  else if (!bus_shed_reserve (core, ACCEPTED_BYTES, now_us))
    *excess = (BusExcess){ BUS_LIMIT_broker_bytes, core->quota.cap, core->quota.memory + ACCEPTED_BYTES };
  else
    return TRUE;
  return FALSE;
}

void
bus_resend_add (BusPeer *peer, guint64 message_id, guint64 accept_seq, BusOutcome outcome, BusConfirm *confirm)
{
  BusResendWindow *window = peer->calls->resend;
  BusAccepted *accepted = g_slice_new0 (BusAccepted);

  if (window->accepted.length == BUS_RESEND_IDS)
    resend_forget (window, window->accepted.head->data);
  accepted->message_id = message_id;
  accepted->accept_seq = accept_seq;
  accepted->outcome = outcome;
  accepted->link.data = accepted;
  g_queue_push_tail_link (&window->accepted, &accepted->link);
  g_hash_table_insert (window->by_id, &accepted->message_id, accepted);
  resend_charge (window, ACCEPTED_BYTES);
  if (confirm != NULL)
    bus_confirm_witness (confirm, &accepted->witness, &window->account->usage);
}
