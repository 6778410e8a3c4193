/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-core.h"

#include "bus-ahead.h"
#include "bus-dispatch-run.h"
#include "bus-dispatch.h"
#include "bus-due.h"
#include "base/bus-text.h"
#include "base/bus-unset.h"
#include "calls/bus-barrier.h"
#include "calls/bus-budget.h"
#include "calls/bus-drain.h"
#include "calls/bus-gather-calls.h"
#include "calls/bus-later.h"
#include "calls/bus-stats.h"
#include "calls/bus-wait.h"
#include "calls/bus-will.h"
#include "news/bus-cascade.h"
#include "news/bus-events.h"
#include "news/bus-slow.h"
#include "peer/bus-entrance.h"
#include "peer/bus-hello.h"
#include "peer/bus-peer.h"
#include "peer/bus-shed.h"
#include "peer/bus-state.h"
#include "peer/bus-takeover.h"
#include "route/bus-catchup.h"
#include "route/bus-confirm.h"
#include "route/bus-hold.h"
#include "route/bus-many.h"
#include "route/bus-reroute.h"
#include "route/bus-resend.h"
#include "route/bus-router.h"
#include "route/bus-routes.h"
#include "work/bus-health-watch.h"
#include "work/bus-membership.h"
#include "work/bus-push.h"
#include "work/bus-schedule.h"
#include "envelope.pb-c.h"
#include "wire-hot.h"

BusCore *
bus_core_new (const BusCoreOptions *options, gint64 now_us)
{
  BusCore *core = g_new0 (BusCore, 1);

  bus_state_init (core, &options->limits, options->seed, now_us);
  core->n_tool_accounts = options->n_tool_accounts;
  core->tool_accounts = g_memdup2 (options->tool_accounts, options->n_tool_accounts * sizeof (guint32));
  core->quota.cells.source = core->quota.lasting.source = options->chunks;
  core->epoch = options->epoch;
  core->wall_us = options->wall_us;
  core->closes_failed = options->closes_failed;
  core->software_version = bus_text_dup (options->software_version != NULL ? options->software_version : "", 64);
  core->routes = bus_routes_new (&core->limits, core->seed, &core->quota);
  core->routes->groups.rules = bus_group_rules_copy (options->groups, (guint) options->n_groups);
  core->work = bus_work_new (core->seed);
  bus_schedule_init (core);
  core->budget = bus_budget_new ();
  return core;
}

void
bus_core_free (BusCore *core)
{
  bus_budget_free (core->budget);
  bus_schedule_clear (core);
  bus_work_free (core->work);
  bus_resend_clear (core);
  bus_hold_clear (core);
  bus_retain_end (core);
  bus_routes_free (core->routes);
  bus_state_clear (core);
  g_free (core->software_version);
  g_free (core->tool_accounts);
  g_free (core);
}

/* --- the end of each input call --- */

/* @replaced: (nullable): the connection whose id the peer took over. @end: its subscriptions and messages. */
static void
core_hello_accepted (BusPeer *peer, BusPeer *replaced, const BusEnd *end, gint64 now_us)
{
  bus_resend_join (peer, bus_peer_extra (peer)->last_known);
  bus_peer_note (peer, BUS_NOTE_CONNECTED, WIRE_STATUS_OK, peer->software_version);
  if (replaced != NULL)
    replaced->is_announced = FALSE;
  peer->is_announced = TRUE;
  bus_events_connected (peer, replaced, end, now_us);
  bus_health_watch_begin (peer);
  bus_wait_connected (peer);
}

/* A peer that was not announced, because there was no memory for its WELCOME, is not reported as gone either. */
static void
core_report_gone (BusPeer *peer, const BusEnd *end, gint64 now_us)
{
  if (!peer->is_announced)
    return;
  peer->is_announced = FALSE;
  bus_will_publish (peer, now_us);
  bus_events_gone (peer, end, now_us);
  bus_wait_gone (peer);
}

/* Frees the id of a released peer. The HELLO of each newcomer that waits for the id is tried again; the first one that is
 * accepted gets the id. After a takeover the id has an owner all the time, so the old connection is reported as gone only if no
 * newcomer got the id. */
