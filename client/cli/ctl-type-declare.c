/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-type-declare.h"

#include "ctl-type-limits.h"

#include <glib/gi18n.h>
#include <string.h>

static gboolean
declare_count (guint *total, gsize n, guint max, const char *what, GError **error)
{
  if (n > max - *total)
    return ctl_batch_refuse (error, _ ("more than %u %s"), max, what);
  *total += (guint) n;
  return TRUE;
}

/* NULL: the name is refused, see @error. */
static CtlType *
declare_type (CtlBatch *batch, const FileProto *file, const char *scope, const char *name, GError **error)
{
  g_autofree char *shown = ctl_batch_quote (name);
  g_autofree char *full = *scope != '\0' ? g_strconcat (scope, ".", name, NULL) : g_strdup (name);
  CtlType *type;

  if (!ctl_batch_is_identifier (name))
    ctl_batch_refuse (error, _ ("%s is not a valid name of a type"), shown);
  else if (strlen (full) > CTL_TYPES_NAME_MAX)
    ctl_batch_refuse (error, _ ("the full name of %s is too long"), shown);
  else if (ctl_batch_find (batch, full) != NULL)
    ctl_batch_refuse (error, _ ("type %s is defined twice"), full);
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

      if (!declare_count (&batch->counts.values, MAX (sources[i]->n_value, 1), CTL_TYPES_VALUES_MAX, _ ("enum values"),
                          error))
        return FALSE;
      type = declare_type (batch, file, scope, sources[i]->name, error);
      if (type == NULL)
        return FALSE;
      type->is_enum = TRUE;
      type->enum_source = sources[i];
    }
  return TRUE;
}

/* Recurses into nested messages, at most CTL_TYPES_NESTING_MAX deep. */
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
    return ctl_batch_refuse (error, _ ("messages are nested more than %u levels deep"), CTL_TYPES_NESTING_MAX);
  for (gsize i = 0; i < n; i++)
    {
      const MessageProto *source = sources[i];
      CtlType *type;

      if (!declare_count (&batch->counts.messages, 1, CTL_TYPES_MESSAGES_MAX, _ ("messages"), error)
          || !declare_count (&batch->counts.fields, source->n_field, CTL_TYPES_FIELDS_MAX, _ ("fields"), error))
        return FALSE;
      type = declare_type (batch, file, scope, source->name, error);
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
declare_is_package (const char *package)
{
  g_auto (GStrv) parts = g_strsplit (package, ".", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    if (!ctl_batch_is_identifier (parts[i]))
      return FALSE;
  return strlen (package) <= CTL_TYPES_NAME_MAX; /* an empty name has no parts: the file has no package */
}

gboolean
ctl_type_declare_file (CtlBatch *batch, const FileProto *file, GError **error)
{
  g_autofree char *name = ctl_batch_quote (file->name);
  g_autofree char *syntax = ctl_batch_quote (file->syntax);

  if (*file->name == '\0' || strlen (file->name) > CTL_TYPES_NAME_MAX)
    return ctl_batch_refuse (error, _ ("a file without a name, or with one that is too long"));
  if (*file->syntax != '\0' && strcmp (file->syntax, "proto2") != 0 && strcmp (file->syntax, "proto3") != 0)
    return ctl_batch_refuse (error, _ ("file %s: syntax %s is not supported"), name, syntax);
  if (!declare_is_package (file->package))
    return ctl_batch_refuse (error, _ ("file %s: invalid package name"), name);
  return declare_count (&batch->counts.files, 1, CTL_TYPES_FILES_MAX, _ ("files"), error)
         && declare_enums (batch, file, file->package, file->enum_type, file->n_enum_type, error)
         && declare_messages (batch, file, file->package, file->message_type, file->n_message_type, 1, error);
}
