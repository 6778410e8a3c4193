/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-takeover.h"

#include "peer/bus-state.h"

/* @token: of the newcomer; zeros: it sent none */
static gboolean
takeover_is_token (const BusPeer *holder, const guint8 token[BUS_TOKEN_DIGEST])
{
  static const guint8 none[BUS_TOKEN_DIGEST];

  return memcmp (holder->token != NULL ? holder->token : none, token, BUS_TOKEN_DIGEST) == 0;
}

/*
 * Decides by the identity of both connections which of them gets the id.
 *
 * Neither simple rule works. If the newest connection always won, two processes that are configured with the same id by mistake
 * would disconnect each other forever, because each connects again; and any process could end the connection of another. If the
 * oldest always won, a client that reconnects would be refused for as long as the broker holds its old connection: until the end
 * of the old socket arrives, or without end if a process that hangs holds it open.
 *
 * A client object that reconnects has the pid and the incarnation of the holder, so it is certain that the holder is not used any
 * more. For another process of the same account only the holder itself can show that it is alive, so it is asked. Account and
 * token must be equal in both cases, and a connection that only has the account of the agent cannot take over the agent's own: a
 * client with fewer rights must not get an id because its holder is slow.
 */
BusTakeoverRule
bus_takeover_rule (const BusPeer *holder,
                   const BusPeer *newcomer,
                   guint64 incarnation,
                   const guint8 token[BUS_TOKEN_DIGEST])
{
  if (holder->who.account != newcomer->who.account || holder->who.agent != newcomer->who.agent
      || !takeover_is_token (holder, token))
    return BUS_TAKEOVER_REFUSED;
  if (holder->who.pid == newcomer->who.pid && holder->incarnation == incarnation)
    return BUS_TAKEOVER_AT_ONCE;
  return BUS_TAKEOVER_IF_SILENT;
}

static void
takeover_ask (BusPeer *holder)
{
  BusCore *core = holder->core;
  WireEnvelope ping;

  if (bus_takeover_is_asked (holder))
    return;
  bus_deadline_arm (&core->deadlines, &holder->extra->takeover_timer.deadline, core->now_us + BUS_TAKEOVER_PATIENCE_US);
  wire_envelope_init (&ping);
  ping.id = 1; /* any frame is an answer, so the number does not matter */
  bus_peer_put (holder, WIRE_KIND_PING, 0, &ping);
}

gboolean
bus_takeover_begin (BusPeer *holder, BusPeer *newcomer, BusTakeoverRule rule, WireSpan hello)
{
  guint8 *copy = g_try_malloc (hello.len);
  BusPeerExtra *extra;

  g_assert (rule != BUS_TAKEOVER_REFUSED && bus_peer_extra (newcomer)->holder == NULL);
  if (copy == NULL)
    return FALSE;
  memcpy (copy, hello.data, hello.len);
  extra = bus_peer_need_extra (newcomer);
  extra->is_same_client = rule == BUS_TAKEOVER_AT_ONCE;
  extra->hello = copy;
  extra->hello_len = hello.len;
  extra->holder = holder;
  bus_quota_keep (&newcomer->core->quota, &newcomer->ledger.usage, hello.len);
  g_queue_push_tail_link (&bus_peer_need_extra (holder)->newcomers, &extra->newcomer_link);
  bus_peer_on (newcomer, BUS_PEER_ON_DEFER);
  if (rule == BUS_TAKEOVER_AT_ONCE)
    bus_peer_end (holder, BUS_PEER_ON_TAKEOVER, WIRE_STATUS_TAKEN_OVER, "the same client has connected again");
  else if (bus_peer_is_ready (holder))
    takeover_ask (holder);
  return TRUE;
}

guint8 *
bus_takeover_withdraw (BusPeer *newcomer, gsize *len)
{
  BusPeer *holder = bus_peer_extra (newcomer)->holder;
  BusPeerExtra *extra = newcomer->extra;

  *len = bus_peer_extra (newcomer)->hello_len;
  if (holder == NULL)
    return NULL;
  extra->holder = NULL;
  g_queue_unlink (&holder->extra->newcomers, &extra->newcomer_link);
  if (holder->extra->newcomers.head == NULL)
    bus_deadline_disarm (&holder->core->deadlines, &holder->extra->takeover_timer.deadline);
  bus_quota_unkeep (&newcomer->core->quota, &newcomer->ledger.usage, extra->hello_len);
  extra->hello_len = 0;
  return g_steal_pointer (&extra->hello);
}

void
bus_takeover_answered (BusPeer *holder)
{
  bus_deadline_disarm (&holder->core->deadlines, &holder->extra->takeover_timer.deadline);
  /* The newcomers are removed from the list when they are released, at the end of this input call. */
  for (GList *link = bus_peer_extra (holder)->newcomers.head; link != NULL; link = link->next)
    bus_peer_close (link->data, WIRE_STATUS_DUPLICATE_ID,
                    "the live connection with this id answered: choose another id");
}

void
bus_takeover_due (BusPeer *holder)
{
  bus_peer_end (holder, BUS_PEER_ON_TAKEOVER, WIRE_STATUS_TAKEN_OVER,
                "another client of your account has this id now: this one did not answer a PING in time");
}

BusPeer *
bus_takeover_next (BusPeer *holder)
{
  BusPeer *next = NULL;

  for (GList *link = bus_peer_extra (holder)->newcomers.head; link != NULL; link = link->next)
    {
      BusPeer *newcomer = link->data;

      if (newcomer->state == BUS_PEER_WAITING
          && (next == NULL || (newcomer->extra->is_same_client && !next->extra->is_same_client)))
        next = newcomer;
    }
  return next;
}
