/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-retain.h"

#include <string.h>

#define LANES     2u
#define LANE_DATA 1u

typedef struct
{
  char *topic;
  char *sender;
  guint peer; /* it ends with this connection; 0: it stays */
  guint64 number;
  guint64 seq;
  guint lane;
  gint64 expires_us;
  guint64 ended_nth; /* when it ended; 0: it exists */
  SimLineage lineage;
} RetainValue;

typedef struct
{
  guint peer;
  guint32 id;
  SimRole role;
  const char *pattern; /* static */
  SimLineage filter;
  gboolean alive;
  gboolean is_promised; /* an end will be reported */
  gboolean is_ended;    /* the end was reported */
  guint64 begun_nth;
  guint64 until;   /* sequence of the newest message when it began */
  guint64 counted; /* delivered values by the count of the broker, when it ended */
  guint64 last[LANES];
  gboolean is_live[LANES];
  GHashTable *got; /* of the numbers of values */
} RetainSub;

struct SimRetains
{
  guint64 nth;       /* counts the inputs, so that they have an order */
  GPtrArray *values; /* RetainValue, all that ever existed */
  GHashTable *by_number;
  GHashTable *alive; /* topic -> RetainValue */
  GPtrArray *subs;   /* RetainSub */
};

static void
retain_value_free (gpointer data)
{
  RetainValue *value = data;

  g_free (value->topic);
  g_free (value->sender);
  g_free (value);
}

static void
retain_sub_free (gpointer data)
{
  RetainSub *sub = data;

  g_hash_table_unref (sub->got);
  g_free (sub);
}

SimRetains *
sim_retains_new (void)
{
  SimRetains *retains = g_new0 (SimRetains, 1);

  retains->values = g_ptr_array_new_with_free_func (retain_value_free);
  retains->by_number = g_hash_table_new (g_int64_hash, g_int64_equal);
  retains->alive = g_hash_table_new (g_str_hash, g_str_equal);
  retains->subs = g_ptr_array_new_with_free_func (retain_sub_free);
  return retains;
}

void
sim_retains_free (SimRetains *retains)
{
  g_hash_table_unref (retains->by_number);
  g_hash_table_unref (retains->alive);
  g_ptr_array_unref (retains->values);
  g_ptr_array_unref (retains->subs);
  g_free (retains);
}

/* --- values --- */

static void
retain_end (SimRetains *retains, RetainValue *value)
{
  value->ended_nth = ++retains->nth;
  g_hash_table_remove (retains->alive, value->topic);
}

gboolean
sim_retains_store (SimRetains *retains,
                   guint peer,
                   gboolean until_gone,
                   const char *sender,
                   const char *topic,
                   guint64 number,
                   guint64 seq,
                   guint lane,
                   const SimLineage *lineage,
                   gint64 expires_us)
{
  RetainValue *older = g_hash_table_lookup (retains->alive, topic);
  RetainValue *value = g_new0 (RetainValue, 1);

  if (older != NULL)
    retain_end (retains, older);
  value->topic = g_strdup (topic);
  value->sender = g_strdup (sender);
  value->peer = until_gone ? peer : 0;
  value->number = number;
  value->seq = seq;
  value->lane = lane;
  value->lineage = *lineage;
  value->expires_us = expires_us;
  g_ptr_array_add (retains->values, value);
  g_hash_table_insert (retains->by_number, &value->number, value);
  g_hash_table_insert (retains->alive, value->topic, value);
  retains->nth++;
  return older != NULL;
}

/* Ends the values that @ends names. */
static guint
retain_end_some (SimRetains *retains,
                 gboolean (*ends) (const RetainValue *value, gconstpointer data),
                 gconstpointer data)
{
  g_autoptr (GList) values = g_hash_table_get_values (retains->alive);
  guint n = 0;

  for (GList *link = values; link != NULL; link = link->next)
    if (ends (link->data, data))
      {
        retain_end (retains, link->data);
        n++;
      }
  return n;
}

static gboolean
retain_is_of_peer (const RetainValue *value, gconstpointer data)
{
  return value->peer != 0 && value->peer == *(const guint *) data;
}

