/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-catalog.h"

#include "ctl-json.h"

#include <glib/gi18n.h>

typedef struct
{
  char *peer;
  WireGuard *guard; /* NULL: it could not be asked */
  GError *error;
} Description;

void
ctl_description_free (gpointer data)
{
  Description *description = data;

  g_clear_pointer (&description->guard, wire_guard_free);
  g_clear_error (&description->error);
  g_free (description->peer);
  g_free (description);
}

/* --- peers --- */

static WireGuard *
ask_peer (Ctl *ctl, const char *peer, GError **error)
{
  g_autofree char *topic = g_strconcat ("control.collector.", peer, NULL);
  gboolean is_bus = g_str_equal (peer, CTL_BUS_ID);
  Daemoneye__Eventbus__V1__IntrospectRequest request;

  daemoneye__eventbus__v1__introspect_request__init (&request);
  return ctl_ask (ctl, is_bus ? "control.bus.describe" : topic, is_bus ? NULL : peer, is_bus ? NULL : "Introspect",
                  &request.base, &daemoneye__eventbus__v1__introspect_reply__descriptor, error);
}

/* A set that is no good leaves its types unknown; the rest of the description is good all the same. */
static void
learn_types (Ctl *ctl, const CtlServices *services)
{
  for (size_t i = 0; i < services->n_types; i++)
    {
      g_autoptr (GBytes) set = g_bytes_new (services->types[i].data, services->types[i].len);
      g_autoptr (GError) error = NULL;

      if (!ctl_types_add_set (ctl->types, set, &error))
        {
          g_autofree char *id = ctl_output_safe (services->id);
          g_autofree char *why = ctl_output_safe (error->message);

          g_printerr (_ ("deyebusctl: types of %s left out: %s\n"), id, why);
        }
    }
}

static const Description *
describe (Ctl *ctl, const char *peer)
{
  Description *description;

  for (guint i = 0; i < ctl->described->len; i++)
    {
      description = g_ptr_array_index (ctl->described, i);
      if (g_str_equal (description->peer, peer))
        return description;
    }
  description = g_new0 (Description, 1);
  description->peer = g_strdup (peer);
  description->guard = ask_peer (ctl, peer, &description->error);
  g_ptr_array_add (ctl->described, description);
  if (description->guard != NULL)
    learn_types (ctl, wire_guard_message (description->guard));
  return description;
}

const CtlServices *
ctl_catalog_peer (Ctl *ctl, const char *peer, GError **error)
{
  const Description *description = describe (ctl, peer);

  if (description->guard != NULL)
    return wire_guard_message (description->guard);
  if (error != NULL)
    *error = g_error_copy (description->error);
  return NULL;
}

/* --- look-ups --- */

static gboolean
is_method_name (const CtlService *service, const CtlMethod *method, const char *name)
{
  gsize prefix = strlen (service->name);

  return g_str_equal (method->name, name)
         || (strncmp (name, service->name, prefix) == 0 && name[prefix] == '.'
             && g_str_equal (name + prefix + 1, method->name));
}

const CtlMethod *
ctl_catalog_find_method (const CtlServices *services, const char *name)
{
  for (size_t i = 0; i < services->n_services; i++)
    for (size_t k = 0; k < services->services[i]->n_methods; k++)
      if (is_method_name (services->services[i], services->services[i]->methods[k], name))
        return services->services[i]->methods[k];
  return NULL;
}

static const CtlMethod *
find_topic (const CtlServices *services, const char *topic)
{
  for (size_t i = 0; services != NULL && i < services->n_services; i++)
    for (size_t k = 0; k < services->services[i]->n_methods; k++)
      if (g_str_equal (services->services[i]->methods[k]->topic, topic))
        return services->services[i]->methods[k];
  return NULL;
}

