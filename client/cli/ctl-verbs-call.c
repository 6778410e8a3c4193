/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-answers.h"
#include "ctl-catalog.h"
#include "ctl-hops.h"
#include "ctl-input.h"
#include "ctl-payload.h"
#include "terminal-text.h"

#include <glib/gi18n.h>

/* The verbs `call`, which calls a method that a peer describes, and `request`, which sends a request to a topic. */

typedef struct
{
  const char *topic;
  const char *target;       /* nullable */
  const char *method;       /* nullable */
  const char *describer;    /* nullable: the peer that defines the type of the request */
  const char *request_type; /* nullable, "": no type is known */
  GBytes *given;            /* nullable: the user's payload */
} CallRequest;

/* Returns the type of the request. NULL with @error: no peer describes the named type. NULL without @error: no type is named. */
static const ProtobufCMessageDescriptor *
call_request_type (Ctl *ctl, const CallRequest *question, GError **error)
{
  const char *name = ctl->options.type_name != NULL ? ctl->options.type_name : question->request_type;

  if (ctl->options.raw || name == NULL || *name == '\0')
    return NULL;
  return ctl_catalog_type (ctl, name, question->describer, error);
}

/* Reads the user's payload, before the time limit of the call begins. @given: (out): NULL if there is no argument. */
static gboolean
call_read_argument (Ctl *ctl, const char *argument, GBytes **given, GError **error)
{
  g_autoptr (CtlInput) input = argument != NULL ? ctl_input_open (argument, error) : NULL;

  *given = input != NULL ? ctl_input_read (input, error) : NULL;
  ctl_start_clock (ctl);
  return argument == NULL || *given != NULL;
}

static GBytes *
call_encode (const CallRequest *question, const ProtobufCMessageDescriptor *type, GError **error)
{
  return question->given != NULL ? ctl_payload_encode (question->given, type, error) : g_bytes_new (NULL, 0);
}

static void
call_show_reply (Ctl *ctl, DeyeBusMessage *reply)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (reply);
  g_autoptr (JsonNode) node = ctl->options.raw ? NULL : ctl_catalog_decode (ctl, reply);
  gsize len;
  gconstpointer data = g_bytes_get_data (payload, &len);

  if (node != NULL)
    ctl_output_json_pretty (&ctl->output, node);
  else if (ctl->options.raw)
    ctl_output_bytes (&ctl->output, data, len);
  else if (len > 0)
    {
      g_autofree char *shown = ctl_payload_preview (payload);

      ctl_output_line (&ctl->output, "%s", shown);
    }
}

/* Converts a failure that the responder reported to an error of the tool, with the name of the error and the text of the
 * responder. */
static gboolean
call_explain_failure (GError *local, const char *peer, GError **error)
{
  g_autofree char *name = deye_bus_error_get_name (local);
  g_autofree char *safe = terminal_text_safe (name);
  g_autofree char *text = terminal_text_safe (ctl_error_responder_text (local));

  if (name == NULL)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  g_error_free (local);
  return ctl_fail (error, CTL_EXIT_FAILED, _ ("%s answers with the error %s: %s"), peer, safe, text);
}

static gboolean
call_send_for_many (Ctl *ctl, const CallRequest *question, GBytes *payload, DeyeBusOptions *options, GError **error)
{
  gint expect = ctl->options.expect <= G_MAXINT ? (gint) ctl->options.expect : DEYE_BUS_EXPECT_ALL;
  g_autoptr (DeyeBusAnswers) answers
      = deye_bus_client_request_stream (ctl->client, question->topic, payload, options, expect,
                                        (gint64) (ctl->options.stall_s * G_TIME_SPAN_SECOND), error);

  return answers != NULL && ctl_answers_show (ctl, answers, error);
}

