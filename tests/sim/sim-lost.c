/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-lost.h"

#include "control.pb-c.h"
#include "sim-model-private.h"
#include "sim-ops-private.h"
#include "wire-guard.h"

#include <string.h>

#define ROWS_MAX       4u
#define REASON_UNKNOWN 1u
#define CHOICE_MAX     12u /* reports of which a member may have got some in one gap */

typedef struct
{
  const char *topic;
  const char *publishers; /* A the agent and tools, P procmonds, N netmonds */
} LostTopic;

/* "#" stands for a segment that is the id of the publisher. No client may publish to the last three. */
static const LostTopic lost_topics[] = {
  { "health.status", "APN" },
  { "health.#", "APN" },
  { "events.process.new", "P" },
  { "events.process.#", "P" },
  { "events.network.dns", "N" },
  { "tasks.procmond", "A" },
  { "control.agent.policy", "A" },
  { "system.#", "" },
  { "events..x", "" },
  { "nobody.knows", "" },
};

typedef struct
{
  const LostTopic *topic;
  guint count;
} LostRow;

typedef struct
{
  LostRow rows[ROWS_MAX];
  guint n;
  guint subscriptions; /* the count in the expected answer */
  guint denied;
} LostCall;

/* The reports that one subscription, or one member of a group, must get. */
typedef struct
{
  guint64 seq;
  guint lane;
  guint64 count;
  const ModelSub *sub; /* NULL: a member of the group */
  char *group;         /* NULL: none */
  GPtrArray *members;  /* of ModelSub */
  gboolean is_unsure;
  const ModelSub *came_to; /* NULL: it has not arrived */
} LostReport;

struct SimLosts
{
  GHashTable *calls;  /* connection and id -> LostCall */
  GPtrArray *reports; /* of LostReport, by seq */
};

static void
lost_report_free (gpointer data)
{
  LostReport *report = data;

  g_free (report->group);
  g_ptr_array_unref (report->members);
  g_free (report);
}

SimLosts *
sim_losts_new (void)
{
  SimLosts *losts = g_new0 (SimLosts, 1);

  losts->calls = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  losts->reports = g_ptr_array_new_with_free_func (lost_report_free);
  return losts;
}

void
sim_losts_free (SimLosts *losts)
{
  g_hash_table_unref (losts->calls);
  g_ptr_array_unref (losts->reports);
  g_free (losts);
}

static guint64
lost_key (const SimClient *client, guint64 id)
{
  return (guint64) client->number << 32 | id;
}

/* --- the operation --- */

static gboolean
lost_is_allowed (const SimClient *client, const LostTopic *topic)
{
  const char kind = client->role != SIM_COLLECTOR ? 'A' : client->type[0] == 'p' ? 'P' : 'N';

  return strchr (topic->publishers, kind) != NULL;
}

static void
lost_draw (SimRandom *random, LostCall *call)
{
  call->n = 1 + sim_below (random, ROWS_MAX);
  for (guint i = 0; i < call->n; i++)
    call->rows[i] = (LostRow){ &lost_topics[sim_below (random, G_N_ELEMENTS (lost_topics))], sim_below (random, 6) };
}

void
sim_lost_run (SimWorld *world, SimClient *client)
{
  const SimFrame frame = { .kind = SIM_FRAME_LOST, .message_id = client->next_id + 1 };
  const guint64 key = lost_key (client, frame.message_id);
  LostCall *call;
  Daemoneye__Eventbus__V1__LostRequest request;
  Daemoneye__Eventbus__V1__Lost rows[ROWS_MAX];
  Daemoneye__Eventbus__V1__Lost *list[ROWS_MAX];

  if (!sim_client_has_credit (client, WIRE_CLASS_CONTROL))
    return;
  call = g_new0 (LostCall, 1);
  lost_draw (&world->random, call);
  daemoneye__eventbus__v1__lost_request__init (&request);
  for (guint i = 0; i < call->n; i++)
    {
      daemoneye__eventbus__v1__lost__init (&rows[i]);
      rows[i].topic = (char *) (gsize) call->rows[i].topic->topic;
      rows[i].count = call->rows[i].count;
      list[i] = &rows[i];
    }
  request.n_lost = call->n;
  request.lost = list;
  g_hash_table_insert (world->losts->calls, g_memdup2 (&key, sizeof key), call);
  sim_ops_call (client, "control.bus.lost", &request.base, &frame);
}

/* --- the call has reached the broker --- */

