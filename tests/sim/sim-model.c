/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-model.h"

#include <string.h>

#define LANES           2u
#define CONTROL_LANE    0u
#define DATA_LANE       1u
#define CONTROL_LARGEST 16384u

typedef struct
{
  SimRole role;
  gboolean alive;
  char *type;
  char *id;
} Peer;

/* A message that was accepted. */
typedef struct
{
  guint64 seq;
  guint64 number;
  gsize len;
  guint lane;
  char *topic;
  char *sender;
  char *target; /* NULL: all */
  guint64 ttl_us;
  guint matched;
  gboolean to_each; /* member of a group */
  gboolean unsure;  /* somebody was closed for it: he may be counted or not */
  gboolean acked;
  guint queued;       /* as the ACK says */
  GHashTable *groups; /* that got it */
} Message;

/* One that matched a subscription. */
typedef struct
{
  guint64 seq;
  guint lane;
  gboolean delivered;
  const Message *message;
} Match;

/* All members of a group together. */
typedef struct
{
  guint64 matched;
  guint64 told;  /* delivered or missed */
  gboolean left; /* somebody left: what he had not got may be gone with him */
} Group;

typedef struct
{
  guint peer;
  guint32 id;
  char *pattern;
  char *group; /* NULL: none */
  SimPolicy policy;
  gboolean adjusted;
  gboolean alive;
  gboolean alone;         /* its peer has no other one */
  gboolean roomy;         /* its bounds never mattered */
  GArray *matches;        /* of Match, by seq */
  guint64 last[LANES];    /* delivered */
  guint64 told_to[LANES]; /* by gaps */
  guint64 n_delivered[LANES];
  guint64 n_missed[LANES];
  guint64 missed_else; /* not by its policy: time, memory, limits */
} Sub;

struct SimModel
{
  char failure[SIM_FAILURE_MAX];
  GArray *peers;        /* of Peer, by number */
  GPtrArray *subs;      /* of Sub, all that ever were */
  GHashTable *messages; /* number -> Message */
  GHashTable *groups;   /* name -> Group */
};

