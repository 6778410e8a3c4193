/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-task-payload.h"

#include "ctl-catalog.h"
#include "ctl-payload.h"
#include "ctl-tasks.h"

#include <glib/gi18n.h>
#include <string.h>

void
ctl_task_payload_clear (CtlTaskPayload *payload)
{
  g_clear_pointer (&payload->bytes, g_bytes_unref);
  g_clear_pointer (&payload->type_name, g_free);
}

/* --- hexadecimal --- */

static GBytes *
payload_from_hex (GBytes *given, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gsize len;
  const char *text = g_bytes_get_data (given, &len);
  gint high = -1;

  for (gsize i = 0; i < len; i++)
    {
      gint digit = g_ascii_xdigit_value (text[i]);

      if (digit < 0 && (!g_ascii_isspace (text[i]) || high >= 0))
        {
          ctl_fail (error, CTL_EXIT_USAGE, _ ("The payload must consist of pairs of hexadecimal digits"));
          return NULL;
        }
      if (digit >= 0 && high >= 0)
        g_byte_array_append (bytes, &(guint8){ (guint8) (high * 16 + digit) }, 1);
      if (digit >= 0)
        high = high < 0 ? digit : -1;
    }
  if (high < 0)
    return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
  ctl_fail (error, CTL_EXIT_USAGE, _ ("The payload must consist of pairs of hexadecimal digits"));
  return NULL;
}

/* --- JSON --- */

/* The type that the collector declares for the operation; NULL: any, or it does not have the operation. */
static const char *
payload_declared_type (const CtlCollector *collector, const char *operation)
{
  for (size_t i = 0; i < collector->n_operations; i++)
    if (g_str_equal (collector->operations[i]->name, operation))
      return *collector->operations[i]->payload_type != '\0' ? collector->operations[i]->payload_type : NULL;
  return NULL;
}

/* Finds the type of the operation's payload, and a collector that declares it, among the collectors that may take the task. */
static gboolean
payload_find_declared (Ctl *ctl, const char *operation, char **type_name, char **collector, GError **error)
{
  CtlCollectorsRequest request;
  g_autoptr (CtlList) list = NULL;

  daemoneye__eventbus__v1__collectors_request__init (&request);
  request.operation = (char *) operation;
  if (ctl->options.collector_type != NULL)
    request.type = ctl->options.collector_type;
  list = ctl_collectors_list (ctl, &request, error);
  if (list == NULL)
    return FALSE;
  for (guint i = 0; i < list->entries->len && *type_name == NULL; i++)
    {
      const CtlCollector *entry = g_ptr_array_index (list->entries, i);

      *type_name = g_strdup (payload_declared_type (entry, operation));
      *collector = *type_name != NULL ? g_strdup (entry->id) : NULL;
    }
  return *type_name != NULL
         || ctl_fail (error, CTL_EXIT_USAGE,
                      _ ("No registered collector declares the payload type of the operation %s: give --payload-type "
                         "NAME, --raw or --hex"),
                      operation);
}

static gboolean
payload_make_json (Ctl *ctl, const char *operation, GBytes *given, CtlTaskPayload *payload, GError **error)
{
  g_autofree char *collector = NULL;
  const ProtobufCMessageDescriptor *type;

  if (payload->type_name == NULL && !payload_find_declared (ctl, operation, &payload->type_name, &collector, error))
    return FALSE;
  type = ctl_catalog_type (ctl, payload->type_name, collector, error);
  payload->bytes = type != NULL ? ctl_payload_encode (given, type, error) : NULL;
  return payload->bytes != NULL;
}

gboolean
ctl_task_payload_make (Ctl *ctl, const char *operation, GBytes *given, CtlTaskPayload *payload, GError **error)
{
  const CtlOptions *options = &ctl->options;

  payload->type_name = g_strdup (options->payload_type);
  if (given == NULL)
    return !options->hex || ctl_fail (error, CTL_EXIT_USAGE, _ ("--hex needs a payload"));
  if (options->raw && options->hex)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("Give only one of --raw and --hex"));
  if (!options->raw && !options->hex)
    return payload_make_json (ctl, operation, given, payload, error);
  payload->bytes = options->raw ? g_bytes_ref (given) : payload_from_hex (given, error);
  return payload->bytes != NULL;
}
