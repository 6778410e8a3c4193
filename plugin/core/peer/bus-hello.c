/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-hello.h"

#include "base/bus-text.h"
#include "peer/bus-state.h"
#include "peer/bus-takeover.h"
#include "envelope.pb-c.h"
#include "wire-feature.h"
#include "wire-guard.h"
#include "wire-topic.h"

typedef Daemoneye__Eventbus__V1__Hello Hello;

static const guint8 magic[] = { 0x0d, 'D', 'E', 'Y', 'B' }; /* field 1, fixed32 */

WireStatus
bus_hello_status_of_stranger (guint8 kind)
{
  return kind >= WIRE_KIND_HELLO && kind <= WIRE_KIND_LAST ? WIRE_STATUS_PROTOCOL_ORDER : WIRE_STATUS_BAD_MAGIC;
}

gboolean
bus_hello_versions_overlap (BusVersions ours, BusVersions theirs)
{
  return theirs.oldest <= ours.newest && theirs.newest >= ours.oldest && theirs.oldest <= theirs.newest;
}

static WireStatus
hello_check_version (const Hello *hello, char *detail, gsize size)
{
  const BusVersions ours = { BUS_VERSION_OLDEST, BUS_VERSION_NEWEST };
  const BusVersions theirs = { hello->oldest_version, hello->newest_version };

  if (bus_hello_versions_overlap (ours, theirs))
    return WIRE_STATUS_OK;
  g_snprintf (detail, (gulong) size,
              "no common version: you support %u.%u to %u.%u, the broker %u.%u to %u.%u; update the older side",
              hello->oldest_version >> 16, hello->oldest_version & 0xffff, hello->newest_version >> 16,
              hello->newest_version & 0xffff, BUS_VERSION_OLDEST >> 16, BUS_VERSION_OLDEST & 0xffff,
              BUS_VERSION_NEWEST >> 16, BUS_VERSION_NEWEST & 0xffff);
  return WIRE_STATUS_VERSION;
}

static gboolean
hello_may_be_tool (const BusPeer *peer)
{
  const BusCore *core = peer->core;

  for (gsize i = 0; i < core->n_tool_accounts; i++)
    if (core->tool_accounts[i] == peer->who.account)
      return TRUE;
  return FALSE;
}

static WireStatus
hello_check_role (const BusPeer *peer, const Hello *hello, char *detail, gsize size)
{
  const guint max = (guint) peer->core->limits.segment_bytes;

  if (peer->who.agent)
    return WIRE_STATUS_OK;
  switch (hello->role)
    {
    case BUS_ROLE_COLLECTOR:
      if (wire_segment_is_valid (wire_span_str (hello->type), max))
        return WIRE_STATUS_OK;
      g_strlcpy (detail, "a collector's type must be one segment of a-z 0-9 - _, such as procmond", size);
      return WIRE_STATUS_BAD_MESSAGE;
    case BUS_ROLE_TOOL:
      if (hello_may_be_tool (peer))
        return WIRE_STATUS_OK;
      g_strlcpy (detail, "your uid is not in tool-uids of the broker's configuration", size);
      return WIRE_STATUS_DENIED;
    default:
      g_strlcpy (detail, "role must be 1 (collector) or 2 (tool); the role of the agent cannot be requested", size);
      return WIRE_STATUS_DENIED;
    }
}

static WireStatus
hello_check_id (const BusPeer *peer, const Hello *hello, char *detail, gsize size)
{
  WireSpan id = wire_span_str (hello->id);

  if (!wire_segment_is_valid (id, (guint) peer->core->limits.segment_bytes))
    {
      g_strlcpy (detail, "an id must be one segment of a-z 0-9 - _, such as procmond-1", size);
      return WIRE_STATUS_BAD_MESSAGE;
    }
  if (bus_policy_id_is_reserved (id) && !peer->who.agent)
    {
      g_strlcpy (detail, "this id is reserved: choose another one", size);
      return WIRE_STATUS_DENIED;
    }
  return WIRE_STATUS_OK;
}