static void
core_pass_on_id (BusPeer *peer, const BusEnd *end, gint64 now_us)
{
  gboolean is_taken_over = peer->close_status == WIRE_STATUS_TAKEN_OVER;
  BusPeer *newcomer;

  g_hash_table_remove (peer->core->peers_by_id, &peer->key);
  if (!is_taken_over)
    core_report_gone (peer, end, now_us);
  while ((newcomer = bus_takeover_next (peer)) != NULL)
    if (bus_hello_retry (newcomer) == BUS_HELLO_ACCEPTED)
      core_hello_accepted (newcomer, is_taken_over ? peer : NULL, end, now_us);
  core_report_gone (peer, end, now_us); /* no effect if it was reported above, or a newcomer has its id */
}

/* Releases everything that the peer owns. Afterwards no table and no list contains the peer, and no request, message or call waits
 * for it. */
WIRE_COLD static void
core_flush_peer (BusPeer *peer, gint64 now_us)
{
  BusCore *core = peer->core;
  g_autoptr (GPtrArray) subscriptions
      = bus_subscriptions_sorted (&peer->subscriptions); /* messages are handed on in this order */
  guint n = subscriptions->len;
  BusLeave leave = { 0 };
  gsize hello_len;

  peer->flushed = TRUE;
  bus_peer_drop_frame (peer);
  bus_ledger_end (&peer->ledger);
  for (guint i = 0; i < n; i++)
    bus_router_unlist (core, g_ptr_array_index (subscriptions, i));
  for (guint i = 0; i < n; i++)
    {
      BusSubscription *subscription = g_ptr_array_index (subscriptions, i);

      bus_reroute_ended (core, subscription, now_us, &leave);
      bus_slow_end (subscription, now_us);
      bus_router_free (core, subscription);
    }
  bus_confirm_take_notes (core); /* first: discarded messages end with their reason, not with UNKNOWN */
  bus_confirm_forget_peer (peer);
  bus_resend_leave (peer, now_us);
  bus_request_forget_peer (peer);
  bus_later_forget_peer (peer);
  bus_membership_forget_peer (peer);
  bus_health_watch_end (peer);
  bus_push_forget_peer (core, peer, now_us);
  g_free (bus_takeover_withdraw (peer, &hello_len));
  bus_cascade_end (peer, now_us);
  bus_retain_forget_peer (peer);
  if (peer->id != NULL)
    core_pass_on_id (peer, &(const BusEnd){ n, leave }, now_us);
  bus_will_forget (peer);
}

/* The end of an input call: carries out what the handlers of frames and timers only listed.
 *
 * A handler does not release a peer, confirm a message or answer a Drain at the place where it notices that this is due: it may be
 * in the middle of routing, with pointers to subscriptions and an iteration over receivers on its stack. So bus_peer_end() only
 * lists the peer as unflushed, a queue only notes that a message was sent or dropped, and a failed request of a question or a task
 * only enters the list of ended requests. Nothing is freed while a caller uses it, and nothing recurses.
 *
 * One pass over these lists is not enough, because each step can fill the others. Flushing a peer hands its messages on or drops
 * them, ends requests and leases, and returns credit to publishers. All of this sends frames to other peers (ERROR, CREDIT,
 * events); a peer whose control queue has no room for such a frame is closed, and has to be flushed as well. So the loop continues
 * until no list has an entry. A peer is listed as unflushed only once, by its change to CLOSING, so the longest chain of such ends
 * is the number of peers. The calls in front of the loop are all that most input calls need. */
WIRE_HOT static void
core_settle (BusCore *core, gint64 now_us)
{
  bus_confirm_take_notes (core);
  bus_drain_settle (core);
  bus_barrier_settle (core);
  bus_gather_calls_settle (core);
  while (bus_many_settle (core, now_us) || bus_schedule_settle (core, now_us) || core->unflushed.head != NULL
         || core->creditors.due.head != NULL)
    {
      if (core->unflushed.head != NULL)
        core_flush_peer (g_queue_pop_head_link (&core->unflushed)->data, now_us);
      bus_confirm_take_notes (core);
      bus_drain_settle (core);
      bus_barrier_settle (core);
      bus_gather_calls_settle (core);
      bus_peer_send_credit (core);
    }
}

