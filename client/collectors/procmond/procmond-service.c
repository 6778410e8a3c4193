/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-service.h"

#include "collector-service.h"
#include "procmond-query.h"
#include "procmond-request.h"

DeyeBusService *
procmond_service_new (const ProcmondOptions *options, const char *id, DeyeBusMethodCallback statistics, gpointer data)
{
  DeyeBusService *service = deye_bus_service_new ("daemoneye.Procmond", "The processes of this machine.");

  collector_question_add_method (&procmond_query_question, service, NULL);
  deye_bus_service_add_method (service, "Statistics", NULL, PROCMOND_TYPE ("ProcmondStatistics"),
                               "Returns how procmond watches processes, and what it may have missed.", statistics, data,
                               NULL);
  collector_service_add_configuration (service, id, PROCMOND_CONFIGURATION_TYPE,
                                       "Sets the time between two polls; refused if it is out of range.");
  procmond_request_describe (service);
  deye_bus_service_add_event (service, "Lifecycle", PROCMOND_LIFECYCLE_TOPIC, PROCMOND_EVENT_TYPE,
                              "A process has started, exited, executed a program, or changed its name.");
  collector_service_add_number (service, "interval-ms", (guint64) options->interval_ms, TRUE,
                                "Time between two polls, where the kernel does not report processes.");
  collector_service_add_number (service, "shard", options->shard, FALSE,
                                "Publishes events for pids that leave this remainder when divided by shards.");
  collector_service_add_number (service, "shards", options->shards, FALSE, "Number of shards.");
  return service;
}
