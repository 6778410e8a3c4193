/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-subscribe-options-private.h"

#include "deye-bus-error.h"

#include <glib/gi18n-lib.h>

/*
 * Options of a subscription: a boxed value. A call encodes them at once, so the library keeps no reference. The broker decides
 * which values apply and reports them. Only values that do not exist are refused here, when the options are used.
 */

G_DEFINE_BOXED_TYPE (DeyeBusSubscribeOptions,
                     deye_bus_subscribe_options,
                     deye_bus_subscribe_options_copy,
                     deye_bus_subscribe_options_free)

DeyeBusSubscribeOptions *
deye_bus_subscribe_options_new (void)
{
  return g_new0 (DeyeBusSubscribeOptions, 1);
}

/* @tag: (transfer full) */
static void
subscribe_options_append_tag (DeyeBusSubscribeOptions *options, char *tag)
{
  if (options->filter_tags == NULL)
    options->filter_tags = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (options->filter_tags, tag);
}

DeyeBusSubscribeOptions *
deye_bus_subscribe_options_copy (const DeyeBusSubscribeOptions *options)
{
  DeyeBusSubscribeOptions *copy;

  g_return_val_if_fail (options != NULL, NULL);

  copy = g_memdup2 (options, sizeof *options);
  copy->filter_correlation_id = g_strdup (options->filter_correlation_id);
  copy->filter_root_id = g_strdup (options->filter_root_id);
  copy->filter_stage = g_strdup (options->filter_stage);
  copy->filter_tags = NULL;
  for (guint i = 0; options->filter_tags != NULL && i < options->filter_tags->len; i++)
    subscribe_options_append_tag (copy, g_strdup (g_ptr_array_index (options->filter_tags, i)));
  return copy;
}

void
deye_bus_subscribe_options_free (DeyeBusSubscribeOptions *options)
{
  if (options == NULL)
    return;
  g_free (options->filter_correlation_id);
  g_free (options->filter_root_id);
  g_free (options->filter_stage);
  g_clear_pointer (&options->filter_tags, g_ptr_array_unref);
  g_free (options);
}

void
deye_bus_subscribe_options_set_policy (DeyeBusSubscribeOptions *options, DeyeBusPolicy policy)
{
  g_return_if_fail (options != NULL);

  options->policy = policy;
}

void
deye_bus_subscribe_options_set_strategy (DeyeBusSubscribeOptions *options, DeyeBusStrategy strategy)
{
  g_return_if_fail (options != NULL);

  options->strategy = strategy;
}

#define DEFINE_FILTER_SETTER(field, argument)                                                                          \
  void deye_bus_subscribe_options_set_filter_##field (DeyeBusSubscribeOptions *options, const char *argument)          \
  {                                                                                                                    \
    g_return_if_fail (options != NULL);                                                                                \
    g_free (options->filter_##field);                                                                                  \
    options->filter_##field = g_strdup (argument);                                                                     \
  }

DEFINE_FILTER_SETTER (correlation_id, correlation_id)
DEFINE_FILTER_SETTER (root_id, root_id)
DEFINE_FILTER_SETTER (stage, stage)

void
deye_bus_subscribe_options_add_filter_tag (DeyeBusSubscribeOptions *options, const char *key, const char *value)
{
  g_return_if_fail (options != NULL);
  g_return_if_fail (key != NULL);

  if (*key == '\0' || strchr (key, '=') != NULL)
    options->invalid = N_ ("The options have a tag whose key is empty or contains “=”");
  else
    subscribe_options_append_tag (options, value != NULL ? g_strconcat (key, "=", value, NULL) : g_strdup (key));
}

gboolean
deye_bus_subscribe_options_has_filter (const DeyeBusSubscribeOptions *options)
{
  return options != NULL
         && (options->filter_correlation_id != NULL || options->filter_root_id != NULL || options->filter_stage != NULL
             || options->filter_tags != NULL);
}

gboolean
deye_bus_subscribe_options_need_delivery (const DeyeBusSubscribeOptions *options)
{
  return options != NULL
         && (deye_bus_subscribe_options_has_filter (options) || options->strategy != DEYE_BUS_STRATEGY_DEFAULT
             || options->weight != 0 || options->in_flight != 0);
}

/* The broker would close the connection for text that is not UTF-8. */
static gboolean
subscribe_options_are_text (const DeyeBusSubscribeOptions *options)
{
  const char *const texts[] = { options->filter_correlation_id, options->filter_root_id, options->filter_stage };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (texts[i] != NULL && !g_utf8_validate (texts[i], -1, NULL))
      return FALSE;
  for (guint i = 0; options->filter_tags != NULL && i < options->filter_tags->len; i++)
    if (!g_utf8_validate (g_ptr_array_index (options->filter_tags, i), -1, NULL))
      return FALSE;
  return TRUE;
}

static gboolean
subscribe_options_check_filter (const DeyeBusSubscribeOptions *options, GError **error)
{
  const char *problem = options->invalid;

  if (problem == NULL && !subscribe_options_are_text (options))
    problem = N_ ("Topics, ids and options are UTF-8 text; other bytes belong in the payload");
  if (problem != NULL)
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT, _ (problem));
  return problem == NULL;
}

#define OPTIONS_WEIGHT_MAX 1000u

static gboolean
subscribe_options_check_share (const DeyeBusSubscribeOptions *options, GError **error)
{
  if ((guint) options->strategy > DEYE_BUS_STRATEGY_FIRST_AVAILABLE)
    g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                 _ ("The options have a strategy that does not exist (%u)"), (guint) options->strategy);
  else if (options->weight > OPTIONS_WEIGHT_MAX)
    g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT, _ ("A weight must be at most %u"),
                 OPTIONS_WEIGHT_MAX);
  else
    return TRUE;
  return FALSE;
}

gboolean
deye_bus_subscribe_options_check (const DeyeBusSubscribeOptions *options, GError **error)
{
  if (options != NULL
      && (!subscribe_options_check_filter (options, error) || !subscribe_options_check_share (options, error)))
    return FALSE;
  if (options == NULL || (guint) options->policy <= DEYE_BUS_POLICY_CONFLATE)
    return TRUE;
  g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
               _ ("The options have a policy that does not exist (%u)"), (guint) options->policy);
  return FALSE;
}

#define DEFINE_NUMBER_SETTER(field, argument)                                                                          \
  void deye_bus_subscribe_options_set_##field (DeyeBusSubscribeOptions *options, guint64 argument)                     \
  {                                                                                                                    \
    g_return_if_fail (options != NULL);                                                                                \
    options->field = argument;                                                                                         \
  }

DEFINE_NUMBER_SETTER (queue_messages, messages)
DEFINE_NUMBER_SETTER (queue_bytes, bytes)
DEFINE_NUMBER_SETTER (window_messages, messages)
DEFINE_NUMBER_SETTER (window_bytes, bytes)
DEFINE_NUMBER_SETTER (weight, weight)
DEFINE_NUMBER_SETTER (in_flight, messages)
