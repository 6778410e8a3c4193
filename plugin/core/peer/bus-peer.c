/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-peer.h"

#include "base/bus-text.h"
#include "base/bus-unset.h"
#include "peer/bus-state.h"
#include "envelope.pb-c.h"

#define GOODBYE_MAX 512u

const BusPeerExtra bus_peer_no_extra;

BusPeerExtra *
bus_peer_make_extra (BusPeer *peer)
{
  BusPeerExtra *extra = bus_cells_take (&peer->core->quota.cells, sizeof (BusPeerExtra));

  *extra = (BusPeerExtra){ .catchup_timer = { .kind = BUS_TIMER_CATCHUP, .owner = peer },
                           .takeover_timer = { .kind = BUS_TIMER_TAKEOVER, .owner = peer },
                           .newcomer_link.data = peer,
                           .cascade_timer = { .kind = BUS_TIMER_CASCADE, .owner = peer },
                           .closing_link.data = peer,
                           .unflushed_link.data = peer };
  peer->extra = extra;
  return extra;
}

const BusPeerCalls bus_peer_no_calls;

BusPeerCalls *
bus_peer_make_calls (BusPeer *peer)
{
  BusPeerCalls *calls = bus_cells_take (&peer->core->quota.cells, sizeof (BusPeerCalls));

  *calls = (BusPeerCalls){ .asked = G_QUEUE_INIT };
  peer->calls = calls;
  return calls;
}

static void
peer_free_calls (BusPeer *peer)
{
  if (peer->calls == &bus_peer_no_calls)
    return;
  if (peer->calls->asked_by_id != NULL)
    g_hash_table_unref (peer->calls->asked_by_id);
  bus_cells_give (&peer->core->quota.cells, bus_peer_need_calls (peer));
  peer->calls = &bus_peer_no_calls;
}

const BusHealth bus_peer_no_health;

BusHealth *
bus_peer_make_health (BusPeer *peer)
{
  BusHealth *health = bus_cells_take (&peer->core->quota.cells, sizeof (BusHealth));

  *health = (BusHealth){ .timer = { .kind = BUS_TIMER_HEALTH, .owner = peer } };
  peer->health = health;
  return health;
}

static void
peer_free_health (BusPeer *peer)
{
  if (peer->health != &bus_peer_no_health)
    bus_cells_give (&peer->core->quota.cells, bus_peer_need_health (peer));
  peer->health = &bus_peer_no_health;
}

static void
peer_free_extra (BusPeer *peer)
{
  if (peer->extra != NULL)
    bus_cells_give (&peer->core->quota.cells, g_steal_pointer (&peer->extra));
}

BusPeer *
bus_peer_new (BusCore *core, const BusCredentials *who, gpointer link, gint64 now_us)
{
  BusPeer *peer = g_new0 (BusPeer, 1);

  peer->core = core;
  peer->link = link;
  peer->who = *who;
  peer->connected_us = now_us;
  peer->serial = ++core->last_serial;
  peer->subscriptions.seed = core->seed;
  peer->calls = &bus_peer_no_calls;
  peer->account = bus_account_join (core->accounts, core, who);
  peer->who.account_name = peer->account->name;
  bus_ledger_init (&peer->ledger, peer, &core->creditors);
  peer->ledger.usage.parent = &peer->account->usage;
  bus_flow_init (&peer->flow, &core->flows, &peer->ledger, peer);
  peer->timer.kind = BUS_TIMER_HELLO;
  peer->timer.owner = peer;
  peer->health = &bus_peer_no_health;
  bus_deadline_arm (&core->deadlines, &peer->timer.deadline, now_us + (gint64) core->limits.hello_timeout_us);
  peer->all_link.data = peer;
  peer->writable_link.data = peer;
  g_queue_push_tail_link (&core->peers, &peer->all_link);
  g_queue_push_tail (&core->strangers, peer);
  peer->account->silent++;
  bus_quota_keep (&core->quota, &peer->ledger.usage, BUS_PEER_COST);
  return peer;
}

