/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-types-private.h"

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

/* --- small helpers of a batch --- */

gboolean
ctl_types_refuse (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error != NULL)
    *error = g_error_new_valist (G_IO_ERROR, G_IO_ERROR_INVALID_DATA, format, args);
  va_end (args);
  return FALSE;
}

char *
ctl_types_quote (const char *text)
{
  g_autofree char *escaped = g_strescape (text, NULL);

  return g_strdup_printf ("\"%.80s%s\"", escaped, strlen (escaped) > 80 ? "..." : "");
}

gboolean
ctl_types_is_identifier (const char *name)
{
  if (!g_ascii_isalpha (*name) && *name != '_')
    return FALSE;
  while (g_ascii_isalnum (*name) || *name == '_')
    name++;
  return *name == '\0';
}

static CtlPool *
pool_new (void)
{
  CtlPool *pool = g_new0 (CtlPool, 1);

  pool->blocks = g_ptr_array_new_with_free_func (g_free);
  pool->strings = g_string_chunk_new (1024);
  return pool;
}

static void
pool_free (gpointer data)
{
  CtlPool *pool = data;

  g_ptr_array_unref (pool->blocks);
  g_string_chunk_free (pool->strings);
  g_free (pool);
}

gpointer
ctl_pool_alloc (CtlPool *pool, gsize n, gsize size)
{
  gpointer block;

  if (n == 0)
    return NULL;
  block = g_malloc0_n (n, size);
  g_ptr_array_add (pool->blocks, block);
  return block;
}

char *
ctl_pool_string (CtlPool *pool, const char *text)
{
  return g_string_chunk_insert (pool->strings, text);
}

const CtlType *
ctl_batch_find (const CtlBatch *batch, const char *full_name)
{
  const CtlType *type = g_hash_table_lookup (batch->types, full_name);

  return type != NULL ? type : g_hash_table_lookup (batch->known, full_name);
}

