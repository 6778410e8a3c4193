/* SPDX-License-Identifier: Apache-2.0 */
#include "core-pressure.h"

#include "peer/bus-state.h"
#include "control.pb-c.h"

void
core_mark (Core *core)
{
  BusCoreStats stats;

  bus_core_stats (core->core, &stats);
  core->mark = stats.accepted;
}

guint64
core_memory (const Core *core)
{
  return core->core->quota.memory;
}

/* --- received messages as text --- */

static const char *
reason_name (guint64 reason)
{
  switch (reason)
    {
    case WIRE_STATUS_SLOW_CONSUMER:
      return "full";
    case WIRE_STATUS_WOULD_BLOCK:
      return "refused";
    case WIRE_STATUS_EXPIRED:
      return "expired";
    case WIRE_STATUS_NO_MEMORY:
      return "no-memory";
    case WIRE_STATUS_LIMIT:
      return "limit";
    default:
      g_assert_not_reached ();
    }
}

static void
append_frame (GString *text, const WireEnvelope *envelope, guint8 kind, guint32 subscription, guint64 mark)
{
  WireSpan ids = envelope->subscriptions;
  guint32 id;

  if (kind == WIRE_KIND_GAP && envelope->subscription == subscription && envelope->gap_to > mark)
    g_string_append_printf (text, "[%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT ":%" G_GUINT64_FORMAT " %s] ",
                            (gint64) (envelope->gap_from - mark), (gint64) (envelope->gap_to - mark),
                            (guint64) envelope->gap_count, reason_name (envelope->gap_reason));
  while (kind == WIRE_KIND_DELIVER && envelope->accept_seq > mark && wire_envelope_next_u32 (&ids, &id))
    if (id == subscription)
      g_string_append_printf (text, "%" G_GUINT64_FORMAT " ", (guint64) (envelope->accept_seq - mark));
}

static char *
finish (GString *text)
{
  if (text->len > 0)
    g_string_truncate (text, text->len - 1);
  return g_string_free (text, FALSE);
}

char *
client_deliveries (Client *client, guint32 subscription)
{
  GString *text = g_string_new (NULL);

  for (GList *link = client->got.head; link != NULL; link = link->next)
    {
      const Got *got = link->data;

      append_frame (text, &got->envelope, got->kind, subscription, client->core->mark);
    }
  return finish (text);
}

char *
client_acks (Client *client)
{
  GString *text = g_string_new (NULL);
  Got *got;

  while ((got = client_take (client, WIRE_KIND_ACK)) != NULL)
    {
      const WireEnvelope *ack = &got->envelope;

      g_string_append_printf (text, "%u/%u/%u%s ", (guint) ack->matched, (guint) ack->queued, (guint) ack->refused,
                              ack->status == WIRE_STATUS_WOULD_BLOCK ? "!" : "");
      g_assert_true (ack->status == WIRE_STATUS_OK || ack->status == WIRE_STATUS_WOULD_BLOCK);
      got_free (got);
    }
  return finish (text);
}

/* --- publishing --- */

guint64
client_publish_many (Client *client, const char *topic, guint n, gsize size)
{
  g_autofree guint8 *payload = g_malloc0 (MAX (size, 1));
  guint64 id = 0;

  for (guint i = 0; i < n; i++)
    id = client_publish (client, topic, WIRE_FLAG_WANT_ACK, payload, size);
  return id;
}

void
client_publish_letters (Client *client, const char *letters)
{
  for (; *letters != '\0'; letters++)
    {
      g_autofree char *topic = g_strdup_printf ("events.process.%c", *letters);

      client_publish_many (client, topic, 1, 10);
    }
}

guint64
client_publish_ttl (Client *client, const char *topic, guint64 ttl_us, gsize size)
{
  g_autofree guint8 *payload = g_malloc0 (MAX (size, 1));
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.ttl_us = ttl_us;
  envelope.payload = wire_span (payload, size);
  return client_send (client, WIRE_KIND_PUBLISH, 0, &envelope);
}

/* --- receiving --- */

/* Returned totals of credit, which may differ from the received ones. */
static void
return_totals (Client *client, guint32 subscription, ClientAccount *account, guint64 messages, guint64 bytes)
{
  account->returned_messages = messages;
  account->returned_bytes = bytes;
  client_credit (client, subscription, account->window_messages + messages, account->window_bytes + bytes);
}

static ClientAccount *
account_of (Client *client, guint32 subscription)
{
  ClientAccount *account = g_hash_table_lookup (client->accounts, GUINT_TO_POINTER (subscription));

  g_assert_nonnull (account);
  return account;
}

void
client_return (Client *client, guint32 subscription, guint n, gsize size)
{
  ClientAccount *account = account_of (client, subscription);

  g_assert_cmpuint (account->returned_messages + n, <=, account->messages);
  return_totals (client, subscription, account, account->returned_messages + n, account->returned_bytes + n * size);
}

void
client_return_all (Client *client, guint32 subscription)
{
  ClientAccount *account = account_of (client, subscription);

  return_totals (client, subscription, account, account->messages, account->bytes);
}

void
client_catch_up (Client *client, guint32 subscription)
{
  ClientAccount *account = account_of (client, subscription);

  client->is_stopped = FALSE;
  core_flush (client->core);
  do
    client_return_all (client, subscription);
  while (account->returned_messages < account->messages);
}

/* --- calls --- */

static guint64
read_dropped (Got *reply)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__adjust_reply__descriptor, reply->envelope.payload, 0, NULL);

  g_assert_nonnull (guard);
  return ((const Daemoneye__Eventbus__V1__AdjustReply *) wire_guard_message (guard))->dropped;
}

guint64
client_adjust (Client *client,
               guint32 subscription,
               guint policy,
               guint64 queue_messages,
               guint64 queue_bytes,
               WireStatus want)
{
  Daemoneye__Eventbus__V1__AdjustRequest request = DAEMONEYE__EVENTBUS__V1__ADJUST_REQUEST__INIT;
  g_autoptr (Got) reply = NULL;
  guint8 payload[64];
  WireEnvelope envelope;

  request.subscription = subscription;
  request.policy = policy;
  request.queue_messages = queue_messages;
  request.queue_bytes = queue_bytes;
  if (!client->is_stopped)
    {
      reply = client_call (client, "control.bus.adjust", &request.base, want);
      return reply != NULL ? read_dropped (reply) : 0;
    }
  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL ("control.bus.adjust");
  envelope.payload = wire_span (payload, daemoneye__eventbus__v1__adjust_request__pack (&request, payload));
  client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
  return 0;
}

void
client_unsubscribe (Client *client, guint32 subscription)
{
  Daemoneye__Eventbus__V1__UnsubscribeRequest request = DAEMONEYE__EVENTBUS__V1__UNSUBSCRIBE_REQUEST__INIT;
  g_autoptr (Got) reply = NULL;

  request.subscription = subscription;
  reply = client_call (client, "control.bus.unsubscribe", &request.base, WIRE_STATUS_OK);
}

CreditTotals
client_take_credit (Client *client, guint credit_class)
{
  CreditTotals sum = { 0, 0, 0 };
  GList *next;

  for (GList *link = client->got.head; link != NULL; link = next)
    {
      Got *got = link->data;

      next = link->next;
      if (got->kind != WIRE_KIND_CREDIT || got->envelope.credit_class != credit_class)
        continue;
      sum.times++;
      sum.messages = got->envelope.credit_messages;
      sum.bytes = got->envelope.credit_bytes;
      g_queue_delete_link (&client->got, link);
      got_free (got);
    }
  return sum;
}
