/* SPDX-License-Identifier: Apache-2.0 */
#include "news/bus-slow.h"

#include "queue/bus-report.h"
#include "route/route-fixture.h"
#include "control.pb-c.h"

/* The events system.drop and system.slow: exact counts, at most one a second, and nothing left unreported at the end. */

#define TOPIC "events.process.new"

typedef Daemoneye__Eventbus__V1__DropEvent DropEvent;
typedef Daemoneye__Eventbus__V1__SlowEvent SlowEvent;

typedef struct
{
  Peers peers;
  BusPeer *watcher; /* subscribed to both topics */
  BusPeer *reader;
  BusSubscription *slow; /* one message in its window, two in its queue */
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  routes_setup (&f->peers, NULL);
  f->watcher = peers_agent (&f->peers);
  routes_subscribe (&f->peers, f->watcher, 1, "system.drop", NULL, 1000);
  routes_subscribe (&f->peers, f->watcher, 2, "system.slow", NULL, 1000);
  f->reader = peers_ready (&f->peers, "reader", 1000);
  f->slow = routes_subscribe (&f->peers, f->reader, 3, "events.#", NULL, 1);
  f->slow->bounds.messages = 2;
}

static void
teardown (Fixture *f, gconstpointer data)
{
  routes_teardown (&f->peers, NULL);
}

/* Returns the payload of the only frame that was sent to the watcher since the last call. */
static gpointer
take_payload (Fixture *f, const ProtobufCMessageDescriptor *type, const char *topic)
{
  g_autoptr (GPtrArray) frames = peers_take (f->watcher);
  const PeerFrame *frame;
  ProtobufCMessage *message;

  g_assert_cmpuint (frames->len, ==, 1);
  frame = g_ptr_array_index (frames, 0);
  g_assert_true (wire_span_equal (frame->envelope.topic, wire_span_str (topic)));
  message = protobuf_c_message_unpack (type, NULL, frame->envelope.payload.len, frame->envelope.payload.data);
  g_assert_nonnull (message);
  return message;
}

static DropEvent *
take_drop (Fixture *f)
{
  return take_payload (f, &daemoneye__eventbus__v1__drop_event__descriptor, "system.drop");
}

static SlowEvent *
take_slow (Fixture *f)
{
  return take_payload (f, &daemoneye__eventbus__v1__slow_event__descriptor, "system.slow");
}

static void
drop_event_free (DropEvent *event)
{
  daemoneye__eventbus__v1__drop_event__free_unpacked (event, NULL);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DropEvent, drop_event_free)

static void
slow_event_free (SlowEvent *event)
{
  daemoneye__eventbus__v1__slow_event__free_unpacked (event, NULL);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SlowEvent, slow_event_free)

static void
publish (Fixture *f, guint n)
{
  for (guint i = 0; i < n; i++)
    routes_publish (&f->peers, NULL, TOPIC, 10);
}

static void
due (Fixture *f)
{
  bus_deadline_disarm (&f->peers.core->deadlines, &bus_subscription_need_losses (f->slow)->report_timer.deadline);
  bus_slow_subscription_due (f->slow, f->peers.core->now_us);
}

/* --- system.drop --- */

/* Asserts that the next log record is about the drop, and contains all facts about it. */
static void
assert_drop_note (Fixture *f, WireStatus most, const char *detail, guint64 count)
{
  BusNote note;

  g_assert_true (bus_note_take (&f->peers.core->notes, &note, NULL));
  g_assert_cmpint (note.kind, ==, BUS_NOTE_DROPPED);
  g_assert_cmpint (note.status, ==, most);
  g_assert_cmpstr (note.id, ==, "reader");
  g_assert_cmpuint (note.subscription, ==, 3);
  g_assert_cmpstr (note.topic, ==, "events.#");
  g_assert_cmpstr (note.policy, ==, "drop-oldest");
  g_assert_cmpstr (note.detail, ==, detail);
  g_assert_cmpuint (note.count, ==, count);
}