static gboolean
call_send (Ctl *ctl, const CallRequest *question, GError **error)
{
  g_autoptr (DeyeBusOptions) options = ctl_message_options (ctl);
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GBytes) payload = NULL;
  const ProtobufCMessageDescriptor *type;
  GError *local = NULL;

  type = call_request_type (ctl, question, &local);
  if (local == NULL)
    payload = call_encode (question, type, &local);
  if (payload == NULL)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  deye_bus_options_set_want_hops (options, ctl->options.trace);
  deye_bus_options_set_target (options, question->target);
  deye_bus_options_set_method (options, question->method);
  deye_bus_options_set_type_name (options, type != NULL ? type->name : ctl->options.type_name);
  if (ctl->options.expect > 0)
    return call_send_for_many (ctl, question, payload, options, error);
  reply = deye_bus_client_request (ctl->client, question->topic, payload, options, NULL, &local);
  if (reply == NULL)
    return call_explain_failure (local, question->target != NULL ? question->target : question->topic, error);
  call_show_reply (ctl, reply);
  if (ctl->options.trace)
    ctl_hops_show (ctl, reply);
  return TRUE;
}

static char *
call_list_methods (const CtlServices *services)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (size_t i = 0; i < services->n_services; i++)
    for (size_t k = 0; k < services->services[i]->n_methods; k++)
      {
        g_autofree char *name = ctl_catalog_method_name (services, services->services[i]->methods[k]);

        g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", name);
      }
  return terminal_text_safe (names->str);
}

/* NULL: see @error. */
static const CtlMethod *
call_find_method (const CtlServices *services, const char *peer, const char *name, GError **error)
{
  gboolean is_ambiguous;
  const CtlMethod *method = ctl_catalog_find_method (services, name, &is_ambiguous);
  g_autofree char *known = method == NULL ? call_list_methods (services) : NULL;

  if (is_ambiguous)
    ctl_fail (error, CTL_EXIT_USAGE, _ ("%s has several methods %s; it has: %s"), peer, name, known);
  else if (method == NULL)
    ctl_fail (error, CTL_EXIT_NOTHING, _ ("%s has no method %s; it has: %s"), peer, name, known);
  return method;
}

gboolean
ctl_verb_call (Ctl *ctl, char **args, GError **error)
{
  const char *peer = args[0], *name = args[1];
  g_autofree char *topic = g_strconcat ("control.collector.", peer, NULL);
  g_autoptr (GBytes) given = NULL;
  CallRequest question = { .topic = topic, .target = peer, .method = name, .describer = peer };
  const CtlServices *services;
  const CtlMethod *method;

  if (!call_read_argument (ctl, args[2], &given, error) || !ctl_connect (ctl, error))
    return FALSE;
  question.given = given;
  if (ctl->options.raw
      && !g_str_equal (peer, CTL_BUS_ID)) /* the topics of the broker's methods are in its description */
    return call_send (ctl, &question, error);
  services = ctl_catalog_peer (ctl, peer, error);
  if (services == NULL)
    return FALSE;
  method = call_find_method (services, peer, name, error);
  if (method == NULL)
    return FALSE;
  question.request_type = method->request_type;
  if (*method->topic != '\0')
    {
      question.topic = method->topic;
      question.method = ctl_catalog_is_by_name (services, method) ? method->name : NULL;
    }
  if (g_str_equal (peer, CTL_BUS_ID))
    question.target = NULL;
  return call_send (ctl, &question, error);
}

gboolean
ctl_verb_request (Ctl *ctl, char **args, GError **error)
{
  CallRequest question = { .topic = args[0] };
  g_autoptr (GBytes) given = NULL;
  g_autofree char *server = NULL;
  const CtlMethod *method = NULL;

  if (!call_read_argument (ctl, args[1], &given, error) || !ctl_connect (ctl, error))
    return FALSE;
  question.given = given;
  if (!ctl->options.raw && ctl->options.type_name == NULL
      && !ctl_catalog_find_server (ctl, question.topic, &server, &method, error))
    return FALSE;
  question.describer = server;
  if (method != NULL)
    question.request_type = method->request_type;
  else if (server != NULL && given != NULL)
    return ctl_fail (error, CTL_EXIT_USAGE,
                     _ ("%s does not describe requests to %s: give --type NAME, or --raw to send the payload as it is"),
                     server, question.topic);
  return call_send (ctl, &question, error);
}
