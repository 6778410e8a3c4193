/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-model-private.h"

void
sim_model_fail (SimModel *model, const char *format, ...)
{
  va_list args;

  if (model->failure[0] != '\0')
    return;
  va_start (args, format);
  g_vsnprintf (model->failure, sizeof model->failure, format, args);
  va_end (args);
}

static void
model_message_free (gpointer data)
{
  ModelMessage *message = data;

  g_free (message->topic);
  g_free (message->sender);
  g_free (message->target);
  g_hash_table_unref (message->groups);
  g_hash_table_unref (message->attempts);
  g_hash_table_unref (message->vacant);
  g_free (message->held_for);
  g_hash_table_unref (message->asked);
  g_free (message);
}

static void
model_sub_free (gpointer data)
{
  ModelSub *sub = data;

  g_array_unref (sub->matches);
  g_free (sub->pattern);
  g_free (sub->group);
  g_free (sub);
}

static void
model_group_free (gpointer data)
{
  g_free (((ModelGroup *) data)->pattern);
  g_free (data);
}

static void
model_peer_clear (gpointer data)
{
  ModelPeer *peer = data;

  g_free (peer->type);
  g_free (peer->id);
}

SimModel *
sim_model_new (void)
{
  SimModel *model = g_new0 (SimModel, 1);

  model->peers = g_array_new (FALSE, TRUE, sizeof (ModelPeer));
  g_array_set_clear_func (model->peers, model_peer_clear);
  model->subs = g_ptr_array_new_with_free_func (model_sub_free);
  model->messages = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, model_message_free);
  model->groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, model_group_free);
  return model;
}

void
sim_model_free (SimModel *model)
{
  g_array_unref (model->peers);
  g_ptr_array_unref (model->subs);
  g_hash_table_unref (model->groups);
  g_hash_table_unref (model->messages);
  g_free (model);
}

const char *
sim_model_failure (const SimModel *model)
{
  return model->failure;
}

/* --- topics, rights, lanes --- */

gboolean
sim_model_matches (const char *pattern, const char *topic)
{
  g_auto (GStrv) words = g_strsplit (pattern, ".", -1);
  g_auto (GStrv) segments = g_strsplit (topic, ".", -1);
  guint i;

  if (strcmp (segments[0], "system") == 0 && strcmp (words[0], "system") != 0)
    return FALSE;
  for (i = 0; words[i] != NULL; i++)
    {
      if (strcmp (words[i], "#") == 0)
        return TRUE;
      if (segments[i] == NULL || (strcmp (words[i], "+") != 0 && strcmp (words[i], segments[i]) != 0))
        return FALSE;
    }
  return segments[i] == NULL;
}

static gboolean
model_is_below (const char *topic, const char *domain)
{
  gsize len = strlen (domain);

  return strncmp (topic, domain, len) == 0 && (topic[len] == '\0' || topic[len] == '.');
}

/* Of the topics that the simulator uses, only this domain is not readable by every peer. */
gboolean
sim_model_may_read (const ModelPeer *peer, const char *topic)
{
  return peer->role != SIM_COLLECTOR || !model_is_below (topic, "control.agent");
}

static guint
model_lane_of (const char *topic, gsize len)
{
  gboolean is_control
      = model_is_below (topic, "control") || model_is_below (topic, "health") || model_is_below (topic, "system");

  return is_control && len <= CONTROL_LARGEST ? CONTROL_LANE : DATA_LANE;
}

/* --- input of the broker --- */

ModelPeer *
sim_model_peer (const SimModel *model, guint peer)
{
  return &g_array_index (model->peers, ModelPeer, peer);
}

ModelGroup *
sim_model_group (const SimModel *model, const char *name)
{
  ModelGroup *group = g_hash_table_lookup (model->groups, name);

  if (group == NULL)
    {
      group = g_new0 (ModelGroup, 1);
      g_hash_table_insert (model->groups, g_strdup (name), group);
    }
  return group;
}

static gboolean
model_has_members (const SimModel *model, const char *group)
{
  for (guint i = 0; i < model->subs->len; i++)
    {
      const ModelSub *sub = g_ptr_array_index (model->subs, i);

      if (sub->alive && g_strcmp0 (sub->group, group) == 0)
        return TRUE;
    }
  return FALSE;
}

static void
model_end_sub (const SimModel *model, ModelSub *sub)
{
  sub->alive = FALSE;
  if (sub->group == NULL)
    return;
  sim_model_group (model, sub->group)->left = TRUE;
  if (!model_has_members (model, sub->group))
    g_clear_pointer (&sim_model_group (model, sub->group)->pattern, g_free);
}