static void
test_drop (Fixture *f, gconstpointer data)
{
  g_autoptr (DropEvent) event = NULL;
  guint64 first = f->peers.accept_seq + 1;

  publish (f, 10); /* one is sent, two wait, and seven are dropped */
  g_assert_cmpuint (f->slow->extra->missed, ==, 7);
  g_assert_true (bus_deadline_is_armed (&bus_subscription_need_losses (f->slow)->report_timer.deadline));
  peers_assert_sent (f->watcher, ""); /* nothing is published from inside a queue operation */
  due (f);
  event = take_drop (f);
  g_assert_cmpstr (event->peer, ==, "reader");
  g_assert_cmpuint (event->subscription, ==, 3);
  g_assert_cmpstr (event->pattern, ==, "events.#");
  g_assert_cmpstr (event->group, ==, "");
  g_assert_cmpuint (event->policy, ==, BUS_OVERFLOW_DROP_OLDEST);
  g_assert_cmpuint (event->from, ==, first + 1);
  g_assert_cmpuint (event->to, ==, first + 7);
  g_assert_cmpuint (event->count, ==, 7);
  g_assert_cmpuint (event->n_missed_by, ==, 1);
  g_assert_cmpuint (event->missed_by[0]->reason, ==, WIRE_STATUS_SLOW_CONSUMER);
  g_assert_cmpuint (event->missed_by[0]->count, ==, 7);
  assert_drop_note (f, WIRE_STATUS_SLOW_CONSUMER, "SLOW_CONSUMER 7", 7);
  due (f); /* nothing new */
  peers_assert_sent (f->watcher, "");
}

/* The next report is a second later, and the sum of all reports is the number of missed messages. */
static void
test_sums (Fixture *f, gconstpointer data)
{
  BusNote note;
  guint64 noted = 0;
  guint64 sum = 0;

  for (guint round = 0; round < 5; round++)
    {
      g_autoptr (DropEvent) event = NULL;

      publish (f, 5);
      due (f);
      event = take_drop (f);
      sum += event->count;
      publish (f, 1); /* the timer waits for the rest of its second */
      g_assert_cmpint (bus_subscription_losses (f->slow)->report_timer.deadline.due_us, ==,
                       f->peers.core->now_us + BUS_REPORT_EVERY_US);
      f->peers.core->now_us += BUS_REPORT_EVERY_US;
    }
  {
    g_autoptr (DropEvent) event = NULL;

    bus_slow_end (f->slow, f->peers.core->now_us);
    event = take_drop (f);
    sum += event->count;
  }
  g_assert_cmpuint (sum, ==, f->slow->extra->missed);
  g_assert_false (bus_deadline_is_armed (&bus_subscription_need_losses (f->slow)->report_timer.deadline));
  while (bus_note_take (&f->peers.core->notes, &note, NULL))
    {
      g_assert_cmpint (note.kind, ==, BUS_NOTE_DROPPED);
      noted += note.count;
    }
  g_assert_cmpuint (noted, ==, f->slow->extra->missed);
}

/* A suppressed record is not lost: the next one includes its messages, and the number of suppressed records. */
static void
test_suppressed_note (Fixture *f, gconstpointer data)
{
  BusNote note;

  for (guint i = 0; i < BUS_NOTES_PER_PEER; i++)
    {
      bus_peer_note (f->reader, BUS_NOTE_DENIED, WIRE_STATUS_DENIED, "noise");
      g_assert_true (bus_note_take (&f->peers.core->notes, &note, NULL));
    }
  publish (f, 10);
  due (f);
  g_assert_false (bus_note_take (&f->peers.core->notes, &note, NULL));
  f->peers.core->now_us += BUS_REPORT_EVERY_US;
  publish (f, 5);
  due (f);
  assert_drop_note (f, WIRE_STATUS_SLOW_CONSUMER, "SLOW_CONSUMER 12", 12);
  publish (f, 2);
  due (f);
  assert_drop_note (f, WIRE_STATUS_SLOW_CONSUMER, "SLOW_CONSUMER 2", 2);
}

/* Losses for different reasons are in one event, each with its count. */
static void
test_reasons (Fixture *f, gconstpointer data)
{
  g_autoptr (DropEvent) event = NULL;
  BusQuota *quota = &f->peers.core->quota;
  guint64 rest;

  publish (f, 5);
  rest = quota->cap - quota->memory;
  g_assert_true (bus_quota_hold (quota, rest));
  publish (f, 1); /* the broker is full, which is another reason of loss */
  bus_quota_release (quota, rest);
  due (f);
  event = take_drop (f);
  g_assert_cmpuint (event->count, ==, f->slow->extra->missed);
  for (guint i = 0, n = 0; i < BUS_N_LOSSES; i++)
    if (bus_subscription_losses (f->slow)->missed_by[i] > 0)
      {
        g_assert_cmpuint (event->missed_by[n]->reason, ==, bus_loss_status ((BusLoss) i));
        g_assert_cmpuint (event->missed_by[n]->count, ==, bus_subscription_losses (f->slow)->missed_by[i]);
        g_assert_cmpuint (event->n_missed_by, >=, ++n);
      }
  g_assert_cmpuint (event->n_missed_by, ==, 2);
  {
    g_autofree char *detail = g_strdup_printf ("SLOW_CONSUMER %u, LIMIT %u",
                                               (guint) bus_subscription_losses (f->slow)->missed_by[BUS_LOSS_FULL],
                                               (guint) bus_subscription_losses (f->slow)->missed_by[BUS_LOSS_LIMIT]);

    g_assert_cmpuint (bus_subscription_losses (f->slow)->missed_by[BUS_LOSS_FULL], <,
                      bus_subscription_losses (f->slow)->missed_by[BUS_LOSS_LIMIT]);
    assert_drop_note (f, WIRE_STATUS_LIMIT, detail, f->slow->extra->missed);
  }
}

