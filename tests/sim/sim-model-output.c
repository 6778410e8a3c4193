/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-model-private.h"

/*
 * The part of the model that compares the frames of the broker with the expected ones: the order and the number of messages and
 * gaps, and at the end the sums and the promise of each policy.
 */

/* Bytes of payload for which the queue of any peer has room beside encoded frames: the smallest hard limit, less half of the soft
 * limit and two messages. */
#define PEER_HOLDS 40000u

/* The number of messages of the lane that matched before @seq. */
static guint64
model_count_before (const ModelSub *sub, guint lane, guint64 seq)
{
  guint64 n = 0;

  for (guint i = 0; i < sub->matches->len; i++)
    {
      const ModelMatch *match = &g_array_index (sub->matches, ModelMatch, i);

      if (match->seq >= seq)
        break;
      n += match->lane == lane;
    }
  return n;
}

void
sim_model_ack (SimModel *model, guint64 number, guint64 seq, guint matched, guint queued, guint refused)
{
  ModelMessage *message = g_hash_table_lookup (model->messages, &number);

  if (message == NULL || message->seq != seq)
    sim_model_fail (model, "I6: ACK of %" G_GUINT64_FORMAT " has the sequence %" G_GUINT64_FORMAT, number, seq);
  else if (matched > message->matched || (matched < message->matched && !message->unsure))
    sim_model_fail (model, "I6: ACK of %" G_GUINT64_FORMAT " (%s) counts %u matches, the model %u", number,
                    message->topic, matched, message->matched);
  else if (queued + refused > matched)
    sim_model_fail (model, "I6: ACK of %" G_GUINT64_FORMAT " counts more than matched", number);
  else
    {
      message->acked = TRUE;
      message->queued = queued;
    }
}

/* An at-least-once message may arrive again, each attempt once. Attempts arrive in any order: an earlier one may still be in
 * transit to a frozen member, or have been lost with its connection. */
static void
model_note_attempt (SimModel *model, const ModelSub *sub, ModelMessage *message, guint attempt)
{
  if (attempt > 1 && !message->at_least_once)
    sim_model_fail (model, "M06: message %" G_GUINT64_FORMAT " came to group %s as attempt %u", message->number,
                    sub->group, attempt);
  if (!g_hash_table_add (message->attempts, g_strdup_printf ("%s %u", sub->group, MAX (attempt, 1))))
    sim_model_fail (model, "M06: attempt %u of message %" G_GUINT64_FORMAT " came to group %s twice", attempt,
                    message->number, sub->group);
}

/* TRUE if the message was held for that group, or for any group and this is the first one that got it. */
static gboolean
model_was_held_for (ModelMessage *message, const char *group, const char *key)
{
  if (!message->may_hold || g_hash_table_contains (message->asked, key))
    return FALSE;
  if (!message->for_any)
    return g_hash_table_contains (message->vacant, group);
  if (message->held_for == NULL)
    message->held_for = g_strdup (group);
  return strcmp (message->held_for, group) == 0;
}

static void
model_deliver_to_group (SimModel *model, ModelSub *sub, ModelMessage *message, guint attempt)
{
  char *key = message->to_each ? g_strdup_printf ("%s %u", sub->group, sub->peer) : g_strdup (sub->group);
  gboolean was_held = model_was_held_for (message, sub->group, key);
  gboolean is_asked = was_held || g_hash_table_contains (message->asked, key);
  gboolean is_first = g_hash_table_add (message->groups, key);

  sim_model_group (model, sub->group)->received += is_first;
  if (was_held && is_first)
    {
      sim_model_group (model, sub->group)->matched++;
      sim_model_group (model, sub->group)->kept += message->at_least_once;
    }
  sub->n_delivered[message->lane]++;
  if (!is_asked)
    sim_model_fail (model, "M06: message %" G_GUINT64_FORMAT " came to group %s, in which no member took part",
                    message->number, sub->group);
  if (!sim_model_matches (sub->pattern, message->topic)
      || !sim_model_may_read (sim_model_peer (model, sub->peer), message->topic))
    sim_model_fail (model, "I6: %s does not match %s of group %s", message->topic, sub->pattern, sub->group);
  if (!message->to_each)
    model_note_attempt (model, sub, message, attempt);
  else if (!is_first)
    sim_model_fail (model, "I6: message %" G_GUINT64_FORMAT " came to group %s twice", message->number, sub->group);
}