ModelSub *
sim_model_sub (const SimModel *model, guint peer, guint32 id)
{
  for (guint i = model->subs->len; i > 0; i--)
    {
      ModelSub *sub = g_ptr_array_index (model->subs, i - 1);

      if (sub->peer == peer && sub->id == id)
        return sub;
    }
  return NULL;
}

void
sim_model_ready (SimModel *model, guint peer, SimRole role, guint32 account, const char *type, const char *id)
{
  if (model->peers->len <= peer)
    g_array_set_size (model->peers, peer + 1);
  *sim_model_peer (model, peer) = (ModelPeer){ role, TRUE, account, g_strdup (type), g_strdup (id) };
}

void
sim_model_gone (SimModel *model, guint peer)
{
  if (peer >= model->peers->len)
    return;
  sim_model_peer (model, peer)->alive = FALSE;
  for (guint i = 0; i < model->subs->len; i++)
    if (((ModelSub *) g_ptr_array_index (model->subs, i))->peer == peer)
      model_end_sub (model, g_ptr_array_index (model->subs, i));
}

/* --- groups --- */

/* A name belongs to the account of its members; on the topic of a type of tasks it belongs to that type. */
static char *
model_scope (const SimModel *model, guint peer, const char *group, const char *pattern)
{
  g_auto (GStrv) words = g_strsplit (pattern, ".", -1);

  if (g_strv_length (words) == 2 && strcmp (words[0], "tasks") == 0 && strpbrk (words[1], "+#") == NULL)
    return g_strdup_printf ("%s of type %s", group, words[1]);
  return g_strdup_printf ("%s of account %u", group, sim_model_peer (model, peer)->account);
}

/* TRUE when one topic can match both. */
static gboolean
model_overlaps (char **one, char **other)
{
  if (*one == NULL || *other == NULL)
    return (*one == NULL || strcmp (*one, "#") == 0) && (*other == NULL || strcmp (*other, "#") == 0);
  if (strcmp (*one, "#") == 0 || strcmp (*other, "#") == 0)
    return TRUE;
  return (strcmp (*one, "+") == 0 || strcmp (*other, "+") == 0 || strcmp (*one, *other) == 0)
         && model_overlaps (one + 1, other + 1);
}

/* The simulator has collectors of two types. */
static void
model_check_type (SimModel *model, const ModelSub *sub)
{
  const ModelPeer *peer = sim_model_peer (model, sub->peer);
  const char *foreign = g_strcmp0 (peer->type, "procmond") == 0 ? "tasks.netmond" : "tasks.procmond";

  if (peer->role == SIM_COLLECTOR && sim_model_matches (sub->pattern, foreign))
    sim_model_fail (model, "A08: a collector of type %s joined group %s of %s", peer->type, sub->group, sub->pattern);
}

static void
model_join (SimModel *model, ModelSub *sub, const char *name)
{
  ModelGroup *group;

  sub->group = model_scope (model, sub->peer, name, sub->pattern);
  group = sim_model_group (model, sub->group);
  if (group->pattern == NULL)
    group->pattern = g_strdup (sub->pattern);
  else
    {
      g_auto (GStrv) first = g_strsplit (group->pattern, ".", -1);
      g_auto (GStrv) own = g_strsplit (sub->pattern, ".", -1);

      if (!model_overlaps (first, own))
        sim_model_fail (model, "A08: %s joined group %s of %s", sub->pattern, sub->group, group->pattern);
    }
  model_check_type (model, sub);
}

gboolean
sim_model_may_adjust (const SimModel *model, guint peer, guint32 subscription)
{
  const ModelSub *sub = sim_model_sub (model, peer, subscription);

  if (sub == NULL || sub->group == NULL || sim_model_peer (model, peer)->role != SIM_COLLECTOR)
    return TRUE;
  for (guint i = 0; i < model->subs->len; i++)
    {
      const ModelSub *other = g_ptr_array_index (model->subs, i);

      if (other->alive && other->peer != peer && g_strcmp0 (other->group, sub->group) == 0)
        return FALSE;
    }
  return TRUE;
}

