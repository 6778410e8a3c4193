/* SPDX-License-Identifier: Apache-2.0 */
#include "fsmond-service.h"

#include "collector-reply.h"
#include "collector-service.h"
#include "fsmond-pack.h"
#include "fsmond-process.h"

static void
service_on_coverage (DeyeBusClient *client, DeyeBusMessage *request, gpointer monitor)
{
  g_autoptr (GBytes) packed = fsmond_monitor_pack_coverage (monitor);

  collector_reply (client, request, packed, NULL);
}

static void
service_add_numbers (DeyeBusService *service, const FsmondOptions *options)
{
  collector_service_add_number (service, "max-directories", (guint64) options->max_directories, FALSE,
                                "Largest number of watched directories.");
  collector_service_add_number (service, "max-entries", (guint64) options->max_entries, FALSE,
                                "Largest number of remembered files; they are remembered to find missed changes.");
  collector_service_add_number (service, "max-hash-bytes", (guint64) options->max_hash_bytes, FALSE,
                                "Largest size of a file that is hashed.");
  collector_service_add_number (service, "max-hashes", (guint64) options->max_hashes, FALSE,
                                "Number of files that are hashed at once.");
}

DeyeBusService *
fsmond_service_new (const FsmondOptions *options, const char *id, FsmondMonitor *monitor)
{
  DeyeBusService *service = deye_bus_service_new ("daemoneye.Fsmond", "Changes of files in watched directories.");

  deye_bus_service_add_method (
      service, "Coverage", NULL, FSMOND_TYPE ("WatchCoverage"),
      "Returns the watched directories, those that can't be watched and why, and the number of missed changes.",
      service_on_coverage, monitor, NULL);
  collector_question_add_method (&fsmond_open_paths_question, service, NULL);
  collector_service_add_configuration (service, id, FSMOND_CONFIGURATION_TYPE,
                                       "Sets the limits of watched directories and of hashed files.");
  deye_bus_service_add_event (service, "Operations", FSMOND_EVENTS_TOPIC, FSMOND_TYPE ("FileEvent"),
                              "A file was created, changed, deleted or moved, or its attributes were changed.");
  service_add_numbers (service, options);
  return service;
}