static void
model_deliver_to_plain (SimModel *model, ModelSub *sub, const ModelMessage *message)
{
  guint lane = message->lane;
  ModelMatch *match = sim_model_match (sub, message->seq);

  if (match == NULL)
    sim_model_fail (model, "I6: %s does not match subscription %u (%s) of peer %u, or it may not read it",
                    message->topic, sub->id, sub->pattern, sub->peer);
  else if (match->delivered)
    sim_model_fail (model, "I6: message %" G_GUINT64_FORMAT " came twice", message->number);
  else if (message->seq <= sub->last[lane])
    sim_model_fail (model, "I4: message %" G_GUINT64_FORMAT " came after %" G_GUINT64_FORMAT, message->seq,
                    sub->last[lane]);
  else if (message->seq <= sub->missed_to[lane])
    sim_model_fail (model, "B01: message %" G_GUINT64_FORMAT " came after a gap up to %" G_GUINT64_FORMAT, message->seq,
                    sub->missed_to[lane]);
  else if (model_count_before (sub, lane, message->seq) != sub->n_delivered[lane] + sub->n_missed[lane])
    sim_model_fail (model,
                    "I6: before %" G_GUINT64_FORMAT " subscription %u of peer %u (policy %u) got %" G_GUINT64_FORMAT
                    " and gaps for %" G_GUINT64_FORMAT ", but %" G_GUINT64_FORMAT " matched",
                    message->seq, sub->id, sub->peer, sub->policy, sub->n_delivered[lane], sub->n_missed[lane],
                    model_count_before (sub, lane, message->seq));
  else
    {
      match->delivered = TRUE;
      sub->last[lane] = message->seq;
      sub->n_delivered[lane]++;
    }
}

void
sim_model_deliver (SimModel *model,
                   guint peer,
                   guint32 subscription,
                   guint64 number,
                   gsize payload_len,
                   guint64 seq,
                   guint64 remaining_us,
                   const char *sender,
                   gsize sender_len,
                   guint attempt)
{
  ModelMessage *message = g_hash_table_lookup (model->messages, &number);
  ModelSub *sub = sim_model_sub (model, peer, subscription);

  if (message == NULL || sub == NULL)
    sim_model_fail (model, "I6: message %" G_GUINT64_FORMAT " for subscription %u was never published", number,
                    subscription);
  else if (message->seq != seq || message->len != payload_len)
    sim_model_fail (model, "I17: message %" G_GUINT64_FORMAT " came with another sequence or length", number);
  else if (strlen (message->sender) != sender_len || memcmp (message->sender, sender, sender_len) != 0)
    sim_model_fail (model, "I17: message %" G_GUINT64_FORMAT " came with the sender %.*s", number, (int) sender_len,
                    sender);
  /* The clock moves in even steps, so a remaining time of 1 us means that the message has expired. */
  else if (remaining_us > message->ttl_us || remaining_us == 1 || (remaining_us == 0 && message->ttl_us > 0))
    sim_model_fail (
        model, "R11: message %" G_GUINT64_FORMAT " came with %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " us left",
        number, remaining_us, message->ttl_us);
  else if (message->target != NULL && strcmp (message->target, sim_model_peer (model, peer)->id) != 0)
    sim_model_fail (model, "I6: message %" G_GUINT64_FORMAT " for %s alone came to another peer", number,
                    message->target);
  else if (sub->group != NULL)
    model_deliver_to_group (model, sub, message, attempt);
  else
    model_deliver_to_plain (model, sub, message);
}

