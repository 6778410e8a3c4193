/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-hops.h"

#include "core-view.h"

#include <string.h>

#define ASKS_EVERY 3u  /* one of this many messages asks for its stations */
#define STATIONS   5u  /* publish, accept, queue, write, deliver */
#define PACKED_MAX 60u /* bytes: six numbers */

/* A message that waits, or waited, for a receiver. */
typedef struct
{
  gint64 first_us; /* when it was first seen to wait */
  gint64 last_us;  /* when it was last seen to wait */
  gint64 left_us;  /* when it was first seen not to wait; 0: it still waits */
  guint round;
} HopsWait;

/* The stations of a received frame, as times. */
typedef struct
{
  gint64 accepted_us;
  gint64 queued_us;
  gint64 written_us;
} HopsTimes;

struct SimHops
{
  GHashTable *asked;    /* number -> when it was published */
  GHashTable *answers;  /* "route place" -> the stations before the broker, packed */
  GHashTable *requests; /* route -> the stations of the request, guint64[STATIONS] */
  GHashTable *waits;    /* connection, subscription and sequence -> HopsWait */
  GHashTable *written;  /* connection and lane -> when the last message was written */
  GHashTable *repeats;  /* "group seq attempt" -> when it was written */
  GArray *checked_us;   /* gint64: the time of the first check after the message with that sequence */
  guint round;
};

SimHops *
sim_hops_new (void)
{
  SimHops *hops = g_new0 (SimHops, 1);

  hops->asked = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  hops->answers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  hops->requests = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  hops->waits = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  hops->written = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  hops->repeats = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  hops->checked_us = g_array_new (FALSE, FALSE, sizeof (gint64));
  return hops;
}

void
sim_hops_free (SimHops *hops)
{
  g_hash_table_unref (hops->asked);
  g_hash_table_unref (hops->answers);
  g_hash_table_unref (hops->requests);
  g_hash_table_unref (hops->waits);
  g_hash_table_unref (hops->written);
  g_hash_table_unref (hops->repeats);
  g_array_unref (hops->checked_us);
  g_free (hops);
}

static void
hops_note_time (GHashTable *table, guint64 key, gint64 time_us)
{
  g_hash_table_replace (table, g_memdup2 (&key, sizeof key), g_memdup2 (&time_us, sizeof time_us));
}

static void
hops_fail (SimClient *client, const WireEnvelope *envelope, const char *problem)
{
  sim_world_fail (client->world, "M24: the stations of message %" G_GUINT64_FORMAT " for %s: %s", envelope->accept_seq,
                  client->id, problem);
}

/* --- senders --- */

void
sim_hops_ask (SimWorld *world, guint64 number, WireEnvelope *envelope)
{
  static guint8 packed[PACKED_MAX];
  guint64 now_us = (guint64) world->now_us;

  if (!world->traces || (guint32) number % ASKS_EVERY != 0)
    return;
  envelope->want_hops = 1;
  envelope->hops_before = wire_span (packed, wire_envelope_pack_u64 (&now_us, 1, packed));
  hops_note_time (world->hops->asked, number, world->now_us);
}

void
sim_hops_answer (SimWorld *world, guint64 route, guint place, WireEnvelope *envelope)
{
  static guint8 packed[PACKED_MAX];
  const guint64 *request = g_hash_table_lookup (world->hops->requests, &route);
  guint64 numbers[STATIONS + 1];

  if (request == NULL)
    return;
  memcpy (numbers, request, STATIONS * sizeof *numbers);
  numbers[STATIONS] = (guint64) world->now_us;
  for (guint i = 0; i < STATIONS; i++)
    numbers[STATIONS] -= numbers[i];
  envelope->want_hops = 1;
  envelope->hops_before = wire_span (packed, wire_envelope_pack_u64 (numbers, STATIONS + 1, packed));
  g_hash_table_replace (world->hops->answers, g_strdup_printf ("%" G_GUINT64_FORMAT " %u", route, place),
                        g_bytes_new (packed, envelope->hops_before.len));
}

/* --- waiting messages --- */

static guint64
hops_key (guint connection, guint32 subscription, guint64 seq, guint attempt)
{
  return (guint64) connection << 48 | (guint64) (subscription & 0xff) << 40 | (guint64) (MAX (attempt, 1) & 0xff) << 32
         | (seq & G_MAXUINT32);
}

void
sim_hops_waits (SimWorld *world, guint connection, guint32 subscription, guint64 seq, guint attempt)
{
  SimHops *hops = world->hops;
  guint64 key = hops_key (connection, subscription, seq, attempt);
  HopsWait *wait = g_hash_table_lookup (hops->waits, &key);

  if (wait == NULL)
    {
      wait = g_new0 (HopsWait, 1);
      g_hash_table_insert (hops->waits, g_memdup2 (&key, sizeof key), wait);
    }
  if (wait->first_us == 0 || wait->left_us != 0)
    wait->first_us = world->now_us;
  wait->last_us = world->now_us;
  wait->left_us = 0;
  wait->round = hops->round;
}