static LostReport *
lost_report_new (SimWorld *world, guint64 seq, const char *topic, guint64 count, gboolean is_unsure)
{
  LostReport *report = g_new0 (LostReport, 1);

  report->seq = seq;
  report->lane = wire_class_of (WIRE_KIND_PUBLISH, wire_span_str (topic), 0, 0).lane;
  report->count = count;
  report->is_unsure = is_unsure;
  report->members = g_ptr_array_new ();
  g_ptr_array_add (world->losts->reports, report);
  return report;
}

/* The report for that group, of the reports from @first on. NULL: none yet */
static LostReport *
lost_find_group (const SimLosts *losts, guint first, const char *group)
{
  for (guint i = first; i < losts->reports->len; i++)
    {
      LostReport *report = g_ptr_array_index (losts->reports, i);

      if (report->group != NULL && strcmp (report->group, group) == 0)
        return report;
    }
  return NULL;
}

/* Returns how many subscriptions and groups match. */
static guint
lost_report_row (SimWorld *world, const char *topic, guint64 count, guint64 seq, gboolean is_unsure)
{
  const guint first = world->losts->reports->len;

  for (guint i = 0; i < world->model->subs->len; i++)
    {
      const ModelSub *sub = g_ptr_array_index (world->model->subs, i);
      LostReport *report = NULL;

      if (!sub->alive || sub->drains || !sim_model_matches (sub->pattern, topic)
          || !sim_model_may_read (sim_model_peer (world->model, sub->peer), topic))
        continue;
      if (sub->group != NULL)
        report = lost_find_group (world->losts, first, sub->group);
      if (report == NULL)
        report = lost_report_new (world, seq, topic, count, is_unsure);
      if (sub->group == NULL)
        report->sub = sub;
      else if (report->group == NULL)
        report->group = g_strdup (sub->group);
      g_ptr_array_add (report->members, (gpointer) (gsize) sub);
    }
  return world->losts->reports->len - first;
}

void
sim_lost_reached (SimWorld *world, const SimClient *client, const SimFrame *frame, guint64 seq, gboolean is_unsure)
{
  const guint64 key = lost_key (client, frame->message_id);
  LostCall *call = g_hash_table_lookup (world->losts->calls, &key);

  for (guint i = 0; i < call->n; i++)
    {
      const LostRow *row = &call->rows[i];
      g_autofree char *topic = NULL;

      if (!lost_is_allowed (client, row->topic))
        {
          call->denied++;
          sim_cover (world, SIM_COVER_LOST_DENIED);
          continue;
        }
      topic = g_str_has_suffix (row->topic->topic, "#")
                  ? g_strdup_printf ("%.*s%s", (int) strlen (row->topic->topic) - 1, row->topic->topic, client->id)
                  : g_strdup (row->topic->topic);
      if (row->count > 0)
        call->subscriptions += lost_report_row (world, topic, row->count, seq, is_unsure);
    }
}

void
sim_lost_answered (const SimClient *client, const WireEnvelope *envelope)
{
  const guint64 key = lost_key (client, envelope->answers);
  const LostCall *call = g_hash_table_lookup (client->world->losts->calls, &key);
  const Daemoneye__Eventbus__V1__LostReply *reply;
  g_autoptr (WireGuard) guard = NULL;

  if (call == NULL)
    return;
  guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__lost_reply__descriptor, envelope->payload, 0, NULL);
  reply = guard != NULL ? wire_guard_message (guard) : NULL;
  if (reply == NULL || reply->subscriptions != call->subscriptions || reply->denied != call->denied)
    sim_world_fail (client->world, "I7: %s reported losses of %u topics: %u reports and %u denied, not %u and %u",
                    client->id, call->n, reply != NULL ? reply->subscriptions : 0, reply != NULL ? reply->denied : 0,
                    call->subscriptions, call->denied);
}

/* --- gaps --- */

static gboolean
lost_is_for (const LostReport *report, const ModelSub *sub)
{
  return report->came_to == NULL && g_ptr_array_find (report->members, sub, NULL);
}

/* The reports in the range of the gap that have not come. Of LostReport. A member of a group gets some of the reports of its
 * group. */
static GPtrArray *
lost_find_reports (const SimLosts *losts, const ModelSub *sub, guint lane, const WireEnvelope *gap)
{
  GPtrArray *found = g_ptr_array_new ();

  for (guint i = 0; i < losts->reports->len; i++)
    {
      LostReport *report = g_ptr_array_index (losts->reports, i);

      if (report->lane == lane && report->seq >= gap->gap_from && report->seq <= gap->gap_to
          && lost_is_for (report, sub))
        g_ptr_array_add (found, report);
    }
  return found;
}

