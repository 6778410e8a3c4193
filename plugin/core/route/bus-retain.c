/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-retain.h"

#include "base/bus-text.h"
#include "peer/bus-shed.h"
#include "peer/bus-state.h"
#include "route/bus-routes.h"
#include "wire-topic.h"

/* The approximate memory of a value besides its message: itself, its texts, and its places in table and order. */
#define RETAINED_COST (sizeof (BusRetained) + 256u)
#define TYPE_NAME_MAX 96u

static BusRetainStore *
retain_store_of (const BusCore *core)
{
  return &core->routes->retained;
}

static BusRetained *
retain_find (const BusCore *core, WireSpan topic)
{
  return bus_retain_store_find (retain_store_of (core), core->seed, topic);
}

/* --- one value --- */

/* Takes a value out of the store and frees it. */
static void
retain_remove (BusCore *core, BusRetained *value)
{
  BusRetainStore *store = retain_store_of (core);

  bus_retain_store_remove (store, value);
  if (value->publisher != NULL)
    g_queue_unlink (&bus_peer_need_calls (value->publisher)->retained, &value->publisher_link);
  bus_deadline_disarm (&core->deadlines, &value->timer.deadline);
  bus_account_drop_retained (core->accounts, &core->deadlines, value->account, value->size);
  bus_quota_release (&core->quota, RETAINED_COST);
  bus_message_unref (value->message);
  g_ref_string_release (value->sender);
  g_free (value->type_name);
  g_free (value);
}

/* The publisher of a value, and the account that it is counted for. */
typedef struct
{
  BusCore *core;
  BusAccount *account;
  char *sender; /* GRefString */
} RetainOwner;

static RetainOwner
retain_owner_of (const BusPeer *peer)
{
  return (RetainOwner){ peer->core, peer->account, peer->id };
}

/* The name may be cut, but not within a character. */
static char *
retain_copy_type (WireSpan name)
{
  gsize len = MIN (name.len, TYPE_NAME_MAX);

  while (len < name.len && len > 0 && (name.data[len] & 0xc0) == 0x80)
    len--;
  return g_strndup ((const char *) name.data, len);
}

static void
retain_add (const RetainOwner *owner, BusInbound *inbound, BusMessage *message, BusPeer *until_gone)
{
  BusCore *core = owner->core;
  BusRetainStore *store = retain_store_of (core);
  BusRetained *value = g_new0 (BusRetained, 1);

  value->message = bus_message_ref (message);
  value->key = bus_key (core->seed, message->topic);
  value->size = message->held + RETAINED_COST;
  value->account = owner->account;
  value->sender = g_ref_string_acquire (owner->sender);
  value->type_name = retain_copy_type (inbound->envelope->type_name);
  value->since_us = core->now_us;
  value->is_public = bus_policy_lets_all_receive (message->topic);
  value->timer.kind = BUS_TIMER_RETAINED;
  value->timer.owner = value;
  if (until_gone != NULL)
    {
      value->publisher = until_gone;
      value->publisher_link.data = value;
      g_queue_push_tail_link (&bus_peer_need_calls (until_gone)->retained, &value->publisher_link);
    }
  if (message->expires_us > 0)
    bus_deadline_arm (&core->deadlines, &value->timer.deadline, message->expires_us);
  bus_account_add_retained (owner->account, value->size);
  bus_retain_store_add (store, value);
  store->stored++;
}

/* --- storing --- */

