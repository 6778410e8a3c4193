/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-options.h"

#include "ctl-error.h"
#include "deye-bus.h"

#include <glib/gi18n.h>
#include <inttypes.h>
#include <string.h>

/* Checks the values of options: converts numbers, and refuses values that no verb can use. */

/* Digits, and at most one point. */
static gboolean
options_read_seconds (const char *text, gdouble most, gdouble *value)
{
  const char *point = strchr (text, '.');

  *value = g_ascii_strtod (text, NULL);
  return text[strspn (text, "0123456789.")] == '\0' && (point == NULL || strchr (point + 1, '.') == NULL) && *value > 0
         && *value <= most;
}

static gboolean
options_check_seconds (const char *name, const char *text, gdouble most, gdouble *value, GError **error)
{
  return text == NULL || options_read_seconds (text, most, value)
         || ctl_fail (error, CTL_EXIT_USAGE, _ ("%s must be a number of seconds above 0, at most %.0f, not \"%s\""),
                      name, most, text);
}

static gboolean
options_check_count (const char *name, const char *text, guint64 *value, GError **error)
{
  return text == NULL || g_ascii_string_to_unsigned (text, 10, 1, G_MAXINT64, value, NULL)
         || ctl_fail (error, CTL_EXIT_USAGE, _ ("%s must be a whole number from 1 on, not \"%s\""), name, text);
}

static gboolean
options_check_range (const char *name, const char *text, guint64 least, guint64 most, guint64 *value, GError **error)
{
  return text == NULL || g_ascii_string_to_unsigned (text, 10, least, most, value, NULL)
         || ctl_fail (error, CTL_EXIT_USAGE,
                      _ ("%s must be a whole number from %" PRIu64 " to %" PRIu64 ", not \"%s\""), name, least, most,
                      text);
}

static gboolean
options_check_expect (CtlOptions *options, GError **error)
{
  const char *text = options->numbers[CTL_NUMBER_EXPECT];

  if (text == NULL)
    return options->numbers[CTL_NUMBER_STALL] == NULL || options->require != NULL
           || ctl_fail (error, CTL_EXIT_USAGE, _ ("--stall needs --expect"));
  if (g_str_equal (text, "all"))
    options->expect = G_MAXUINT32;
  else if (!g_ascii_string_to_unsigned (text, 10, 1, G_MAXINT, &options->expect, NULL))
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("--expect must be a whole number from 1 on, or \"all\", not \"%s\""),
                     text);
  return TRUE;
}

/* An empty value is an unset variable of a script. */
static gboolean
options_check_given (const char *name, const char *text, GError **error)
{
  return text == NULL || *text != '\0'
         || ctl_fail (error, CTL_EXIT_USAGE, _ ("The value of %s must not be empty"), name);
}

static gboolean
options_check_framing (CtlOptions *options, GError **error)
{
  static const char *const names[] = { "none", "newline", "nul", "length" }; /* index: CtlFraming */

  if (options->framing_name == NULL)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (names[i], options->framing_name))
      {
        options->framing = (CtlFraming) i;
        return options->raw || ctl_fail (error, CTL_EXIT_USAGE, _ ("--framing needs --raw"));
      }
  return ctl_fail (error, CTL_EXIT_USAGE, _ ("Unknown framing %s: use none, newline, nul or length"),
                   options->framing_name);
}

static gboolean
options_check_tags (const char *name, char **tags, gboolean needs_value, GError **error)
{
  for (; tags != NULL && *tags != NULL; tags++)
    if (**tags == '\0' || **tags == '=' || (needs_value && strchr (*tags, '=') == NULL))
      return ctl_fail (error, CTL_EXIT_USAGE,
                       needs_value ? _ ("%s must be KEY=VALUE, not \"%s\"")
                                   : _ ("%s must be KEY or KEY=VALUE, not \"%s\""),
                       name, *tags);
  return TRUE;
}

static gboolean
options_check_traceparent (const char *traceparent, GError **error)
{
  return traceparent == NULL || deye_bus_traceparent_is_valid (traceparent)
         || ctl_fail (error, CTL_EXIT_USAGE,
                      _ ("--traceparent must be a W3C trace context, such as "
                         "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, not \"%s\""),
                      traceparent);
}

