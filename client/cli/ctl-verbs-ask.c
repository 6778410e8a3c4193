/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-input.h"
#include "ctl-manifest.h"
#include "ctl-payload.h"
#include "ctl-result.h"
#include "ctl-task-payload.h"
#include "terminal-text.h"

#include <glib/gi18n.h>
#include <string.h>

/*
 * The verb `ask`: one question to many collectors. The answers are on standard output, and the manifest is on standard error.
 *
 * If the answers do not meet --require, they are printed nevertheless, because the reader of the manifest may be able to use them;
 * the exit code reports that answers are missing.
 */

/* --- the question --- */

static gboolean
ask_set_require (DeyeBusGatherSpec *spec, const char *require, GError **error)
{
  guint64 n;

  if (require == NULL)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("Give --require: all answers, a number of them, or any"));
  if (g_str_equal (require, "all"))
    deye_bus_gather_spec_set_require_all (spec);
  else if (g_str_equal (require, "any"))
    deye_bus_gather_spec_set_require_any (spec);
  else if (g_ascii_string_to_unsigned (require, 10, 1, G_MAXUINT32, &n, NULL))
    deye_bus_gather_spec_set_require_at_least (spec, (guint) n);
  else
    return ctl_fail (error, CTL_EXIT_USAGE,
                     _ ("--require must be \"all\", \"any\" or a whole number from 1 on, not \"%s\""), require);
  return TRUE;
}

static void
ask_set_asked (DeyeBusGatherSpec *spec, const CtlOptions *options)
{
  deye_bus_gather_spec_set_collector_type (spec, options->collector_type);
  if (options->some > 0)
    deye_bus_gather_spec_ask_some (spec, (guint) options->some);
  if (options->shards > 0)
    deye_bus_gather_spec_ask_shards (spec, (guint) options->shards);
  for (char **tag = options->tags; tag != NULL && *tag != NULL; tag++)
    {
      g_autofree char *key = g_strndup (*tag, strcspn (*tag, "="));

      deye_bus_gather_spec_add_tag (spec, key, *tag + strlen (key) + 1);
    }
}

/* --- the answers --- */

static void
ask_show_json (Ctl *ctl, DeyeBusGatherAnswer *answer, GBytes *payload, JsonNode *decoded)
{
  JsonObject *object = json_object_new ();
  g_autoptr (DeyeBusExtent) extent = deye_bus_gather_answer_dup_extent (answer);

  json_object_set_string_member (object, "id", deye_bus_gather_answer_get_id (answer));
  json_object_set_int_member (object, "index", deye_bus_gather_answer_get_index (answer));
  json_object_set_int_member (object, "attempt", deye_bus_gather_answer_get_attempt (answer));
  ctl_manifest_set_extent (object, extent);
  ctl_result_set_payload (object, payload, deye_bus_gather_answer_get_payload_type (answer), decoded);
  ctl_output_json_object (&ctl->output, object);
}

static void
ask_show_text (Ctl *ctl, DeyeBusGatherAnswer *answer, GBytes *payload, JsonNode *decoded)
{
  g_autofree char *body = decoded != NULL ? json_to_string (decoded, FALSE) : ctl_payload_preview (payload);
  g_autofree char *safe = terminal_text_safe (body);

  ctl_output_line (&ctl->output, "%s  %s", deye_bus_gather_answer_get_id (answer), safe);
}

static void
ask_show_answer (Ctl *ctl, DeyeBusGatherAnswer *answer)
{
  g_autoptr (GBytes) payload = deye_bus_gather_answer_dup_payload (answer);
  g_autoptr (JsonNode) decoded = NULL;
  gsize len;
  gconstpointer data = g_bytes_get_data (payload, &len);

  if (ctl->options.raw)
    {
      ctl_output_bytes (&ctl->output, data, len);
      return;
    }
  decoded = ctl_result_decode (ctl, payload, deye_bus_gather_answer_get_payload_type (answer),
                               deye_bus_gather_answer_get_id (answer));
  if (ctl->output.json)
    ask_show_json (ctl, answer, payload, decoded);
  else
    ask_show_text (ctl, answer, payload, decoded);
}

static void
ask_show_answers (Ctl *ctl, GList *answers)
{
  ctl_start_clock (ctl); /* time to request the types of the answers */
  for (GList *at = answers; at != NULL; at = at->next)
    ask_show_answer (ctl, at->data);
}

/* --- the end --- */

static gboolean
ask_end (Ctl *ctl, DeyeBusGather *gather, GError **error)
{
  g_autoptr (DeyeBusManifest) manifest = deye_bus_gather_dup_manifest (gather);
  g_autoptr (GError) reason = NULL;
  g_autolist (DeyeBusGatherAnswer) answers = deye_bus_gather_get_answers (gather, &reason);

  if (reason != NULL)
    answers = deye_bus_gather_accept_partial (gather, NULL);
  if (manifest != NULL && ctl->options.missing)
    ctl_manifest_show_missing (ctl, manifest);
  if (!ctl->options.missing)
    ask_show_answers (ctl, answers);
  ctl_output_flush (&ctl->output);
  if (manifest != NULL)
    ctl_manifest_report (ctl, manifest);
  if (reason == NULL)
    return TRUE;
  if (g_error_matches (reason, DEYE_BUS_ERROR, DEYE_BUS_ERROR_PARTIAL))
    return ctl_fail (error, CTL_EXIT_PARTIAL, _ ("The answers do not meet --require"));
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

/* Reads the payload before the time of --timeout begins. @given: NULL if there is no payload. */
static gboolean
ask_read_payload (Ctl *ctl, const char *argument, GBytes **given, GError **error)
{
  g_autoptr (CtlInput) input = argument != NULL ? ctl_input_open (argument, error) : NULL;

  *given = input != NULL ? ctl_input_read (input, error) : NULL;
  ctl_start_clock (ctl);
  return argument == NULL || *given != NULL;
}

gboolean
ctl_verb_ask (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (DeyeBusGatherSpec) spec = deye_bus_gather_spec_new (args[0]);
  g_autoptr (GBytes) given = NULL;
  g_auto (CtlTaskPayload) payload = { 0 };
  g_autoptr (DeyeBusGather) gather = NULL;

  if (!ask_set_require (spec, ctl->options.require, error) || !ask_read_payload (ctl, args[1], &given, error)
      || !ctl_connect (ctl, error) || !ctl_task_payload_make (ctl, args[0], given, &payload, error))
    return FALSE;
  ask_set_asked (spec, &ctl->options);
  deye_bus_gather_spec_set_payload (spec, payload.bytes, payload.type_name);
  deye_bus_gather_spec_set_priority (spec, (guint8) ctl->options.priority);
  deye_bus_gather_spec_set_timeout (spec, ctl_time_left_us (ctl));
  deye_bus_gather_spec_set_stall (spec, (gint64) (ctl->options.stall_s * (gdouble) G_TIME_SPAN_SECOND));
  gather = deye_bus_client_gather (ctl->client, spec, NULL, error);
  return gather != NULL && ask_end (ctl, gather, error);
}
