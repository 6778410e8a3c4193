/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-catalog.h"

#include "ctl-json.h"
#include "deye-bus-pack.h"

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

/* Who is asked only because it might know: one that hangs must not keep the user waiting. */
#define PATIENCE_US   (2 * G_TIME_SPAN_SECOND)
#define ASKED_AT_ONCE 32u /* below the broker's max_pending_requests */

static DeyeBusOptions *
question_options (const Ctl *ctl, const char *peer, gboolean patient)
{
  gboolean is_bus = g_str_equal (peer, CTL_BUS_ID);
  DeyeBusOptions *options = ctl_call_options (ctl);

  deye_bus_options_set_type_name (options, daemoneye__eventbus__v1__introspect_request__descriptor.name);
  if (!is_bus)
    {
      deye_bus_options_set_target (options, peer);
      deye_bus_options_set_method (options, "Introspect");
    }
  if (!patient && !(ctl->options.timeout_s > 0))
    deye_bus_options_set_timeout (options, PATIENCE_US);
  return options;
}

static char *
question_topic (const char *peer)
{
  return g_str_equal (peer, CTL_BUS_ID) ? g_strdup ("control.bus.describe")
                                        : g_strconcat ("control.collector.", peer, NULL);
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

/* Takes @error. */
static void
take_answer (Ctl *ctl, Description *description, DeyeBusMessage *reply, GError *error)
{
  description->error = error;
  if (reply == NULL)
    return;
  description->guard = deye_bus_unpack (&daemoneye__eventbus__v1__introspect_reply__descriptor, reply);
  if (description->guard != NULL)
    learn_types (ctl, wire_guard_message (description->guard));
  else
    ctl_fail (&description->error, CTL_EXIT_FAILED, _ ("The answer of %s can't be read"), description->peer);
}

static Description *
find_description (Ctl *ctl, const char *peer)
{
  for (guint i = 0; i < ctl->described->len; i++)
    {
      Description *description = g_ptr_array_index (ctl->described, i);

      if (g_str_equal (description->peer, peer))
        return description;
    }
  return NULL;
}

static Description *
add_description (Ctl *ctl, const char *peer)
{
  Description *description = g_new0 (Description, 1);

  description->peer = g_strdup (peer);
  g_ptr_array_add (ctl->described, description);
  return description;
}

static const Description *
describe (Ctl *ctl, const char *peer, gboolean patient)
{
  Description *description = find_description (ctl, peer);
  g_autofree char *topic = question_topic (peer);
  g_autoptr (DeyeBusOptions) options = NULL;
  g_autoptr (DeyeBusMessage) reply = NULL;
  GError *error = NULL;

  if (description != NULL)
    return description;
  description = add_description (ctl, peer);
  options = question_options (ctl, peer, patient);
  if (ctl_connect (ctl, &error))
    reply = deye_bus_client_request (ctl->client, topic, NULL, options, NULL, &error);
  take_answer (ctl, description, reply, error);
  return description;
}

/* --- all at once --- */

typedef struct
{
  Ctl *ctl;
  Description *description;
  guint *pending;
} Question;

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Question *question = data;
  GError *error = NULL;
  g_autoptr (DeyeBusMessage) reply = deye_bus_client_request_finish (DEYE_BUS_CLIENT (source), result, &error);

  take_answer (question->ctl, question->description, reply, error);
  --*question->pending;
}

static void
ask (Ctl *ctl, const char *peer, guint *pending)
{
  g_autofree char *topic = question_topic (peer);
  g_autoptr (DeyeBusOptions) options = question_options (ctl, peer, FALSE);
  Question *question = g_new0 (Question, 1);

  *question = (Question){ ctl, add_description (ctl, peer), pending };
  ++*pending;
  deye_bus_client_request_async (ctl->client, topic, NULL, options, NULL, on_answer, question);
}

static void
wait_below (const guint *pending, guint n)
{
  while (*pending >= n)
    g_main_context_iteration (NULL, TRUE);
}

void
ctl_catalog_ask_all (Ctl *ctl, const CtlTree *peers)
{
  guint pending = 0;

  for (guint i = 0; i < peers->entries->len; i++)
    {
      const CtlPeer *peer = g_ptr_array_index (peers->entries, i);

      if (g_str_equal (peer->id, deye_bus_client_get_id (ctl->client)) || find_description (ctl, peer->id) != NULL)
        continue;
      wait_below (&pending, ASKED_AT_ONCE);
      ask (ctl, peer->id, &pending);
    }
  wait_below (&pending, 1);
}

const CtlServices *
ctl_catalog_peer (Ctl *ctl, const char *peer, GError **error)
{
  const Description *description = describe (ctl, peer, error != NULL);

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

  if (event == NULL && tree != NULL)
    ctl_catalog_ask_all (ctl, tree);
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
  (void) describe (ctl, sender, FALSE);
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
