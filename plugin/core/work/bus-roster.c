/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-roster.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-registry.h"
#include "wire-feature.h"

void
bus_roster_expect (BusAccount *account, GPtrArray *ids)
{
  g_clear_pointer (&account->expected, g_ptr_array_unref);
  account->expected = ids;
}

/* --- rows --- */

/* The list while it is being made. */
typedef struct
{
  BusCore *core;
  const BusRosterQuestion *question;
  gint64 now_us;
  GArray *rows;
  GHashTable *ids; /* the ids of the rows, which own them */
} RosterDraft;

static void
roster_clear_row (gpointer row)
{
  g_ref_string_release (((BusRosterRow *) row)->id);
}

/* Adds a row. @id: (transfer full): GRefString */
static void
roster_add (RosterDraft *draft, char *id, guint64 incarnation, BusNeverAsked unfit)
{
  const BusRosterRow row = { id, incarnation, unfit };

  g_array_append_val (draft->rows, row);
  g_hash_table_add (draft->ids, id);
}

static void
roster_add_members (RosterDraft *draft)
{
  const GPtrArray *members = bus_registry_members_of (draft->core->work, draft->question->operation.text);

  for (guint i = 0; members != NULL && i < members->len; i++)
    {
      const BusMember *member = g_ptr_array_index (members, i);

      if (bus_roster_fits (member, draft->question))
        roster_add (draft, g_ref_string_acquire (member->id), member->incarnation,
                    member->state == BUS_MEMBER_DRAINING ? BUS_NEVER_DRAINING : BUS_NEVER_NONE);
    }
}

static gboolean
roster_was_capable (const RosterDraft *draft, const BusPast *past)
{
  return past->profile != NULL && draft->now_us - past->left_us <= BUS_PAST_US
         && bus_profile_fits (past->profile, draft->core->seed, draft->question);
}

static void
roster_add_missed (RosterDraft *draft)
{
  for (const GList *link = draft->core->work->pasts.gone.head; link != NULL; link = link->next)
    {
      const BusPast *past = link->data;

      if (!g_hash_table_contains (draft->ids, past->id) && roster_was_capable (draft, past))
        roster_add (draft, g_ref_string_new (past->id), past->incarnation, BUS_NEVER_NONE);
    }
}

/* --- the ids of Barriers --- */

static const BusPeer *
roster_find_peer (const BusCore *core, WireSpan id)
{
  const BusKey key = bus_key (core->seed, id);
  const BusPeer *peer = g_hash_table_lookup (core->peers_by_id, &key);

  return peer != NULL && bus_peer_is_ready (peer) ? peer : NULL;
}

static gboolean
roster_wants_type (const RosterDraft *draft, const char *type)
{
  return wire_span_equal (draft->question->type, wire_span_str (type));
}

/* Adds a collector that is registered and not capable, if it has the type of the question. */
static void
roster_add_unfit (RosterDraft *draft, const BusMember *member)
{
  if (roster_wants_type (draft, member->type))
    roster_add (draft, g_ref_string_acquire (member->id), member->incarnation, BUS_NEVER_NO_CAPABILITY);
}

/* Adds a peer that is connected and has not registered, unless its type excludes it. */
static void
roster_add_peer (RosterDraft *draft, const BusPeer *peer)
{
  BusNeverAsked unfit = BUS_NEVER_NONE;

  if (peer->principal.role != BUS_ROLE_COLLECTOR)
    unfit = BUS_NEVER_DENIED;
  else if (draft->question->type.len > 0 && !roster_wants_type (draft, peer->type))
    return;
  else if (!(peer->features & WIRE_FEATURE_TASKS))
    unfit = BUS_NEVER_VERSION;
  roster_add (draft, g_ref_string_acquire (peer->id), peer->incarnation, unfit);
}

static void
roster_add_named (RosterDraft *draft, const char *id)
{
  const WireSpan name = wire_span_str (id);
  const BusMember *member = bus_registry_find (draft->core->work, name);
  const BusPeer *peer = roster_find_peer (draft->core, name);
  const BusPast *past = bus_past_find (&draft->core->work->pasts, draft->core->seed, name);

  if (g_hash_table_contains (draft->ids, id))
    return;
  if (member != NULL)
    roster_add_unfit (draft, member);
  else if (peer != NULL)
    roster_add_peer (draft, peer);
  else if (past == NULL || past->profile == NULL || roster_was_capable (draft, past))
    roster_add (draft, g_ref_string_new (id), past != NULL ? past->incarnation : 0, BUS_NEVER_NONE);
}

static void
roster_add_expected (RosterDraft *draft)
{
  GHashTableIter iter;
  gpointer account;

  g_hash_table_iter_init (&iter, draft->core->accounts);
  while (g_hash_table_iter_next (&iter, NULL, &account))
    {
      const GPtrArray *expected = ((const BusAccount *) account)->expected;

      for (guint i = 0; expected != NULL && i < expected->len; i++)
        roster_add_named (draft, g_ptr_array_index (expected, i));
    }
}

/* --- the list --- */

static int
roster_compare_ids (gconstpointer a, gconstpointer b)
{
  return strcmp (((const BusRosterRow *) a)->id, ((const BusRosterRow *) b)->id);
}

GArray *
bus_roster_new (BusCore *core, const BusRosterQuestion *question, gint64 now_us)
{
  RosterDraft draft = { .core = core, .question = question, .now_us = now_us };

  draft.rows = g_array_new (FALSE, FALSE, sizeof (BusRosterRow));
  g_array_set_clear_func (draft.rows, roster_clear_row);
  draft.ids = g_hash_table_new (g_str_hash, g_str_equal);
  roster_add_members (&draft);
  roster_add_missed (&draft);
  roster_add_expected (&draft);
  g_hash_table_unref (draft.ids);
  g_array_sort (draft.rows, roster_compare_ids);
  return draft.rows;
}

/* --- texts --- */

void
bus_roster_describe_absent (const BusCore *core, const char *id, char *text, gsize size, gint64 now_us)
{
  const BusPast *past = bus_past_find (&core->work->pasts, core->seed, wire_span_str (id));

  if (roster_find_peer (core, wire_span_str (id)) != NULL)
    g_snprintf (text, size, "it is connected, and has not registered");
  else if (past == NULL || past->left_us == 0)
    g_snprintf (text, size, "a Barrier expects it, and the broker has no record of it");
  else
    g_snprintf (text, size, "%s %" G_GINT64_FORMAT " s ago",
                past->profile != NULL ? "its connection ended without announcement" : "it announced its end",
                (now_us - past->left_us) / G_TIME_SPAN_SECOND);
}
