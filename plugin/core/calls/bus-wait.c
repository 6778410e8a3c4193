/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-wait.h"

#include "calls/bus-later.h"
#include "peer/bus-reply.h"
#include "peer/bus-state.h"
#include "route/bus-routes.h"
#include "control.pb-c.h"

#define ROWS_MAX 64u /* of one reply, which has less than 16 KiB */
#define RETRY_US (100 * G_TIME_SPAN_MILLISECOND)
#define PAST_ALL G_MAXUINT64

typedef Daemoneye__Eventbus__V1__PeerState PeerState;
typedef Daemoneye__Eventbus__V1__WaitReply WaitReply;
typedef Daemoneye__Eventbus__V1__WaitRequest WaitRequest;

typedef struct
{
  BusLater later;
  GList link;
  char *id; /* NULL: all peers */
  BusKey key;
  gboolean watches;
  guint64 cursor;   /* serial of the last peer whose state was sent; PAST_ALL: the whole state was sent */
  gboolean restart; /* the next reply begins the state anew */
  BusTimer retry;   /* armed while it is behind */
} BusWait;

/* --- rows --- */

typedef struct
{
  PeerState rows[ROWS_MAX];
  PeerState *list[ROWS_MAX];
  guint n;
} WaitRows;

/* A collector gets only what it needs to communicate with another peer. */
static void
wait_fill_row (PeerState *row, const BusPeer *asker, const BusPeer *peer, gboolean present)
{
  daemoneye__eventbus__v1__peer_state__init (row);
  row->id = peer->id;
  row->present = present;
  row->incarnation = peer->incarnation;
  row->type = peer->type;
  if (asker->principal.role == BUS_ROLE_COLLECTOR)
    return;
  row->role = (Daemoneye__Eventbus__V1__Role) peer->principal.role;
  row->pid = peer->who.pid;
  row->uid = peer->account->number;
  row->account = peer->account->name;
}

static void
wait_add_row (WaitRows *rows, const BusPeer *asker, const BusPeer *peer, gboolean present)
{
  wait_fill_row (&rows->rows[rows->n], asker, peer, present);
  rows->list[rows->n] = &rows->rows[rows->n];
  rows->n++;
}

static void
wait_init_reply (WaitReply *reply, const BusCore *core, WaitRows *rows)
{
  daemoneye__eventbus__v1__wait_reply__init (reply);
  reply->accept_seq = core->routes->accept_seq;
  reply->n_peers = rows->n;
  reply->peers = rows->list;
}

/* --- room --- */

static gboolean
wait_has_room (const BusWait *wait)
{
  const BusPeer *asker = wait->later.asker;

  return bus_outq_lane_bytes (&asker->flow.outq, WIRE_LANE_CONTROL) <= asker->core->limits.control_queue_bytes / 2;
}

static void
wait_arm_retry (BusWait *wait)
{
  BusCore *core = wait->later.asker->core;

  bus_deadline_arm (&core->deadlines, &wait->retry.deadline, core->now_us + RETRY_US);
}

/* The asker is behind: it gets no changes, and later the whole state again. */
static void
wait_fall_behind (BusWait *wait)
{
  wait->cursor = 0;
  wait->restart = TRUE;
  if (!bus_deadline_is_armed (&wait->retry.deadline))
    wait_arm_retry (wait);
}

/* Sends a reply. FALSE: there is no memory for it, and the asker is behind: it gets the whole state again later. */
static gboolean
wait_send (BusWait *wait, WaitRows *rows, gboolean is_complete)
{
  WaitReply reply;

  wait_init_reply (&reply, wait->later.asker->core, rows);
  reply.restart = wait->restart;
  reply.complete = is_complete;
  wait->restart = FALSE;
  if (bus_later_continue (&wait->later, &reply.base))
    return TRUE;
  wait_fall_behind (wait);
  return FALSE;
}

/* --- the state --- */

/* A peer that is being disconnected is still part of the state: the change about it follows. */
static const BusPeer *
wait_find_named (const BusCore *core, const BusKey *key)
{
  const BusPeer *peer = g_hash_table_lookup (core->peers_by_id, key);

  return peer != NULL && peer->is_announced ? peer : NULL;
}

static void
wait_send_named (BusWait *wait)
{
  const BusPeer *asker = wait->later.asker;
  const BusPeer *peer = wait_find_named (asker->core, &wait->key);
  WaitRows rows = { .n = 0 };

  if (peer != NULL)
    wait_add_row (&rows, asker, peer, TRUE);
  wait->cursor = PAST_ALL;
  wait_send (wait, &rows, TRUE);
}

