/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-catalog.h"
#include "ctl-payload.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/* The verbs `publish`, `broadcast` and `direct`. */

/* Finds the type of the payload: as --type says, else as a peer describes the topic. FALSE: the type is unknown. */
static gboolean
publish_find_type (Ctl *ctl,
                   const char *topic,
                   const char *peer,
                   const char *argument,
                   const ProtobufCMessageDescriptor **type,
                   GError **error)
{
  GError *local = NULL;

  *type = NULL;
  if (ctl->options.raw || (argument == NULL && ctl->options.type_name == NULL))
    return TRUE;
  if (ctl->options.type_name != NULL)
    *type = ctl_catalog_type (ctl, ctl->options.type_name, peer, &local);
  else
    *type = ctl_catalog_find_event_type (ctl, topic, &local);
  if (*type != NULL)
    return TRUE;
  if (local == NULL)
    return ctl_fail (
        error, CTL_EXIT_USAGE,
        _ ("No peer describes what is published to %s: give --type NAME, or --raw to send the payload as it is"),
        topic);
  g_propagate_error (error, local);
  return FALSE;
}

static GBytes *
publish_prepare (Ctl *ctl,
                 const char *topic,
                 const char *peer,
                 const char *argument,
                 DeyeBusOptions **options,
                 GError **error)
{
  const ProtobufCMessageDescriptor *type;
  GBytes *payload;

  if (!ctl_connect (ctl, error) || !publish_find_type (ctl, topic, peer, argument, &type, error))
    return NULL;
  payload = ctl_payload_encode (argument, type, error);
  if (payload == NULL)
    return NULL;
  *options = ctl_call_options (ctl);
  deye_bus_options_set_type_name (*options, type != NULL ? type->name : ctl->options.type_name);
  return payload;
}

static void
publish_show_result (Ctl *ctl, const DeyeBusPublishResult *result)
{
  JsonObject *object;

  if (!ctl->output.json)
    {
      ctl_output_line (&ctl->output, _ ("accepted as %" PRIu64 ": %u matched, %u queued, %u refused"), result->sequence,
                       result->matched, result->queued, result->refused);
      return;
    }
  object = json_object_new ();
  json_object_set_int_member (object, "sequence", (gint64) result->sequence);
  json_object_set_int_member (object, "matched", result->matched);
  json_object_set_int_member (object, "queued", result->queued);
  json_object_set_int_member (object, "refused", result->refused);
  ctl_output_json_object (&ctl->output, object);
}

/* A message without any receiver is accepted by the broker, but has its own exit code for scripts. */
static gboolean
publish_finish (Ctl *ctl, const char *topic, const DeyeBusPublishResult *result, GError **error)
{
  publish_show_result (ctl, result);
  return result->matched > 0
         || ctl_fail (error, CTL_EXIT_NOTHING,
                      _ ("No peer subscribes to %s: `deyebusctl subs` lists the subscriptions"), topic);
}

typedef gboolean (*PublishFunc) (DeyeBusClient *client,
                                 const char *topic,
                                 GBytes *payload,
                                 DeyeBusOptions *options,
                                 DeyeBusPublishResult *result,
                                 GCancellable *cancellable,
                                 GError **error);

static gboolean
publish_by (PublishFunc publish, Ctl *ctl, char **args, GError **error)
{
  g_autoptr (DeyeBusOptions) options = NULL;
  g_autoptr (GBytes) payload = publish_prepare (ctl, args[0], NULL, args[1], &options, error);
  DeyeBusPublishResult result;

  return payload != NULL && publish (ctl->client, args[0], payload, options, &result, NULL, error)
         && publish_finish (ctl, args[0], &result, error);
}

gboolean
ctl_verb_publish (Ctl *ctl, char **args, GError **error)
{
  return publish_by (deye_bus_client_publish, ctl, args, error);
}

gboolean
ctl_verb_broadcast (Ctl *ctl, char **args, GError **error)
{
  return publish_by (deye_bus_client_broadcast, ctl, args, error);
}

gboolean
ctl_verb_direct (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (DeyeBusOptions) options = NULL;
  g_autoptr (GBytes) payload = publish_prepare (ctl, args[1], args[0], args[2], &options, error);
  gboolean delivered = ctl->options.delivered;
  JsonObject *object;

  if (payload == NULL
      || !deye_bus_client_direct (ctl->client, args[0], args[1], payload, options, delivered, NULL, error))
    return FALSE;
  if (!ctl->output.json)
    {
      ctl_output_line (&ctl->output, delivered ? _ ("%s has handled it") : _ ("queued for %s"), args[0]);
      return TRUE;
    }
  object = json_object_new ();
  json_object_set_string_member (object, "peer", args[0]);
  json_object_set_boolean_member (object, "delivered", delivered);
  ctl_output_json_object (&ctl->output, object);
  return TRUE;
}
