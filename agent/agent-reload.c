/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-reload.h"

#include "agent-log.h"
#include "health.pb-c.h"
#include "deye-bus-pack.h"

#define RELOAD_TOPIC "control.collector.config.reload"

/* If no collector has a configuration, the broadcast has no receiver and fails. This is not an error. */
static void
reload_on_sent (GObject *source, GAsyncResult *async_result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  DeyeBusPublishResult result = { 0 };
  AgentLogField fields[] = { { "TOPIC", RELOAD_TOPIC }, { NULL, NULL } };

  if (deye_bus_client_broadcast_finish (DEYE_BUS_CLIENT (source), async_result, &result, &error)
      || g_error_matches (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_ABSENT))
    agent_log (AGENT_LOG_NOTICE, fields, "reload: collectors that were asked to read their configuration again: %u",
               result.queued);
  else
    agent_log (AGENT_LOG_WARNING, fields, "reload: the collectors could not be asked: %s", error->message);
}

void
agent_reload (DeyeBusClient *client, guint64 generation)
{
  Daemoneye__Eventbus__V1__ConfigReload reload;
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GBytes) payload = NULL;
  AgentLogField fields[] = { { NULL, NULL } };

  agent_log (AGENT_LOG_NOTICE, fields,
             "reload: the configuration of the broker is read at start only; restart the agent to apply a change");
  daemoneye__eventbus__v1__config_reload__init (&reload);
  reload.generation = generation;
  payload = deye_bus_pack (&reload.base);
  deye_bus_options_set_type_name (options, "daemoneye.eventbus.v1.ConfigReload");
  deye_bus_client_broadcast_async (client, RELOAD_TOPIC, payload, options, NULL, reload_on_sent, NULL);
}