/* Each row compares a limit with the amount that would be stored afterwards, without the value that is replaced. */
static gboolean
retain_has_room (const RetainOwner *owner, WireSpan topic, gsize len, BusExcess *excess)
{
  BusCore *core = owner->core;
  BusRetainStore *store = retain_store_of (core);
  const BusRetained *older = retain_find (core, topic);
  const gboolean is_own = older != NULL && older->account == owner->account;
  const gsize size = bus_message_size (len) + RETAINED_COST;
  const BusExcess rows[] = {
    { BUS_LIMIT_retained_messages, core->limits.retained_messages,
      owner->account->retained_messages + (is_own ? 0 : 1) },
    { BUS_LIMIT_retained_bytes, core->limits.retained_bytes,
      owner->account->retained_bytes - (is_own ? older->size : 0) + size },
    { BUS_LIMIT_broker_bytes, core->quota.cap / BUS_RETAIN_PART,
      store->bytes - (older != NULL ? older->size : 0) + size },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (rows[i].value > rows[i].most)
      {
        *excess = rows[i];
        store->refused++;
        return FALSE;
      }
  if (bus_shed_reserve (core, size, core->now_us))
    return TRUE;
  *excess = (BusExcess){ BUS_LIMIT_broker_bytes, core->quota.cap, core->quota.memory + size };
  store->refused++;
  return FALSE;
}

gboolean
bus_retain_has_room (const BusPeer *peer, WireSpan topic, gsize len, BusExcess *excess)
{
  const RetainOwner owner = retain_owner_of (peer);

  return retain_has_room (&owner, topic, len, excess);
}

static gboolean
retain_store (const RetainOwner *owner, BusInbound *inbound, BusPeer *until_gone)
{
  BusCore *core = owner->core;
  BusRetained *older = retain_find (core, inbound->envelope->topic);
  gboolean has_place = bus_quota_hold (&core->quota, RETAINED_COST);
  BusMessage *message = has_place ? bus_inbound_keep (inbound) : NULL;

  if (message == NULL)
    {
      if (has_place)
        bus_quota_release (&core->quota, RETAINED_COST);
      return FALSE;
    }
  if (older != NULL)
    {
      retain_remove (core, older);
      retain_store_of (core)->replaced++;
    }
  retain_add (owner, inbound, message, until_gone);
  return TRUE;
}

gboolean
bus_retain_store (BusPeer *peer, BusInbound *inbound, gboolean until_gone)
{
  const RetainOwner owner = retain_owner_of (peer);

  return retain_store (&owner, inbound, until_gone ? peer : NULL);
}

gboolean
bus_retain_store_own (BusCore *core, BusAccount *account, BusInbound *inbound)
{
  const RetainOwner owner = { core, account, core->name };
  BusExcess excess;

  return retain_has_room (&owner, inbound->envelope->topic, inbound->frame.body.len, &excess)
         && retain_store (&owner, inbound, NULL);
}

/* --- clearing --- */

gboolean
bus_retain_clear (BusCore *core, WireSpan topic)
{
  BusRetained *value = retain_find (core, topic);

  if (value == NULL)
    return FALSE;
  retain_store_of (core)->cleared++;
  retain_remove (core, value);
  return TRUE;
}

guint
bus_retain_clear_matching (BusCore *core, WireSpan pattern)
{
  BusRetained *value;
  guint64 seq = 0;
  guint n = 0;

  while ((value = bus_retain_store_next (retain_store_of (core), seq)) != NULL)
    {
      seq = value->message->accept_seq;
      if (!bus_retain_matches (pattern, value->key.text))
        continue;
      retain_store_of (core)->cleared++;
      retain_remove (core, value);
      n++;
    }
  return n;
}

void
bus_retain_forget_peer (BusPeer *peer)
{
  while (peer->calls->retained.head != NULL)
    {
      retain_store_of (peer->core)->cleared++;
      retain_remove (peer->core, peer->calls->retained.head->data);
    }
}

void
bus_retain_due (BusCore *core, BusRetained *value)
{
  retain_store_of (core)->expired++;
  retain_remove (core, value);
}

void
bus_retain_end (BusCore *core)
{
  BusRetained *value;

  while ((value = bus_retain_store_next (retain_store_of (core), 0)) != NULL)
    retain_remove (core, value);
}

/* --- patterns --- */

gboolean
bus_retain_matches (WireSpan pattern, WireSpan topic)
{
  WireSegments words, segments;
  WireSpan word, segment;
  gboolean is_first = TRUE;

  wire_segments_init (&words, pattern);
  wire_segments_init (&segments, topic);
  while (wire_segments_next (&words, &word))
    {
      const gboolean has_segment = wire_segments_next (&segments, &segment);
      const gboolean is_wild = word.len == 1 && (word.data[0] == '+' || word.data[0] == '#');

      /* The domain `system` is matched by name only. */
      if (is_wild && is_first && has_segment && wire_span_equal (segment, WIRE_SPAN_LITERAL ("system")))
        return FALSE;
      if (is_wild && word.data[0] == '#')
        return TRUE;
      if (!has_segment || (!is_wild && !wire_span_equal (word, segment)))
        return FALSE;
      is_first = FALSE;
    }
  return !wire_segments_next (&segments, &segment);
}
