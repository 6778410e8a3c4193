/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/peer-fixture.h"

#include "peer/bus-hello.h"
#include "peer/bus-takeover.h"
#include "queue/bus-admit.h"
#include "envelope.pb-c.h"
#include "wire-guard.h"

#define AGENT_ACCOUNT 0u

void
peers_setup (Peers *peers, gconstpointer limits_or_null)
{
  BusLimits limits;

  bus_limits_init (&limits);
  *peers = (Peers){ .core = g_new0 (BusCore, 1) };
  bus_state_init (peers->core, limits_or_null != NULL ? limits_or_null : &limits, 1, PEERS_NOW_US);
  peers->core->software_version = g_strdup ("test");
}

void
peers_teardown (Peers *peers, gconstpointer data)
{
  BusCore *core = peers->core;

  while (core->peers.head != NULL)
    peers_disconnect (peers, core->peers.head->data);
  g_assert_cmpuint (core->quota.charged, ==, 0);
  g_assert_cmpuint (core->quota.memory, ==, 0);
  g_assert_cmpuint (core->strangers.length, ==, 0);
  g_assert_cmpuint (core->writable.length, ==, 0);
  g_assert_cmpuint (core->closing.length, ==, 0);
  g_assert_cmpuint (core->unflushed.length, ==, 0);
  g_assert_cmpuint (g_hash_table_size (core->peers_by_id), ==, 0);
  bus_deadline_disarm (&core->deadlines, &core->soft_timer.deadline);
  g_assert_cmpint (bus_deadline_set_next_us (&core->deadlines), ==, G_MAXINT64);
  bus_state_clear (core);
  g_free (core->software_version);
  g_free (core);
}

/* --- peers --- */

BusPeer *
peers_connect (Peers *peers, guint32 account, gboolean agent)
{
  g_autofree char *name = g_strdup_printf ("%u", account);
  const BusCredentials who = { .account = account, .account_name = name, .pid = 4321, .agent = agent };

  return bus_peer_new (peers->core, &who, NULL, peers->core->now_us);
}

static BusPeer *
peers_send_hello (BusPeer *peer, const char *id, const char *type)
{
  Daemoneye__Eventbus__V1__Hello hello = DAEMONEYE__EVENTBUS__V1__HELLO__INIT;
  guint8 body[WIRE_HELLO_MAX];
  WireFrame frame = { .kind = WIRE_KIND_HELLO };

  hello.magic = 0x42594544;
  hello.oldest_version = BUS_VERSION_OLDEST;
  hello.newest_version = BUS_VERSION_NEWEST;
  hello.id = (char *) (gsize) id;
  hello.type = (char *) (gsize) type;
  hello.role = BUS_ROLE_COLLECTOR;
  hello.incarnation = 9;
  frame.body = wire_span (body, daemoneye__eventbus__v1__hello__pack (&hello, body));
  g_assert_cmpint (bus_hello_accept (peer, &frame), ==, BUS_HELLO_ACCEPTED);
  peers_assert_sent (peer, "WELCOME\n");
  return peer;
}

BusPeer *
peers_ready (Peers *peers, const char *id, guint32 account)
{
  return peers_send_hello (peers_connect (peers, account, FALSE), id, "procmond");
}

BusPeer *
peers_agent (Peers *peers)
{
  return peers_send_hello (peers_connect (peers, AGENT_ACCOUNT, TRUE), "daemoneye-agent", "");
}

void
peers_disconnect (Peers *peers, BusPeer *peer)
{
  BusCore *core = peers->core;
  g_autoptr (GPtrArray) subscriptions = bus_subscriptions_sorted (&peer->subscriptions);
  gsize hello_len;

  bus_peer_close (peer, WIRE_STATUS_ABSENT, NULL);
  bus_ledger_end (&peer->ledger);
  for (guint i = 0; i < subscriptions->len; i++)
    peers_unsubscribe (peers, g_ptr_array_index (subscriptions, i));
  g_free (bus_takeover_withdraw (peer, &hello_len));
  if (peer->id != NULL)
    g_hash_table_remove (core->peers_by_id, &peer->key);
  g_queue_unlink (&core->unflushed, &peer->extra->unflushed_link);
  peer->flushed = TRUE;
  bus_peer_free (peer);
}

/* --- subscriptions --- */

