/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-state.h"

/*
 * Unsettled deliveries: what was sent to a subscription, and its client has not settled.
 *
 * A client settles deliveries by returning their credit. Credit is a total, and deliveries are settled in the order in
 * which they were sent, so an ordinary delivery costs no memory: the subscription counts how many were sent and how
 * many are settled. A delivery has a record only if something ends with it: the credit of its publisher (a ticket,
 * policy block), or the reference to a message that another member of the group gets when this one does not settle it
 * (at least once). The subscription also knows since when it has settled nothing, and how long it usually takes, by
 * which a group recognises a member that stands still.
 *
 * Messages that are delivered at least once are *kept* from the moment at which they are accepted: first in a slot of
 * the FIFO, then in a record. Their number and size are bounded for each subscription (unsettled_messages,
 * unsettled_bytes) and charged to its owner. While a record keeps a message, a timer is armed: a subscription that has
 * settled nothing for settle_timeout_us gives its kept messages to other members (bus-reroute).
 *
 * Invariant: records stand in sending order, and none is older than what is settled; the timer is armed exactly while a
 * record keeps a message.
 */

struct BusSent
{
  BusSent *next;
  BusDeliveryState state; /* SENT or WITHDRAWN; another one only while it is freed */
  guint64 index; /* of the delivery, the last one of several: settled when the client has returned so many messages */
  BusTicket *ticket;    /* nullable; own reference */
  BusMessage *message;  /* kept; NULL: at most once */
  BusDelivery delivery; /* last: with a message only */
};

/* Sent and not settled. */
static inline guint64
bus_unsettled_messages (const BusSubscription *subscription)
{
  return subscription->delivered - subscription->unsettled.settled;
}

/* Nothing waits for it, and its client has settled everything. */
static inline gboolean
bus_unsettled_is_empty (const BusSubscription *subscription)
{
  return subscription->fifo.messages == 0 && bus_unsettled_messages (subscription) == 0;
}

/* Lists a subscription that drains and is empty. */
void bus_unsettled_note_empty (BusFlowShared *shared, BusSubscription *subscription);
void bus_unsettled_unlist_empty (BusFlowShared *shared, BusSubscription *subscription);

/* The delivery that was counted last has a record. @ticket, @message: (transfer full) (nullable), not both NULL.
 * @delivery: of the message; NULL without one */
void bus_unsettled_add (BusFlow *flow,
                        BusSubscription *subscription,
                        BusTicket *ticket,
                        BusMessage *message,
                        const BusDelivery *delivery,
                        gint64 now_us);

/* One record is enough for deliveries one behind the other whose credit one ticket withholds: it returns with the last one. TRUE:
 * the record of the delivery before now stands for the one that was counted last, too. */
static inline gboolean
bus_unsettled_extend (BusSubscription *subscription, const BusTicket *ticket)
{
  BusSent *last = subscription->unsettled.last;

  if (last == NULL || last->ticket != ticket || last->message != NULL)
    return FALSE;
  last->index = subscription->delivered;
  return TRUE;
}

/* The client returned credit: what it settled ends. */
void bus_unsettled_settle (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* Gives up every ticket of a delivery. Messages stay kept. */
void bus_unsettled_release_tickets (BusFlow *flow, BusSubscription *subscription);

/* --- messages that are kept --- */

/* The bound that a message of @len client bytes would exceed if it were kept as well. FALSE: none. */
gboolean bus_unsettled_excess (const BusFlow *flow, const BusSubscription *subscription, gsize len, BusExcess *excess);

/* The oldest record that keeps a message; with @after (nullable) the next one. NULL: none. */
BusSent *bus_unsettled_next_kept (const BusSubscription *subscription, const BusSent *after);

/* Unsettled messages that another subscription has got. */
guint64 bus_unsettled_count_withdrawn (const BusSubscription *subscription);

/* Takes the kept message and the ticket out of a record: another subscription gets them. Transfer full. */
BusParcel *bus_unsettled_take (BusFlow *flow, BusSubscription *subscription, BusSent *sent);

/* Gives up all records: the subscription ends. */
void bus_unsettled_end (BusFlow *flow, BusSubscription *subscription);

/* The settle timer expired. TRUE: the client settled nothing for settle_timeout_us. The timer is armed again. */
gboolean bus_unsettled_expire (BusFlow *flow, BusSubscription *subscription, gint64 now_us);