guint
sim_retains_gone (SimRetains *retains, guint peer)
{
  for (guint i = 0; i < retains->subs->len; i++)
    {
      RetainSub *sub = g_ptr_array_index (retains->subs, i);

      if (sub->peer == peer)
        sub->alive = FALSE;
    }
  return retain_end_some (retains, retain_is_of_peer, &peer);
}

static gboolean
retain_is_over (const RetainValue *value, gconstpointer data)
{
  return value->expires_us != 0 && value->expires_us <= *(const gint64 *) data;
}

guint
sim_retains_tick (SimRetains *retains, gint64 now_us)
{
  return retain_end_some (retains, retain_is_over, &now_us);
}

static gboolean
retain_matches (const RetainValue *value, gconstpointer pattern)
{
  return sim_model_matches (pattern, value->topic);
}

guint
sim_retains_clear (SimRetains *retains, const char *pattern)
{
  return retain_end_some (retains, retain_matches, pattern);
}

void
sim_retains_clear_lost (SimRetains *retains, const char *pattern, SimRetainsHas has, gconstpointer broker)
{
  g_autoptr (GList) values = g_hash_table_get_values (retains->alive);

  for (GList *link = values; link != NULL; link = link->next)
    {
      RetainValue *value = link->data;

      if (sim_model_matches (pattern, value->topic) && !has (broker, value->topic))
        retain_end (retains, value);
    }
}

guint
sim_retains_count (const SimRetains *retains)
{
  return g_hash_table_size (retains->alive);
}

gboolean
sim_retains_has (const SimRetains *retains, const char *topic, guint64 seq)
{
  const RetainValue *value = g_hash_table_lookup (retains->alive, topic);

  return value != NULL && value->seq == seq;
}

/* --- subscriptions --- */

static RetainSub *
retain_find_sub (const SimRetains *retains, guint peer, guint32 id)
{
  for (guint i = retains->subs->len; i > 0; i--)
    {
      RetainSub *sub = g_ptr_array_index (retains->subs, i - 1);

      if (sub->peer == peer && sub->id == id)
        return sub;
    }
  return NULL;
}

/* TRUE if the broker looks for values of the pattern. */
static gboolean
retain_is_looked_for (const SimRetains *retains, const char *pattern)
{
  if (strpbrk (pattern, "+#") == NULL)
    return g_hash_table_contains (retains->alive, pattern);
  return g_hash_table_size (retains->alive) > 0;
}

void
sim_retains_subscribe (SimRetains *retains,
                       guint peer,
                       guint32 subscription,
                       SimRole role,
                       const char *pattern,
                       const SimLineage *filter,
                       guint64 seq)
{
  RetainSub *sub = g_new0 (RetainSub, 1);

  *sub = (RetainSub){ .peer = peer,
                      .id = subscription,
                      .role = role,
                      .pattern = pattern,
                      .filter = *filter,
                      .alive = TRUE,
                      .is_promised = retain_is_looked_for (retains, pattern),
                      .begun_nth = ++retains->nth,
                      .until = seq,
                      .got = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL) };
  g_ptr_array_add (retains->subs, sub);
}

void
sim_retains_unsubscribe (SimRetains *retains, guint peer, guint32 subscription)
{
  RetainSub *sub = retain_find_sub (retains, peer, subscription);

  if (sub != NULL)
    sub->alive = FALSE;
}

void
sim_retains_leave (SimRetains *retains, guint peer, guint32 subscription, guint64 counted)
{
  RetainSub *sub = retain_find_sub (retains, peer, subscription);

  /* A second UNSUBSCRIBE is refused, and the answer to the first may still be in transit. */
  if (sub != NULL && sub->alive)
    sub->counted = counted;
}

guint64
sim_retains_counted (const SimRetains *retains, guint peer, guint32 subscription)
{
  const RetainSub *sub = retain_find_sub (retains, peer, subscription);

  return sub != NULL ? sub->counted : 0;
}

/* Collectors may not read control.agent.*. */
static gboolean
retain_is_for (const RetainValue *value, const RetainSub *sub)
{
  return value->seq <= sub->until && sim_model_matches (sub->pattern, value->topic)
         && sim_model_passes (&sub->filter, &value->lineage)
         && (sub->role != SIM_COLLECTOR || !g_str_has_prefix (value->topic, "control.agent."));
}