BusSubscription *
peers_subscribe (Peers *peers, BusPeer *owner, guint32 id, BusOverflow policy, guint64 window_messages)
{
  const BusLimits *limits = &peers->core->limits;
  BusSubscription *subscription
      = bus_subscription_new (&peers->core->quota.lasting, owner, id, wire_span_str ("#"), FALSE);

  subscription->bounds
      = (BusBounds){ policy, (guint32) limits->subscription_queue_messages, limits->subscription_queue_bytes };
  bus_window_init (&subscription->window, window_messages, limits->receive_window_bytes);
  bus_subscriptions_add (&owner->subscriptions, subscription);
  bus_quota_keep (&peers->core->quota, &owner->ledger.usage, bus_subscription_charge (subscription));
  return subscription;
}

void
peers_unsubscribe (Peers *peers, BusSubscription *subscription)
{
  BusPeer *owner = subscription->owner;

  bus_subscriptions_remove (&owner->subscriptions, subscription);
  bus_quota_unkeep (&peers->core->quota, &owner->ledger.usage, bus_subscription_charge (subscription));
  bus_flow_forget (&owner->flow, subscription, NULL, 0);
  bus_deadline_disarm (&peers->core->deadlines, &bus_subscription_need_losses (subscription)->report_timer.deadline);
  bus_subscription_free (&peers->core->quota.lasting, subscription);
}

/* --- messages --- */

PeerArrival *
peer_arrival_new (Peers *peers, BusPeer *publisher, const char *topic, const char *payload, gsize len)
{
  PeerArrival *arrival = g_new0 (PeerArrival, 1);
  WireEnvelope envelope;
  guint8 *end;
  gsize size;

  wire_envelope_init (&envelope);
  envelope.id = ++peers->last_id;
  envelope.topic = wire_span_str (topic);
  arrival->body = g_malloc0 (wire_envelope_size (&envelope) + len + 64);
  envelope.payload = wire_span (arrival->body, len); /* only its length is written */
  end = wire_envelope_write (&envelope, arrival->body);
  if (payload != NULL)
    memcpy (end, payload, len);
  size = (gsize) (end - arrival->body) + len;
  g_assert_cmpuint (
      wire_envelope_read (wire_span (arrival->body, size), WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &arrival->envelope)
          .status,
      ==, WIRE_STATUS_OK);
  arrival->inbound = (BusInbound){
    .frame = { .kind = WIRE_KIND_PUBLISH, .body = wire_span (arrival->body, size) },
    .envelope = &arrival->envelope,
    .copy_max = BUS_OUTQ_COPY_MAX,
    .class_of = wire_class_of (WIRE_KIND_PUBLISH, arrival->envelope.topic, len, 0),
    .domain = bus_domain_of_topic (arrival->envelope.topic),
    .quota = &peers->core->quota,
    .publisher = publisher != NULL ? &publisher->ledger : NULL,
    .credit_bytes = size,
  };
  bus_inbound_stamp (&arrival->inbound, wire_span_str (publisher != NULL ? publisher->id : "bus"), ++peers->accept_seq,
                     1);
  if (publisher != NULL)
    g_assert_true (
        bus_credit_take (&publisher->ledger, arrival->inbound.class_of.credit_class, size, peers->core->now_us));
  return arrival;
}

void
peer_arrival_free (PeerArrival *arrival)
{
  BusInbound *inbound = &arrival->inbound;

  if (inbound->ticket == NULL && inbound->publisher != NULL)
    bus_credit_return (inbound->publisher, inbound->class_of.credit_class, 1, inbound->credit_bytes);
  bus_inbound_clear (inbound);
  g_free (arrival->body);
  g_free (arrival);
}

void
peers_offer (Peers *peers, BusPeer *publisher, BusSubscription *subscription, guint n, gsize len)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (PeerArrival) arrival = peer_arrival_new (peers, publisher, "events.process.new", NULL, len);
      const BusDelivery delivery = { .kind = WIRE_KIND_DELIVER };
      BusPeer *owner = subscription->owner;

      bus_admit (&owner->flow, &arrival->inbound, &delivery, &subscription, 1, peers->core->now_us);
      bus_peer_touch (owner);
    }
}

/* --- frames that were sent --- */

void
peer_frame_free (gpointer data)
{
  PeerFrame *frame = data;

  g_free (frame->bytes);
  g_free (frame);
}

static void
peers_read_frames (GPtrArray *frames, WireSpan bytes)
{
  WireFrameReader reader;
  WireFrame frame;

  wire_frame_reader_init (&reader, 1u << 26);
  while (wire_frame_reader_next (&reader, &bytes, &frame) == WIRE_FRAME_COMPLETE)
    {
      PeerFrame *copy = g_new0 (PeerFrame, 1);

      copy->kind = frame.kind;
      copy->flags = frame.flags;
      copy->bytes = g_memdup2 (frame.body.data, frame.body.len);
      copy->body = wire_span (copy->bytes, frame.body.len);
      if (frame.kind != WIRE_KIND_WELCOME && frame.kind != WIRE_KIND_GOODBYE)
        g_assert_cmpuint (wire_envelope_read (copy->body, frame.kind, WIRE_FROM_BROKER, &copy->envelope).status, ==,
                          WIRE_STATUS_OK);
      g_ptr_array_add (frames, copy);
    }
  g_assert_false (wire_frame_reader_is_partial (&reader));
  wire_frame_reader_clear (&reader);
}