/* --- connections --- */

BusPeer *
bus_core_connect (BusCore *core, const BusCredentials *who, gpointer link, gint64 now_us, BusConnectRefusal *refusal)
{
  BusPeer *peer = NULL;
  BusLimit broken;

  *refusal = (BusConnectRefusal){ .status = WIRE_STATUS_SHUTTING_DOWN };
  core->now_us = now_us;
  if (core->is_stopping)
    return NULL;
  broken = bus_entrance_check (core, who, now_us);
  if (broken == BUS_N_LIMITS)
    {
      refusal->status = WIRE_STATUS_OK;
      peer = bus_peer_new (core, who, link, now_us);
    }
  else
    {
      *refusal = (BusConnectRefusal){ WIRE_STATUS_LIMIT, bus_limit_name (broken), bus_entrance_retry_us (broken) };
      bus_core_note_refused (core, who, refusal->status, bus_limit_key (broken).text, now_us);
    }
  core_settle (core, now_us); /* another connection may have been closed to make a place */
  return peer;
}

gint64
bus_core_accept_wait_us (const BusCore *core, gint64 now_us)
{
  return bus_entrance_wait_us (core, now_us);
}

void
bus_core_note_refused (BusCore *core, const BusCredentials *who, WireStatus status, const char *setting, gint64 now_us)
{
  BusNoteCap *cap = bus_note_account_cap (&core->notes, who->account, now_us);
  BusNote *note;

  if (status == WIRE_STATUS_SHUTTING_DOWN || !bus_note_cap_admit (cap, BUS_NOTES_PER_ACCOUNT, now_us))
    return;
  note = bus_note_add (&core->notes, BUS_NOTE_REFUSED, status, who, NULL, setting);
  note->suppressed = cap->suppressed;
  cap->suppressed = 0;
}

GBytes *
bus_core_refusal (WireStatus status, const char *detail, guint64 retry_us)
{
  Daemoneye__Eventbus__V1__Goodbye goodbye;
  g_autofree char *text = bus_text_dup (detail != NULL ? detail : wire_status_text (status), 160);
  guint8 *frame;
  gsize body;

  daemoneye__eventbus__v1__goodbye__init (&goodbye);
  goodbye.status = status;
  goodbye.detail = text;
  goodbye.retry_us = retry_us;
  body = daemoneye__eventbus__v1__goodbye__get_packed_size (&goodbye);
  frame = g_malloc (WIRE_FRAME_HEADER_LEN + body);
  wire_frame_put_header (frame, WIRE_KIND_GOODBYE, 0, (guint32) body);
  daemoneye__eventbus__v1__goodbye__pack (&goodbye, frame + WIRE_FRAME_HEADER_LEN);
  return g_bytes_new_take (frame, WIRE_FRAME_HEADER_LEN + body);
}

void
bus_core_disconnected (BusCore *core, BusPeer *peer, WireStatus why, gint64 now_us)
{
  core->now_us = now_us;
  bus_peer_end (peer, BUS_PEER_ON_END, why, "the connection ended without GOODBYE");
  core_settle (core, now_us);
  bus_peer_free (peer);
}

/* --- bytes in --- */

WIRE_COLD static void
core_accept_hello (BusPeer *peer, const WireFrame *frame, gint64 now_us)
{
  switch (bus_hello_accept (peer, frame))
    {
    case BUS_HELLO_REFUSED:
      break;
    case BUS_HELLO_ACCEPTED:
      core_hello_accepted (peer, NULL, NULL, now_us);
      break;
    case BUS_HELLO_WAITS:
      core_settle (peer->core, now_us); /* the old owner of the id may be closing: release it before the next frame */
      break;
    }
}

/* Between HELLO and WELCOME a client may send only GOODBYE. */
WIRE_COLD static void
core_refuse_early (BusPeer *peer, const WireFrame *frame)
{
  if (frame->kind == WIRE_KIND_GOODBYE)
    bus_peer_close (peer, WIRE_STATUS_OK, "said goodbye");
  else
    bus_peer_close (peer, WIRE_STATUS_PROTOCOL_ORDER, "wait for WELCOME: another connection has this id");
}

