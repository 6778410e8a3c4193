/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "check.h"
#include "peer/bus-peer.h"
#include "queue/bus-fifo-run.h"

#include <string.h>

/*
 * Declarations that the check-* files share: short queries about a client or a subscription, and the checks that one check-*
 * file calls in another. check.h declares the checks that the world calls.
 */

/* A message holds credit for at most this many times longest_block_us. The number of the core is repeated on purpose, so that
 * a change of the core is found. */
#define SIM_BLOCK_PATIENCE 12

/* Returns the subscription with that number; NULL: the broker has none. */
static inline BusSubscription *
sim_subscription_of (const SimClient *client, guint32 subscription)
{
  return bus_subscriptions_find (&client->peer->subscriptions, subscription);
}

/* Returns the subscription at that place of its client; NULL: there is none, or the broker does not have it. */
static inline BusSubscription *
sim_subscription_at (const SimClient *client, guint place)
{
  return client->subs[place].exists ? sim_subscription_of (client, client->subs[place].number) : NULL;
}

/* Lists a FIFO message by message: each message of a run has a slot that exists only here. */
typedef struct
{
  const BusSlot *at; /* of which the next message is shown */
  guint n_shown;     /* messages of its run */
  BusSlot slot;
  BusMessage message;
} SimSlots;

static inline SimSlots
sim_slots_of (const BusSubscription *subscription)
{
  return (SimSlots){ .at = subscription->fifo->first };
}

/* Returns the next message or gap; NULL: there are no more. It stays valid until the next call. */
static inline const BusSlot *
sim_slots_next (SimSlots *slots)
{
  const BusSlot *at = slots->at;

  if (at == NULL || at->run == NULL)
    {
      slots->at = at != NULL ? at->next : NULL;
      return at;
    }
  slots->slot = *at;
  slots->slot.run = NULL;
  slots->slot.message = &slots->message;
  bus_waiting_run_view (at->run, slots->n_shown++, &slots->message);
  if (slots->n_shown == at->run->n)
    {
      slots->n_shown = 0;
      slots->at = at->next;
    }
  return &slots->slot;
}

/* The accept sequences of the first and of the last message of a slot that is not a gap. */
static inline guint64
sim_slot_first_seq (const BusSlot *slot)
{
  return slot->run != NULL ? bus_waiting_run_seq (slot->run) : slot->message->accept_seq;
}

static inline guint64
sim_slot_last_seq (const BusSlot *slot)
{
  return slot->run != NULL ? bus_waiting_run_seq (slot->run) + slot->run->n - 1 : slot->message->accept_seq;
}

/* Returns a waiting message of the client with this route (0: with any); NULL: there is none. */
static inline const BusSlot *
sim_unsent_of (const SimClient *client, guint64 route)
{
  for (guint i = 0; i < SIM_SUBS; i++)
    {
      const BusSubscription *subscription = sim_subscription_at (client, i);

      for (const BusSlot *slot = subscription != NULL ? subscription->fifo->first : NULL; slot != NULL;
           slot = slot->next)
        if (slot->state != BUS_DELIVERY_LOST && slot->delivery.kind == WIRE_KIND_DELIVER
            && (route != 0 ? slot->delivery.route_id == route : slot->delivery.route_id != 0))
          return slot;
    }
  return NULL;
}

static inline const SimClient *
sim_client_of (const BusSubscription *subscription)
{
  return bus_peer_link (subscription->owner);
}

/* TRUE if its waiting messages depend only on its policy, and the policy has never changed. */
static inline gboolean
sim_is_simple (const SimWorld *world, const BusSubscription *subscription)
{
  return subscription->group == NULL && !subscription->serves
         && !sim_model_was_adjusted (world->model, sim_client_of (subscription)->number, subscription->id);
}

/* TRUE if it receives events of the broker, which no client publishes; see check-watch. */
static inline gboolean
sim_is_watching (const BusSubscription *subscription)
{
  static const char domain[] = "system.";
  gsize len = sizeof domain - 1;

  return subscription->pattern_bytes > len && memcmp (subscription->pattern, domain, len) == 0;
}

/* The waiting messages to which the bounds apply: those that are not kept until they are settled. */
static inline guint64
sim_bounded_messages (const BusSubscription *subscription)
{
  return subscription->fifo->messages - subscription->fifo->kept_messages;
}

/* The bytes of the control lane, both encoded and waiting. */
static inline guint64
sim_control_bytes (const BusFlow *flow)
{
  return bus_outq_lane_bytes (&flow->outq, WIRE_LANE_CONTROL) + flow->lanes[WIRE_LANE_CONTROL].bytes;
}