static void fail (SimModel *model, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* The first one counts. */
static void
fail (SimModel *model, const char *format, ...)
{
  va_list args;

  if (model->failure[0] != '\0')
    return;
  va_start (args, format);
  g_vsnprintf (model->failure, sizeof model->failure, format, args);
  va_end (args);
}

static void
message_free (gpointer data)
{
  Message *message = data;

  g_free (message->topic);
  g_free (message->sender);
  g_free (message->target);
  g_hash_table_unref (message->groups);
  g_free (message);
}

static void
sub_free (gpointer data)
{
  Sub *sub = data;

  g_array_unref (sub->matches);
  g_free (sub->pattern);
  g_free (sub->group);
  g_free (sub);
}

static void
peer_clear (gpointer data)
{
  Peer *peer = data;

  g_free (peer->type);
  g_free (peer->id);
}

SimModel *
sim_model_new (void)
{
  SimModel *model = g_new0 (SimModel, 1);

  model->peers = g_array_new (FALSE, TRUE, sizeof (Peer));
  g_array_set_clear_func (model->peers, peer_clear);
  model->subs = g_ptr_array_new_with_free_func (sub_free);
  model->messages = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, message_free);
  model->groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
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
is_below (const char *topic, const char *domain)
{
  gsize len = strlen (domain);

  return strncmp (topic, domain, len) == 0 && (topic[len] == '\0' || topic[len] == '.');
}

/* Of the topics that the simulator uses, only this domain is not everybody's to read. */
static gboolean
may_read (const Peer *peer, const char *topic)
{
  return peer->role != SIM_COLLECTOR || !is_below (topic, "control.agent");
}

static guint
lane_of (const char *topic, gsize len)
{
  gboolean is_control = is_below (topic, "control") || is_below (topic, "health") || is_below (topic, "system");

  return is_control && len <= CONTROL_LARGEST ? CONTROL_LANE : DATA_LANE;
}

/* --- what reached the broker --- */

static Peer *
find_peer (const SimModel *model, guint peer)
{
  return &g_array_index (model->peers, Peer, peer);
}

static Group *
find_group (const SimModel *model, const char *name)
{
  Group *group = g_hash_table_lookup (model->groups, name);

  if (group == NULL)
    {
      group = g_new0 (Group, 1);
      g_hash_table_insert (model->groups, g_strdup (name), group);
    }
  return group;
}

static void
end_sub (const SimModel *model, Sub *sub)
{
  sub->alive = FALSE;
  if (sub->group != NULL)
    find_group (model, sub->group)->left = TRUE;
}

static Sub *
find_sub (const SimModel *model, guint peer, guint32 id)
{
  for (guint i = model->subs->len; i > 0; i--)
    {
      Sub *sub = g_ptr_array_index (model->subs, i - 1);

      if (sub->peer == peer && sub->id == id)
        return sub;
    }
  return NULL;
}

void
sim_model_ready (SimModel *model, guint peer, SimRole role, const char *type, const char *id)
{
  if (model->peers->len <= peer)
    g_array_set_size (model->peers, peer + 1);
  *find_peer (model, peer) = (Peer){ role, TRUE, g_strdup (type), g_strdup (id) };
}

void
sim_model_gone (SimModel *model, guint peer)
{
  if (peer >= model->peers->len)
    return;
  find_peer (model, peer)->alive = FALSE;
  for (guint i = 0; i < model->subs->len; i++)
    if (((Sub *) g_ptr_array_index (model->subs, i))->peer == peer)
      end_sub (model, g_ptr_array_index (model->subs, i));
}

void
sim_model_subscribe (SimModel *model, guint peer, guint32 subscription, const char *pattern, const char *group,
                     SimPolicy policy, gboolean roomy)
{
  Sub *sub = g_new0 (Sub, 1);

  sub->alone = TRUE;
  for (guint i = 0; i < model->subs->len; i++)
    {
      Sub *other = g_ptr_array_index (model->subs, i);

      if (other->peer == peer)
        other->alone = sub->alone = FALSE;
    }
  sub->roomy = roomy;
  sub->peer = peer;
  sub->id = subscription;
  sub->pattern = g_strdup (pattern);
  sub->group = g_strdup (group);
  sub->policy = policy;
  sub->alive = TRUE;
  sub->matches = g_array_new (FALSE, FALSE, sizeof (Match));
  g_ptr_array_add (model->subs, sub);
}

void
sim_model_unsubscribe (SimModel *model, guint peer, guint32 subscription)
{
  Sub *sub = find_sub (model, peer, subscription);

  if (sub != NULL)
    end_sub (model, sub);
}

void
sim_model_adjust (SimModel *model, guint peer, guint32 subscription, SimPolicy policy)
{
  Sub *sub = find_sub (model, peer, subscription);

  for (guint i = 0; sub != NULL && i < model->subs->len; i++)
    {
      Sub *other = g_ptr_array_index (model->subs, i);

      if (other == sub || (sub->group != NULL && g_strcmp0 (other->group, sub->group) == 0))
        {
          other->policy = policy;
          other->adjusted = TRUE;
        }
    }
}

static gboolean
wants (const SimModel *model, const Sub *sub, const char *topic, const char *target)
{
  const Peer *peer = find_peer (model, sub->peer);

  return sub->alive && sim_model_matches (sub->pattern, topic) && may_read (peer, topic)
         && (target == NULL || strcmp (target, peer->id) == 0);
}

guint
sim_model_publish (SimModel *model, guint peer, const char *topic, guint64 number, gsize payload_len, guint64 ttl_us,
                   gboolean broadcast, const char *target, guint64 seq)
{
  Message *message = g_new0 (Message, 1);
  g_autoptr (GHashTable) members = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  message->seq = seq;
  message->number = number;
  message->len = payload_len;
  message->lane = lane_of (topic, payload_len);
  message->topic = g_strdup (topic);
  message->to_each = broadcast || target != NULL;
  message->target = g_strdup (target);
  message->ttl_us = ttl_us;
  message->sender = g_strdup (find_peer (model, peer)->id);
  message->groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_insert (model->messages, &message->number, message);
  for (guint i = 0; i < model->subs->len; i++)
    {
      Sub *sub = g_ptr_array_index (model->subs, i);
      Match match = { seq, message->lane, FALSE, message };

      if (!wants (model, sub, topic, target))
        continue;
      if (sub->group == NULL)
        {
          g_array_append_val (sub->matches, match);
          message->matched++;
        }
      /* One for the group; with broadcast one for each peer that is in it, and a direct one is his alone. */
      else if (g_hash_table_add (members, message->to_each ? g_strdup_printf ("%s %u", sub->group, sub->peer)
                                                           : g_strdup (sub->group)))
        {
          message->matched++;
          find_group (model, sub->group)->matched++;
        }
    }
  return message->matched;
}

void
sim_model_withdraw (SimModel *model, guint64 number)
{
  const Message *message = g_hash_table_lookup (model->messages, &number);

  for (guint i = 0; i < model->subs->len; i++)
    {
      const Sub *sub = g_ptr_array_index (model->subs, i);
      guint n = sub->matches->len;

      if (n > 0 && g_array_index (sub->matches, Match, n - 1).message == message)
        g_array_set_size (sub->matches, n - 1);
      /* Whether one of its members counted it does not matter: as if somebody had left. */
      if (sub->group != NULL)
        find_group (model, sub->group)->left = TRUE;
    }
}

void
sim_model_unsure (SimModel *model, guint64 number)
{
  Message *message = g_hash_table_lookup (model->messages, &number);

  if (message != NULL)
    message->unsure = TRUE;
}

/* --- what came out --- */

static Match *
find_match (const Sub *sub, guint64 seq)
{
  guint low = 0;
  guint high = sub->matches->len;

  while (low < high)
    {
      guint middle = (low + high) / 2;
      Match *match = &g_array_index (sub->matches, Match, middle);

      if (match->seq == seq)
        return match;
      if (match->seq < seq)
        low = middle + 1;
      else
        high = middle;
    }
  return NULL;
}

/* Of that lane and below @seq. */
static guint64
count_before (const Sub *sub, guint lane, guint64 seq)
{
  guint64 n = 0;

  for (guint i = 0; i < sub->matches->len; i++)
    {
      const Match *match = &g_array_index (sub->matches, Match, i);

      if (match->seq >= seq)
        break;
      n += match->lane == lane;
    }
  return n;
}

void
sim_model_ack (SimModel *model, guint64 number, guint64 seq, guint matched, guint queued, guint refused)
{
  Message *message = g_hash_table_lookup (model->messages, &number);

  if (message == NULL || message->seq != seq)
    fail (model, "I6: ACK of %" G_GUINT64_FORMAT " says sequence %" G_GUINT64_FORMAT, number, seq);
  else if (matched > message->matched || (matched < message->matched && !message->unsure))
    fail (model, "I6: ACK of %" G_GUINT64_FORMAT " (%s) says %u matched, the model %u", number, message->topic, matched,
          message->matched);
  else if (queued + refused > matched)
    fail (model, "I6: ACK of %" G_GUINT64_FORMAT " counts more than matched", number);
  else
    {
      message->acked = TRUE;
      message->queued = queued;
    }
}

static void
deliver_to_group (SimModel *model, Sub *sub, Message *message)
{
  char *key = message->to_each ? g_strdup_printf ("%s %u", sub->group, sub->peer) : g_strdup (sub->group);

  find_group (model, sub->group)->told++;
  sub->n_delivered[message->lane]++;
  if (!sim_model_matches (sub->pattern, message->topic) || !may_read (find_peer (model, sub->peer), message->topic))
    fail (model, "I6: %s does not match %s of group %s", message->topic, sub->pattern, sub->group);
  if (!g_hash_table_add (message->groups, key))
    fail (model, "I6: message %" G_GUINT64_FORMAT " came to group %s twice", message->number, sub->group);
}

static void
deliver_to_plain (SimModel *model, Sub *sub, const Message *message)
{
  guint lane = message->lane;
  Match *match = find_match (sub, message->seq);

  if (match == NULL)
    fail (model, "I6: %s does not match subscription %u (%s) of peer %u, or it may not read it", message->topic,
          sub->id, sub->pattern, sub->peer);
  else if (match->delivered)
    fail (model, "I6: message %" G_GUINT64_FORMAT " came twice", message->number);
  else if (message->seq <= sub->last[lane])
    fail (model, "I4: message %" G_GUINT64_FORMAT " came after %" G_GUINT64_FORMAT, message->seq, sub->last[lane]);
  else if (message->seq <= sub->told_to[lane])
    fail (model, "B01: message %" G_GUINT64_FORMAT " came after a gap up to %" G_GUINT64_FORMAT, message->seq,
          sub->told_to[lane]);
  else if (count_before (sub, lane, message->seq) != sub->n_delivered[lane] + sub->n_missed[lane])
    fail (model,
          "I6: before %" G_GUINT64_FORMAT " subscription %u of peer %u (policy %u) got %" G_GUINT64_FORMAT
          " and was told of %" G_GUINT64_FORMAT ", but %" G_GUINT64_FORMAT " matched",
          message->seq, sub->id, sub->peer, sub->policy, sub->n_delivered[lane], sub->n_missed[lane],
          count_before (sub, lane, message->seq));
  else
    {
      match->delivered = TRUE;
      sub->last[lane] = message->seq;
      sub->n_delivered[lane]++;
    }
}

void
sim_model_deliver (SimModel *model, guint peer, guint32 subscription, guint64 number, gsize payload_len, guint64 seq,
                   guint64 remaining_us, const char *sender, gsize sender_len)
{
  Message *message = g_hash_table_lookup (model->messages, &number);
  Sub *sub = find_sub (model, peer, subscription);

  if (message == NULL || sub == NULL)
    fail (model, "I6: message %" G_GUINT64_FORMAT " for subscription %u came from nowhere", number, subscription);
  else if (message->seq != seq || message->len != payload_len)
    fail (model, "I17: message %" G_GUINT64_FORMAT " came with another sequence or length", number);
  else if (strlen (message->sender) != sender_len || memcmp (message->sender, sender, sender_len) != 0)
    fail (model, "I17: message %" G_GUINT64_FORMAT " came with the sender %.*s", number, (int) sender_len, sender);
  /* Time moves in even steps, so 1 is what is left of one whose time was over. */
  else if (remaining_us > message->ttl_us || remaining_us == 1 || (remaining_us == 0 && message->ttl_us > 0))
    fail (model, "R11: message %" G_GUINT64_FORMAT " came with %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " us left",
          number, remaining_us, message->ttl_us);
  else if (message->target != NULL && strcmp (message->target, find_peer (model, peer)->id) != 0)
    fail (model, "I6: message %" G_GUINT64_FORMAT " for %s alone came to somebody else", number, message->target);
  else if (sub->group != NULL)
    deliver_to_group (model, sub, message);
  else
    deliver_to_plain (model, sub, message);
}

static void
gap_of_plain (SimModel *model, Sub *sub, guint64 from, guint64 to, guint64 count)
{
  const Match *first = find_match (sub, from);
  const Match *last = find_match (sub, to);
  guint lane = first != NULL ? first->lane : DATA_LANE;
  guint64 inside = count_before (sub, lane, to + 1) - count_before (sub, lane, from);

  if (first == NULL || last == NULL || first->delivered || last->delivered || first->lane != last->lane)
    fail (model, "I6: a gap %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT " of what did not match, or came", from, to);
  else if (from <= sub->last[lane])
    fail (model, "B02: a gap from %" G_GUINT64_FORMAT " came after message %" G_GUINT64_FORMAT, from, sub->last[lane]);
  else if (count == 0 || count > inside)
    fail (model, "I6: a gap of %" G_GUINT64_FORMAT " where %" G_GUINT64_FORMAT " matched", count, inside);
  sub->told_to[lane] = MAX (sub->told_to[lane], to);
  sub->n_missed[lane] += count;
}

/* A block refuses nobody but its own peer: everybody else pays for the place with credit. (A full control lane does.) */
static void
check_block (SimModel *model, const Sub *sub, guint64 from, guint64 to, guint64 count, guint32 reason)
{
  const char *own = find_peer (model, sub->peer)->id;
  guint64 n = 0;

  if (sub->policy != SIM_BLOCK || sub->adjusted || sub->group != NULL || reason != SIM_REASON_REFUSED)
    return;
  for (guint i = 0; i < sub->matches->len; i++)
    {
      const Match *match = &g_array_index (sub->matches, Match, i);

      n += match->seq >= from && match->seq <= to
           && (match->lane == CONTROL_LANE || strcmp (match->message->sender, own) == 0);
    }
  if (n < count)
    fail (model, "B04: block refused %" G_GUINT64_FORMAT " messages of others", count - n);
}

void
sim_model_gap (SimModel *model, guint peer, guint32 subscription, guint64 from, guint64 to, guint64 count,
               guint32 reason)
{
  Sub *sub = find_sub (model, peer, subscription);

  if (sub == NULL)
    {
      fail (model, "I6: a gap for subscription %u of nobody", subscription);
      return;
    }
  /* A block that drops the oldest was over before, whether or not that lost anything. */
  if (reason != SIM_REASON_REFUSED && (reason != SIM_REASON_FULL || sub->policy == SIM_BLOCK))
    sub->missed_else += count;
  check_block (model, sub, from, to, count, reason);
  if (sub->group == NULL)
    gap_of_plain (model, sub, from, to, count);
  else
    {
      find_group (model, sub->group)->told += count;
      sub->n_missed[DATA_LANE] += count; /* of which lane does not matter here */
    }
}

void
sim_model_left (SimModel *model, guint peer, guint32 subscription, guint64 delivered, guint64 missed, guint64 discarded)
{
  const Sub *sub = find_sub (model, peer, subscription);

  if (sub != NULL && sub->group == NULL && delivered + missed + discarded != sub->matches->len)
    fail (model,
          "I7: unsubscribing %u says %" G_GUINT64_FORMAT " delivered, %" G_GUINT64_FORMAT " missed, %" G_GUINT64_FORMAT
          " discarded of %u",
          subscription, delivered, missed, discarded, sub->matches->len);
}

void
sim_model_told (const SimModel *model, guint peer, guint32 subscription, guint64 *delivered, guint64 *missed)
{
  const Sub *sub = find_sub (model, peer, subscription);

  *delivered = *missed = 0;
  for (guint lane = 0; sub != NULL && lane < LANES; lane++)
    {
      *delivered += sub->n_delivered[lane];
      *missed += sub->n_missed[lane];
    }
}

/* --- the end --- */

/* What was taken in is delivered by those that never drop it later; what was not taken in by nobody. */
static void
check_promise (SimModel *model, const Sub *sub, const Match *match)
{
  const Message *message = match->message;
  gboolean keeps = sub->policy == SIM_DROP_NEWEST || sub->policy == SIM_ERROR || sub->policy == SIM_BLOCK;

  if (!message->acked || message->matched != 1 || message->unsure)
    return;
  if (message->queued == 0 && match->delivered)
    fail (model, "B03: message %" G_GUINT64_FORMAT " was refused, and came", match->seq);
  if (keeps && message->queued == 1 && !match->delivered)
    fail (model, "B02: policy %u lost message %" G_GUINT64_FORMAT " that it had taken in", sub->policy, match->seq);
}

/* Drop-oldest never gives the newest, conflate never the last one of a topic. */
static void
check_newest (SimModel *model, const Sub *sub)
{
  g_autoptr (GHashTable) topics = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = sub->matches->len; i > 0; i--)
    {
      const Match *match = &g_array_index (sub->matches, Match, i - 1);
      gboolean is_last = g_hash_table_add (topics, match->message->topic);

      if ((match->message->acked && match->message->queued == 0) || match->lane == CONTROL_LANE)
        continue; /* a full control lane takes nothing in */
      if (sub->policy == SIM_DROP_OLDEST && i == sub->matches->len && !match->delivered)
        fail (model, "B01: drop-oldest lost the newest message %" G_GUINT64_FORMAT, match->seq);
      if (sub->policy == SIM_CONFLATE && sub->roomy && is_last && !match->delivered)
        fail (model, "B01: conflate lost the last message of %s, %" G_GUINT64_FORMAT, match->message->topic,
              match->seq);
    }
}

static void
check_policy (SimModel *model, const Sub *sub)
{
  if (sub->adjusted || sub->missed_else > 0)
    return;
  for (guint i = 0; i < sub->matches->len; i++)
    check_promise (model, sub, &g_array_index (sub->matches, Match, i));
  if (sub->alone)
    check_newest (model, sub);
}

static void
check_groups (SimModel *model)
{
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, model->groups);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      const Group *group = value;

      if (group->told > group->matched || (!group->left && group->told != group->matched))
        fail (model, "I6: group %s: %" G_GUINT64_FORMAT " matched, %" G_GUINT64_FORMAT " delivered or told",
              (char *) name, group->matched, group->told);
    }
}