void
sim_hops_checked (SimWorld *world)
{
  SimHops *hops = world->hops;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, hops->waits);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      HopsWait *wait = value;

      if (wait->round != hops->round && wait->left_us == 0)
        wait->left_us = world->now_us;
    }
  while (hops->checked_us->len <= sim_view_accept_seq (world))
    g_array_append_val (hops->checked_us, world->now_us);
  hops->round++;
}

/* --- receivers --- */

/* The time of the call, when the sender of the message asked for its stations; else 0. */
static gint64
hops_published_us (const SimHops *hops, const WireEnvelope *envelope)
{
  guint64 number = 0;
  const gint64 *published_us;

  if (envelope->retained || wire_span_equal (envelope->sender, WIRE_SPAN_LITERAL ("bus")))
    return 0;
  memcpy (&number, envelope->payload.data, MIN (envelope->payload.len, sizeof number));
  published_us = g_hash_table_lookup (hops->asked, &number);
  return published_us != NULL ? *published_us : 0;
}

static guint
hops_read (WireSpan packed, guint64 *numbers, guint most)
{
  guint n = 0;

  while (n < most && wire_envelope_next_u64 (&packed, &numbers[n]))
    n++;
  return packed.len == 0 ? n : most + 1;
}

static gboolean
hops_read_times (SimClient *client, const WireEnvelope *envelope, HopsTimes *times)
{
  const GArray *accepted_us = client->world->accepted_us;
  guint64 numbers[3];

  if (hops_read (envelope->hops, numbers, 3) != 3)
    {
      hops_fail (client, envelope, "there are not three of them");
      return FALSE;
    }
  times->accepted_us = (gint64) numbers[0];
  times->queued_us = times->accepted_us + (gint64) numbers[1];
  times->written_us = times->queued_us + (gint64) numbers[2];
  if (envelope->accept_seq >= accepted_us->len
      || g_array_index (accepted_us, gint64, envelope->accept_seq) != times->accepted_us)
    hops_fail (client, envelope, "it was accepted at another time");
  if (times->queued_us < times->accepted_us || times->written_us < times->queued_us)
    hops_fail (client, envelope, "they are not in order");
  if (times->written_us > client->world->now_us)
    hops_fail (client, envelope, "it came before it was written");
  return TRUE;
}

static void
hops_check_written (SimClient *client, const WireEnvelope *envelope, const HopsTimes *times, const HopsWait *wait)
{
  if (times->written_us < wait->last_us || (wait->left_us != 0 && times->written_us > wait->left_us))
    hops_fail (client, envelope, "it was written at another time");
}

/* Compares the time of writing: after the last check that saw the message wait, and before the first check that did not.
 * @may_return: another member of the group may have had it in between */
static void
hops_check_wait (SimClient *client,
                 guint32 subscription,
                 gboolean may_return,
                 const WireEnvelope *envelope,
                 const HopsTimes *times)
{
  SimHops *hops = client->world->hops;
  guint64 key = hops_key (client->number, subscription, envelope->accept_seq, envelope->attempt);
  const HopsWait *wait = g_hash_table_lookup (hops->waits, &key);
  gboolean was_checked = envelope->accept_seq < hops->checked_us->len;

  if (wait == NULL)
    {
      if (was_checked && times->queued_us == times->accepted_us
          && times->written_us > g_array_index (hops->checked_us, gint64, envelope->accept_seq))
        hops_fail (client, envelope, "it did not wait, but was written late");
      return;
    }
  if (times->queued_us > wait->first_us && !may_return)
    hops_fail (client, envelope, "it waited before it was queued");
  else if (times->queued_us <= wait->first_us || wait->left_us == 0 || times->queued_us < wait->last_us)
    hops_check_written (client, envelope, times, wait);
  if (times->written_us > times->queued_us)
    sim_cover (client->world, SIM_COVER_HOPS_WAITED);
  g_hash_table_remove (hops->waits, &key);
}

/* A repeat is queued because the previous delivery was not settled, so that delivery was written before. */
static void
hops_check_repeat (SimClient *client, const char *scope, const WireEnvelope *envelope, const HopsTimes *times)
{
  SimHops *hops = client->world->hops;
  guint attempt = MAX (envelope->attempt, 1);
  g_autofree char *before = g_strdup_printf ("%s %" G_GUINT64_FORMAT " %u", scope, envelope->accept_seq, attempt - 1);
  const gint64 *written_us = g_hash_table_lookup (hops->repeats, before);

  if (written_us != NULL && times->queued_us < *written_us)
    hops_fail (client, envelope, "a repeat was queued before the first delivery was written");
  if (written_us != NULL)
    sim_cover (client->world, SIM_COVER_HOPS_REPEATED);
  g_hash_table_replace (hops->repeats,
                        g_strdup_printf ("%s %" G_GUINT64_FORMAT " %u", scope, envelope->accept_seq, attempt),
                        g_memdup2 (&times->written_us, sizeof times->written_us));
}

/* Messages that were sent before their subscription ended may still arrive. The model no longer knows then whether it was a member
 * of a group. */