static void
core_take_frame (BusPeer *peer, WireFrame *frame, BusPreread *preread, gint64 now_us)
{
  if (G_LIKELY (peer->state == BUS_PEER_READY))
    bus_dispatch_frame (peer, frame, preread, now_us);
  else if (peer->state == BUS_PEER_HELLO)
    core_accept_hello (peer, frame, now_us);
  else
    core_refuse_early (peer, frame);
  if (G_UNLIKELY (bus_takeover_is_asked (peer)))
    bus_takeover_answered (peer);
}

/* The bytes are not a frame. Before HELLO the kind is checked first: the peer may speak another protocol, and then the length
 * means nothing. */
WIRE_COLD static void
core_refuse_bytes (BusPeer *peer)
{
  const WireFrameReader *reader = &peer->input->reader;
  WireStatus status = reader->status;
  char detail[160];

  if (peer->state == BUS_PEER_HELLO && reader->kind != WIRE_KIND_HELLO)
    status = bus_hello_status_of_stranger (reader->kind);
  if (status == WIRE_STATUS_FRAME_TOO_LARGE)
    g_snprintf (detail, sizeof detail,
                "a frame of %" G_GUINT64_FORMAT " bytes is above the limit of %" G_GUINT64_FORMAT " (%s)",
                reader->value, reader->limit, peer->state == BUS_PEER_HELLO ? "for HELLO" : "max-payload");
  else
    g_snprintf (detail, sizeof detail, "%s at byte %" G_GSIZE_FORMAT " of a frame", wire_status_text (status),
                reader->offset);
  peer->core->malformed++;
  bus_peer_close (peer, status, detail);
}

/* A frame must be complete within frame_timeout_us after its first byte. */
static void
core_watch_partial_frame (BusPeer *peer, gboolean progress, gint64 now_us)
{
  BusCore *core = peer->core;
  BusDeadline *deadline = &peer->timer.deadline;

  if (!bus_peer_is_ready (peer))
    return; /* the timer is used for HELLO until then */
  if (progress || !bus_peer_has_partial_frame (peer))
    bus_deadline_disarm (&core->deadlines, deadline);
  if (!bus_peer_has_partial_frame (peer) || bus_deadline_is_armed (deadline))
    return;
  peer->input->frame_since_us = now_us;
  bus_deadline_arm (&core->deadlines, deadline, now_us + (gint64) core->limits.frame_timeout_us);
}

static WireFrameResult
core_next_frame (WireFrameReader *reader, WireSpan *input, WireFrame *frame)
{
  return wire_frame_reader_next_whole (reader, input, frame) ? WIRE_FRAME_COMPLETE
                                                             : wire_frame_reader_next (reader, input, frame);
}

WIRE_HOT static void
core_take_frames (BusPeer *peer, WireSpan input, gint64 now_us)
{
  WireFrameReader *reader = bus_peer_begin_input (peer);
  gboolean progress = FALSE;
  BusAhead ahead BUS_UNSET;
  WireFrame frame;

  dispatch_run_set_input (peer->core, input);
  bus_ahead_init (&ahead, peer);
  while (peer->state != BUS_PEER_CLOSING)
    {
      switch (core_next_frame (reader, &input, &frame))
        {
        case WIRE_FRAME_MORE:
          dispatch_end_run (peer);
          core_watch_partial_frame (peer, progress, now_us);
          bus_shed_settle (peer, now_us);
          bus_peer_end_input (peer);
          return;
        case WIRE_FRAME_BAD:
          dispatch_end_run (peer);
          core_refuse_bytes (peer);
          return;
        case WIRE_FRAME_COMPLETE:
          progress = TRUE;
          bus_ahead_step (&ahead, input);
          core_take_frame (peer, &frame, ahead.current, now_us);
          break;
        }
    }
  dispatch_end_run (peer);
  bus_peer_end_input (peer);
}