void
sim_model_subscribe (SimModel *model,
                     guint peer,
                     guint32 subscription,
                     const char *pattern,
                     const char *group,
                     SimPolicy policy,
                     gboolean is_unbounded,
                     const SimLineage *filter)
{
  ModelSub *sub = g_new0 (ModelSub, 1);

  sub->alone = TRUE;
  for (guint i = 0; i < model->subs->len; i++)
    {
      ModelSub *other = g_ptr_array_index (model->subs, i);

      if (other->peer == peer)
        other->alone = sub->alone = FALSE;
    }
  sub->is_unbounded = is_unbounded;
  sub->peer = peer;
  sub->id = subscription;
  sub->pattern = g_strdup (pattern);
  if (group != NULL)
    model_join (model, sub, group);
  for (guint i = 0; i < model->subs->len; i++)
    {
      const ModelSub *other = g_ptr_array_index (model->subs, i);

      if (sub->group != NULL && other->alive && other->peer == peer && g_strcmp0 (other->group, sub->group) == 0)
        sub->drains = other->drains;
    }
  sub->policy = policy;
  sub->filter = *filter;
  sub->alive = TRUE;
  sub->matches = g_array_new (FALSE, FALSE, sizeof (ModelMatch));
  g_ptr_array_add (model->subs, sub);
}

void
sim_model_unsubscribe (SimModel *model, guint peer, guint32 subscription)
{
  ModelSub *sub = sim_model_sub (model, peer, subscription);

  if (sub != NULL)
    model_end_sub (model, sub);
}

void
sim_model_adjust (SimModel *model, guint peer, guint32 subscription, SimPolicy policy)
{
  ModelSub *sub = sim_model_sub (model, peer, subscription);

  for (guint i = 0; sub != NULL && i < model->subs->len; i++)
    {
      ModelSub *other = g_ptr_array_index (model->subs, i);

      if (other == sub || (sub->group != NULL && g_strcmp0 (other->group, sub->group) == 0))
        {
          other->policy = policy;
          other->adjusted = TRUE;
        }
    }
}

static gboolean
model_fits (guint wanted, guint value)
{
  return wanted == 0 || wanted == value;
}

/* One key is a prefix of another one, and one value is a prefix of another one. */
const char *const sim_tags[SIM_TAGS] = { "k=1", "k=12", "k=2", "kk=1", "j=1" };
const char *const sim_wanted_tags[SIM_WANTED_TAGS] = { "k", "k=1", "k=2", "kk", "j", "j=2" };

/* Without "=" any value of the key fits. */
static gboolean
model_has_tag (const char *wanted, guint tags)
{
  for (guint i = 0; i < SIM_TAGS; i++)
    {
      g_auto (GStrv) words = g_strsplit (sim_tags[i], "=", 2);

      if ((tags & 1u << i) != 0 && strcmp (wanted, strchr (wanted, '=') != NULL ? sim_tags[i] : words[0]) == 0)
        return TRUE;
    }
  return FALSE;
}

static gboolean
model_has_tags (guint wanted, guint tags)
{
  for (guint i = 0; i < SIM_WANTED_TAGS; i++)
    if ((wanted & 1u << i) != 0 && !model_has_tag (sim_wanted_tags[i], tags))
      return FALSE;
  return TRUE;
}

/* The first message of a chain has no root field: it is the root itself. */
gboolean
sim_model_passes (const SimLineage *filter, const SimLineage *lineage)
{
  return model_fits (filter->id, lineage->id) && model_fits (filter->stage, lineage->stage)
         && model_fits (filter->root, lineage->root != 0 ? lineage->root : lineage->id)
         && model_has_tags (filter->tags, lineage->tags);
}

static gboolean
model_wants (const SimModel *model,
             const ModelSub *sub,
             const char *topic,
             const char *target,
             const SimLineage *lineage)
{
  const ModelPeer *peer = sim_model_peer (model, sub->peer);

  return sub->alive && sim_model_matches (sub->pattern, topic) && sim_model_may_read (peer, topic)
         && sim_model_passes (&sub->filter, lineage) && (target == NULL || strcmp (target, peer->id) == 0);
}

/* TRUE if no member of that group takes part. */
static gboolean
model_is_vacant (gpointer key, gpointer value, gpointer asked)
{
  return !g_hash_table_contains (asked, key);
}

static ModelMessage *
model_new_message (guint64 number, guint64 seq, const char *topic, gsize payload_len)
{
  ModelMessage *message = g_new0 (ModelMessage, 1);

  message->seq = seq;
  message->number = number;
  message->len = payload_len;
  message->lane = model_lane_of (topic, payload_len);
  message->topic = g_strdup (topic);
  message->groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  message->attempts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  message->vacant = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return message;
}

