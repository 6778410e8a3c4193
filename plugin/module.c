/* SPDX-License-Identifier: Apache-2.0 */
#include "daemoneye-plugin.h"

#include "listener.h"
#include "service.h"

#include <string.h>

/*
 * The module: one exported symbol, which returns a table of plain C functions. Each function converts between the types of the
 * ABI and Service. The module has no state of its own: a DaemoneyeBus is a Service.
 */

enum
{
  MODULE_CODE_CONFIGURATION = 1,
  MODULE_CODE_IN_USE = 2,
  MODULE_CODE_SYSTEM = 3,
  MODULE_CODE_ABI = 4,
  MODULE_CODE_STOPPED = 5,
  MODULE_CODE_FORKED = 6,
  MODULE_CODE_LOG = 7,
};

static void
module_fill_error (DaemoneyeError *out, gint32 code, const char *message)
{
  if (out == NULL || out->struct_size < sizeof *out)
    return;
  out->code = code;
  g_strlcpy (out->message, message, sizeof out->message);
}

static gint32
module_error_code (const GError *error)
{
  if (error->domain == BUS_CONFIG_ERROR)
    return MODULE_CODE_CONFIGURATION;
  if (g_error_matches (error, LISTENER_ERROR, LISTENER_ERROR_IN_USE))
    return MODULE_CODE_IN_USE;
  if (g_error_matches (error, LISTENER_ERROR, LISTENER_ERROR_ADDRESS))
    return MODULE_CODE_CONFIGURATION;
  return MODULE_CODE_SYSTEM;
}

static DaemoneyeBus *
module_start (const DaemoneyeHost *host, const char *config_path, DaemoneyeError *out)
{
  g_autoptr (GError) error = NULL;
  BusConfig *config;
  Service *service = NULL;

  if (host != NULL && host->struct_size < sizeof (DaemoneyeHost))
    {
      module_fill_error (out, MODULE_CODE_ABI, "DaemoneyeHost is smaller than this module's: rebuild the host");
      return NULL;
    }
  config = bus_config_load (config_path, &error);
  if (config != NULL)
    service = service_start (config, host, &error);
  if (service == NULL)
    module_fill_error (out, module_error_code (error), error->message);
  return (DaemoneyeBus *) service;
}

static gboolean
module_refuse_forked (DaemoneyeBus *bus, DaemoneyeError *out)
{
  if (!service_is_forked ((Service *) bus))
    return FALSE;
  module_fill_error (out, MODULE_CODE_FORKED,
                     "this broker runs in the parent process only: call start() after fork(), not before");
  return TRUE;
}

static intptr_t
module_connect (DaemoneyeBus *bus, DaemoneyeError *out)
{
  g_autoptr (GError) error = NULL;
  gintptr handle;

  if (module_refuse_forked (bus, out))
    return -1;
  handle = service_connect ((Service *) bus, &error);
  if (handle == -1)
    module_fill_error (out, MODULE_CODE_STOPPED, error->message);
  return handle;
}

static const char *
module_address (const DaemoneyeBus *bus)
{
  return service_address ((const Service *) bus);
}

static int
module_stats (DaemoneyeBus *bus, DaemoneyeBusStats *out)
{
  BusCoreStats core;
  DaemoneyeBusStats full;
  size_t size = out->struct_size;

  if (service_is_forked ((Service *) bus))
    return -1;
  service_stats ((Service *) bus, &core);
  full = (DaemoneyeBusStats){
    .struct_size = size,
    .state = service_is_lost ((Service *) bus) ? DAEMONEYE_BUS_UNHEALTHY : DAEMONEYE_BUS_HEALTHY,
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

static int
module_shutdown (DaemoneyeBus *bus, uint64_t deadline_us, DaemoneyeError *out)
{
  g_autofree char *message = NULL;
  guint64 unwritten;

  if (module_refuse_forked (bus, out))
    return -1;
  if (service_stop ((Service *) bus, (gint64) MIN (deadline_us, (uint64_t) G_TIME_SPAN_DAY), &unwritten))
    return 0;
  message = g_strdup_printf (
      "the host's log function blocks, and its thread was abandoned; log records not written: %" G_GUINT64_FORMAT,
      unwritten);
  module_fill_error (out, MODULE_CODE_LOG, message);
  return -1;
}

static void
module_stop (DaemoneyeBus *bus, uint64_t deadline_us)
{
  module_shutdown (bus, deadline_us, NULL);
}

static const DaemoneyePlugin module_plugin = {
  .magic = DAEMONEYE_PLUGIN_MAGIC,
  .abi_major = DAEMONEYE_PLUGIN_ABI_MAJOR,
  .abi_minor = DAEMONEYE_PLUGIN_ABI_MINOR,
  .struct_size = sizeof (DaemoneyePlugin),
  .name = "daemoneye-eventbus",
  .version = PACKAGE_VERSION,
  .start = module_start,
  .connect = module_connect,
  .address = module_address,
  .stats = module_stats,
  .stop = module_stop,
  .shutdown = module_shutdown,
};

const DaemoneyePlugin *
daemoneye_plugin_describe (void)
{
  return &module_plugin;
}