void
sim_model_finish (SimModel *model)
{
  for (guint i = 0; i < model->subs->len; i++)
    {
      const Sub *sub = g_ptr_array_index (model->subs, i);
      guint64 told = 0;

      for (guint lane = 0; lane < LANES; lane++)
        told += sub->n_delivered[lane] + sub->n_missed[lane];
      if (!sub->alive || sub->group != NULL)
        continue;
      if (told != sub->matches->len)
        fail (model, "I6: subscription %u of peer %u (policy %u): %u matched, %" G_GUINT64_FORMAT " delivered or told",
              sub->id, sub->peer, sub->policy, sub->matches->len, told);
      check_policy (model, sub);
    }
  check_groups (model);
}

SimPolicy
sim_model_policy (const SimModel *model, guint peer, guint32 subscription)
{
  const Sub *sub = find_sub (model, peer, subscription);

  return sub != NULL ? sub->policy : 0;
}

gboolean
sim_model_was_adjusted (const SimModel *model, guint peer, guint32 subscription)
{
  const Sub *sub = find_sub (model, peer, subscription);

  return sub == NULL || sub->adjusted;
}

gboolean
sim_model_is_alone (const SimModel *model, guint peer, guint32 subscription)
{
  const Sub *sub = find_sub (model, peer, subscription);

  return sub != NULL && sub->alone;
}

gboolean
sim_model_is_own (const SimModel *model, guint peer, guint32 subscription, guint64 seq)
{
  const Sub *sub = find_sub (model, peer, subscription);
  const Match *match = sub != NULL ? find_match (sub, seq) : NULL;

  return match != NULL && strcmp (match->message->sender, find_peer (model, peer)->id) == 0;
}

guint
sim_model_count (const SimModel *model)
{
  guint n = 0;

  for (guint i = 0; i < model->subs->len; i++)
    n += ((const Sub *) g_ptr_array_index (model->subs, i))->alive;
  return n;
}
