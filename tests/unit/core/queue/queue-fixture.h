/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-admit.h"
#include "queue/bus-fifo.h"

/*
 * The queue of one peer without the peer: a flow, the state that all flows share, and the ledgers of the peer and of two
 * publishers.
 *
 * Only the queue layer and the layers below it are linked, so the owner of a subscription or a timer is a pointer that is never
 * dereferenced. Tests compare the state of a FIFO, and the encoded frames, as text (see below). queue_teardown() ends all objects
 * and asserts that nothing is charged, held or armed any more.
 */

#define QUEUE_NOW_US ((gint64) 1000000)

typedef struct
{
  BusLimits limits;
  BusDeadlineSet deadlines;
  BusSegmentPool segments;
  BusQuota quota;
  BusUsage account; /* of all ledgers */
  BusCreditors creditors;
  BusFlowShared shared;
  BusAllowance allowances[WIRE_N_CLASSES];
  BusLedger reader; /* of the peer whose queue it is */
  BusLedger publisher;
  BusLedger other;
  BusFlow flow;
  GPtrArray *subscriptions;
  guint64 accept_seq;        /* of the latest arrival */
  guint64 last_remaining_us; /* of the last frame that queue_sent_text() decoded */
} Queue;

void queue_setup (Queue *queue, gconstpointer data);
void queue_teardown (Queue *queue, gconstpointer data);

/* Adds a subscription with the default bounds and a window of @window_messages without a limit of bytes. (transfer none) */
BusSubscription *queue_subscribe (Queue *queue, guint32 id, BusOverflow policy, guint64 window_messages);

/* Ends a subscription before queue_teardown() does. */
void queue_unsubscribe (Queue *queue, BusSubscription *subscription);

/* The client returns credit for @n more messages of a subscription. */
void queue_return_credit (BusSubscription *subscription, guint64 n);

/* A frame that has arrived from queue->publisher, with the next accept sequence. */
typedef struct
{
  BusInbound inbound;
  WireEnvelope envelope;
  guint8 *body;
} Arrival;

Arrival *arrival_new (Queue *queue, const char *topic, gsize payload_len);
Arrival *arrival_new_from (Queue *queue, BusLedger *publisher, const char *topic, gsize payload_len);

/* Ends the input call. Credit that no ticket withholds is returned. */
void arrival_free (Arrival *arrival);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Arrival, arrival_free)

extern const BusDelivery queue_deliver; /* a plain DELIVER */

/* Appends a message to a FIFO, WAITING. @publisher: (nullable): a ticket withholds its credit. */
BusSlot *queue_append (Queue *queue, BusSubscription *subscription, const char *topic, gsize payload_len);
BusSlot *queue_append_held (Queue *queue, BusSubscription *subscription, BusLedger *publisher, gint64 now_us);

/* Makes a ticket of queue->publisher without a message. Transfer full. */
BusTicket *queue_ticket_new (Queue *queue, gint64 now_us);

/* Delivers a message with a ticket to a subscription. Transfer none: a hold owns the ticket until the message is acknowledged. */
BusTicket *queue_send_held (Queue *queue, BusSubscription *subscription, gint64 now_us);

/* One message that waits in an entry of both subscriptions. @expires_us: 0: never */
void queue_enter_shared (Queue *queue, BusSubscription *first, BusSubscription *second, gint64 expires_us);

/* Records the loss of the next message, which is not accepted. */
void queue_lose (Queue *queue, BusSubscription *subscription, WireLane lane, BusLoss loss);

/* Encodes a PING that uses exactly @bytes of a lane. */
void queue_fill_lane (Queue *queue, WireLane lane, gsize bytes);

/* Offers a message to all subscriptions of the queue, in their order. */
BusAdmission queue_offer_from (Queue *queue, BusLedger *publisher, const char *topic, gsize payload_len);
BusAdmission queue_offer (Queue *queue, const char *topic);

/* --- as text: queue-text.c --- */

/* The slots of a FIFO, and whether it and the sums of the queue are consistent. A message is w (WAITING) or q (QUEUED) and
 * its accept sequence, a gap is g, first and last sequence, x, count and the first letter of its reason:
 * "q1 g2-4x3f w5". Capital letters: the control lane. Transfer full. */
char *queue_fifo_text (const Queue *queue, const BusSubscription *subscription);
#define queue_assert_fifo(queue, subscription, text)                                                                   \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_autofree char *fifo_text = queue_fifo_text (queue, subscription);                                                \
    g_assert_cmpstr (fifo_text, ==, text);                                                                             \
  }                                                                                                                    \
  G_STMT_END

/* Takes the encoded frames as the transport does. A message is d (DELIVER), r (REQUEST) or a (REPLY), its accept sequence,
 * a colon and the subscriptions in the order of their ids; a gap is as above, a colon and its subscription; p is a PING:
 * "d1:1,2 g2-4x3f:1 p". Transfer full. */
char *queue_sent_text (Queue *queue);
#define queue_assert_sent(queue, text)                                                                                 \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_autofree char *sent_text = queue_sent_text (queue);                                                              \
    g_assert_cmpstr (sent_text, ==, text);                                                                             \
  }                                                                                                                    \
  G_STMT_END

/* --- timers and memory --- */

/* The timer that is due at @now_us, taken out of the set; NULL: none. */
BusTimer *queue_pop_timer (Queue *queue, gint64 now_us);

/* When a timer is due; 0: it is not armed. */
gint64 queue_due_us (const BusTimer *timer);

/* Sets the cap to the memory that is held now, so that every later allocation fails. */
void queue_exhaust_memory (Queue *queue);
void queue_allow_memory (Queue *queue);

#define QUEUE_ADD(path, function) g_test_add (path, Queue, NULL, queue_setup, function, queue_teardown)