static void
test_group (Fixture *f, gconstpointer data)
{
  BusSubscription *member = routes_subscribe (&f->peers, f->reader, 4, "health.#", "workers", 1);
  g_autoptr (DropEvent) event = NULL;

  member->bounds.messages = 1;
  for (guint i = 0; i < 3; i++)
    routes_publish (&f->peers, NULL, "health.one", 10);
  bus_slow_subscription_due (member, f->peers.core->now_us);
  event = take_drop (f);
  g_assert_cmpstr (event->group, ==, "workers");
  g_assert_cmpuint (event->count, ==, 1);
}

/* A loss of the broker's own messages is reported by a gap and not by an event, because otherwise each lost event would cause
 * another event. */
static void
test_own_messages (Fixture *f, gconstpointer data)
{
  BusSubscription *own = routes_subscribe (&f->peers, f->watcher, 3, "system.peer.gone", NULL, 1);

  own->bounds.messages = 1;
  for (guint i = 0; i < 5; i++)
    routes_announce (&f->peers, "system.peer.gone", "x");
  g_assert_cmpuint (own->extra->missed, ==, 3);
  g_assert_cmpuint (routes_count_delivered (f->watcher), ==, 1);
  bus_slow_subscription_due (own, f->peers.core->now_us);
  g_assert_cmpuint (own->fifo->gaps[WIRE_LANE_DATA] + own->fifo->gaps[WIRE_LANE_CONTROL], ==, 0);
  g_assert_cmpuint (routes_count_delivered (f->watcher), ==, 0);
}

/* The client returns no credit, so no message is sent that could carry the gap: the timer sends it. */
static void
test_sends_gaps (Fixture *f, gconstpointer data)
{
  f->slow->bounds.policy = BUS_OVERFLOW_DROP_OLDEST;
  publish (f, 5);
  g_assert_cmpuint (routes_count_delivered (f->reader), ==, 1);
  due (f);
  peers_assert_sent (f->reader, "GAP subscription=3 from=2 to=3 count=2 reason=SLOW_CONSUMER\n");
  g_assert_false (bus_deadline_is_armed (&bus_subscription_need_losses (f->slow)->report_timer.deadline));
}

/* A subscription of a closing peer is reported by its end, not by its timer. */
static void
test_closing (Fixture *f, gconstpointer data)
{
  g_autoptr (DropEvent) event = NULL;

  publish (f, 5);
  bus_peer_close (f->reader, WIRE_STATUS_OK, NULL);
  due (f);
  peers_assert_sent (f->watcher, "");
  bus_slow_end (f->slow, f->peers.core->now_us);
  event = take_drop (f);
  g_assert_cmpuint (event->count, ==, 2);
}

/* --- system.slow --- */