void
bus_core_received (BusCore *core, BusPeer *peer, const guint8 *bytes, gsize len, gint64 now_us)
{
  core->now_us = now_us;
  if (!bus_peer_on (peer, BUS_PEER_ON_INPUT))
    return;
  core_take_frames (peer, wire_span (bytes, len), now_us);
  core_settle (core, now_us);
}

gsize
bus_core_place (BusCore *core, BusPeer *peer, guint8 **where)
{
  gsize room;

  if (peer->state != BUS_PEER_READY || peer->input == NULL)
    return 0;
  room = wire_frame_reader_place (&peer->input->reader, where);
  if (room == 0)
    return 0;
  bus_shed_settle (peer, core->now_us);
  core_settle (core, core->now_us);
  return bus_peer_is_ready (peer) ? room : 0;
}

void
bus_core_placed (BusCore *core, BusPeer *peer, gsize n, gint64 now_us)
{
  core->now_us = now_us;
  if (!bus_peer_on (peer, BUS_PEER_ON_INPUT))
    return;
  wire_frame_reader_placed (bus_peer_begin_input (peer), n);
  core_take_frames (peer, wire_span (NULL, 0), now_us);
  core_settle (core, now_us);
}

/* --- bytes out --- */

BusPeer *
bus_core_next_writable (BusCore *core)
{
  GList *link = g_queue_pop_head_link (&core->writable);
  BusPeer *peer;

  if (link == NULL)
    return NULL;
  peer = link->data;
  peer->is_writable = FALSE;
  return peer;
}

BusPeer *
bus_core_next_closing (BusCore *core)
{
  GList *link = g_queue_pop_head_link (&core->closing);
  BusPeer *peer;

  if (link == NULL)
    return NULL;
  peer = link->data;
  peer->extra->is_closing_listed = FALSE;
  return peer;
}

gint64
bus_core_linger_us (const BusPeer *peer)
{
  return peer->id != NULL ? G_TIME_SPAN_SECOND : 100 * G_TIME_SPAN_MILLISECOND;
}

guint
bus_core_gather (BusCore *core, BusPeer *peer, WireSpan *spans, guint max)
{
  return bus_outq_gather (&peer->flow.outq, spans, max);
}

void
bus_core_sent (BusCore *core, BusPeer *peer, gsize n, gint64 now_us)
{
  core->now_us = now_us;
  bus_outq_sent (&peer->flow.outq, n);
  if (n > 0)
    bus_health_watch_taken (peer);
  if (bus_peer_extra (peer)->cursors.head != NULL)
    bus_catchup_continue (peer, now_us);
  bus_flow_pump (&peer->flow, now_us);
  core_settle (core, now_us); /* messages that expired in the queue may have returned credit */
}

gpointer
bus_peer_link (const BusPeer *peer)
{
  return peer->link;
}

gboolean
bus_peer_is_closing (const BusPeer *peer)
{
  return peer->state == BUS_PEER_CLOSING;
}

/* --- time --- */

gint64
bus_core_next_tick_us (BusCore *core)
{
  return bus_deadline_set_next_us (&core->deadlines);
}

void
bus_core_tick (BusCore *core, gint64 now_us)
{
  BusDeadline *deadline;

  core->now_us = now_us;
  while ((deadline = bus_deadline_set_pop_due (&core->deadlines, now_us)) != NULL)
    bus_due_handle (core, (BusTimer *) deadline, now_us); /* deadline is its first field */
  core_settle (core, now_us);
}

void
bus_core_shutdown (BusCore *core, gint64 now_us)
{
  core->now_us = now_us;
  core->is_stopping = TRUE;
  for (GList *link = core->peers.head; link != NULL; link = link->next)
    bus_peer_close (link->data, WIRE_STATUS_SHUTTING_DOWN, NULL);
  core_settle (core, now_us);
}

gboolean
bus_core_next_note (BusCore *core, BusNote *note, guint64 *missed)
{
  return bus_note_take (&core->notes, note, missed);
}

void
bus_core_set_wall_us (BusCore *core, gint64 wall_us)
{
  core->wall_us = wall_us;
}

guint64
bus_core_work (const BusCore *core)
{
  return core->flows.work;
}

void
bus_core_stats (const BusCore *core, BusCoreStats *stats)
{
  bus_stats_count (core, stats);
}
