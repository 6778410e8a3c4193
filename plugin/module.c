/* SPDX-License-Identifier: Apache-2.0 */
#include "daemoneye-plugin.h"

#include "service.h"
#include "transport-unix.h"

#include <string.h>

/*
 * The module's face: one exported symbol, a table of plain C functions over Service. It keeps nothing: every instance is
 * the host's DaemoneyeBus.
 */

enum
{
  CODE_CONFIGURATION = 1,
  CODE_IN_USE = 2,
  CODE_SYSTEM = 3,
  CODE_ABI = 4,
  CODE_STOPPED = 5,
};

static void
fill_error (DaemoneyeError *out, gint32 code, const char *message)
{
  if (out == NULL || out->struct_size < sizeof *out)
    return;
  out->code = code;
  g_strlcpy (out->message, message, sizeof out->message);
}

static gint32
code_of (const GError *error)
{
  if (error->domain == BUS_CONFIG_ERROR)
    return CODE_CONFIGURATION;
  if (g_error_matches (error, TRANSPORT_UNIX_ERROR, TRANSPORT_UNIX_ERROR_IN_USE))
    return CODE_IN_USE;
  if (g_error_matches (error, TRANSPORT_UNIX_ERROR, TRANSPORT_UNIX_ERROR_PATH))
    return CODE_CONFIGURATION;
  return CODE_SYSTEM;
}

static DaemoneyeBus *
start (const DaemoneyeHost *host, const char *config_path, DaemoneyeError *out)
{
  g_autoptr (GError) error = NULL;
  BusConfig *config;
  Service *service = NULL;

  if (host != NULL && host->struct_size < sizeof (DaemoneyeHost))
    {
      fill_error (out, CODE_ABI, "DaemoneyeHost is smaller than this module's: rebuild the host");
      return NULL;
    }
  config = bus_config_load (config_path, &error);
  if (config != NULL)
    service = service_start (config, host, &error);
  if (service == NULL)
    fill_error (out, code_of (error), error->message);
  return (DaemoneyeBus *) service;
}

static intptr_t
open_connection (DaemoneyeBus *bus, DaemoneyeError *out)
{
  g_autoptr (GError) error = NULL;
  int fd = service_connect ((Service *) bus, &error);

  if (fd < 0)
    fill_error (out, CODE_STOPPED, error->message);
  return fd;
}

static const char *
address (const DaemoneyeBus *bus)
{
  return service_address ((const Service *) bus);
}

static int
stats (DaemoneyeBus *bus, DaemoneyeBusStats *out)
{
  BusCoreStats core;
  DaemoneyeBusStats full;
  size_t size = out->struct_size;

  if (!service_stats ((Service *) bus, &core))
    return -1;
  full = (DaemoneyeBusStats){
    .struct_size = size,
    .state = DAEMONEYE_BUS_HEALTHY,
    .peers = core.peers,
    .connections = core.connections,
    .subscriptions = core.subscriptions,
    .groups = core.groups,
    .pending_requests = core.pending_requests,
    .queued_messages = core.queued_messages,
    .queued_bytes = core.queued_bytes,
    .charged_bytes = core.charged_bytes,
    .accepted = core.accepted,
    .delivered = core.delivered,
    .missed = core.missed,
    .denied = core.denied,
    .malformed = core.malformed,
    .epoch = service_epoch ((Service *) bus),
  };
  memcpy (out, &full, MIN (size, sizeof full));
  return 0;
}

static void
stop (DaemoneyeBus *bus, uint64_t deadline_us)
{
  service_stop ((Service *) bus, (gint64) MIN (deadline_us, (uint64_t) G_TIME_SPAN_DAY));
}

static const DaemoneyePlugin plugin = {
  .magic = DAEMONEYE_PLUGIN_MAGIC,
  .abi_major = DAEMONEYE_PLUGIN_ABI_MAJOR,
  .abi_minor = DAEMONEYE_PLUGIN_ABI_MINOR,
  .struct_size = sizeof (DaemoneyePlugin),
  .name = "daemoneye-eventbus",
  .version = PACKAGE_VERSION,
  .start = start,
  .connect = open_connection,
  .address = address,
  .stats = stats,
  .stop = stop,
};

const DaemoneyePlugin *
daemoneye_plugin_describe (void)
{
  return &plugin;
}
