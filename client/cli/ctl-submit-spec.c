/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-submit-spec.h"

#include "ctl-task-payload.h"

#include <string.h>

static gint64
spec_us (gdouble seconds)
{
  return (gint64) (seconds * (gdouble) G_TIME_SPAN_SECOND);
}

static DeyeBusTaskSpec *
spec_fill (const CtlOptions *options, const char *operation, const CtlTaskPayload *payload)
{
  DeyeBusTaskSpec *spec = deye_bus_task_spec_new (operation);

  deye_bus_task_spec_set_id (spec, options->task_id);
  deye_bus_task_spec_set_collector_type (spec, options->collector_type);
  deye_bus_task_spec_set_payload (spec, payload->bytes, payload->type_name);
  deye_bus_task_spec_set_priority (spec, (guint8) options->priority);
  deye_bus_task_spec_set_timeout (spec, spec_us (options->deadline_s));
  deye_bus_task_spec_set_delay (spec, spec_us (options->delay_s));
  deye_bus_task_spec_set_run_limit (spec, spec_us (options->run_limit_s));
  deye_bus_task_spec_set_cancel_when_gone (spec, options->cancel_when_gone);
  deye_bus_task_spec_set_target (spec, options->target);
  deye_bus_task_spec_set_exclusive (spec, options->exclusive);
  if (options->attempts > 0)
    deye_bus_task_spec_set_attempts (spec, (guint) options->attempts);
  for (char **tag = options->tags; tag != NULL && *tag != NULL; tag++)
    {
      g_autofree char *key = g_strndup (*tag, strcspn (*tag, "="));

      deye_bus_task_spec_add_tag (spec, key, *tag + strlen (key) + 1);
    }
  return spec;
}

DeyeBusTaskSpec *
ctl_submit_spec_new (Ctl *ctl, const char *operation, GBytes *given, GError **error)
{
  g_auto (CtlTaskPayload) payload = { 0 };

  return ctl_task_payload_make (ctl, operation, given, &payload, error) ? spec_fill (&ctl->options, operation, &payload)
                                                                        : NULL;
}
