/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-subscribe-options-private.h"

#include "deye-bus-error.h"

#include <glib/gi18n-lib.h>

/*
 * Options of a subscription: a boxed value. A call encodes them at once, so the library keeps no reference. The broker
 * decides which values apply and reports them; only a policy that does not exist is refused here, when the options are
 * used.
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

DeyeBusSubscribeOptions *
deye_bus_subscribe_options_copy (const DeyeBusSubscribeOptions *options)
{
  g_return_val_if_fail (options != NULL, NULL);

  return g_memdup2 (options, sizeof *options);
}

void
deye_bus_subscribe_options_free (DeyeBusSubscribeOptions *options)
{
  g_free (options);
}

void
deye_bus_subscribe_options_set_policy (DeyeBusSubscribeOptions *options, DeyeBusPolicy policy)
{
  g_return_if_fail (options != NULL);

  options->policy = policy;
}

gboolean
deye_bus_subscribe_options_check (const DeyeBusSubscribeOptions *options, GError **error)
{
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