/* --- parts of check-step --- */

void sim_check_sums (SimWorld *world);
void sim_check_reports (SimWorld *world);
void sim_check_timers (SimWorld *world);
void sim_check_requests (SimWorld *world);
/* Adds the replies that wait in the streams of a peer to its sums. */
void sim_check_count_streams (SimWorld *world,
                              const BusPeer *peer,
                              guint64 *waiting_bytes,
                              guint64 *waiting_messages,
                              guint64 *held_bytes,
                              guint64 *held_messages);
void sim_check_names (SimWorld *world);
void sim_check_index (SimWorld *world);
/* Checks messages that were sent to a subscription and are not settled; see check-unsettled.c. */
void sim_check_unsettled (SimWorld *world, const BusSubscription *subscription);
/* The number of unsettled messages of a subscription of @leaving that another member must get when the subscription ends. */
guint64 sim_check_count_to_repeat (const SimWorld *world, const BusSubscription *subscription, const BusPeer *leaving);
/* Checks a message that waits. */
void sim_check_slot (SimWorld *world, const BusSlot *slot);
void sim_check_run (SimWorld *world, const BusSlot *slot);
/* @tickets: the number that the subscription holds */
void sim_check_block_timer (SimWorld *world, const BusSubscription *subscription, guint tickets);

/* Members that drain; see check-drain.c. */
void sim_check_drains (SimWorld *world);

/* Messages that are held for groups; see check-hold.c. */
void sim_check_holds (SimWorld *world);
/* The number of messages that members of the group got without a new publish: handed on, repeated, or held before. */
guint64 sim_check_group_changes (const BusGroup *group);
/* The charge of held messages to that account. */
guint64 sim_check_count_held (const SimWorld *world, const BusAccount *account);
/* The number of held messages whose publisher waits for a confirmation. */
guint sim_check_count_held_routes (const SimWorld *world);

/* Lanes that the client does not empty; see check-lanes.c. */
void sim_check_lanes (SimWorld *world);

/* Stations of messages; see check-hops.c. */
void sim_check_hops (SimWorld *world);

/* Calls that wait for clients; see check-wait.c. */
void sim_check_waits (SimWorld *world);

/* Confirmations; see check-confirm.c. */
void sim_check_confirms (SimWorld *world);
void sim_check_retained (SimWorld *world);
/* Last messages; see check-will.c. */
void sim_check_wills (SimWorld *world);
/* TRUE if there are windows of resends: they may be charged to an account without a charge of any peer. */
gboolean sim_check_has_windows (const SimWorld *world);

/* The timeline; see check-lineage.c. check-frame calls the second and the third. */
void sim_check_lineage (SimWorld *world);
void
sim_check_before_lineage (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before);
void sim_check_after_lineage (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimBefore *before);

/* The record that a message leaves in the timeline; see check-timeline.c. Called by check-lineage. */
void sim_check_before_timeline (const SimWorld *world, const SimFrame *frame, SimRecorded *recorded);
void
sim_check_after_timeline (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimBefore *before);

/* Unfinished frames; see check-pinned.c. check-frame calls the second. */
void sim_check_pinned (SimWorld *world);
void sim_check_after_pinned (SimWorld *world, const SimBefore *before);

/* --- check-groups, called by check-frame, check-block and check-drain --- */

void sim_check_before_groups (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before);
void sim_check_after_groups (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimBefore *before);
/* The number of waiting messages of a member that other members certainly take when it is demoted or drains. */
guint64 sim_check_count_transferable (const SimWorld *world, const BusSubscription *member);

/* --- check-drain, called by check-frame --- */

void sim_check_before_drain (const SimWorld *world, const SimFrame *frame, SimBefore *before);
void sim_check_after_drain (SimWorld *world, const SimFrame *frame, const SimBefore *before);

/* --- check-strategy, called by check-groups and check-step --- */

/* @members: one of each peer that matches. */
void sim_check_before_strategy (const SimWorld *world,
                                const BusGroup *group,
                                const BusSubscription *const *members,
                                guint n,
                                SimTurn *turn);
void sim_check_after_strategy (SimWorld *world, const SimTurn *turn, SimLastTurn *last);
void sim_check_in_flight (SimWorld *world, const BusSubscription *subscription);

/* --- check-bounds, called by check-frame --- */

void sim_check_before_bounds (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before);
/* @seq: of the message in the frame */
void sim_check_after_bounds (SimWorld *world,
                             const SimClient *client,
                             const SimFrame *frame,
                             const SimBefore *before,
                             guint64 seq);