gboolean
ctl_catalog_find_server (Ctl *ctl, const char *topic, char **peer, const CtlMethod **method, GError **error)
{
  g_autoptr (CtlTree) tree = NULL;

  *peer = NULL;
  *method = NULL;
  if (g_str_has_prefix (topic, "control.bus."))
    {
      *peer = g_strdup (CTL_BUS_ID);
      *method = find_topic (ctl_catalog_peer (ctl, CTL_BUS_ID, NULL), topic);
      return TRUE;
    }
  tree = ctl_tree_read (ctl, CTL_SECTION_SUBSCRIPTIONS, NULL, error);
  if (tree == NULL)
    return FALSE;
  for (guint i = 0; i < tree->entries->len && *method == NULL; i++)
    {
      const CtlSubscription *subscription = g_ptr_array_index (tree->entries, i);

      if (!subscription->serve || !g_str_equal (subscription->pattern, topic))
        continue;
      g_free (*peer);
      *peer = g_strdup (subscription->peer);
      *method = find_topic (ctl_catalog_peer (ctl, subscription->peer, NULL), topic);
    }
  if (*peer != NULL)
    return TRUE;
  return ctl_fail (error, CTL_EXIT_NOTHING, _ ("Nobody serves %s: `deyebusctl subs` shows what is served"), topic);
}

gboolean
ctl_pattern_matches (const char *pattern, const char *topic)
{
  g_auto (GStrv) wanted = g_strsplit (pattern, ".", -1);
  g_auto (GStrv) segments = g_strsplit (topic, ".", -1);
  guint i = 0;

  for (; wanted[i] != NULL; i++)
    {
      if (g_str_equal (wanted[i], "#"))
        return TRUE;
      if (segments[i] == NULL || (!g_str_equal (wanted[i], "+") && !g_str_equal (wanted[i], segments[i])))
        return FALSE;
    }
  return segments[i] == NULL;
}

static const CtlEvent *
find_event (const CtlServices *services, const char *topic)
{
  for (size_t i = 0; services != NULL && i < services->n_services; i++)
    for (size_t k = 0; k < services->services[i]->n_events; k++)
      if (ctl_pattern_matches (services->services[i]->events[k]->topic, topic))
        return services->services[i]->events[k];
  return NULL;
}

const CtlEvent *
ctl_catalog_find_event (Ctl *ctl, const char *topic)
{
  g_autoptr (CtlTree) tree = ctl_tree_read (ctl, CTL_SECTION_PEERS, NULL, NULL);
  const CtlEvent *event = find_event (ctl_catalog_peer (ctl, CTL_BUS_ID, NULL), topic);

  for (guint i = 0; tree != NULL && event == NULL && i < tree->entries->len; i++)
    {
      const CtlPeer *peer = g_ptr_array_index (tree->entries, i);

      if (!g_str_equal (peer->id, deye_bus_client_get_id (ctl->client)))
        event = find_event (ctl_catalog_peer (ctl, peer->id, NULL), topic);
    }
  return event;
}

const ProtobufCMessageDescriptor *
ctl_catalog_type (Ctl *ctl, const char *type_name, const char *sender)
{
  const ProtobufCMessageDescriptor *type;

  if (type_name == NULL || *type_name == '\0')
    return NULL;
  type = ctl_types_find (ctl->types, type_name);
  if (type != NULL || sender == NULL || g_str_equal (sender, deye_bus_client_get_id (ctl->client)))
    return type;
  (void) describe (ctl, sender);
  return ctl_types_find (ctl->types, type_name);
}

JsonNode *
ctl_catalog_decode (Ctl *ctl, DeyeBusMessage *message)
{
  const ProtobufCMessageDescriptor *type
      = ctl_catalog_type (ctl, deye_bus_message_get_type_name (message), deye_bus_message_get_sender (message));
  g_autoptr (GBytes) payload = NULL;

  if (type == NULL)
    return NULL;
  payload = deye_bus_message_dup_payload (message);
  return ctl_json_from_payload (type, payload, NULL);
}
