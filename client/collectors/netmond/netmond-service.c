/* SPDX-License-Identifier: Apache-2.0 */
#include "netmond-service.h"

#include "collector-service.h"
#include "netmond-monitor.h"

DeyeBusService *
netmond_service_new (const NetmondOptions *options, const char *id, NetmondQueryData *data)
{
  DeyeBusService *service = deye_bus_service_new ("daemoneye.Netmond", "The sockets of this machine.");

  collector_question_add_method (&netmond_query_list, service, data);
  collector_question_add_method (&netmond_query_connections, service, data);
  collector_service_add_configuration (service, id, NETMOND_CONFIGURATION_TYPE,
                                       "Sets the time between two polls; refused if it is out of range.");
  deye_bus_service_add_event (service, "Connections", NETMOND_CONNECTIONS_TOPIC, NETMOND_EVENT_TYPE,
                              "A listener or a connection of TCP or UDP has appeared or vanished.");
  collector_service_add_number (
      service, "interval-ms", (guint64) options->interval_ms, TRUE,
      "Time between two polls; a socket that ends sooner is seen only at its end, or not at all.");
  collector_service_add_number (service, "max-sockets", (guint64) options->max_sockets, FALSE,
                                "Largest number of sockets that are watched, or read for one answer.");
  collector_service_add_number (service, "shard", options->shard, FALSE,
                                "Publishes events for cookies that leave this remainder when divided by shards.");
  collector_service_add_number (service, "shards", options->shards, FALSE, "Number of shards.");
  return service;
}
