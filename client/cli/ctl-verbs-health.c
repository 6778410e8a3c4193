/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-table.h"
#include "ctl-tasks.h"
#include "ctl-units.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/* The verb `health`: the health of the connected peers as the broker judges it; with PEER also the signals of this judgement. */

/* The words for states are not translated, like those of other states. A value that only a newer broker knows is "?". */
static const char *
health_state_name (guint state)
{
  static const char *const names[] = { "?", "healthy", "degraded", "unresponsive", "failed", "gone" };

  return names[state < G_N_ELEMENTS (names) ? state : 0];
}

static const char *
health_unit_name (guint health)
{
  static const char *const names[] = { "?", "healthy", "degraded", "unhealthy" };

  return names[health < G_N_ELEMENTS (names) ? health : 0];
}

static guint
health_missed (const CtlHealth *record)
{
  const Daemoneye__Eventbus__V1__HealthSignals *signals = record->signals;

  return signals != NULL ? MAX (MAX (signals->connection_missed, signals->loop_missed), signals->queue_missed) : 0;
}

/* --- all peers --- */

static void
health_add_row (CtlTable *table, const CtlHealth *record)
{
  g_autofree char *since = ctl_duration (record->since_us);

  ctl_table_cell (table, "%s", record->id);
  ctl_table_cell (table, "%s", record->type);
  ctl_table_cell (table, "%s", health_state_name (record->state));
  ctl_table_cell (table, "%s", since);
  ctl_table_cell (table, "%u", health_missed (record));
  ctl_table_cell (table, "%s", record->cause);
}

static void
health_show_all (Ctl *ctl, const CtlList *list)
{
  static const CtlColumn columns[] = {
    { N_ ("PEER"), CTL_COLUMN_SHRINKS }, { N_ ("TYPE"), CTL_COLUMN_SHRINKS }, { N_ ("HEALTH"), CTL_COLUMN_LEFT },
    { N_ ("SINCE"), CTL_COLUMN_RIGHT },  { N_ ("MISSED"), CTL_COLUMN_RIGHT }, { N_ ("CAUSE"), CTL_COLUMN_SHRINKS },
  };
  g_autoptr (CtlTable) table = ctl_table_new (columns, G_N_ELEMENTS (columns));

  for (guint i = 0; i < list->entries->len; i++)
    health_add_row (table, g_ptr_array_index (list->entries, i));
  ctl_table_show (table, &ctl->output);
}

/* --- one peer --- */

static void
health_show_signals (CtlOutput *output, const Daemoneye__Eventbus__V1__HealthSignals *signals)
{
  g_autofree char *interval = ctl_duration (signals->interval_us);
  g_autofree char *last_frame = ctl_duration (signals->heard_us);
  g_autofree char *answered = ctl_duration (signals->answered_us);
  g_autofree char *queued = ctl_bytes (signals->queued_bytes);

  ctl_output_field (output, _ ("connection"), _ ("missed %u intervals of %s, last frame %s ago"),
                    signals->connection_missed, interval, last_frame);
  ctl_output_field (output, _ ("main loop"), _ ("missed %u intervals of %s, last answer %s ago"), signals->loop_missed,
                    interval, answered);
  ctl_output_field (output, _ ("queue"), _ ("missed %u intervals of %s, %s are queued"), signals->queue_missed,
                    interval, queued);
}

static void
health_show_one (Ctl *ctl, const CtlHealth *record)
{
  CtlOutput *output = &ctl->output;
  g_autofree char *since = ctl_duration (record->since_us);

  ctl_output_field (output, _ ("peer"), "%s", record->id);
  ctl_output_field (output, _ ("type"), "%s", record->type);
  ctl_output_field (output, _ ("health"), _ ("%s for %s, before %s"), health_state_name (record->state), since,
                    health_state_name (record->before));
  if (*record->cause != '\0')
    ctl_output_field (output, _ ("cause"), "%s", record->cause);
  if (record->signals != NULL)
    health_show_signals (output, record->signals);
  for (size_t i = 0; i < record->n_units; i++)
    ctl_output_field (output, _ ("unit"), "%s: %s%s%s", record->units[i]->name,
                      health_unit_name (record->units[i]->health), *record->units[i]->reason != '\0' ? ", " : "",
                      record->units[i]->reason);
  if (record->units_dropped > 0)
    ctl_output_field (output, _ ("unit"), _ ("%u more"), record->units_dropped);
  ctl_output_field (output, _ ("changes"), "%" PRIu64, record->transitions);
}

gboolean
ctl_verb_health (Ctl *ctl, char **args, GError **error)
{
  CtlHealthRequest request;
  g_autoptr (CtlList) list = NULL;

  daemoneye__eventbus__v1__health_list_request__init (&request);
  if (args[0] != NULL)
    request.id = args[0];
  list = ctl_health_list (ctl, &request, error);
  if (list == NULL)
    return FALSE;
  if (args[0] != NULL && list->entries->len == 0)
    return ctl_fail (error, CTL_EXIT_NOTHING, _ ("The peer %s is not connected: `deyebusctl health` lists all peers"),
                     args[0]);
  if (ctl->output.json)
    ctl_list_print (ctl, list);
  else if (args[0] != NULL)
    health_show_one (ctl, g_ptr_array_index (list->entries, 0));
  else
    health_show_all (ctl, list);
  return TRUE;
}
