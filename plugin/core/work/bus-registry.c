/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-registry.h"

/* The members with one operation. */
typedef struct
{
  BusKey key; /* the name */
  GPtrArray *members;
  guint8 name[];
} RegistryOperation;

BusMember *
bus_registry_find (BusWork *work, WireSpan id)
{
  const BusKey key = bus_key (work->seed, id);

  return g_hash_table_lookup (work->members, &key);
}

GPtrArray *
bus_registry_members_of (BusWork *work, WireSpan operation)
{
  const BusKey key = bus_key (work->seed, operation);
  const RegistryOperation *found = g_hash_table_lookup (work->capable, &key);

  return found != NULL ? found->members : NULL;
}

static int
registry_compare_ids (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(BusMember *const *) a)->id, (*(BusMember *const *) b)->id);
}

GPtrArray *
bus_registry_all (BusWork *work)
{
  GPtrArray *all = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer member;

  g_hash_table_iter_init (&iter, work->members);
  while (g_hash_table_iter_next (&iter, NULL, &member))
    g_ptr_array_add (all, member);
  g_ptr_array_sort (all, registry_compare_ids);
  return all;
}

/* --- the tables --- */

static void
registry_add_ability (BusWork *work, BusMember *member, const BusAbility *ability)
{
  RegistryOperation *operation = g_hash_table_lookup (work->capable, &ability->name);
  const WireSpan name = ability->name.text;

  if (operation == NULL)
    {
      operation = g_malloc (sizeof *operation + name.len); /* a valid segment, so it is short */
      memcpy (operation->name, name.data, name.len);
      operation->key = (BusKey){ ability->name.hash, wire_span (operation->name, name.len) };
      operation->members = g_ptr_array_new ();
      g_hash_table_insert (work->capable, &operation->key, operation);
    }
  g_ptr_array_add (operation->members, member);
}

static void
registry_remove_ability (BusWork *work, BusMember *member, const BusAbility *ability)
{
  RegistryOperation *operation = g_hash_table_lookup (work->capable, &ability->name);

  g_ptr_array_remove (operation->members, member);
  if (operation->members->len > 0)
    return;
  g_hash_table_remove (work->capable, &operation->key);
  g_ptr_array_unref (operation->members);
  g_free (operation);
}

void
bus_registry_add_abilities (BusWork *work, BusMember *member)
{
  for (guint i = 0; i < member->abilities->len; i++)
    registry_add_ability (work, member, g_ptr_array_index (member->abilities, i));
}

void
bus_registry_remove_abilities (BusWork *work, BusMember *member)
{
  for (guint i = 0; i < member->abilities->len; i++)
    registry_remove_ability (work, member, g_ptr_array_index (member->abilities, i));
}

void
bus_registry_add (BusWork *work, BusMember *member)
{
  g_hash_table_insert (work->members, &member->key, member);
  bus_registry_add_abilities (work, member);
}

void
bus_registry_remove (BusWork *work, BusMember *member)
{
  bus_registry_remove_abilities (work, member);
  g_hash_table_remove (work->members, &member->key);
}

/* --- changes --- */

void
bus_registry_note_changed (BusWork *work, BusMember *member)
{
  if (member->is_changed)
    return;
  member->is_changed = TRUE;
  g_queue_push_tail_link (&work->members_changed, &member->link);
}

BusMember *
bus_registry_next_changed (BusWork *work)
{
  GList *link = g_queue_pop_head_link (&work->members_changed);
  BusMember *member;

  if (link == NULL)
    return NULL;
  member = link->data;
  member->is_changed = FALSE;
  return member;
}

void
bus_registry_note_ended (BusWork *work, BusMember *member)
{
  if (member->is_changed)
    g_queue_unlink (&work->members_changed, &member->link);
  member->is_changed = FALSE;
  g_queue_push_tail_link (&work->members_ended, &member->link);
}

BusMember *
bus_registry_next_ended (BusWork *work)
{
  GList *link = g_queue_pop_head_link (&work->members_ended);

  return link != NULL ? link->data : NULL;
}