static gboolean
options_check_context (const CtlOptions *options, GError **error)
{
  return options_check_given ("--correlation-id", options->correlation_id, error)
         && options_check_given ("--parent-id", options->parent_id, error)
         && options_check_given ("--root-id", options->root_id, error)
         && options_check_given ("--stage", options->stage, error)
         && options_check_given ("--filter-correlation", options->filter_correlation, error)
         && options_check_given ("--filter-root", options->filter_root, error)
         && options_check_given ("--filter-stage", options->filter_stage, error)
         && options_check_tags ("--tag", options->tags, TRUE, error)
         && options_check_tags ("--filter-tag", options->filter_tags, FALSE, error)
         && options_check_traceparent (options->traceparent, error);
}

#define DAY_S 86400.0

static gboolean
options_check_task (CtlOptions *options, GError **error)
{
  char **numbers = options->numbers;

  return options_check_range ("--priority", numbers[CTL_NUMBER_PRIORITY], 0, 255, &options->priority, error)
         && options_check_range ("--attempts", numbers[CTL_NUMBER_ATTEMPTS], 1, 100, &options->attempts, error)
         && options_check_seconds ("--deadline", numbers[CTL_NUMBER_DEADLINE], 31 * DAY_S, &options->deadline_s, error)
         && options_check_seconds ("--delay", numbers[CTL_NUMBER_DELAY], 31 * DAY_S, &options->delay_s, error)
         && options_check_seconds ("--run-limit", numbers[CTL_NUMBER_RUN_LIMIT], 3600, &options->run_limit_s, error)
         && options_check_seconds ("--grace", numbers[CTL_NUMBER_GRACE], 3600, &options->grace_s, error)
         && options_check_given ("--id", options->task_id, error)
         && options_check_given ("--payload-type", options->payload_type, error)
         && options_check_given ("--operation", options->operation, error)
         && options_check_given ("--type", options->collector_type, error)
         && options_check_given ("--holder", options->holder, error)
         && options_check_given ("--account", options->account, error)
         && options_check_given ("--target", options->target, error)
         && options_check_given ("--cause", options->cause, error)
         && (!options->cancel_when_gone || !options->no_wait
             || ctl_fail (error, CTL_EXIT_USAGE, _ ("Give only one of --cancel-when-gone and --no-wait")));
}

static gboolean
options_check_ask (CtlOptions *options, GError **error)
{
  char **numbers = options->numbers;

  return options_check_given ("--require", options->require, error)
         && options_check_range ("--some", numbers[CTL_NUMBER_SOME], 1, G_MAXUINT32, &options->some, error)
         && options_check_range ("--shards", numbers[CTL_NUMBER_SHARDS], 1, G_MAXUINT32, &options->shards, error)
         && (options->some == 0 || options->shards == 0
             || ctl_fail (error, CTL_EXIT_USAGE, _ ("Give only one of --some and --shards")));
}

gboolean
ctl_options_check (CtlOptions *options, GError **error)
{
  char **numbers = options->numbers;

  return options_check_seconds ("--timeout", numbers[CTL_NUMBER_TIMEOUT], 300, &options->timeout_s, error)
         && options_check_seconds ("--wait", numbers[CTL_NUMBER_WAIT], 1e6, &options->wait_s, error)
         && options_check_count ("--count", numbers[CTL_NUMBER_COUNT], &options->count, error)
         && options_check_count ("--queue-messages", numbers[CTL_NUMBER_QUEUE_MESSAGES], &options->queue_messages,
                                 error)
         && options_check_count ("--queue-bytes", numbers[CTL_NUMBER_QUEUE_BYTES], &options->queue_bytes, error)
         && options_check_expect (options, error)
         && options_check_seconds ("--hold", numbers[CTL_NUMBER_HOLD], 86400, &options->hold_s, error)
         && options_check_seconds ("--stall", numbers[CTL_NUMBER_STALL], 300, &options->stall_s, error)
         && options_check_given ("--address", options->address, error)
         && options_check_given ("--type", options->type_name, error)
         && options_check_given ("--group", options->group, error) && options_check_context (options, error)
         && options_check_task (options, error) && options_check_ask (options, error)
         && options_check_framing (options, error);
}