static void
hops_check_receivers (SimClient *client, guint8 kind, const WireEnvelope *envelope, const HopsTimes *times)
{
  const SimModel *model = client->world->model;
  WireSpan ids = envelope->subscriptions;
  guint32 id;

  while (wire_envelope_next_u32 (&ids, &id))
    {
      const char *scope = sim_model_scope (model, client->number, id);
      gboolean is_group = scope != NULL || kind == WIRE_KIND_REQUEST; /* the servers of a topic are a group */

      if (kind != WIRE_KIND_REQUEST && !sim_model_is_alive (model, client->number, id))
        continue;
      hops_check_wait (client, id, is_group, envelope, times);
      if (scope != NULL)
        hops_check_repeat (client, scope, envelope, times);
      if (!is_group && times->queued_us != times->accepted_us)
        hops_fail (client, envelope, "it was queued later than it was accepted");
    }
  if (times->queued_us > times->accepted_us)
    sim_cover (client->world, SIM_COVER_HOPS_HANDED_ON);
}

/* Messages of a lane are written in order. */
static void
hops_check_lane (SimClient *client, const WireEnvelope *envelope, const HopsTimes *times)
{
  SimHops *hops = client->world->hops;
  guint lane = wire_class_of (WIRE_KIND_PUBLISH, envelope->topic, envelope->payload.len, 0).lane;
  guint64 key = hops_key (client->number, lane, 0, 1);
  const gint64 *last_us = g_hash_table_lookup (hops->written, &key);

  if (last_us != NULL && times->written_us < *last_us)
    hops_fail (client, envelope, "a later one of its lane was written before it");
  hops_note_time (hops->written, key, times->written_us);
}

/* The responder keeps the stations of a request for its replies. */
static void
hops_keep_request (SimClient *client, const WireEnvelope *envelope, gint64 published_us, const HopsTimes *times)
{
  const guint64 numbers[STATIONS] = {
    (guint64) published_us,
    (guint64) (times->accepted_us - published_us),
    (guint64) (times->queued_us - times->accepted_us),
    (guint64) (times->written_us - times->queued_us),
    (guint64) (client->world->now_us - times->written_us),
  };

  g_hash_table_replace (client->world->hops->requests, g_memdup2 (&envelope->route_id, sizeof envelope->route_id),
                        g_memdup2 (numbers, sizeof numbers));
}

static void
hops_check_message (SimClient *client, guint8 kind, const WireEnvelope *envelope)
{
  gint64 published_us = hops_published_us (client->world->hops, envelope);
  guint64 before = 0;
  HopsTimes times;

  if ((published_us != 0) != (envelope->hops.len > 0))
    {
      hops_fail (client, envelope, published_us != 0 ? "they are missing" : "the sender did not ask for them");
      return;
    }
  if (published_us == 0 || !hops_read_times (client, envelope, &times))
    return;
  if (hops_read (envelope->hops_before, &before, 1) != 1 || (gint64) before != published_us
      || published_us > times.accepted_us)
    hops_fail (client, envelope, "it was published at another time");
  hops_check_receivers (client, kind, envelope, &times);
  hops_check_lane (client, envelope, &times);
  if (kind == WIRE_KIND_REQUEST)
    hops_keep_request (client, envelope, published_us, &times);
  sim_cover (client->world, SIM_COVER_HOPS);
}

/* Of a reply that a client has sent; not of the broker's own. */
static void
hops_check_reply (SimClient *client, const WireEnvelope *envelope)
{
  SimWorld *world = client->world;
  g_autofree char *key = NULL;
  GBytes *expected = NULL;
  SimReplyMark mark;
  HopsTimes times;

  if (sim_requests_is_asked (world->requests, client->number, envelope->answers)
      && envelope->payload.len >= sizeof mark)
    {
      memcpy (&mark, envelope->payload.data, sizeof mark);
      key = g_strdup_printf ("%" G_GUINT64_FORMAT " %u", mark.route, mark.place);
      expected = g_hash_table_lookup (world->hops->answers, key);
    }
  if ((expected != NULL) != (envelope->hops.len > 0))
    {
      hops_fail (client, envelope,
                 expected != NULL ? "they are missing in the answer" : "the answer has them without being asked");
      return;
    }
  if (expected == NULL || !hops_read_times (client, envelope, &times))
    return;
  if (!wire_span_equal (envelope->hops_before,
                        wire_span (g_bytes_get_data (expected, NULL), g_bytes_get_size (expected))))
    hops_fail (client, envelope, "the answer has others than its responder sent");
  if (times.queued_us != times.accepted_us)
    hops_fail (client, envelope, "an answer was queued later than it was accepted");
  hops_check_wait (client, 0, FALSE, envelope, &times);
  sim_cover (world, SIM_COVER_HOPS_ANSWERED);
}

void
sim_hops_came (SimClient *client, guint8 kind, const WireEnvelope *envelope)
{
  if (kind == WIRE_KIND_DELIVER || kind == WIRE_KIND_REQUEST)
    hops_check_message (client, kind, envelope);
  else if (kind == WIRE_KIND_REPLY)
    hops_check_reply (client, envelope);
  else if (envelope->hops.len > 0)
    hops_fail (client, envelope, "it is not a message");
}
