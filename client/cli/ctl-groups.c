/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-groups.h"

static gboolean
groups_are_complete (const CtlTree *tree)
{
  for (guint i = 0; i < tree->entries->len; i++)
    {
      const CtlGroup *group = g_ptr_array_index (tree->entries, i);

      if (group->n_member < group->members)
        return FALSE;
    }
  return TRUE;
}

static gpointer
groups_block (CtlTree *tree, gsize size)
{
  gpointer block = g_malloc0 (size);

  g_ptr_array_add (tree->blocks, block);
  return block;
}

/* An older broker has only one group for each name, and no numbers. */
static gpointer
groups_key (guint32 number, const char *name)
{
  return GUINT_TO_POINTER (number != 0 ? number : g_str_hash (name));
}

/* The key of each group that lacks members -> an array for its CtlMember. */
static GHashTable *
groups_find_incomplete (const CtlTree *tree)
{
  GHashTable *incomplete = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);

  for (guint i = 0; i < tree->entries->len; i++)
    {
      const CtlGroup *group = g_ptr_array_index (tree->entries, i);

      if (group->n_member < group->members)
        g_hash_table_insert (incomplete, groups_key (group->number, group->name), g_ptr_array_new ());
    }
  return incomplete;
}

static void
groups_add_member (CtlTree *tree, GHashTable *incomplete, const CtlSubscription *subscription)
{
  GPtrArray *members = g_hash_table_lookup (incomplete, groups_key (subscription->group_number, subscription->group));
  CtlMember *member;

  if (members == NULL)
    return;
  member = groups_block (tree, sizeof (CtlMember));
  daemoneye__eventbus__v1__group_member__init (member);
  member->peer = subscription->peer;
  member->subscription = subscription->subscription;
  member->pattern = subscription->pattern;
  member->serve = subscription->serve;
  g_ptr_array_add (members, member);
}

/* The pages own their groups, so this copies an entry before it gets other members. */
static void
groups_replace (CtlTree *tree, GHashTable *incomplete)
{
  for (guint i = 0; i < tree->entries->len; i++)
    {
      const CtlGroup *group = g_ptr_array_index (tree->entries, i);
      const GPtrArray *members = g_hash_table_lookup (incomplete, groups_key (group->number, group->name));
      CtlGroup *complete;

      /* Members may have left meanwhile. */
      if (members == NULL || members->len < group->n_member)
        continue;
      complete = groups_block (tree, sizeof (CtlGroup));
      *complete = *group;
      complete->n_member = members->len;
      complete->member = groups_block (tree, MAX (members->len, 1) * sizeof (CtlMember *));
      for (guint k = 0; k < members->len; k++)
        complete->member[k] = g_ptr_array_index (members, k);
      tree->entries->pdata[i] = complete;
    }
}

CtlTree *
ctl_groups_read (Ctl *ctl, GError **error)
{
  g_autoptr (CtlTree) tree = ctl_tree_read (ctl, CTL_SECTION_GROUPS, NULL, error);
  g_autoptr (CtlTree) subscriptions = NULL;
  g_autoptr (GHashTable) incomplete = NULL;

  if (tree == NULL || groups_are_complete (tree))
    return g_steal_pointer (&tree);
  subscriptions = ctl_tree_read (ctl, CTL_SECTION_SUBSCRIPTIONS, NULL, error);
  if (subscriptions == NULL)
    return NULL;
  incomplete = groups_find_incomplete (tree);
  for (guint i = 0; i < subscriptions->entries->len; i++)
    groups_add_member (tree, incomplete, g_ptr_array_index (subscriptions->entries, i));
  groups_replace (tree, incomplete);
  g_ptr_array_extend_and_steal (tree->pages, g_steal_pointer (&subscriptions->pages));
  return g_steal_pointer (&tree);
}