static void
test_demoted_and_drained (Fixture *f, gconstpointer data)
{
  g_autoptr (SlowEvent) demoted = NULL;
  g_autoptr (SlowEvent) drained = NULL;
  g_autoptr (SlowEvent) both = NULL;

  publish (f, 3);
  f->peers.core->now_us += 500;
  f->slow->state = BUS_SUBSCRIPTION_DEMOTED;
  bus_report_change (&f->reader->flow, f->slow, BUS_CHANGE_DEMOTED, f->peers.core->now_us);
  due (f);
  demoted = take_slow (f);
  g_assert_cmpstr (demoted->what, ==, "demoted");
  g_assert_cmpstr (demoted->peer, ==, "reader");
  g_assert_cmpuint (demoted->subscription, ==, 3);
  g_assert_cmpstr (demoted->pattern, ==, "events.#");
  g_assert_cmpuint (demoted->queued_messages, ==, 2);
  g_assert_cmpuint (demoted->queued_bytes, ==, f->slow->fifo->bytes);
  g_assert_cmpuint (demoted->oldest_us, ==, 500);
  g_assert_cmpstr (demoted->setting, ==, "longest_block_us");
  g_assert_cmpuint (demoted->limit, ==, f->peers.core->limits.longest_block_us);
  g_assert_cmpuint (demoted->uid, ==, 1000);

  /* The value is the time since the client settled a message, also while the subscription holds no ticket. */
  bus_subscription_need_records (f->slow)->progress_us = f->peers.core->now_us;
  f->peers.core->now_us += 700;
  f->slow->window.granted_messages++;
  bus_unsettled_settle (&f->reader->flow, f->slow, f->peers.core->now_us);
  f->slow->state = BUS_SUBSCRIPTION_OPEN;
  f->peers.core->now_us += 30;
  bus_report_change (&f->reader->flow, f->slow, BUS_CHANGE_DRAINED, f->peers.core->now_us);
  due (f);
  drained = take_slow (f);
  g_assert_cmpstr (drained->what, ==, "drained");
  g_assert_cmpuint (drained->value, ==, 30);

  /* The subscription is drained and demoted again between two reports: the next report has the state demoted. */
  f->slow->state = BUS_SUBSCRIPTION_DEMOTED;
  bus_report_change (&f->reader->flow, f->slow, BUS_CHANGE_DRAINED, f->peers.core->now_us);
  bus_report_change (&f->reader->flow, f->slow, BUS_CHANGE_DEMOTED, f->peers.core->now_us);
  due (f);
  both = take_slow (f);
  g_assert_cmpstr (both->what, ==, "demoted");
  due (f);
  peers_assert_sent (f->watcher, "");
}

/* A queue is reported when it passes its soft limit and when it falls below it, once each. */
static void
test_queue (Fixture *f, gconstpointer data)
{
  BusFlow *flow = &f->reader->flow;
  gint64 now_us = f->peers.core->now_us;
  g_autoptr (SlowEvent) drained = NULL;
  g_autoptr (SlowEvent) soft = NULL;

  publish (f, 3);
  bus_slow_queue_due (f->reader, now_us); /* below the limit: no event */
  peers_assert_sent (f->watcher, "");
  flow->soft_since_us = now_us - 70;
  bus_slow_queue_due (f->reader, now_us);
  soft = take_slow (f);
  g_assert_cmpstr (soft->what, ==, "queue");
  g_assert_cmpstr (soft->peer, ==, "reader");
  g_assert_cmpuint (soft->subscription, ==, 0);
  g_assert_cmpuint (soft->oldest_us, ==, 70);
  g_assert_cmpuint (soft->queued_messages, ==, 2);
  g_assert_cmpstr (soft->setting, ==, "queue_soft_bytes");
  g_assert_cmpuint (soft->value, ==, bus_flow_bytes (flow));
  g_assert_cmpint (bus_report_need_losses (flow)->report_next_us, ==, now_us + BUS_REPORT_EVERY_US);
  bus_slow_queue_due (f->reader, now_us);
  peers_assert_sent (f->watcher, "");
  flow->soft_since_us = 0;
  bus_slow_queue_due (f->reader, now_us);
  drained = take_slow (f);
  g_assert_cmpstr (drained->what, ==, "drained");
  bus_slow_queue_due (f->reader, now_us);
  peers_assert_sent (f->watcher, "");
}

/* An account and the broker are reported while they are above their soft limit, with the owner of the largest queue. */
static void
test_account (Fixture *f, gconstpointer data)
{
  BusAccount *account = f->reader->account;
  gint64 now_us = f->peers.core->now_us;
  g_autoptr (SlowEvent) event = NULL;

  publish (f, 3);
  bus_slow_account_due (account, now_us); /* below by now */
  peers_assert_sent (f->watcher, "");
  g_assert_cmpint (account->report_next_us, ==, now_us + BUS_REPORT_EVERY_US);
  account->is_soft = TRUE;
  bus_slow_account_due (account, now_us);
  event = take_slow (f);
  g_assert_cmpstr (event->what, ==, "uid");
  g_assert_cmpstr (event->peer, ==, "reader");
  g_assert_cmpuint (event->uid, ==, 1000);
  g_assert_cmpstr (event->account, ==, "1000");
  g_assert_cmpstr (event->setting, ==, "uid_bytes");
  g_assert_cmpuint (event->limit, ==, f->peers.core->limits.uid_bytes);
  g_assert_cmpuint (event->value, ==, account->usage.charged);
  g_assert_cmpuint (event->queued_messages, ==, 2);
}

