/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-types.h"

#include "ctl-type-build.h"
#include "ctl-type-declare.h"
#include "ctl-type-map.h"
#include "wire-guard.h"

#include <glib/gi18n.h>
#include <string.h>

struct CtlTypes
{
  GHashTable *files; /* names */
  GHashTable *types; /* full name to CtlType */
  GPtrArray *pools;
  CtlCounts counts;
};

/* @files: receives the names of the files that the registry did not have. */
static gboolean
types_read_set (CtlBatch *batch, const CtlTypes *types, const FileSetProto *set, GHashTable *files, GError **error)
{
  for (gsize i = 0; i < set->n_file; i++)
    {
      const FileProto *file = set->file[i];

      if (g_hash_table_contains (types->files, file->name) || g_hash_table_contains (files, file->name))
        continue;
      if (!ctl_type_declare_file (batch, file, error))
        return FALSE;
      g_hash_table_add (files, g_strdup (file->name));
    }
  for (guint i = 0; i < batch->ordered->len; i++)
    {
      CtlType *type = g_ptr_array_index (batch->ordered, i);

      if (type->is_enum && !ctl_type_build_enum (batch, type, error))
        return FALSE;
    }
  for (guint i = 0; i < batch->ordered->len; i++)
    {
      CtlType *type = g_ptr_array_index (batch->ordered, i);

      if (!type->is_enum && !ctl_type_build_message (batch, type, error))
        return FALSE;
    }
  return TRUE;
}

static void
types_take_batch (CtlBatch *batch, CtlTypes *types, GHashTable *files)
{
  GHashTableIter iter;
  gpointer name;

  for (guint i = 0; i < batch->ordered->len; i++)
    {
      CtlType *type = g_ptr_array_index (batch->ordered, i);

      type->message_source = NULL;
      type->enum_source = NULL;
      g_hash_table_insert (types->types, type->full_name, type);
    }
  g_hash_table_iter_init (&iter, files);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      g_hash_table_iter_steal (&iter);
      g_hash_table_add (types->files, name);
    }
  g_ptr_array_add (types->pools, g_steal_pointer (&batch->pool));
  types->counts = batch->counts;
}

gboolean
ctl_types_add_set (CtlTypes *types, GBytes *set, GError **error)
{
  g_autoptr (GHashTable) files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (WireGuard) guard = NULL;
  g_auto (CtlBatch) batch = { 0 };
  WireGuardError problem;
  gsize len = 0;
  gconstpointer bytes = g_bytes_get_data (set, &len);

  ctl_batch_init (&batch, types->types, &types->counts);
  if (len > CTL_TYPES_SET_MAX)
    return ctl_batch_refuse (error, _ ("the set of types is larger than %u bytes"), CTL_TYPES_SET_MAX);
  guard = wire_guard_unpack_lenient (&daemoneye__descriptor__file_descriptor_set__descriptor,
                                     wire_span (len > 0 ? bytes : "", len), (guint) MAX (len, 1), &problem);
  if (guard == NULL)
    return ctl_batch_refuse (error, _ ("not a set of types: %s, at byte %zu"), problem.problem, problem.offset);
  if (!types_read_set (&batch, types, wire_guard_message (guard), files, error))
    return FALSE;
  types_take_batch (&batch, types, files);
  return TRUE;
}

CtlTypes *
ctl_types_new (void)
{
  CtlTypes *types = g_new0 (CtlTypes, 1);

  types->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  types->types = g_hash_table_new (g_str_hash, g_str_equal);
  types->pools = g_ptr_array_new_with_free_func ((GDestroyNotify) ctl_pool_free);
  return types;
}

void
ctl_types_free (CtlTypes *types)
{
  if (types == NULL)
    return;
  g_hash_table_unref (types->types);
  g_hash_table_unref (types->files);
  g_ptr_array_unref (types->pools);
  g_free (types);
}

const ProtobufCMessageDescriptor *
ctl_types_find (CtlTypes *types, const char *full_name)
{
  const CtlType *type = g_hash_table_lookup (types->types, full_name);

  return type != NULL && !type->is_enum ? &type->message : NULL;
}

static int
types_compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
ctl_types_list (CtlTypes *types)
{
  GPtrArray *names = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, types->types);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const CtlType *type = value;

      if (!type->is_enum && !ctl_type_is_map_entry (&type->message))
        g_ptr_array_add (names, type->full_name);
    }
  g_ptr_array_sort (names, types_compare_names);
  return names;
}
