/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-subscribe-options-private.h"

/*
 * Options of a subscription: a boxed value. A call encodes them at once, so the library keeps no reference. The broker
 * decides which values apply and reports them.
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
  g_return_if_fail (policy <= DEYE_BUS_POLICY_CONFLATE);

  options->policy = policy;
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