static void
model_gap_of_plain (SimModel *model, ModelSub *sub, guint64 from, guint64 to, guint64 count)
{
  const ModelMatch *first = sim_model_match (sub, from);
  const ModelMatch *last = sim_model_match (sub, to);
  guint lane = first != NULL ? first->lane : DATA_LANE;
  guint64 inside = model_count_before (sub, lane, to + 1) - model_count_before (sub, lane, from);

  if (first == NULL || last == NULL || first->delivered || last->delivered || first->lane != last->lane)
    sim_model_fail (model, "I6: a gap %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT " begins or ends with a wrong message",
                    from, to);
  else if (from <= sub->last[lane])
    sim_model_fail (model, "B02: a gap from %" G_GUINT64_FORMAT " came after message %" G_GUINT64_FORMAT, from,
                    sub->last[lane]);
  else if (count == 0 || count > inside)
    sim_model_fail (model, "I6: a gap of %" G_GUINT64_FORMAT " messages covers %" G_GUINT64_FORMAT, count, inside);
  sub->missed_to[lane] = MAX (sub->missed_to[lane], to);
  sub->n_missed[lane] += count;
}

/* The policy block refuses only messages of the subscriber itself; the credit of other publishers is withheld instead. A full
 * control lane refuses any message. */
static void
model_check_block (SimModel *model, const ModelSub *sub, guint64 from, guint64 to, guint64 count, guint32 reason)
{
  const char *own = sim_model_peer (model, sub->peer)->id;
  guint64 n = 0;

  if (sub->policy != SIM_BLOCK || sub->adjusted || sub->group != NULL || reason != SIM_REASON_REFUSED)
    return;
  for (guint i = 0; i < sub->matches->len; i++)
    {
      const ModelMatch *match = &g_array_index (sub->matches, ModelMatch, i);

      n += match->seq >= from && match->seq <= to
           && (match->lane == CONTROL_LANE || match->message->is_last || strcmp (match->message->sender, own) == 0);
    }
  if (n < count)
    sim_model_fail (model, "B04: block refused %" G_GUINT64_FORMAT " messages of other peers", count - n);
}

void
sim_model_gap (SimModel *model,
               guint peer,
               guint32 subscription,
               guint64 from,
               guint64 to,
               guint64 count,
               guint32 reason)
{
  ModelSub *sub = sim_model_sub (model, peer, subscription);

  if (sub == NULL)
    {
      sim_model_fail (model, "I6: a gap for the unknown subscription %u", subscription);
      return;
    }
  /* A block subscription drops the oldest message only while it is demoted. */
  if (reason != SIM_REASON_REFUSED && (reason != SIM_REASON_FULL || sub->policy == SIM_BLOCK))
    sub->missed_else += count;
  model_check_block (model, sub, from, to, count, reason);
  if (sub->group == NULL)
    model_gap_of_plain (model, sub, from, to, count);
  else
    {
      sim_model_group (model, sub->group)->received += count;
      sub->n_missed[DATA_LANE] += count; /* the lane does not matter here */
    }
}

void
sim_model_left (SimModel *model, guint peer, guint32 subscription, guint64 delivered, guint64 missed, guint64 discarded)
{
  const ModelSub *sub = sim_model_sub (model, peer, subscription);

  if (sub != NULL && sub->group == NULL && delivered + missed + discarded != sub->matches->len)
    sim_model_fail (model,
                    "I7: the answer to UNSUBSCRIBE of %u has %" G_GUINT64_FORMAT " delivered, %" G_GUINT64_FORMAT
                    " missed, %" G_GUINT64_FORMAT " discarded of %u",
                    subscription, delivered, missed, discarded, sub->matches->len);
}

void
sim_model_received (const SimModel *model, guint peer, guint32 subscription, guint64 *delivered, guint64 *missed)
{
  const ModelSub *sub = sim_model_sub (model, peer, subscription);

  *delivered = *missed = 0;
  for (guint lane = 0; sub != NULL && lane < LANES; lane++)
    {
      *delivered += sub->n_delivered[lane];
      *missed += sub->n_missed[lane];
    }
}

/* --- at rest --- */

