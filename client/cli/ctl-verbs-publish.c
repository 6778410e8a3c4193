/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-catalog.h"
#include "ctl-input.h"
#include "ctl-json.h"
#include "ctl-payload.h"
#include "ctl-publish-stream.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/* The verbs `publish`, `broadcast` and `direct`. The input is a sequence of JSON values, and each value is sent as a message. If
 * the type of the payload is unknown, the whole input is one payload. */

/* Finds the type of the payload: the type that --type names, otherwise the type in a peer's description of the topic. FALSE: the
 * type is unknown. */
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
  ctl_json_set_counter (object, "sequence", result->sequence);
  json_object_set_int_member (object, "matched", result->matched);
  json_object_set_int_member (object, "queued", result->queued);
  json_object_set_int_member (object, "refused", result->refused);
  ctl_output_json_object (&ctl->output, object);
}

/* --- one message --- */

typedef gboolean (*PublishFunc) (DeyeBusClient *client,
                                 const char *topic,
                                 GBytes *payload,
                                 DeyeBusOptions *options,
                                 DeyeBusPublishResult *result,
                                 GCancellable *cancellable,
                                 GError **error);

/* One run of a verb: it sends one message, or one for each value of the input. */
typedef struct
{
  Ctl *ctl;
  const char *topic;
  const char *peer;                       /* direct: the target; else NULL */
  PublishFunc publish;                    /* NULL: direct */
  const ProtobufCMessageDescriptor *type; /* nullable: payloads are not converted */
  guint64 n_sent;
  gboolean unmatched; /* no subscription matches */
} Sender;

static void
sender_show_direct (const Sender *sender)
{
  CtlOutput *output = &sender->ctl->output;
  gboolean delivered = sender->ctl->options.delivered;
  JsonObject *object;

  if (!output->json)
    {
      ctl_output_line (output, delivered ? _ ("%s has handled it") : _ ("queued for %s"), sender->peer);
      return;
    }
  object = json_object_new ();
  json_object_set_string_member (object, "peer", sender->peer);
  json_object_set_boolean_member (object, "delivered", delivered);
  ctl_output_json_object (output, object);
}

static gboolean
sender_send_direct (Sender *sender, GBytes *payload, DeyeBusOptions *options, GError **error)
{
  if (!deye_bus_client_direct (sender->ctl->client, sender->peer, sender->topic, payload, options,
                               sender->ctl->options.delivered, NULL, error))
    return FALSE;
  sender_show_direct (sender);
  return TRUE;
}

static gboolean
sender_send_confirmed (Sender *sender, GBytes *payload, DeyeBusOptions *options, GError **error)
{
  CtlOutput *output = &sender->ctl->output;
  JsonObject *object;

  if (!deye_bus_client_publish_confirmed (sender->ctl->client, sender->topic, payload, options, NULL, error))
    return FALSE;
  if (!output->json)
    {
      ctl_output_line (output, "%s", _ ("handled"));
      return TRUE;
    }
  object = json_object_new ();
  json_object_set_boolean_member (object, "delivered", TRUE);
  ctl_output_json_object (output, object);
  return TRUE;
}

static gboolean
sender_send_to_all (Sender *sender, GBytes *payload, DeyeBusOptions *options, GError **error)
{
  DeyeBusPublishResult result;

  if (!sender->publish (sender->ctl->client, sender->topic, payload, options, &result, NULL, error))
    return FALSE;
  publish_show_result (sender->ctl, &result);
  sender->unmatched = sender->unmatched || result.matched == 0;
  return TRUE;
}

typedef gboolean (*SendFunc) (Sender *sender, GBytes *payload, DeyeBusOptions *options, GError **error);

static SendFunc
sender_function (const Sender *sender)
{
  if (sender->publish == NULL)
    return sender_send_direct;
  return sender->ctl->options.confirm ? sender_send_confirmed : sender_send_to_all;
}

static DeyeBusOptions *
sender_options (const Sender *sender)
{
  DeyeBusOptions *options = ctl_message_options (sender->ctl);

  deye_bus_options_set_want_hops (options, sender->ctl->options.trace);
  if (sender->ctl->options.retain)
    deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_LAST);
  if (sender->ctl->options.hold_s > 0)
    {
      deye_bus_options_set_hold (options, TRUE);
      deye_bus_options_set_ttl (options, (gint64) (sender->ctl->options.hold_s * G_TIME_SPAN_SECOND));
    }
  deye_bus_options_set_type_name (options, sender->type != NULL ? sender->type->name : sender->ctl->options.type_name);
  deye_bus_options_set_at_least_once (options, sender->ctl->options.at_least_once);
  return options;
}

static gboolean
sender_send (Sender *sender, GBytes *payload, GError **error)
{
  g_autoptr (DeyeBusOptions) options = sender_options (sender);

  if (!sender_function (sender) (sender, payload, options, error))
    return FALSE;
  ctl_output_flush (&sender->ctl->output);
  sender->n_sent++;
  return TRUE;
}

/* --- all messages --- */

/* Adds the number of the message to the error, if there are several messages. */
static gboolean
sender_failed (guint64 number, GError *local, GError **error)
{
  g_propagate_error (error, local);
  if (number > 1)
    g_prefix_error (error, _ ("Message %" PRIu64 ": "), number);
  return FALSE;
}

static gboolean
sender_prepare (Sender *sender, const char *argument, GError **error)
{
  return ctl_connect (sender->ctl, error)
         && publish_find_type (sender->ctl, sender->topic, sender->peer, argument, &sender->type, error);
}

