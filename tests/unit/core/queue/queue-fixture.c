/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-fixture.h"
#include "queue/bus-unsettled.h"
#include "queue/bus-withheld.h"
#include "queue/bus-lane.h"

static int queue_owner; /* its address stands for a peer */

const BusDelivery queue_deliver = { .kind = WIRE_KIND_DELIVER };

static BusPeer *
fixture_owner (void)
{
  return (BusPeer *) (gpointer) &queue_owner;
}

static void
ledger_setup (Queue *queue, BusLedger *ledger)
{
  bus_ledger_init (ledger, fixture_owner (), &queue->creditors);
  ledger->usage.parent = &queue->account;
}

void
queue_setup (Queue *queue, gconstpointer data)
{
  bus_limits_init (&queue->limits);
  bus_deadline_set_init (&queue->deadlines);
  queue_allow_memory (queue);
  queue->creditors = (BusCreditors){ .quota = &queue->quota, .unused = queue->allowances };
  queue->shared.limits = &queue->limits;
  queue->shared.deadlines = &queue->deadlines;
  queue->shared.segments = &queue->segments;
  queue->shared.quota = &queue->quota;
  queue->shared.seed = 1;
  for (guint i = 0; i < WIRE_N_CLASSES; i++)
    bus_window_init (&queue->allowances[i].window, queue->limits.publish_window_messages,
                     queue->limits.publish_window_must_keep_bytes);
  ledger_setup (queue, &queue->reader);
  ledger_setup (queue, &queue->publisher);
  ledger_setup (queue, &queue->other);
  bus_flow_init (&queue->flow, &queue->shared, &queue->reader, fixture_owner ());
  queue->subscriptions = g_ptr_array_new ();
}

/* Asserts that used = returned + held in each class while no frame is handled. */
static void
ledger_check (const BusLedger *ledger)
{
  for (guint i = 0; i < WIRE_N_CLASSES; i++)
    {
      const BusAllowance *allowance = bus_ledger_allowance (ledger, i);
      const BusWindow *window = &allowance->window;

      g_assert_cmpuint (window->used_messages, ==,
                        window->granted_messages + allowance->returned.messages - window->window_messages
                            + allowance->held_messages);
      g_assert_cmpuint (window->used_bytes, ==,
                        window->granted_bytes + allowance->returned.bytes - window->window_bytes
                            + allowance->held_bytes);
    }
}

static void
ledger_teardown (BusLedger *ledger)
{
  g_assert_cmpuint (ledger->n_tickets, ==, 0);
  ledger_check (ledger);
  bus_ledger_end (ledger);
  bus_ledger_clear (ledger);
}

void
queue_teardown (Queue *queue, gconstpointer data)
{
  while (queue->subscriptions->len > 0)
    queue_unsubscribe (queue, g_ptr_array_index (queue->subscriptions, 0));
  bus_flow_end (&queue->flow);
  bus_flow_clear (&queue->flow);
  ledger_teardown (&queue->reader);
  ledger_teardown (&queue->publisher);
  ledger_teardown (&queue->other);
  g_assert_cmpuint (queue->creditors.due.length, ==, 0);
  g_assert_cmpuint (queue->account.charged, ==, 0);
  g_assert_cmpuint (queue->quota.charged, ==, 0);
  g_assert_cmpuint (queue->quota.memory, ==, 0);
  g_assert_cmpint (bus_deadline_set_next_us (&queue->deadlines), ==, G_MAXINT64);
  bus_segment_pool_clear (&queue->segments);
  bus_cells_clear (&queue->quota.cells); /* asserts that every cell was given back */
  bus_cells_clear (&queue->quota.lasting);
  bus_deadline_set_clear (&queue->deadlines);
  g_ptr_array_unref (queue->subscriptions);
}