/* --- frames that a client received --- */

static const char *
retain_compare (const RetainValue *value, const RetainSub *sub, guint64 seq, const char *sender, gsize sender_len)
{
  if (value->seq != seq || strlen (value->sender) != sender_len || memcmp (value->sender, sender, sender_len) != 0)
    return "a retained message has another sequence or sender than it was published with";
  if (!retain_is_for (value, sub))
    return "a retained message came to a subscription that it is not for";
  if (value->ended_nth != 0 && value->ended_nth < sub->begun_nth)
    return "a retained message came that had ended before the subscription began";
  if (sub->is_ended)
    return "a retained message came after the end of the retained ones";
  if (value->seq <= sub->last[value->lane])
    return "a retained message came after a newer one";
  if (sub->is_live[value->lane])
    return "a retained message came after a message that was published later";
  return NULL;
}

const char *
sim_retains_got (SimRetains *retains,
                 guint peer,
                 guint32 subscription,
                 guint64 number,
                 guint64 seq,
                 const char *sender,
                 gsize sender_len)
{
  const RetainValue *value = g_hash_table_lookup (retains->by_number, &number);
  RetainSub *sub = retain_find_sub (retains, peer, subscription);
  const char *problem;

  if (value == NULL || sub == NULL)
    return value == NULL ? "a message is marked as retained, but was not retained"
                         : "a retained message came to a group";
  problem = retain_compare (value, sub, seq, sender, sender_len);
  sub->last[value->lane] = value->seq;
  g_hash_table_add (sub->got, g_memdup2 (&number, sizeof number));
  return problem;
}

/* Control overtakes data, and the end is data. */
const char *
sim_retains_got_live (SimRetains *retains, guint peer, guint32 subscription, guint lane)
{
  RetainSub *sub = retain_find_sub (retains, peer, subscription);

  if (sub == NULL)
    return NULL;
  sub->is_live[lane] = TRUE;
  return lane == LANE_DATA && sub->is_promised && !sub->is_ended ? "a message came before the end of the retained ones"
                                                                 : NULL;
}

/* --- the end --- */

const char *
sim_retains_answered (const SimRetains *retains, guint peer, guint32 subscription, gboolean promised)
{
  const RetainSub *sub = retain_find_sub (retains, peer, subscription);

  if (promised == (sub != NULL && sub->is_promised))
    return NULL;
  return promised ? "an end of retained messages was announced, but there are none"
                  : "no end of retained messages was announced, but there are some";
}

/* @now_us: values whose time to live is over by then may be left out. */
static gboolean
retain_lacks_one (const SimRetains *retains, const RetainSub *sub, gint64 now_us)
{
  for (guint i = 0; i < retains->values->len; i++)
    {
      const RetainValue *value = g_ptr_array_index (retains->values, i);

      if (value->ended_nth == 0 && !retain_is_over (value, &now_us) && retain_is_for (value, sub)
          && !g_hash_table_contains (sub->got, &value->number))
        return TRUE;
    }
  return FALSE;
}

const char *
sim_retains_got_end (SimRetains *retains, guint peer, guint32 subscription, gint64 now_us)
{
  RetainSub *sub = retain_find_sub (retains, peer, subscription);

  if (sub == NULL || !sub->is_promised)
    return "an end of retained messages came without an announcement";
  if (sub->is_ended)
    return "the end of retained messages came twice";
  sub->is_ended = TRUE;
  return retain_lacks_one (retains, sub, now_us) ? "the end of the retained messages came before one of them" : NULL;
}

guint64
sim_retains_received (const SimRetains *retains, guint peer, guint32 subscription)
{
  const RetainSub *sub = retain_find_sub (retains, peer, subscription);

  return sub != NULL ? g_hash_table_size (sub->got) : 0;
}

const char *
sim_retains_finish (const SimRetains *retains)
{
  for (guint i = 0; i < retains->subs->len; i++)
    {
      const RetainSub *sub = g_ptr_array_index (retains->subs, i);

      if (sub->alive && retain_lacks_one (retains, sub, 0))
        return "a subscription did not get a retained message";
      if (sub->alive && sub->is_promised && !sub->is_ended)
        return "a subscription did not get the end of its retained messages";
    }
  return NULL;
}