/* Standard input may have no end, so each value is sent as soon as it has been read, with the whole time of --timeout. */
static gboolean
sender_run_stream (Sender *sender, CtlInput *input, GError **error)
{
  GError *local = NULL;

  if (!sender_prepare (sender, "-", error))
    return FALSE;
  for (;;)
    {
      g_autoptr (GBytes) value = ctl_input_next_value (input, &local);
      g_autoptr (GBytes) payload = value != NULL ? ctl_payload_encode (value, sender->type, &local) : NULL;

      ctl_start_clock (sender->ctl);
      if (payload != NULL && sender_send (sender, payload, &local))
        continue;
      return local == NULL || sender_failed (sender->n_sent + 1, local, error);
    }
}

/* Returns the payloads of all values; (transfer full). NULL: one of them is not valid. */
static GPtrArray *
sender_encode_all (Sender *sender, const GPtrArray *values, GError **error)
{
  g_autoptr (GPtrArray) payloads = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  GError *local = NULL;

  for (guint i = 0; i < values->len; i++)
    {
      GBytes *payload = ctl_payload_encode (g_ptr_array_index (values, i), sender->type, &local);

      if (payload == NULL)
        {
          sender_failed ((guint64) i + 1, local, error);
          return NULL;
        }
      g_ptr_array_add (payloads, payload);
    }
  return g_steal_pointer (&payloads);
}

/* A text or a file is read and checked as a whole before the first message is sent. */
static gboolean
sender_run_list (Sender *sender, const char *argument, CtlInput *input, GError **error)
{
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (GPtrArray) payloads = NULL;
  GError *local = NULL;
  GBytes *value;

  while ((value = ctl_input_next_value (input, &local)) != NULL)
    g_ptr_array_add (values, value);
  if (local != NULL)
    return sender_failed (0, local, error);
  ctl_start_clock (sender->ctl);
  if (!sender_prepare (sender, argument, error))
    return FALSE;
  payloads = sender_encode_all (sender, values, error);
  if (payloads == NULL)
    return FALSE;
  for (guint i = 0; i < payloads->len; i++)
    {
      if (i > 0)
        ctl_start_clock (sender->ctl);
      if (!sender_send (sender, g_ptr_array_index (payloads, i), &local))
        return sender_failed ((guint64) i + 1, local, error);
    }
  return TRUE;
}

static gboolean
sender_run_values (Sender *sender, const char *argument, CtlInput *input, GError **error)
{
  gboolean ok = g_str_equal (argument, "-") ? sender_run_stream (sender, input, error)
                                            : sender_run_list (sender, argument, input, error);

  return ok
         && (sender->n_sent > 0
             || ctl_fail (error, CTL_EXIT_USAGE,
                          _ ("There is no JSON value to send: without the argument JSON an empty payload is sent")));
}

/* @input: (nullable): an empty payload. */
static gboolean
sender_run_whole (Sender *sender, const char *argument, CtlInput *input, GError **error)
{
  g_autoptr (GBytes) payload = input != NULL ? ctl_input_read (input, error) : g_bytes_new (NULL, 0);

  ctl_start_clock (sender->ctl);
  return payload != NULL && sender_prepare (sender, argument, error) && sender_send (sender, payload, error);
}

static gboolean
sender_run_records (Sender *sender, const char *argument, CtlInput *input, GError **error)
{
  g_autoptr (DeyeBusOptions) options = NULL;

  if (sender->ctl->options.confirm)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("Give only one of --confirm and --framing"));
  ctl_input_set_framing (input, sender->ctl->options.framing);
  if (!sender_prepare (sender, argument, error))
    return FALSE;
  ctl_start_clock (sender->ctl);
  options = sender_options (sender);
  return ctl_publish_stream (sender->ctl, sender->topic, input, options, error);
}

/* The broker accepts a message without any receiver; scripts get a separate exit code for this case. */
static gboolean
sender_run (Sender *sender, const char *argument, GError **error)
{
  g_autoptr (CtlInput) input = argument != NULL ? ctl_input_open (argument, error) : NULL;

  if (argument != NULL && input == NULL)
    return FALSE;
  if (sender->ctl->options.framing != CTL_FRAMING_NONE)
    return input != NULL ? sender_run_records (sender, argument, input, error)
                         : ctl_fail (error, CTL_EXIT_USAGE, _ ("--framing needs an input: give - or @FILE"));
  if (input == NULL || sender->ctl->options.raw ? !sender_run_whole (sender, argument, input, error)
                                                : !sender_run_values (sender, argument, input, error))
    return FALSE;
  return !sender->unmatched
         || ctl_fail (error, CTL_EXIT_NOTHING,
                      _ ("No peer subscribes to %s: `deyebusctl subs` lists the subscriptions"), sender->topic);
}

gboolean
ctl_verb_publish (Ctl *ctl, char **args, GError **error)
{
  Sender sender = { .ctl = ctl, .topic = args[0], .publish = deye_bus_client_publish };

  return sender_run (&sender, args[1], error);
}

gboolean
ctl_verb_broadcast (Ctl *ctl, char **args, GError **error)
{
  Sender sender = { .ctl = ctl, .topic = args[0], .publish = deye_bus_client_broadcast };

  return sender_run (&sender, args[1], error);
}

gboolean
ctl_verb_direct (Ctl *ctl, char **args, GError **error)
{
  Sender sender = { .ctl = ctl, .topic = args[1], .peer = args[0] };

  return sender_run (&sender, args[2], error);
}