/* Returns the number of reports from @first on that the gap covers exactly; 0: it does not. The rows of one call have one
 * sequence, and each of them may be reported by its own gap. */
static guint
lost_count_exact (const GPtrArray *found, guint first, const WireEnvelope *gap)
{
  guint64 sum = 0;

  if (((const LostReport *) g_ptr_array_index (found, first))->seq != gap->gap_from)
    return 0;
  for (guint i = first; i < found->len && sum < gap->gap_count; i++)
    {
      const LostReport *report = g_ptr_array_index (found, i);

      sum += report->count;
      if (sum == gap->gap_count && report->seq == gap->gap_to)
        return i + 1 - first;
    }
  return 0;
}

static void
lost_note_gap (SimClient *client, ModelSub *sub, guint lane, gboolean is_sure, const WireEnvelope *gap)
{
  sim_cover (client->world, sub->group != NULL ? SIM_COVER_LOST_GROUP : SIM_COVER_LOST);
  if (gap->gap_from != gap->gap_to)
    sim_cover (client->world, SIM_COVER_LOST_JOINED);
  if (!is_sure)
    return;
  if (sub->group == NULL && gap->gap_from <= sub->last[lane])
    sim_world_fail (client->world, "I7: a report of losses %" G_GUINT64_FORMAT " came after message %" G_GUINT64_FORMAT,
                    gap->gap_from, sub->last[lane]);
  sub->missed_to[lane] = MAX (sub->missed_to[lane], gap->gap_to);
}

/* TRUE if these reports are those of the gap, and each report between them may have come to another member of the group.
 * @chosen: one bit for each report */
static gboolean
lost_is_choice (const GPtrArray *found, guint chosen, const WireEnvelope *gap)
{
  const LostReport *last = NULL;
  gboolean is_left = FALSE; /* a report that only this member can get is left out, after the first one that is chosen */
  guint64 sum = 0;

  for (guint i = 0; i < found->len && chosen >> i != 0; i++)
    {
      const LostReport *report = g_ptr_array_index (found, i);

      if ((chosen >> i & 1) == 0)
        {
          is_left = is_left || (last != NULL && report->members->len < 2);
          continue;
        }
      if (last == NULL && report->seq != gap->gap_from)
        return FALSE;
      sum += report->count;
      last = report;
    }
  return !is_left && sum == gap->gap_count && last != NULL && last->seq == gap->gap_to;
}

/* Other members may have got some of the reports between those of the gap. FALSE: no reports match */
static gboolean
lost_take_some (const GPtrArray *found, const ModelSub *sub, const WireEnvelope *gap)
{
  const guint end = 1u << MIN (found->len, CHOICE_MAX);
  guint chosen = 1;

  while (chosen < end && !lost_is_choice (found, chosen, gap))
    chosen++;
  for (guint i = 0; chosen < end && chosen >> i != 0; i++)
    if ((chosen >> i & 1) != 0)
      ((LostReport *) g_ptr_array_index (found, i))->came_to = sub;
  return chosen < end;
}

/* Matches the gap with reports of the lane. A plain subscription gets the oldest reports first. */
static gboolean
lost_take_in_lane (SimClient *client, ModelSub *sub, guint lane, gboolean is_sure, const WireEnvelope *gap)
{
  g_autoptr (GPtrArray) found = lost_find_reports (client->world->losts, sub, lane, gap);
  gboolean is_taken;
  guint n = 0;

  for (guint first = 0; first < found->len && n == 0 && (first == 0 || sub->group != NULL); first++)
    {
      n = lost_count_exact (found, first, gap);
      for (guint i = first; i < first + n; i++)
        ((LostReport *) g_ptr_array_index (found, i))->came_to = sub;
    }
  is_taken = n > 0 || (sub->group != NULL && lost_take_some (found, sub, gap));
  if (is_taken)
    lost_note_gap (client, sub, lane, is_sure, gap);
  return is_taken;
}

/* The report of the other lane with the same sequence and number that has not come. NULL: none */
static LostReport *
lost_find_in_other_lane (const SimLosts *losts, const ModelSub *sub, const LostReport *report)
{
  for (guint i = 0; i < losts->reports->len; i++)
    {
      LostReport *other = g_ptr_array_index (losts->reports, i);

      if (other->lane != report->lane && other->seq == report->seq && other->count == report->count
          && lost_is_for (other, sub))
        return other;
    }
  return NULL;
}