guint
sim_model_publish (SimModel *model,
                   guint peer,
                   const char *topic,
                   guint64 number,
                   gsize payload_len,
                   guint64 ttl_us,
                   gboolean broadcast,
                   gboolean at_least_once,
                   const char *target,
                   const SimLineage *lineage,
                   guint64 seq)
{
  ModelMessage *message = model_new_message (number, seq, topic, payload_len);
  GHashTable *members = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) vacant = g_hash_table_new (g_str_hash, g_str_equal); /* groups with a member that drains */

  message->to_each = broadcast || target != NULL;
  message->target = g_strdup (target);
  message->ttl_us = ttl_us;
  message->sender = g_strdup (sim_model_peer (model, peer)->id);
  message->asked = members;
  message->at_least_once = at_least_once;
  g_hash_table_insert (model->messages, &message->number, message);
  for (guint i = 0; i < model->subs->len; i++)
    {
      ModelSub *sub = g_ptr_array_index (model->subs, i);
      ModelMatch match = { seq, message->lane, FALSE, message };

      if (!model_wants (model, sub, topic, target, lineage))
        continue;
      if (sub->drains)
        {
          g_hash_table_add (vacant, sub->group);
          g_hash_table_add (message->vacant, g_strdup (sub->group));
          continue;
        }
      if (sub->group == NULL)
        {
          g_array_append_val (sub->matches, match);
          message->matched++;
        }
      /* A group counts as one receiver; a broadcast and a direct message count each of its peers. */
      else if (g_hash_table_insert (
                   members, message->to_each ? g_strdup_printf ("%s %u", sub->group, sub->peer) : g_strdup (sub->group),
                   sub->group))
        {
          message->matched++;
          sim_model_group (model, sub->group)->matched++;
          sim_model_group (model, sub->group)->kept += at_least_once;
        }
    }
  message->n_vacant = g_hash_table_foreach_remove (vacant, model_is_vacant, members);
  return message->matched;
}

guint
sim_model_hold (SimModel *model, guint64 number)
{
  ModelMessage *message = g_hash_table_lookup (model->messages, &number);
  guint n = message->n_vacant;

  message->may_hold = TRUE;
  message->for_any = n == 0 && g_hash_table_size (message->asked) == 0;
  n += message->for_any ? 1 : 0;
  message->matched += n;
  model->n_held++;
  return n;
}

/* Withdraws the message. It need not be the newest one: the following messages of its run, and last messages, may have been
 * recorded after it. */
static void
model_withdraw (const ModelSub *sub, const ModelMessage *message)
{
  for (guint i = sub->matches->len; i > 0; i--)
    if (g_array_index (sub->matches, ModelMatch, i - 1).message == message)
      {
        g_array_remove_index (sub->matches, i - 1);
        return;
      }
}

void
sim_model_withdraw (SimModel *model, guint64 number)
{
  const ModelMessage *message = g_hash_table_lookup (model->messages, &number);

  for (guint i = 0; i < model->subs->len; i++)
    {
      const ModelSub *sub = g_ptr_array_index (model->subs, i);

      model_withdraw (sub, message);
      /* As after a member left, it is not known whether a member counted the message. */
      if (sub->group != NULL)
        sim_model_group (model, sub->group)->left = TRUE;
    }
}

void
sim_model_refuse (SimModel *model, guint64 number)
{
  ModelMessage *message = g_hash_table_lookup (model->messages, &number);
  GHashTableIter iter;
  gpointer name;

  for (guint i = 0; i < model->subs->len; i++)
    model_withdraw (g_ptr_array_index (model->subs, i), message);
  g_hash_table_iter_init (&iter, message->asked);
  while (g_hash_table_iter_next (&iter, NULL, &name))
    sim_model_group (model, name)->matched--;
  g_hash_table_remove (model->messages, &number);
}

guint
sim_model_count_groups (const SimModel *model, guint64 number)
{
  const ModelMessage *message = g_hash_table_lookup (model->messages, &number);

  return message != NULL && !message->to_each ? g_hash_table_size (message->asked) : 0;
}

guint
sim_model_count_vacant (const SimModel *model, guint64 number)
{
  const ModelMessage *message = g_hash_table_lookup (model->messages, &number);

  return message != NULL && !message->to_each ? message->n_vacant : 0;
}

void
sim_model_is_last (SimModel *model, guint64 number)
{
  ((ModelMessage *) g_hash_table_lookup (model->messages, &number))->is_last = TRUE;
}

void
sim_model_unsure (SimModel *model, guint64 number)
{
  ModelMessage *message = g_hash_table_lookup (model->messages, &number);

  if (message != NULL)
    message->unsure = TRUE;
}

ModelMatch *
sim_model_match (const ModelSub *sub, guint64 seq)
{
  guint low = 0;
  guint high = sub->matches->len;

  while (low < high)
    {
      guint middle = (low + high) / 2;
      ModelMatch *match = &g_array_index (sub->matches, ModelMatch, middle);

      if (match->seq == seq)
        return match;
      if (match->seq < seq)
        low = middle + 1;
      else
        high = middle;
    }
  return NULL;
}
