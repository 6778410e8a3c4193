/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-requests.h"

#include "wire-frame.h"

#include <string.h>

#define ALL G_MAXUINT32

/* A request, at its requester. */
typedef struct
{
  guint64 key;
  guint connection;
  guint64 id;
  guint wanted;
  gboolean is_lazy;
  guint64 window_messages; /* 0: no window */
  guint64 window_bytes;
  guint64 got_messages;
  guint64 got_bytes;
  guint64 returned_messages;
  guint64 returned_bytes;
  gsize largest;
  gboolean is_cancelled;
  guint n_ends;
  gboolean ended_by_error; /* an ERROR may overtake replies */
  guint matched;
  guint answered;
  guint failed;
} AskedRequest;

/* The part of one responder. */
typedef struct
{
  guint64 route;
  guint connection; /* of the responder; 0: it has not got the request */
  guint64 asker;
  guint sent[2]; /* number of replies: parts, progress */
  guint n_sent;
  guint got[2];
  guint last_place;
  guint n_cancels;
  gboolean is_withdrawn;
  gboolean has_ended; /* if the request is delivered, CANCEL follows */
  gboolean needs_cancel;
} AskedRoute;

struct SimRequests
{
  GHashTable *asked;  /* key -> AskedRequest */
  GHashTable *routes; /* route -> AskedRoute */
};

SimRequests *
sim_requests_new (void)
{
  SimRequests *requests = g_new0 (SimRequests, 1);

  requests->asked = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  requests->routes = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  return requests;
}

void
sim_requests_free (SimRequests *requests)
{
  g_hash_table_unref (requests->asked);
  g_hash_table_unref (requests->routes);
  g_free (requests);
}

static guint64
requests_key (guint connection, guint64 id)
{
  return (guint64) connection << 32 | id;
}

static AskedRequest *
requests_find (const SimRequests *requests, guint connection, guint64 id)
{
  guint64 key = requests_key (connection, id);

  return g_hash_table_lookup (requests->asked, &key);
}

static AskedRoute *
requests_route (SimRequests *requests, guint64 route)
{
  AskedRoute *found = g_hash_table_lookup (requests->routes, &route);

  if (found == NULL)
    {
      found = g_new0 (AskedRoute, 1);
      found->route = route;
      g_hash_table_insert (requests->routes, &found->route, found);
    }
  return found;
}

void
sim_requests_ask (SimRequests *requests,
                  guint connection,
                  guint64 id,
                  guint wanted,
                  guint64 messages,
                  guint64 bytes,
                  gboolean is_lazy)
{
  AskedRequest *asked = g_new0 (AskedRequest, 1);

  asked->key = requests_key (connection, id);
  asked->connection = connection;
  asked->id = id;
  asked->wanted = wanted;
  asked->window_messages = messages;
  asked->window_bytes = bytes;
  asked->is_lazy = is_lazy;
  g_hash_table_insert (requests->asked, &asked->key, asked);
}

gboolean
sim_requests_is_asked (const SimRequests *requests, guint connection, guint64 id)
{
  return requests_find (requests, connection, id) != NULL;
}

void
sim_requests_cancelled (SimRequests *requests, guint connection, guint64 id)
{
  AskedRequest *asked = requests_find (requests, connection, id);

  if (asked != NULL)
    asked->is_cancelled = TRUE;
}

SimReplyMark
sim_requests_next_reply (SimRequests *requests, guint64 route, gboolean is_progress, gboolean is_final)
{
  AskedRoute *asked = requests_route (requests, route);

  return (SimReplyMark){ .route = route,
                         .asker = asked->asker,
                         .place = ++asked->n_sent,
                         .nth = ++asked->sent[is_progress],
                         .is_progress = is_progress,
                         .is_final = is_final };
}

/* --- responders --- */

const char *
sim_requests_got_request (SimRequests *requests, guint connection, const WireEnvelope *envelope)
{
  AskedRoute *asked = requests_route (requests, envelope->route_id);

  if (asked->is_withdrawn)
    return "O06: a request was delivered after it had ended in the queue";
  if (asked->connection != 0)
    return "O06: a request was delivered twice";
  asked->connection = connection;
  asked->needs_cancel = asked->needs_cancel || asked->has_ended;
  memcpy (&asked->asker, envelope->payload.data, MIN (envelope->payload.len, sizeof asked->asker));
  return NULL;
}

const char *
sim_requests_got_cancel (SimRequests *requests, guint connection, const WireEnvelope *envelope)
{
  AskedRoute *asked = requests_route (requests, envelope->route_id);

  if (asked->connection != connection)
    return "I4: CANCEL came before its request, or to another responder";
  if (++asked->n_cancels > 1)
    return "O06: a request was cancelled twice";
  return NULL;
}

/* --- requesters --- */

static const char *
requests_use_window (AskedRequest *asked, gsize len)
{
  asked->got_messages++;
  asked->got_bytes += len;
  asked->largest = MAX (asked->largest, len);
  if (asked->window_messages > 0
      && (asked->got_messages - asked->returned_messages > asked->window_messages
          || asked->got_bytes - asked->returned_bytes >= asked->window_bytes + asked->largest))
    return "I2: a requester got more replies than its window";
  return NULL;
}

/* Checks the counts in a frame that ends one member: one more has answered or failed. */
static const char *
requests_count_member (AskedRequest *asked, const WireEnvelope *envelope, gboolean is_failure)
{
  asked->answered += !is_failure;
  asked->failed += is_failure;
  asked->matched = envelope->matched;
  if (envelope->queued != asked->answered || envelope->refused != asked->failed
      || asked->answered + asked->failed > asked->matched)
    return "I6: the counts of a request to many are wrong";
  return NULL;
}

