/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-model-private.h"

/* The part of the model about one subscription: whether it drains, and queries. */

/* --- draining --- */

static gboolean
model_names (const char *scope, const char *group)
{
  gsize len = strlen (scope);

  return group != NULL && strncmp (group, scope, len) == 0 && (group[len] == '\0' || group[len] == ' ');
}

guint
sim_model_drain (SimModel *model, guint peer, const char *scope, gboolean drains)
{
  guint n = 0;

  for (guint i = 0; i < model->subs->len; i++)
    {
      ModelSub *sub = g_ptr_array_index (model->subs, i);

      if (!sub->alive || sub->peer != peer || !model_names (scope, sub->group))
        continue;
      sub->drains = drains;
      n++;
    }
  return n;
}

const char *
sim_model_scope (const SimModel *model, guint peer, guint32 subscription)
{
  const ModelSub *sub = sim_model_sub (model, peer, subscription);

  return sub != NULL && sub->alive ? sub->group : NULL;
}

gboolean
sim_model_is_alive (const SimModel *model, guint peer, guint32 subscription)
{
  const ModelSub *sub = sim_model_sub (model, peer, subscription);

  return sub != NULL && sub->alive;
}

gboolean
sim_model_drains (const SimModel *model, guint peer, guint32 subscription)
{
  const ModelSub *sub = sim_model_sub (model, peer, subscription);

  return sub != NULL && sub->drains;
}

gboolean
sim_model_is_in (const SimModel *model, guint peer, guint32 subscription, const char *scope)
{
  const ModelSub *sub = sim_model_sub (model, peer, subscription);

  return sub != NULL && model_names (scope, sub->group);
}

/* --- queries about a subscription --- */

SimPolicy
sim_model_policy (const SimModel *model, guint peer, guint32 subscription)
{
  const ModelSub *sub = sim_model_sub (model, peer, subscription);

  return sub != NULL ? sub->policy : 0;
}

gboolean
sim_model_was_adjusted (const SimModel *model, guint peer, guint32 subscription)
{
  const ModelSub *sub = sim_model_sub (model, peer, subscription);

  return sub == NULL || sub->adjusted;
}

gboolean
sim_model_is_alone (const SimModel *model, guint peer, guint32 subscription)
{
  const ModelSub *sub = sim_model_sub (model, peer, subscription);

  return sub != NULL && sub->alone;
}

gboolean
sim_model_withholds_no_credit (const SimModel *model, guint peer, guint32 subscription, guint64 seq)
{
  const ModelSub *sub = sim_model_sub (model, peer, subscription);
  const ModelMatch *match = sub != NULL ? sim_model_match (sub, seq) : NULL;

  return match != NULL
         && (match->message->is_last || strcmp (match->message->sender, sim_model_peer (model, peer)->id) == 0);
}

guint
sim_model_count (const SimModel *model)
{
  guint n = 0;

  for (guint i = 0; i < model->subs->len; i++)
    n += ((const ModelSub *) g_ptr_array_index (model->subs, i))->alive;
  return n;
}