GPtrArray *
peers_take (BusPeer *peer)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  GPtrArray *frames = g_ptr_array_new_with_free_func (peer_frame_free);
  WireSpan spans[16];
  guint n;

  while ((n = bus_outq_gather (&peer->flow.outq, spans, G_N_ELEMENTS (spans))) > 0)
    for (guint i = 0; i < n; i++)
      {
        g_byte_array_append (all, spans[i].data, (guint) spans[i].len);
        bus_outq_sent (&peer->flow.outq, spans[i].len);
      }
  peers_read_frames (frames, wire_span (all->data, all->len));
  return frames;
}

static void
peers_print_number (GString *out, const char *name, guint64 value)
{
  if (value != 0)
    g_string_append_printf (out, " %s=%" G_GUINT64_FORMAT, name, value);
}

static void
peers_print_text (GString *out, const char *name, WireSpan value)
{
  if (value.len > 0)
    g_string_append_printf (out, " %s=%.*s", name, (int) value.len, (const char *) value.data);
}

static void
peers_print_goodbye (GString *out, const PeerFrame *frame)
{
  g_autoptr (WireGuard) guard = wire_guard_unpack (&daemoneye__eventbus__v1__goodbye__descriptor, frame->body, 0, NULL);
  const Daemoneye__Eventbus__V1__Goodbye *goodbye = wire_guard_message (guard);

  g_string_append_printf (out, " status=%s", wire_status_name (goodbye->status));
}

static void
peers_print_envelope (GString *out, const WireEnvelope *envelope)
{
  WireSpan ids = envelope->subscriptions;
  guint32 id;

  while (wire_envelope_next_u32 (&ids, &id))
    peers_print_number (out, "for", id);
  peers_print_number (out, "answers", envelope->answers);
  peers_print_number (out, "route", envelope->route_id);
  peers_print_text (out, "topic", envelope->topic);
  peers_print_text (out, "sender", envelope->sender);
  if (envelope->status != 0)
    g_string_append_printf (out, " status=%s", wire_status_name (envelope->status));
  peers_print_text (out, "setting", envelope->setting);
  peers_print_number (out, "value", envelope->value);
  peers_print_number (out, "limit", envelope->limit);
  if (envelope->credit_class != 0)
    g_string_append_printf (out, " class=%s", wire_class_name (envelope->credit_class));
  peers_print_number (out, "messages", envelope->credit_messages);
  peers_print_number (out, "bytes", envelope->credit_bytes);
  peers_print_number (out, "subscription", envelope->subscription);
  peers_print_number (out, "from", envelope->gap_from);
  peers_print_number (out, "to", envelope->gap_to);
  peers_print_number (out, "count", envelope->gap_count);
  if (envelope->gap_reason != 0)
    g_string_append_printf (out, " reason=%s", wire_status_name (envelope->gap_reason));
  peers_print_number (out, "payload", envelope->payload.len);
}

char *
peers_take_text (BusPeer *peer)
{
  static const char *const kinds[] = { "?",   "HELLO", "WELCOME", "PUBLISH", "DELIVER", "REQUEST", "REPLY", "DELIVERED",
                                       "ACK", "ERROR", "CREDIT",  "GAP",     "CANCEL",  "PING",    "PONG",  "GOODBYE" };
  g_autoptr (GPtrArray) frames = peers_take (peer);
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < frames->len; i++)
    {
      const PeerFrame *frame = g_ptr_array_index (frames, i);

      g_string_append (out, kinds[frame->kind]);
      if (frame->flags & WIRE_FLAG_FINAL)
        g_string_append (out, " final");
      if (frame->kind == WIRE_KIND_GOODBYE)
        peers_print_goodbye (out, frame);
      else if (frame->kind != WIRE_KIND_WELCOME)
        peers_print_envelope (out, &frame->envelope);
      g_string_append_c (out, '\n');
    }
  return g_string_free (out, FALSE);
}

void
peers_assert_note (Peers *peers, BusNoteKind kind, WireStatus status)
{
  BusNote note;

  g_assert_true (bus_note_take (&peers->core->notes, &note, NULL));
  g_assert_cmpint (note.kind, ==, kind);
  g_assert_cmpstr (wire_status_name (note.status), ==, wire_status_name (status));
}
