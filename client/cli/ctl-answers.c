/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-answers.h"

#include "ctl-catalog.h"
#include "ctl-hops.h"
#include "ctl-json.h"
#include "ctl-payload.h"
#include "terminal-text.h"

#include <glib/gi18n.h>

static void
answers_show_json (Ctl *ctl, DeyeBusMessage *answer, const GError *failure)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (answer);
  JsonObject *object = json_object_new ();
  JsonNode *decoded = failure == NULL ? ctl_catalog_decode (ctl, answer) : NULL;

  json_object_set_string_member (object, "sender", deye_bus_message_get_sender (answer));
  json_object_set_boolean_member (object, "final", deye_bus_message_is_final (answer));
  if (failure != NULL)
    {
      g_autofree char *name = deye_bus_error_get_name (failure);

      if (name != NULL)
        json_object_set_string_member (object, "error_name", name);
      json_object_set_int_member (object, "error_code", failure->code);
      json_object_set_string_member (object, "error", failure->message);
    }
  else if (decoded != NULL)
    json_object_set_member (object, "payload", decoded);
  else
    {
      g_autofree char *preview = ctl_payload_preview (payload);

      json_object_set_string_member (object, "payload", preview);
    }
  ctl_output_json_object (&ctl->output, object);
}

static void
answers_show_text (Ctl *ctl, DeyeBusMessage *answer, const GError *failure)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (answer);
  g_autoptr (JsonNode) decoded = failure == NULL ? ctl_catalog_decode (ctl, answer) : NULL;
  g_autofree char *body = NULL;
  g_autofree char *safe = NULL;

  if (failure != NULL)
    body = g_strdup_printf (_ ("failed: %s"), failure->message);
  else
    body = decoded != NULL ? json_to_string (decoded, FALSE) : ctl_payload_preview (payload);
  safe = terminal_text_safe (body);
  ctl_output_line (&ctl->output, "%s  %s", deye_bus_message_get_sender (answer), safe);
}

static void
answers_show_one (Ctl *ctl, DeyeBusMessage *answer)
{
  g_autoptr (GError) failure = NULL;
  gsize len;
  const guint8 *data = deye_bus_message_get_data (answer, &len);
  gboolean ok = deye_bus_message_check (answer, &failure);

  if (ctl->options.raw && ok)
    ctl_output_bytes (&ctl->output, data, len);
  else if (ctl->output.json)
    answers_show_json (ctl, answer, failure);
  else
    answers_show_text (ctl, answer, failure);
  if (ctl->options.trace)
    ctl_hops_show (ctl, answer);
  ctl_output_flush (&ctl->output);
}

/* Reports in a line of its own that some of the peers that were asked have not answered. */
static void
answers_report_missing (DeyeBusAnswers *answers)
{
  guint asked = deye_bus_answers_get_asked (answers);
  guint answered = deye_bus_answers_get_answered (answers);

  if (answered < asked)
    g_printerr (_ ("deyebusctl: %u asked, %u answered, %u failed\n"), asked, answered,
                deye_bus_answers_get_failed (answers));
}

gboolean
ctl_answers_show (Ctl *ctl, DeyeBusAnswers *answers, GError **error)
{
  GError *local = NULL;
  DeyeBusMessage *answer;

  while ((answer = deye_bus_answers_next (answers, NULL, &local)) != NULL)
    {
      answers_show_one (ctl, answer);
      deye_bus_message_unref (answer);
    }
  if (local == NULL)
    {
      answers_report_missing (answers);
      return TRUE;
    }
  if (deye_bus_answers_get_asked (answers) > 0)
    g_prefix_error (&local, _ ("%u asked, %u answered, %u failed: "), deye_bus_answers_get_asked (answers),
                    deye_bus_answers_get_answered (answers), deye_bus_answers_get_failed (answers));
  g_propagate_error (error, local);
  return FALSE;
}