static const char *
requests_end_many (AskedRequest *asked, guint8 flags, const WireEnvelope *envelope, SimReplyKind *kind)
{
  gboolean has_enough = asked->answered >= asked->wanted;
  gboolean has_all = asked->wanted == ALL && asked->answered == envelope->matched;
  gboolean is_over = asked->answered + asked->failed == envelope->matched;

  asked->n_ends++;
  *kind = envelope->status != 0 ? SIM_REPLY_END_PARTIAL : is_over ? SIM_REPLY_END_OK : SIM_REPLY_END_FIRST;
  if (asked->wanted < 2 || envelope->queued != asked->answered || envelope->refused != asked->failed)
    return "I6: the counts in the end frame of a request to many are wrong";
  if ((envelope->status == 0) != (has_enough || has_all))
    return "I6: the status in the end frame of a request to many is wrong";
  return NULL;
}

static const char *
requests_check_order (AskedRoute *route, const SimReplyMark *mark, const WireEnvelope *envelope)
{
  guint replaced = (guint) envelope->gap_count;

  if (mark->place <= route->last_place)
    return "I4: a reply overtook another one of its route";
  if (mark->nth != route->got[mark->is_progress] + 1 + replaced)
    return "I6: replies of a route are missing";
  if (replaced > 0 && !mark->is_progress)
    return "I6: a part of an answer replaced another one";
  route->last_place = mark->place;
  route->got[mark->is_progress] = mark->nth;
  return NULL;
}

static const char *
requests_take_reply (SimRequests *requests,
                     AskedRequest *asked,
                     guint8 flags,
                     const WireEnvelope *envelope,
                     SimReplyKind *kind)
{
  const char *problem;
  SimReplyMark mark;

  memcpy (&mark, envelope->payload.data, sizeof mark);
  if (mark.asker != asked->key)
    return "O05: a reply came to another requester";
  *kind = envelope->gap_count > 0 ? SIM_REPLY_MERGED : mark.is_final ? SIM_REPLY_ANSWERED : SIM_REPLY_PART;
  problem = requests_check_order (requests_route (requests, mark.route), &mark, envelope);
  if (problem == NULL)
    problem = requests_use_window (asked, envelope->payload.len);
  if (problem == NULL && asked->wanted > 1 && mark.is_final)
    problem = requests_count_member (asked, envelope, FALSE);
  if (problem == NULL && ((flags & WIRE_FLAG_FINAL) != 0) != (mark.is_final && asked->wanted < 2))
    problem = "I6: the flag FINAL of a reply is wrong";
  asked->n_ends += (flags & WIRE_FLAG_FINAL) != 0;
  return problem;
}

const char *
sim_requests_got_reply (SimRequests *requests,
                        guint connection,
                        guint8 flags,
                        const WireEnvelope *envelope,
                        SimReplyKind *kind)
{
  AskedRequest *asked = requests_find (requests, connection, envelope->answers);

  *kind = SIM_REPLY_FOREIGN;
  if (asked == NULL)
    return NULL;
  if (asked->n_ends > 0 && !asked->ended_by_error)
    return "I6: a reply came after the end of its request";
  if (envelope->payload.len >= sizeof (SimReplyMark))
    return requests_take_reply (requests, asked, flags, envelope, kind);
  if (flags & WIRE_FLAG_FINAL)
    return requests_end_many (asked, flags, envelope, kind);
  *kind = SIM_REPLY_FAILED;
  return requests_count_member (asked, envelope, TRUE);
}

const char *
sim_requests_got_error (SimRequests *requests, guint connection, guint64 id)
{
  AskedRequest *asked = requests_find (requests, connection, id);

  if (asked == NULL)
    return NULL;
  asked->ended_by_error = TRUE;
  return ++asked->n_ends > 1 ? "I6: a request ended twice" : NULL;
}

/* --- credit --- */

gboolean
sim_requests_return_credit (SimRequests *requests,
                            guint connection,
                            gboolean all,
                            guint64 *id,
                            guint64 *messages,
                            guint64 *bytes)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, requests->asked);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      AskedRequest *asked = value;

      if (asked->connection != connection || asked->window_messages == 0 || (asked->is_lazy && !all)
          || asked->returned_messages == asked->got_messages)
        continue;
      asked->returned_messages = asked->got_messages;
      asked->returned_bytes = asked->got_bytes;
      *id = asked->id;
      *messages = asked->window_messages + asked->got_messages;
      *bytes = asked->window_bytes + asked->got_bytes;
      return TRUE;
    }
  return FALSE;
}

/* --- routes --- */

void
sim_requests_withdrawn (SimRequests *requests, guint64 route)
{
  requests_route (requests, route)->is_withdrawn = TRUE;
}

void
sim_requests_ended (SimRequests *requests, guint64 route)
{
  requests_route (requests, route)->has_ended = TRUE;
}

void
sim_requests_expect_cancel (SimRequests *requests, guint64 route)
{
  requests_route (requests, route)->needs_cancel = TRUE;
}

/* --- at rest --- */

const char *
sim_requests_finish (SimRequests *requests, gboolean (*lives) (guint connection, gpointer data), gpointer data)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, requests->asked);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const AskedRequest *asked = value;

      if (lives (asked->connection, data) && asked->n_ends == 0 && !asked->is_cancelled)
        return "I6: a request never ended";
    }
  g_hash_table_iter_init (&iter, requests->routes);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const AskedRoute *route = value;

      if (route->needs_cancel && route->connection != 0 && lives (route->connection, data) && route->n_cancels == 0)
        return "O06: a responder got no CANCEL for a request that has ended";
    }
  return NULL;
}