static WireStatus
hello_check (const BusPeer *peer, const Hello *hello, char *detail, gsize size)
{
  WireStatus status = hello_check_version (hello, detail, size);

  if (status == WIRE_STATUS_OK)
    status = hello_check_role (peer, hello, detail, size);
  if (status == WIRE_STATUS_OK)
    status = hello_check_id (peer, hello, detail, size);
  return status;
}

static BusPeer *
hello_find_holder (const BusPeer *peer, const Hello *hello)
{
  BusKey key = bus_key (peer->core->seed, wire_span_str (hello->id));

  return g_hash_table_lookup (peer->core->peers_by_id, &key);
}

static void
hello_digest_token (const Hello *hello, guint8 digest[BUS_TOKEN_DIGEST])
{
  g_autoptr (GChecksum) checksum = NULL;
  gsize len = BUS_TOKEN_DIGEST;

  memset (digest, 0, BUS_TOKEN_DIGEST);
  if (hello->token.len == 0)
    return;
  checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_checksum_update (checksum, hello->token.data, (gssize) hello->token.len);
  g_checksum_get_digest (checksum, digest, &len);
}

static void
hello_take_identity (BusPeer *peer, const Hello *hello)
{
  g_autofree char *version = bus_text_dup (hello->software_version, 64);
  BusCore *core = peer->core;

  peer->id = g_ref_string_new (hello->id);
  peer->key = bus_key (core->seed, wire_span_str (peer->id));
  peer->principal.role = peer->who.agent ? BUS_ROLE_AGENT : (BusRole) hello->role;
  peer->type = g_ref_string_new_intern (peer->principal.role == BUS_ROLE_COLLECTOR ? hello->type : "");
  peer->principal.id = peer->key.text;
  peer->principal.type = wire_span_str (peer->type);
  peer->incarnation = hello->incarnation;
  if (hello->last_message != 0)
    bus_peer_need_extra (peer)->last_known = hello->last_message;
  if (hello->token.len > 0)
    {
      peer->token = g_malloc (BUS_TOKEN_DIGEST);
      hello_digest_token (hello, peer->token);
    }
  peer->features = hello->features & WIRE_FEATURES_KNOWN;
  peer->principal.has_tasks = (peer->features & WIRE_FEATURE_TASKS) != 0;
  peer->software_version = g_ref_string_new_intern (version);
  g_hash_table_insert (core->peers_by_id, &peer->key, peer);
}

#define N_WELCOME_LIMITS 5u

static void
hello_send_welcome (BusPeer *peer)
{
  static const BusLimit announced[N_WELCOME_LIMITS]
      = { BUS_LIMIT_max_subscriptions, BUS_LIMIT_max_pending_requests, BUS_LIMIT_topic_segments, BUS_LIMIT_topic_bytes,
          BUS_LIMIT_max_request_timeout_us };
  Daemoneye__Eventbus__V1__Welcome welcome;
  Daemoneye__Eventbus__V1__Window windows[WIRE_N_CLASSES - 1];
  Daemoneye__Eventbus__V1__Window *window_list[WIRE_N_CLASSES - 1];
  Daemoneye__Eventbus__V1__Limit limits[N_WELCOME_LIMITS];
  Daemoneye__Eventbus__V1__Limit *limit_list[N_WELCOME_LIMITS];
  g_autofree guint8 *body = NULL;

  daemoneye__eventbus__v1__welcome__init (&welcome);
  for (guint i = 0; i < WIRE_N_CLASSES - 1; i++)
    {
      daemoneye__eventbus__v1__window__init (&windows[i]);
      windows[i].class_ = i + 1;
      windows[i].messages = peer->core->allowances[i + 1].window.window_messages;
      windows[i].bytes = peer->core->allowances[i + 1].window.window_bytes;
      window_list[i] = &windows[i];
    }
  for (guint i = 0; i < N_WELCOME_LIMITS; i++)
    {
      daemoneye__eventbus__v1__limit__init (&limits[i]);
      limits[i].name = bus_text_for_packing (bus_limit_name (announced[i]));
      limits[i].value = bus_limit_value (&peer->core->limits, announced[i]);
      limit_list[i] = &limits[i];
    }
  welcome.version = BUS_VERSION_NEWEST;
  welcome.epoch = peer->core->epoch;
  welcome.id = peer->id;
  welcome.role = peer->principal.role;
  welcome.features = peer->features;
  welcome.largest_payload = peer->core->limits.max_payload;
  welcome.n_windows = WIRE_N_CLASSES - 1;
  welcome.windows = window_list;
  welcome.software_version = peer->core->software_version;
  welcome.n_limits = N_WELCOME_LIMITS;
  welcome.limits = limit_list;
  body = g_try_malloc (daemoneye__eventbus__v1__welcome__get_packed_size (&welcome));
  if (body == NULL
      || !bus_outq_put (&peer->flow.outq, WIRE_LANE_CONTROL, WIRE_KIND_WELCOME, 0, NULL,
                        wire_span (body, daemoneye__eventbus__v1__welcome__pack (&welcome, body))))
    bus_peer_close (peer, WIRE_STATUS_NO_MEMORY, NULL);
  bus_peer_touch (peer);
}