static void
batch_clear (CtlBatch *batch)
{
  g_clear_pointer (&batch->pool, pool_free);
  g_clear_pointer (&batch->types, g_hash_table_unref);
  g_clear_pointer (&batch->ordered, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtlBatch, batch_clear)

/* --- what a set declares --- */

static gboolean
count (guint *total, gsize n, guint max, const char *what, GError **error)
{
  if (n > max - *total)
    return ctl_types_refuse (error, _ ("more than %u %s"), max, what);
  *total += (guint) n;
  return TRUE;
}

/* NULL, with @error: it can't have that name. */
static CtlType *
declare (CtlBatch *batch, const FileProto *file, const char *scope, const char *name, GError **error)
{
  g_autofree char *shown = ctl_types_quote (name);
  g_autofree char *full = *scope != '\0' ? g_strconcat (scope, ".", name, NULL) : g_strdup (name);
  CtlType *type;

  if (!ctl_types_is_identifier (name))
    ctl_types_refuse (error, _ ("%s can't be the name of a type"), shown);
  else if (strlen (full) > CTL_TYPES_NAME_MAX)
    ctl_types_refuse (error, _ ("the full name of %s is too long"), shown);
  else if (ctl_batch_find (batch, full) != NULL)
    ctl_types_refuse (error, _ ("type %s is defined twice"), full);
  else
    {
      type = ctl_pool_alloc (batch->pool, 1, sizeof (CtlType));
      type->full_name = ctl_pool_string (batch->pool, full);
      type->proto3 = strcmp (file->syntax, "proto3") == 0;
      type->message.package_name = type->enumeration.package_name = ctl_pool_string (batch->pool, file->package);
      type->message.short_name = type->enumeration.short_name = type->full_name + strlen (full) - strlen (name);
      g_hash_table_insert (batch->types, type->full_name, type);
      g_ptr_array_add (batch->ordered, type);
      return type;
    }
  return NULL;
}

static gboolean
declare_enums (CtlBatch *batch,
               const FileProto *file,
               const char *scope,
               EnumProto *const *sources,
               gsize n,
               GError **error)
{
  for (gsize i = 0; i < n; i++)
    {
      CtlType *type;

      if (!count (&batch->counts.values, MAX (sources[i]->n_value, 1), CTL_TYPES_VALUES_MAX, _ ("enum values"), error))
        return FALSE;
      type = declare (batch, file, scope, sources[i]->name, error);
      if (type == NULL)
        return FALSE;
      type->is_enum = TRUE;
      type->enum_source = sources[i];
    }
  return TRUE;
}

/* Calls itself for nested ones, at most CTL_TYPES_NESTING_MAX deep. */
/* NOLINTBEGIN(misc-no-recursion) */
static gboolean
declare_messages (CtlBatch *batch,
                  const FileProto *file,
                  const char *scope,
                  MessageProto *const *sources,
                  gsize n,
                  guint depth,
                  GError **error)
{
  if (n > 0 && depth > CTL_TYPES_NESTING_MAX)
    return ctl_types_refuse (error, _ ("messages inside of messages, more than %u deep"), CTL_TYPES_NESTING_MAX);
  for (gsize i = 0; i < n; i++)
    {
      const MessageProto *source = sources[i];
      CtlType *type;

      if (!count (&batch->counts.messages, 1, CTL_TYPES_MESSAGES_MAX, _ ("messages"), error)
          || !count (&batch->counts.fields, source->n_field, CTL_TYPES_FIELDS_MAX, _ ("fields"), error))
        return FALSE;
      type = declare (batch, file, scope, source->name, error);
      if (type == NULL)
        return FALSE;
      type->message_source = source;
      if (!declare_enums (batch, file, type->full_name, source->enum_type, source->n_enum_type, error)
          || !declare_messages (batch, file, type->full_name, source->nested_type, source->n_nested_type, depth + 1,
                                error))
        return FALSE;
    }
  return TRUE;
}
/* NOLINTEND(misc-no-recursion) */

static gboolean
is_package (const char *package)
{
  g_auto (GStrv) parts = g_strsplit (package, ".", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    if (!ctl_types_is_identifier (parts[i]))
      return FALSE;
  return strlen (package) <= CTL_TYPES_NAME_MAX; /* no part: empty, no package */
}

static gboolean
declare_file (CtlBatch *batch, const FileProto *file, GError **error)
{
  g_autofree char *name = ctl_types_quote (file->name);
  g_autofree char *syntax = ctl_types_quote (file->syntax);

  if (*file->name == '\0' || strlen (file->name) > CTL_TYPES_NAME_MAX)
    return ctl_types_refuse (error, _ ("a file without a name, or with one that is too long"));
  if (*file->syntax != '\0' && strcmp (file->syntax, "proto2") != 0 && strcmp (file->syntax, "proto3") != 0)
    return ctl_types_refuse (error, _ ("file %s: syntax %s is not supported"), name, syntax);
  if (!is_package (file->package))
    return ctl_types_refuse (error, _ ("file %s: bad name of a package"), name);
  return count (&batch->counts.files, 1, CTL_TYPES_FILES_MAX, _ ("files"), error)
         && declare_enums (batch, file, file->package, file->enum_type, file->n_enum_type, error)
         && declare_messages (batch, file, file->package, file->message_type, file->n_message_type, 1, error);
}

/* --- the registry --- */

/* @files: names of the new ones, that the registry does not have. */
static gboolean
batch_read (CtlBatch *batch, const CtlTypes *types, const FileSetProto *set, GHashTable *files, GError **error)
{
  for (gsize i = 0; i < set->n_file; i++)
    {
      const FileProto *file = set->file[i];

      if (g_hash_table_contains (types->files, file->name) || g_hash_table_contains (files, file->name))
        continue;
      if (!declare_file (batch, file, error))
        return FALSE;
      g_hash_table_add (files, g_strdup (file->name));
    }
  for (guint i = 0; i < batch->ordered->len; i++)
    {
      CtlType *type = g_ptr_array_index (batch->ordered, i);

      if (type->is_enum && !ctl_types_build_enum (batch, type, error))
        return FALSE;
    }
  for (guint i = 0; i < batch->ordered->len; i++)
    {
      CtlType *type = g_ptr_array_index (batch->ordered, i);

      if (!type->is_enum && !ctl_types_build_message (batch, type, error))
        return FALSE;
    }
  return TRUE;
}

static void
batch_commit (CtlBatch *batch, CtlTypes *types, GHashTable *files)
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
  g_auto (CtlBatch) batch = { .pool = pool_new (),
                              .known = types->types,
                              .types = g_hash_table_new (g_str_hash, g_str_equal),
                              .ordered = g_ptr_array_new (),
                              .counts = types->counts };
  WireGuardError problem;
  gsize len = 0;
  gconstpointer bytes = g_bytes_get_data (set, &len);

  if (len > CTL_TYPES_SET_MAX)
    return ctl_types_refuse (error, _ ("the set of types is larger than %u bytes"), CTL_TYPES_SET_MAX);
  guard = wire_guard_unpack_lenient (&daemoneye__descriptor__file_descriptor_set__descriptor,
                                     wire_span (len > 0 ? bytes : "", len), (guint) MAX (len, 1), &problem);
  if (guard == NULL)
    return ctl_types_refuse (error, _ ("not a set of types: %s, at byte %zu"), problem.problem, problem.offset);
  if (!batch_read (&batch, types, wire_guard_message (guard), files, error))
    return FALSE;
  batch_commit (&batch, types, files);
  return TRUE;
}

CtlTypes *
ctl_types_new (void)
{
  CtlTypes *types = g_new0 (CtlTypes, 1);

  types->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  types->types = g_hash_table_new (g_str_hash, g_str_equal);
  types->pools = g_ptr_array_new_with_free_func (pool_free);
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
compare_names (gconstpointer a, gconstpointer b)
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

      if (!type->is_enum && !ctl_types_is_map_entry (&type->message))
        g_ptr_array_add (names, type->full_name);
    }
  g_ptr_array_sort (names, compare_names);
  return names;
}