void
bus_peer_free (BusPeer *peer)
{
  BusCore *core = peer->core;

  g_assert (peer->flushed && bus_peer_extra (peer)->holder == NULL && bus_peer_extra (peer)->newcomers.head == NULL);
  g_queue_unlink (&core->peers, &peer->all_link);
  if (peer->is_writable)
    g_queue_unlink (&core->writable, &peer->writable_link);
  if (bus_peer_extra (peer)->is_closing_listed)
    g_queue_unlink (&core->closing, &peer->extra->closing_link);
  peer_free_extra (peer);
  bus_deadline_disarm (&core->deadlines, &peer->timer.deadline);
  core->delivered_by_gone += peer->flow.delivered;
  core->missed_by_gone += peer->flow.missed;
  bus_flow_clear (&peer->flow);
  bus_peer_drop_frame (peer);
  bus_quota_unkeep (&core->quota, &peer->ledger.usage, BUS_PEER_COST);
  bus_ledger_clear (&peer->ledger);
  bus_account_leave (core->accounts, &core->deadlines, peer->account);
  bus_subscriptions_clear (&peer->subscriptions);
  peer_free_calls (peer);
  peer_free_health (peer);
  g_free (peer->token);
  g_clear_pointer (&peer->id, g_ref_string_release);
  g_clear_pointer (&peer->type, g_ref_string_release);
  g_clear_pointer (&peer->software_version, g_ref_string_release);
  g_free (peer);
}

static void
peer_leave_strangers (BusPeer *peer)
{
  g_queue_remove (&peer->core->strangers, peer); /* a search in a short list: max_unauthenticated bounds it */
  peer->account->silent--;
}

gboolean
bus_peer_on (BusPeer *peer, BusPeerEvent event)
{
  const BusPeerStep *step = bus_peer_step (peer->state, event);

  g_assert (step->kind == BUS_PEER_STEP_NEXT || step->kind == BUS_PEER_STEP_IGNORED);
  if (step->kind == BUS_PEER_STEP_IGNORED)
    {
      peer->core->ignored++;
      return FALSE;
    }
  if (peer->state == BUS_PEER_HELLO && step->next != BUS_PEER_HELLO)
    peer_leave_strangers (peer);
  peer->state = step->next;
  return TRUE;
}

/* --- input --- */

gsize
bus_peer_max_body (const BusPeer *peer)
{
  return peer->state == BUS_PEER_HELLO || peer->state == BUS_PEER_WAITING
             ? WIRE_HELLO_MAX
             : (gsize) peer->core->limits.max_payload + WIRE_HEADER_FIELDS_MAX + 16;
}

WireFrameReader *
bus_peer_begin_input (BusPeer *peer)
{
  BusInput *input = peer->input;

  if (input != NULL)
    return &input->reader;
  input = bus_cells_take (&peer->core->quota.cells, sizeof (BusInput));
  wire_frame_reader_init (&input->reader, bus_peer_max_body (peer));
  input->charged = 0;
  input->frame_since_us = 0;
  peer->input = input;
  return &input->reader;
}

void
bus_peer_end_input (BusPeer *peer)
{
  BusInput *input = peer->input;

  if (input == NULL || input->charged > 0 || !wire_frame_reader_is_idle (&input->reader))
    return;
  bus_cells_give (&peer->core->quota.cells, input); /* an idle reader has no block */
  peer->input = NULL;
}

void
bus_peer_drop_frame (BusPeer *peer)
{
  if (peer->input == NULL)
    return;
  wire_frame_reader_clear (&peer->input->reader);
  bus_quota_unkeep (&peer->core->quota, &peer->ledger.usage, peer->input->charged);
  bus_cells_give (&peer->core->quota.cells, g_steal_pointer (&peer->input));
}

/* The number of suppressed records that a record under @cap reports. A record under the cap of the account may be the last one of
 * the peer, so it also reports the records that the cap of the peer has suppressed. */
static guint64
peer_take_suppressed (BusPeer *peer, BusNoteCap *cap)
{
  guint64 n = cap->suppressed;

  cap->suppressed = 0;
  if (peer->extra != NULL && cap != &peer->extra->note_cap)
    {
      n += peer->extra->note_cap.suppressed;
      peer->extra->note_cap.suppressed = 0;
    }
  return n;
}

BusNote *
bus_peer_note (BusPeer *peer, BusNoteKind kind, WireStatus status, const char *detail)
{
  static const gboolean is_of_connection[] = {
    [BUS_NOTE_CONNECTED] = TRUE, [BUS_NOTE_REFUSED] = TRUE,  [BUS_NOTE_CLOSED] = TRUE,
    [BUS_NOTE_GONE] = TRUE,      [BUS_NOTE_DENIED] = FALSE,  [BUS_NOTE_DROPPED] = FALSE,
    [BUS_NOTE_DEMOTED] = FALSE,  [BUS_NOTE_CASCADE] = FALSE, [BUS_NOTE_TASKS] = FALSE,
  };
  BusCore *core = peer->core;
  BusNoteCap *cap = is_of_connection[kind] ? bus_note_account_cap (&core->notes, peer->who.account, core->now_us)
                                           : &bus_peer_need_extra (peer)->note_cap;
  BusNote *note = NULL;

  if (bus_note_cap_admit (cap, is_of_connection[kind] ? BUS_NOTES_PER_ACCOUNT : BUS_NOTES_PER_PEER, core->now_us))
    {
      note = bus_note_add (&core->notes, kind, status, &peer->who, peer->id, detail);
      note->suppressed = peer_take_suppressed (peer, cap);
    }
  return note;
}