/* Policies that never drop a queued message deliver every one. No policy delivers a message that it refused. */
static void
model_check_promise (SimModel *model, const ModelSub *sub, const ModelMatch *match)
{
  const ModelMessage *message = match->message;
  gboolean keeps = sub->policy == SIM_DROP_NEWEST || sub->policy == SIM_ERROR || sub->policy == SIM_BLOCK;

  if (!message->acked || message->matched != 1 || message->unsure)
    return;
  if (message->queued == 0 && match->delivered)
    sim_model_fail (model, "B03: message %" G_GUINT64_FORMAT " was refused, but delivered", match->seq);
  if (keeps && message->queued == 1 && !match->delivered)
    sim_model_fail (model, "B02: policy %u lost message %" G_GUINT64_FORMAT " that it had accepted", sub->policy,
                    match->seq);
}

/* TRUE if the queue of any peer has room for one message of each topic beside encoded frames. */
static gboolean
model_fits_peer (const ModelSub *sub)
{
  g_autoptr (GHashTable) largest = g_hash_table_new (g_str_hash, g_str_equal);
  gsize sum = 0;

  for (guint i = 0; i < sub->matches->len; i++)
    {
      const ModelMessage *message = g_array_index (sub->matches, ModelMatch, i).message;
      gsize before = GPOINTER_TO_SIZE (g_hash_table_lookup (largest, message->topic));

      if (message->len <= before)
        continue;
      sum += message->len - before;
      g_hash_table_insert (largest, message->topic, GSIZE_TO_POINTER (message->len));
    }
  return sum <= PEER_HOLDS;
}

/* Drop-oldest never drops the newest message. Conflate never drops the newest message of a topic while the queue of its peer has
 * room. */
static void
model_check_newest (SimModel *model, const ModelSub *sub)
{
  g_autoptr (GHashTable) topics = g_hash_table_new (g_str_hash, g_str_equal);
  gboolean conflates = sub->policy == SIM_CONFLATE && sub->is_unbounded && model_fits_peer (sub);

  for (guint i = sub->matches->len; i > 0; i--)
    {
      const ModelMatch *match = &g_array_index (sub->matches, ModelMatch, i - 1);
      gboolean is_last = g_hash_table_add (topics, match->message->topic);

      /* Not checked, because a full control lane accepts no message, and the queue of the peer may have been full. */
      if ((match->message->acked && match->message->queued < match->message->matched) || match->lane == CONTROL_LANE
          || match->message->is_last)
        continue;
      if (sub->policy == SIM_DROP_OLDEST && i == sub->matches->len && !match->delivered)
        sim_model_fail (model, "B01: drop-oldest lost the newest message %" G_GUINT64_FORMAT, match->seq);
      if (conflates && is_last && !match->delivered)
        sim_model_fail (model, "B01: conflate lost the last message of %s, %" G_GUINT64_FORMAT, match->message->topic,
                        match->seq);
    }
}

static void
model_check_policy (SimModel *model, const ModelSub *sub)
{
  if (sub->adjusted || sub->missed_else > 0)
    return;
  for (guint i = 0; i < sub->matches->len; i++)
    model_check_promise (model, sub, &g_array_index (sub->matches, ModelMatch, i));
  if (sub->alone)
    model_check_newest (model, sub);
}

static void
model_check_groups (SimModel *model)
{
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, model->groups);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      const ModelGroup *group = value;

      /* A message that was delivered may be repeated, and the repeat reported as missed. */
      if (group->received > group->matched + group->kept + model->n_held
          || (!group->left && group->received < group->matched))
        sim_model_fail (model, "I6: group %s: %" G_GUINT64_FORMAT " matched, %" G_GUINT64_FORMAT " received",
                        (char *) name, group->matched, group->received);
    }
}

void
sim_model_finish (SimModel *model)
{
  for (guint i = 0; i < model->subs->len; i++)
    {
      const ModelSub *sub = g_ptr_array_index (model->subs, i);
      guint64 received = 0;

      for (guint lane = 0; lane < LANES; lane++)
        received += sub->n_delivered[lane] + sub->n_missed[lane];
      if (!sub->alive || sub->group != NULL)
        continue;
      if (received != sub->matches->len)
        sim_model_fail (model, "I6: subscription %u of peer %u (policy %u): %u matched, %" G_GUINT64_FORMAT " received",
                        sub->id, sub->peer, sub->policy, sub->matches->len, received);
      model_check_policy (model, sub);
    }
  model_check_groups (model);
}