BusSubscription *
queue_subscribe (Queue *queue, guint32 id, BusOverflow policy, guint64 window_messages)
{
  BusSubscription *subscription
      = bus_subscription_new (&queue->quota.lasting, fixture_owner (), id, WIRE_SPAN_LITERAL ("#"), FALSE);

  g_assert_nonnull (subscription);
  subscription->bounds.policy = policy;
  subscription->bounds.messages = (guint32) queue->limits.subscription_queue_messages;
  subscription->bounds.bytes = queue->limits.subscription_queue_bytes;
  bus_window_init (&subscription->window, window_messages, 1u << 30);
  bus_fifo_index (&queue->flow, subscription, policy == BUS_OVERFLOW_CONFLATE);
  g_ptr_array_add (queue->subscriptions, subscription);
  return subscription;
}

void
queue_unsubscribe (Queue *queue, BusSubscription *subscription)
{
  g_assert_true (g_ptr_array_remove (queue->subscriptions, subscription));
  bus_flow_forget (&queue->flow, subscription, NULL, QUEUE_NOW_US);
  bus_deadline_disarm (&queue->deadlines, &bus_subscription_need_losses (subscription)->report_timer.deadline);
  bus_subscription_free (&queue->quota.lasting, subscription);
}

void
queue_return_credit (BusSubscription *subscription, guint64 n)
{
  BusWindow *window = &subscription->window;

  g_assert_cmpint (
      bus_window_set_granted (window, window->granted_messages + n, window->granted_bytes, window->used_messages), ==,
      BUS_WINDOW_GRANTED);
}

Arrival *
arrival_new_from (Queue *queue, BusLedger *publisher, const char *topic, gsize payload_len)
{
  Arrival *arrival = g_new0 (Arrival, 1);
  BusInbound *inbound = &arrival->inbound;
  g_autofree guint8 *payload = g_malloc0 (MAX (payload_len, 1));
  WireEnvelope written;
  WireReadResult result;
  WireSpan body;
  guint8 *end;

  wire_envelope_init (&written);
  written.id = ++queue->accept_seq + 1000;
  written.topic = wire_span_str (topic);
  written.payload = wire_span (payload, payload_len);
  arrival->body = g_malloc0 (wire_envelope_size (&written) + payload_len);
  end = wire_envelope_write (&written, arrival->body);
  body = wire_span (arrival->body, (gsize) (end - arrival->body) + payload_len);
  result = wire_envelope_read (body, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &arrival->envelope);
  g_assert_cmpuint (result.status, ==, WIRE_STATUS_OK);

  inbound->frame = (WireFrame){ .kind = WIRE_KIND_PUBLISH, .body = body };
  inbound->envelope = &arrival->envelope;
  inbound->copy_max = BUS_OUTQ_COPY_MAX;
  inbound->class_of = wire_class_of (WIRE_KIND_PUBLISH, written.topic, payload_len, 0);
  inbound->domain = bus_domain_of_topic (written.topic);
  inbound->quota = &queue->quota;
  inbound->publisher = publisher;
  inbound->credit_bytes = body.len;
  bus_inbound_stamp (inbound, wire_span_str ("publisher"), queue->accept_seq, QUEUE_NOW_US);
  if (publisher != NULL)
    g_assert_true (bus_credit_take (publisher, inbound->class_of.credit_class, body.len, QUEUE_NOW_US));
  return arrival;
}

Arrival *
arrival_new (Queue *queue, const char *topic, gsize payload_len)
{
  return arrival_new_from (queue, &queue->publisher, topic, payload_len);
}

void
arrival_free (Arrival *arrival)
{
  BusInbound *inbound = &arrival->inbound;

  if (inbound->ticket == NULL && inbound->publisher != NULL)
    bus_credit_return (inbound->publisher, inbound->class_of.credit_class, 1, inbound->credit_bytes);
  bus_inbound_clear (inbound);
  g_free (arrival->body);
  g_free (arrival);
}

BusSlot *
queue_append (Queue *queue, BusSubscription *subscription, const char *topic, gsize payload_len)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, topic, payload_len);
  BusMessage *message = bus_inbound_keep (&arrival->inbound);

  g_assert_nonnull (message);
  return bus_fifo_append (&queue->flow, subscription, message, NULL, &queue_deliver, QUEUE_NOW_US);
}