/* A gap does not contain its lane, so an earlier gap may have been matched with the wrong lane. TRUE: that was corrected, and a
 * report of @lane can match now. */
static gboolean
lost_swap (const SimLosts *losts, const ModelSub *sub, guint lane, const WireEnvelope *gap)
{
  for (guint i = 0; i < losts->reports->len; i++)
    {
      LostReport *report = g_ptr_array_index (losts->reports, i);
      LostReport *other = NULL;

      if (report->lane == lane && report->came_to == sub && report->seq >= gap->gap_from && report->seq <= gap->gap_to)
        other = lost_find_in_other_lane (losts, sub, report);
      if (other == NULL)
        continue;
      other->came_to = sub;
      report->came_to = NULL;
      return TRUE;
    }
  return FALSE;
}

/* TRUE if there are reports of both lanes in the range of the gap, so that its lane is not known. */
static gboolean
lost_is_ambiguous (const SimLosts *losts, const ModelSub *sub, const WireEnvelope *gap)
{
  guint n_lanes = 0;

  for (guint lane = 0; lane < LANES; lane++)
    {
      gboolean fits = FALSE;

      for (guint i = 0; i < losts->reports->len && !fits; i++)
        {
          const LostReport *report = g_ptr_array_index (losts->reports, i);

          fits = report->lane == lane && report->seq >= gap->gap_from && report->seq <= gap->gap_to
                 && g_ptr_array_find (report->members, sub, NULL);
        }
      n_lanes += fits;
    }
  return n_lanes > 1;
}

static gboolean
lost_take (SimClient *client, ModelSub *sub, const WireEnvelope *gap)
{
  const gboolean is_sure = !lost_is_ambiguous (client->world->losts, sub, gap);

  for (guint lane = 0; lane < LANES; lane++)
    if (lost_take_in_lane (client, sub, lane, is_sure, gap))
      return TRUE;
  for (guint lane = 0; lane < LANES; lane++)
    if (lost_swap (client->world->losts, sub, lane, gap) && lost_take_in_lane (client, sub, lane, is_sure, gap))
      return TRUE;
  return FALSE;
}

gboolean
sim_lost_gap (SimClient *client, const WireEnvelope *envelope)
{
  ModelSub *sub;

  if (envelope->gap_reason != REASON_UNKNOWN)
    return FALSE;
  sub = sim_model_sub (client->world->model, client->number, envelope->subscription);
  if (sub == NULL || !lost_take (client, sub, envelope))
    sim_world_fail (client->world,
                    "I7: a gap of %" G_GUINT64_FORMAT " messages that were not sent, %" G_GUINT64_FORMAT
                    "-%" G_GUINT64_FORMAT ", came to %u of %s, but no such report exists",
                    envelope->gap_count, envelope->gap_from, envelope->gap_to, envelope->subscription, client->id);
  return TRUE;
}

/* --- sums --- */

guint64
sim_lost_received (const SimWorld *world, guint connection, guint32 subscription)
{
  const ModelSub *sub = sim_model_sub (world->model, connection, subscription);
  guint64 sum = 0;

  for (guint i = 0; i < world->losts->reports->len; i++)
    {
      const LostReport *report = g_ptr_array_index (world->losts->reports, i);

      sum += sub != NULL && report->came_to == sub ? report->count : 0;
    }
  return sum;
}

guint64
sim_lost_reported (const SimWorld *world, guint connection, guint32 subscription)
{
  const ModelSub *sub = sim_model_sub (world->model, connection, subscription);
  guint64 sum = 0;

  for (guint i = 0; i < world->losts->reports->len; i++)
    {
      const LostReport *report = g_ptr_array_index (world->losts->reports, i);

      sum += sub != NULL && report->sub == sub ? report->count : 0;
    }
  return sum;
}

static gboolean
lost_are_alive (const GPtrArray *members)
{
  for (guint i = 0; i < members->len; i++)
    if (!((const ModelSub *) g_ptr_array_index (members, i))->alive)
      return FALSE;
  return TRUE;
}

void
sim_lost_finish (SimWorld *world)
{
  for (guint i = 0; i < world->losts->reports->len; i++)
    {
      const LostReport *report = g_ptr_array_index (world->losts->reports, i);

      if (report->came_to == NULL && !report->is_unsure && lost_are_alive (report->members))
        sim_world_fail (world, "I7: report %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " lost messages never came",
                        report->seq, report->count);
    }
}
