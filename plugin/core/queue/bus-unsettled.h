/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-state.h"

/*
 * Unsettled deliveries: messages that were sent to a subscription and that its client has not settled.
 *
 * A client settles deliveries by returning their credit. Credit is a cumulative total, and deliveries are settled in the order in
 * which they were sent. So an ordinary delivery needs no memory: the subscription counts the sent and the settled ones. A delivery
 * has a record only if something must be released when it is settled: the credit of its publisher (a ticket, policy block), or
 * a message that another member of the group gets if this one does not settle it (at least once). The subscription also notes
 * since when its client has settled nothing, and how long that usually takes; by these times a group detects a member that hangs.
 *
 * Example: deliveries 1 to 5 were sent, and 3 holds a ticket. The only record has the index 3. When the client has returned the
 * credit of three messages, the record is freed, and the ticket is released with it. A record without a message may hold a
 * part of a ticket (bus-credit); it knows the credit of its part.
 *
 * Messages that are delivered at least once are *kept* from the time at which they are accepted: first in a slot of the FIFO, then
 * in a record. Their number and size are bounded for each subscription (unsettled_messages, unsettled_bytes) and charged to its
 * owner. While a record keeps a message, the settle timer is armed: a subscription whose client has settled nothing for
 * settle_timeout_us gives its kept messages to other members (bus-reroute).
 *
 * Invariant: records are in the order of sending, and no settled delivery has one; the timer is armed exactly while a record keeps
 * a message.
 */

struct BusSent
{
  BusSent *next;
  BusDeliveryState state; /* SENT or WITHDRAWN; another state only while it is freed */
  guint part_messages;    /* whose credit it withholds as a part of a ticket; 0: it holds no part */
  gsize part_bytes;       /* of that credit */
  guint64 index;     /* of the (last) delivery: it is settled when the client has returned so many messages in total */
  BusTicket *ticket; /* nullable; own reference */
  BusMessage *message;  /* NULL: it is delivered at most once, or another member has got it */
  BusDelivery delivery; /* the last member: allocated only for a record with a message */
};

/* The number of deliveries that were sent and are not settled. */
static inline guint64
bus_unsettled_messages (const BusSubscription *subscription)
{
  return subscription->delivered - subscription->unsettled.settled;
}

/* TRUE if no message waits for the subscription, and its client has settled everything. */
static inline gboolean
bus_unsettled_is_empty (const BusSubscription *subscription)
{
  return subscription->fifo->messages == 0 && bus_unsettled_messages (subscription) == 0;
}

/* Lists the subscription for bus-drain if it drains and is empty; removes it from that list. */
void bus_unsettled_note_empty (BusFlowShared *shared, BusSubscription *subscription);
void bus_unsettled_unlist_empty (BusFlowShared *shared, BusSubscription *subscription);

/* TRUE if there is memory for the next @n records, with or without a message each. The caller checks this before it encodes: a
 * delivery that was encoded cannot be taken back. */
static inline gboolean
bus_unsettled_can_add (BusFlow *flow, guint n, gboolean with_message)
{
  return bus_cells_can_take_many (&flow->shared->quota->cells,
                                  with_message ? sizeof (BusSent) : G_STRUCT_OFFSET (BusSent, delivery), n);
}

/* Makes a record for the delivery that was counted last. The caller has checked bus_unsettled_can_add(). @ticket, @message:
 * (transfer full) (nullable), not both NULL. @delivery: of the message; NULL without one */
void bus_unsettled_add (BusFlow *flow,
                        BusSubscription *subscription,
                        BusTicket *ticket,
                        BusMessage *message,
                        const BusDelivery *delivery,
                        gint64 now_us);

/* One record is enough for consecutive deliveries whose credit the same ticket withholds, because the ticket is released with the
 * last one. Each part of a ticket has a record of its own. TRUE: the last record now includes the delivery that was counted last,
 * which needs no record of its own. */
static inline gboolean
bus_unsettled_extend (BusSubscription *subscription, const BusTicket *ticket)
{
  BusSent *last = subscription->records->last;

  if (last == NULL || last->ticket != ticket || last->message != NULL)
    return FALSE;
  last->index = subscription->delivered;
  return TRUE;
}

/* Load the records, and the first of them, into the cache: the next delivery and the next credit use them. */
static inline void
bus_unsettled_prefetch (const BusSubscription *subscription)
{
  if (subscription->records != &bus_no_records)
    __builtin_prefetch (subscription->records, 1);
}

static inline void
bus_unsettled_prefetch_record (const BusSubscription *subscription)
{
  if (subscription->records->first != NULL)
    __builtin_prefetch (subscription->records->first, 1);
}

/* Makes or extends the record with which @ticket (transfer none) withholds the credit of the deliveries that were counted last,
 * until the client settles them. */
void bus_unsettled_withhold (BusFlow *flow, BusSubscription *subscription, BusTicket *ticket, gint64 now_us);
/* Makes the record for a run that was sent whole, with a part of a ticket. @ticket: (transfer full) */
void bus_unsettled_withhold_part (BusFlow *flow,
                                  BusSubscription *subscription,
                                  BusTicket *ticket,
                                  guint messages,
                                  gsize bytes,
                                  gint64 now_us);

/* The client returned credit: frees the records of the deliveries that are settled by this. */
void bus_unsettled_settle (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* Releases the tickets of all records. Messages stay kept. */
void bus_unsettled_release_tickets (BusFlow *flow, BusSubscription *subscription);

/* --- messages that are kept --- */

/* The bound that a message of @len client bytes would exceed if it were kept as well. FALSE: none. */
gboolean bus_unsettled_excess (const BusFlow *flow, const BusSubscription *subscription, gsize len, BusExcess *excess);

/* The oldest record that keeps a message, or the next such record after @after (nullable). NULL: none. */
BusSent *bus_unsettled_next_kept (const BusSubscription *subscription, const BusSent *after);

/* The number of unsettled messages that another subscription has got. */
guint64 bus_unsettled_count_withdrawn (const BusSubscription *subscription);

/* Takes the kept message and the ticket out of a record: another subscription gets them. Transfer full. */
BusParcel *bus_unsettled_take (BusFlow *flow, BusSubscription *subscription, BusSent *sent);

/* Frees all records: the subscription ends. */
void bus_unsettled_end (BusFlow *flow, BusSubscription *subscription);

/* The settle timer expired. TRUE: the client settled nothing for settle_timeout_us. The timer is armed again. */
gboolean bus_unsettled_expire (BusFlow *flow, BusSubscription *subscription, gint64 now_us);
