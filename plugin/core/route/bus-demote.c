/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-demote.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "queue/bus-block.h"

static void
demote_inform_publisher (BusLedger *publisher, const BusSubscription *subscription)
{
  const BusLimits *limits = &subscription->owner->core->limits;
  WireEnvelope error;
  char detail[200];

  g_snprintf (detail, sizeof detail,
              "%s did not accept it in time (longest-block-us): the loss is reported to it by GAP",
              subscription->owner->id);
  wire_envelope_init (&error);
  error.answers = publisher->block_lost_id;
  error.status = WIRE_STATUS_WOULD_BLOCK;
  error.value = publisher->block_lost;
  error.limit = limits->longest_block_us;
  error.setting = wire_span_str (bus_limit_name (BUS_LIMIT_longest_block_us));
  error.detail = wire_span_str (detail);
  publisher->block_lost = 0;
  bus_peer_put (publisher->peer, WIRE_KIND_ERROR, 0, &error);
}

/* This record has no number of dropped messages: the record of bus-slow counts all losses of a subscription. */
static void
demote_note (BusSubscription *subscription)
{
  BusNote *note
      = bus_peer_note (subscription->owner, BUS_NOTE_DEMOTED, WIRE_STATUS_EXPIRED,
                       "it blocked publishers for too long (longest-block-us): the policy is drop-oldest until "
                       "its queue has drained");

  if (note == NULL)
    return;
  note->subscription = subscription->id;
  note->policy = bus_overflow_name (subscription->bounds.policy);
  bus_note_set_topic (note, bus_subscription_pattern (subscription));
}

void
bus_demote_due (BusSubscription *subscription, gint64 now_us)
{
  g_autoptr (GPtrArray) publishers = g_ptr_array_new ();
  BusPeer *owner = subscription->owner;

  if (!bus_block_expire (&owner->flow, subscription, now_us))
    return;
  bus_reroute_waiting (owner->core, subscription, now_us);
  bus_block_drop (&owner->flow, subscription, publishers, now_us);
  for (guint i = 0; i < publishers->len; i++)
    demote_inform_publisher (g_ptr_array_index (publishers, i), subscription);
  demote_note (subscription);
  bus_flow_pump (&owner->flow, now_us);
  bus_block_check_drained (&owner->flow, subscription, now_us);
  bus_peer_touch (owner);
}