static void
test_broker (Fixture *f, gconstpointer data)
{
  BusCore *core = f->peers.core;
  g_autoptr (SlowEvent) event = NULL;
  guint64 memory;

  bus_slow_broker_due (core, core->now_us);
  peers_assert_sent (f->watcher, "");
  core->is_soft = TRUE;
  memory = core->quota.memory;
  bus_slow_broker_due (core, core->now_us);
  g_assert_cmpint (core->soft_next_us, ==, core->now_us + BUS_REPORT_EVERY_US);
  event = take_slow (f);
  g_assert_cmpstr (event->what, ==, "broker");
  g_assert_cmpstr (event->peer, ==, ""); /* all queues are empty */
  g_assert_cmpuint (event->uid, ==, 0);
  g_assert_cmpstr (event->setting, ==, "broker_bytes");
  g_assert_cmpuint (event->value, ==, memory);
}

/* --- texts of any length --- */

/* Texts far longer than the protocol allows, in every field of both events that a peer chooses, and every reason of loss
 * with the largest numbers: nothing aborts, and nothing is cut. */
static void
test_longest (Fixture *f, gconstpointer data)
{
  g_autofree char *id = g_strnfill (64, 'i');
  g_autofree char *group = g_strnfill (16384, 'g');
  g_autofree char *segment = g_strnfill (8192, 'p');
  g_autofree char *pattern = g_strconcat ("events.", segment, NULL);
  BusPeer *owner = peers_ready (&f->peers, id, G_MAXUINT32 - 1);
  BusSubscription *member = routes_subscribe (&f->peers, owner, G_MAXUINT32, pattern, group, 1);
  gint64 now_us = f->peers.core->now_us;
  g_autoptr (DropEvent) drop = NULL;

  memset (owner->account->name, 'a', BUS_ACCOUNT_NAME_MAX);
  bus_subscription_need_losses (member)->unreported_from = bus_subscription_need_losses (member)->unreported_to
      = G_MAXUINT64;
  for (guint i = 0; i < BUS_N_LOSSES; i++)
    bus_subscription_need_losses (member)->unreported[i] = G_MAXUINT64 / BUS_N_LOSSES;
  bus_slow_subscription_due (member, now_us);
  drop = take_drop (f);
  g_assert_cmpstr (drop->peer, ==, id);
  g_assert_cmpstr (drop->pattern, ==, pattern);
  g_assert_cmpstr (drop->group, ==, group);
  g_assert_cmpuint (drop->n_missed_by, ==, BUS_N_LOSSES);

  for (guint round = 0; round < 4; round++)
    {
      g_autoptr (SlowEvent) slow = NULL;

      owner->flow.soft_since_us = round == 1 ? now_us : 0;
      owner->account->is_soft = f->peers.core->is_soft = TRUE;
      bus_subscription_need_losses (member)->unreported_changes = round == 0 ? BUS_CHANGE_DEMOTED : 0;
      if (round == 0)
        bus_slow_subscription_due (member, now_us);
      else if (round == 1)
        bus_slow_queue_due (owner, now_us);
      else if (round == 2)
        bus_slow_account_due (owner->account, now_us);
      else
        bus_slow_broker_due (f->peers.core, now_us);
      slow = take_slow (f);
      if (round == 0)
        g_assert_cmpstr (slow->pattern, ==, pattern);
      if (round < 3)
        g_assert_cmpuint (strlen (slow->account), ==, BUS_ACCOUNT_NAME_MAX);
    }
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/slow/B01-drop", test_drop);
  ADD ("/core/slow/I07-sums", test_sums);
  ADD ("/core/slow/W04-suppressed-note", test_suppressed_note);
  ADD ("/core/slow/reasons", test_reasons);
  ADD ("/core/slow/group", test_group);
  ADD ("/core/slow/own-messages", test_own_messages);
  ADD ("/core/slow/I06-sends-gaps", test_sends_gaps);
  ADD ("/core/slow/closing", test_closing);
  ADD ("/core/slow/B04-demoted-and-drained", test_demoted_and_drained);
  ADD ("/core/slow/queue", test_queue);
  ADD ("/core/slow/account", test_account);
  ADD ("/core/slow/broker", test_broker);
  ADD ("/core/slow/H05-longest", test_longest);
  return g_test_run ();
}