void
bus_peer_list_writable (BusPeer *peer)
{
  peer->is_writable = TRUE;
  g_queue_push_tail_link (&peer->core->writable, &peer->writable_link);
}

static gboolean
peer_put_body (BusPeer *peer, WireLane lane, guint8 kind, guint8 flags, const WireEnvelope *stamp, WireSpan body)
{
  gboolean done = bus_outq_put (&peer->flow.outq, lane, kind, flags, stamp, body);

  bus_peer_touch (peer);
  return done;
}

void
bus_peer_put (BusPeer *peer, guint8 kind, guint8 flags, const WireEnvelope *stamp)
{
  bus_peer_put_in_lane (peer, WIRE_LANE_CONTROL, kind, flags, stamp);
}

void
bus_peer_put_in_lane (BusPeer *peer, WireLane lane, guint8 kind, guint8 flags, const WireEnvelope *stamp)
{
  if (peer->state == BUS_PEER_CLOSING)
    return;
  if (lane == WIRE_LANE_CONTROL
      && bus_outq_lane_bytes (&peer->flow.outq, WIRE_LANE_CONTROL) > peer->core->limits.control_queue_bytes)
    bus_peer_close (peer, WIRE_STATUS_SLOW_CONSUMER, "your control queue (control-queue-bytes) is full: read faster");
  else if (!peer_put_body (peer, lane, kind, flags, stamp, wire_span (NULL, 0)))
    bus_peer_close (peer, WIRE_STATUS_NO_MEMORY, NULL);
}

void
bus_peer_error_excess (BusPeer *peer, guint64 answers, WireStatus status, const char *detail, const BusExcess *excess)
{
  WireEnvelope error;

  wire_envelope_init (&error);
  error.answers = answers;
  error.status = status;
  error.detail = wire_span_str (detail);
  if (excess != NULL)
    {
      error.limit = excess->most;
      error.value = excess->value;
      error.setting = wire_span_str (bus_limit_name (excess->limit));
    }
  bus_peer_put (peer, WIRE_KIND_ERROR, 0, &error);
}

void
bus_peer_error (BusPeer *peer, guint64 answers, WireStatus status, const char *detail)
{
  bus_peer_error_excess (peer, answers, status, detail, NULL);
}

void
bus_peer_error_limit (BusPeer *peer, guint64 answers, BusLimit limit, guint64 value)
{
  const BusExcess excess = { limit, bus_limit_value (&peer->core->limits, limit), value };

  bus_peer_error_excess (peer, answers, WIRE_STATUS_LIMIT, "a limit of the broker: request less, or raise the setting",
                         &excess);
}

void
bus_peer_error_ceiling (BusPeer *peer, guint64 answers, BusLimit limit, guint64 value)
{
  const BusExcess excess = { limit, bus_limit_spec (limit)->ceiling, value };

  bus_peer_error_excess (peer, answers, WIRE_STATUS_LIMIT, "above the highest possible setting: request less", &excess);
}

static void
peer_send_credit (BusPeer *peer, WireClass credit_class)
{
  const BusWindow *window = bus_credit_grant (&peer->ledger, credit_class);
  WireEnvelope credit BUS_UNSET;

  wire_envelope_init (&credit);
  credit.credit_class = credit_class;
  credit.credit_messages = window->granted_messages;
  credit.credit_bytes = window->granted_bytes;
  bus_peer_put (peer, WIRE_KIND_CREDIT, 0, &credit);
}

void
bus_peer_send_credit (BusCore *core)
{
  BusLedger *ledger;
  guint classes;

  while ((ledger = bus_credit_next_due (&core->creditors, &classes)) != NULL)
    for (guint i = WIRE_CLASS_NONE + 1; i < WIRE_N_CLASSES; i++)
      if (classes & 1u << i)
        peer_send_credit (ledger->peer, (WireClass) i);
}