static BusHelloResult
hello_refuse (BusPeer *peer, WireStatus status, const char *detail)
{
  bus_peer_close (peer, status, detail);
  return BUS_HELLO_REFUSED;
}

static BusHelloResult
hello_meet_holder (BusPeer *peer, BusPeer *holder, const Hello *hello, WireSpan body)
{
  guint8 token[BUS_TOKEN_DIGEST];
  BusTakeoverRule rule;

  hello_digest_token (hello, token);
  rule = bus_takeover_rule (holder, peer, hello->incarnation, token);
  if (rule == BUS_TAKEOVER_REFUSED)
    return hello_refuse (peer, WIRE_STATUS_DUPLICATE_ID,
                         "a live connection of another account, or with another token, has this id");
  if (!bus_takeover_begin (holder, peer, rule, body))
    return hello_refuse (peer, WIRE_STATUS_NO_MEMORY, NULL);
  return BUS_HELLO_WAITS;
}

static BusHelloResult
hello_welcome (BusPeer *peer, const Hello *hello)
{
  hello_take_identity (peer, hello);
  bus_peer_on (peer, BUS_PEER_ON_ACCEPT);
  bus_deadline_disarm (&peer->core->deadlines, &peer->timer.deadline);
  peer->timer.kind = BUS_TIMER_FRAME;
  if (peer->input != NULL)
    peer->input->reader.max_body = bus_peer_max_body (peer);
  hello_send_welcome (peer);
  return bus_peer_is_ready (peer) ? BUS_HELLO_ACCEPTED : BUS_HELLO_REFUSED;
}

static BusHelloResult
hello_handle (BusPeer *peer, WireSpan body)
{
  char detail[160] = "";
  g_autoptr (WireGuard) guard = NULL;
  const Hello *hello;
  WireGuardError error;
  WireStatus status;
  BusPeer *holder;

  /* A newer client may send fields that this broker does not know; the version decides whether that matters. */
  guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__hello__descriptor, body, 0, &error);
  if (guard == NULL)
    return hello_refuse (peer, error.status, error.problem);
  hello = wire_guard_message (guard);
  status = hello_check (peer, hello, detail, sizeof detail);
  if (status != WIRE_STATUS_OK)
    return hello_refuse (peer, status, detail);
  holder = hello_find_holder (peer, hello);
  return holder != NULL ? hello_meet_holder (peer, holder, hello, body) : hello_welcome (peer, hello);
}

BusHelloResult
bus_hello_accept (BusPeer *peer, const WireFrame *frame)
{
  if (frame->kind != WIRE_KIND_HELLO)
    return hello_refuse (peer, bus_hello_status_of_stranger (frame->kind), "the first frame must be HELLO");
  if (frame->body.len < sizeof magic || memcmp (frame->body.data, magic, sizeof magic) != 0)
    return hello_refuse (peer, WIRE_STATUS_BAD_MAGIC, NULL);
  return hello_handle (peer, frame->body);
}

BusHelloResult
bus_hello_retry (BusPeer *newcomer)
{
  gsize len;
  g_autofree guint8 *hello = bus_takeover_withdraw (newcomer, &len);

  return hello_handle (newcomer, wire_span (hello, len));
}