BusSlot *
queue_append_held (Queue *queue, BusSubscription *subscription, BusLedger *publisher, gint64 now_us)
{
  g_autoptr (Arrival) arrival = arrival_new_from (queue, publisher, "tasks.one", 10);
  BusMessage *message = bus_inbound_keep (&arrival->inbound);
  BusTicket *ticket = bus_inbound_ticket (&arrival->inbound, now_us);

  g_assert_nonnull (message);
  g_assert_nonnull (ticket);
  bus_withheld_note_ticket (&queue->flow, subscription, now_us);
  return bus_fifo_append (&queue->flow, subscription, message, ticket, &queue_deliver, now_us);
}

BusTicket *
queue_ticket_new (Queue *queue, gint64 now_us)
{
  g_assert_true (bus_credit_take (&queue->publisher, WIRE_CLASS_MUST_KEEP, 10, QUEUE_NOW_US));
  return bus_ticket_new (&queue->publisher, WIRE_CLASS_MUST_KEEP, 1, 10, now_us);
}

BusTicket *
queue_send_held (Queue *queue, BusSubscription *subscription, gint64 now_us)
{
  BusTicket *ticket = queue_ticket_new (queue, now_us);

  bus_withheld_note_ticket (&queue->flow, subscription, now_us);
  bus_window_use (&subscription->window, 10);
  bus_flow_delivered (&queue->flow, subscription, 0, ticket, NULL, NULL, now_us);
  return ticket;
}

void
queue_enter_shared (Queue *queue, BusSubscription *first, BusSubscription *second, gint64 expires_us)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, "events.one", 10);
  BusSubscription *subscriptions[] = { first, second };
  BusMessage *message;
  BusEntry *entry;

  arrival->inbound.expires_us = expires_us;
  message = bus_inbound_keep (&arrival->inbound);
  entry = bus_lane_enter (&queue->flow, WIRE_LANE_DATA, message, &queue_deliver);
  for (guint i = 0; i < 2; i++)
    {
      BusSlot *slot = bus_fifo_append (&queue->flow, subscriptions[i], message, NULL, &queue_deliver, QUEUE_NOW_US);

      bus_window_use (&subscriptions[i]->window, message->payload_len);
      bus_fifo_queue (&queue->flow, slot, entry);
    }
}

void
queue_lose (Queue *queue, BusSubscription *subscription, WireLane lane, BusLoss loss)
{
  bus_fifo_lose (&queue->flow, subscription, &(BusLostAt){ lane, 0, ++queue->accept_seq }, 1, loss, QUEUE_NOW_US);
}

void
queue_fill_lane (Queue *queue, WireLane lane, gsize bytes)
{
  g_autofree guint8 *body = g_malloc0 (bytes);

  g_assert_true (
      bus_outq_put (&queue->flow.outq, lane, WIRE_KIND_PING, 0, NULL, wire_span (body, bytes - WIRE_FRAME_HEADER_LEN)));
}

BusAdmission
queue_offer_from (Queue *queue, BusLedger *publisher, const char *topic, gsize payload_len)
{
  g_autoptr (Arrival) arrival = arrival_new_from (queue, publisher, topic, payload_len);

  return bus_admit (&queue->flow, &arrival->inbound, &queue_deliver,
                    (BusSubscription *const *) queue->subscriptions->pdata, queue->subscriptions->len, QUEUE_NOW_US);
}

BusAdmission
queue_offer (Queue *queue, const char *topic)
{
  return queue_offer_from (queue, &queue->publisher, topic, 10);
}

/* --- timers and memory --- */

BusTimer *
queue_pop_timer (Queue *queue, gint64 now_us)
{
  BusDeadline *deadline = bus_deadline_set_pop_due (&queue->deadlines, now_us);

  return deadline != NULL ? (BusTimer *) (gpointer) deadline : NULL;
}

gint64
queue_due_us (const BusTimer *timer)
{
  return bus_deadline_is_armed (&timer->deadline) ? timer->deadline.due_us : 0;
}

void
queue_exhaust_memory (Queue *queue)
{
  queue->quota.cap = queue->quota.memory;
}

void
queue_allow_memory (Queue *queue)
{
  queue->quota.cap = queue->limits.broker_bytes;
}