/* Sends the state of the peers behind the cursor, as far as there is room. The list of peers is in the order of their serials. */
static void
wait_send_all (BusWait *wait)
{
  const BusPeer *asker = wait->later.asker;
  WaitRows rows = { .n = 0 };

  for (const GList *link = asker->core->peers.head; link != NULL; link = link->next)
    {
      const BusPeer *peer = link->data;

      if (peer->serial <= wait->cursor)
        continue;
      if (rows.n == ROWS_MAX)
        {
          if (!wait_send (wait, &rows, FALSE))
            return;
          rows.n = 0;
          if (!wait_has_room (wait))
            {
              wait_arm_retry (wait);
              return;
            }
        }
      if (peer->is_announced)
        wait_add_row (&rows, asker, peer, TRUE);
      wait->cursor = peer->serial;
    }
  wait->cursor = PAST_ALL;
  wait_send (wait, &rows, TRUE);
}

static void
wait_send_state (BusWait *wait)
{
  if (wait->id != NULL)
    wait_send_named (wait);
  else
    wait_send_all (wait);
}

void
bus_wait_due (gpointer owner)
{
  BusWait *wait = owner;

  if (wait_has_room (wait))
    wait_send_state (wait);
  else
    wait_arm_retry (wait);
}

/* --- changes --- */

static void
wait_answer_once (BusWait *wait, const BusPeer *peer)
{
  WaitRows rows = { .n = 0 };
  WaitReply reply;

  wait_add_row (&rows, wait->later.asker, peer, TRUE);
  wait_init_reply (&reply, peer->core, &rows);
  reply.restart = reply.complete = TRUE;
  bus_later_finish (&wait->later, &reply.base);
}

/* Reports a change to one call. A change of a peer behind the cursor is not reported: the state of that peer is sent later. */
static void
wait_report (BusWait *wait, const BusPeer *peer, gboolean present)
{
  WaitRows rows = { .n = 0 };

  if (wait->id != NULL && !bus_key_equal (&wait->key, &peer->key))
    return;
  if (!wait->watches)
    {
      if (present)
        wait_answer_once (wait, peer);
      return;
    }
  if (peer->serial > wait->cursor)
    return;
  if (!wait_has_room (wait))
    {
      wait_fall_behind (wait);
      return;
    }
  wait_add_row (&rows, wait->later.asker, peer, present);
  wait_send (wait, &rows, wait->cursor == PAST_ALL);
}

static void
wait_report_to_all (BusPeer *peer, gboolean present)
{
  GList *next;

  for (GList *link = peer->core->waits.head; link != NULL; link = next)
    {
      next = link->next;
      wait_report (link->data, peer, present);
    }
}

void
bus_wait_connected (BusPeer *peer)
{
  wait_report_to_all (peer, TRUE);
}

void
bus_wait_gone (BusPeer *peer)
{
  wait_report_to_all (peer, FALSE);
}

/* --- the call --- */

static void
wait_ended (BusLater *later)
{
  BusWait *wait = (BusWait *) later;
  BusCore *core = later->asker->core;

  bus_deadline_disarm (&core->deadlines, &wait->retry.deadline);
  g_queue_unlink (&core->waits, &wait->link);
  g_free (wait->id);
}

static const BusLaterKind wait_kind = { .size = sizeof (BusWait),
                                        .overdue = "no peer with this id has connected in the time given",
                                        .ended = wait_ended };

static gboolean
wait_check (const BusCall *call, const WaitRequest *request)
{
  const char *problem = NULL;

  if (request->peer[0] == '\0' && call->peer->principal.role == BUS_ROLE_COLLECTOR)
    {
      bus_peer_error (call->peer, call->id, WIRE_STATUS_DENIED, "a collector waits for one peer: name its id");
      return FALSE;
    }
  if (request->peer[0] == '\0' && !request->watch)
    problem = "without the id of a peer all peers are watched: set watch";
  else if (request->peer[0] != '\0'
           && !wire_segment_is_valid (wire_span_str (request->peer), (guint) call->core->limits.segment_bytes))
    problem = "an id must be one segment of a-z 0-9 - _, such as procmond-1";
  if (problem != NULL)
    bus_peer_error (call->peer, call->id, WIRE_STATUS_BAD_MESSAGE, problem);
  return problem == NULL;
}

static BusWait *
wait_begin (const BusCall *call, const WaitRequest *request)
{
  BusWait *wait = bus_later_new (call, &wait_kind);

  if (wait == NULL)
    return NULL;
  wait->link.data = wait;
  wait->watches = request->watch != 0;
  wait->restart = TRUE;
  wait->retry.kind = BUS_TIMER_WAIT;
  wait->retry.owner = wait;
  if (request->peer[0] != '\0')
    {
      wait->id = g_strdup (request->peer); /* at most segment_bytes */
      wait->key = bus_key (call->core->seed, wire_span_str (wait->id));
    }
  g_queue_push_tail_link (&call->core->waits, &wait->link);
  return wait;
}

void
bus_wait_answer (const BusCall *call)
{
  const WaitRequest *request = call->request;
  const BusPeer *present = NULL;
  BusWait *wait;

  if (!wait_check (call, request))
    return;
  wait = wait_begin (call, request);
  if (wait == NULL)
    return;
  if (wait->watches)
    wait_send_state (wait);
  else if ((present = wait_find_named (call->core, &wait->key)) != NULL && bus_peer_is_ready (present))
    wait_answer_once (wait, present);
}