void
bus_peer_deny (BusPeer *peer, guint64 id, BusRight operation, WireSpan topic, BusVerdict verdict)
{
  char detail[160];
  BusNote *note;

  peer->core->denied++;
  g_snprintf (detail, sizeof detail, "denied by rule %s: %s", verdict.rule, verdict.needs);
  note = bus_peer_note (peer, BUS_NOTE_DENIED, WIRE_STATUS_DENIED, detail);
  if (note != NULL)
    {
      note->operation = bus_right_name (operation);
      note->rule = verdict.rule;
      bus_note_set_topic (note, topic);
    }
  bus_peer_error (peer, id, WIRE_STATUS_DENIED, detail);
}

gboolean
bus_peer_may (BusPeer *peer, guint64 id, BusRight operation, WireSpan topic)
{
  BusVerdict verdict = bus_policy_authorize (&peer->principal, operation, topic);

  if (!verdict.allowed)
    bus_peer_deny (peer, id, operation, topic, verdict);
  return verdict.allowed;
}

static void
peer_put_goodbye (BusPeer *peer)
{
  Daemoneye__Eventbus__V1__Goodbye goodbye;
  guint8 body[GOODBYE_MAX];

  daemoneye__eventbus__v1__goodbye__init (&goodbye);
  goodbye.status = peer->close_status;
  goodbye.detail = peer->extra->close_detail;
  goodbye.retry_us = peer->extra->close_retry_us;
  G_STATIC_ASSERT (sizeof peer->extra->close_detail + 32
                   <= sizeof body); /* status and lengths need less than 32 bytes */
  peer_put_body (peer, WIRE_LANE_CONTROL, WIRE_KIND_GOODBYE, 0, NULL,
                 wire_span (body, daemoneye__eventbus__v1__goodbye__pack (&goodbye, body)));
}

/* The kind of log record for the end of a peer, by the state before the end. */
static BusNoteKind
peer_kind_of_end (const BusPeer *peer, WireStatus status)
{
  if (status == WIRE_STATUS_OK || status == WIRE_STATUS_ABSENT || status == WIRE_STATUS_SHUTTING_DOWN)
    return BUS_NOTE_GONE;
  return peer->state == BUS_PEER_HELLO || peer->state == BUS_PEER_WAITING ? BUS_NOTE_REFUSED : BUS_NOTE_CLOSED;
}

/* Adds one log record for each connection that ends. When the broker itself ends, only for peers with suppressed records. */
static void
peer_note_end (BusPeer *peer, BusNoteKind kind, WireStatus status, const char *detail)
{
  if (status != WIRE_STATUS_SHUTTING_DOWN || bus_peer_extra (peer)->note_cap.suppressed > 0)
    bus_peer_note (peer, kind, status, detail);
}

void
bus_peer_close (BusPeer *peer, WireStatus status, const char *detail)
{
  bus_peer_end (peer, BUS_PEER_ON_CLOSE, status, detail);
}

void
bus_peer_end (BusPeer *peer, BusPeerEvent event, WireStatus status, const char *detail)
{
  BusCore *core = peer->core;
  BusNoteKind kind = peer_kind_of_end (peer, status);
  BusPeerExtra *extra;

  if (!bus_peer_on (peer, event))
    return;
  peer_note_end (peer, kind, status, detail);
  peer->close_status = status;
  extra = bus_peer_need_extra (peer);
  bus_text_copy (extra->close_detail, sizeof extra->close_detail, detail != NULL ? detail : wire_status_text (status));
  bus_deadline_disarm (&core->deadlines, &peer->timer.deadline);
  bus_deadline_disarm (&core->deadlines, &extra->takeover_timer.deadline);
  if (bus_peer_has_partial_frame (peer))
    bus_peer_drop_frame (peer); /* a complete frame is freed at the end of the input call: it may be in use */

  /* The data lane is dropped. The control lane is sent before GOODBYE, because it may contain the ERROR that explains the end; for
   * a peer that does not read it is dropped as well. */
  bus_outq_drop (&peer->flow.outq, WIRE_LANE_DATA);
  if (status == WIRE_STATUS_SLOW_CONSUMER)
    bus_outq_drop (&peer->flow.outq, WIRE_LANE_CONTROL);
  bus_flow_end (&peer->flow);
  peer_put_goodbye (peer);
  extra->is_closing_listed = TRUE;
  g_queue_push_tail_link (&core->closing, &extra->closing_link);
  g_queue_push_tail_link (&core->unflushed, &extra->unflushed_link);
}
