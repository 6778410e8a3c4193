/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-module.h"

#include "platform-place.h"

#include <gio/gio.h>
#include <glib/gi18n.h>

#define STOP_DEADLINE_US (2 * G_TIME_SPAN_SECOND)

char *
agent_module_find (const char *given)
{
  static const char *const places[] = { MODULE_BESIDE, MODULE_BUILT };
  const char *from_environment = g_getenv ("DAEMONEYE_MODULE");

  if (given != NULL)
    return g_strdup (given);
  if (from_environment != NULL && *from_environment != '\0')
    return g_strdup (from_environment);
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      char *path = platform_beside_program (places[i]);

      if (path != NULL)
        return path;
    }
  return g_strdup (MODULE_INSTALLED);
}

static gboolean
module_check_abi (const DaemoneyePlugin *plugin, const char *path, GError **error)
{
  if (plugin == NULL || plugin->magic != DAEMONEYE_PLUGIN_MAGIC)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _ ("%s is not a DaemonEye module"), path);
  else if (plugin->abi_major != DAEMONEYE_PLUGIN_ABI_MAJOR
           || plugin->struct_size < G_STRUCT_OFFSET (DaemoneyePlugin, shutdown))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                 _ ("%s has ABI %u.%u, but this agent has ABI %u.%u: install matching versions"), path,
                 plugin->abi_major, plugin->abi_minor, DAEMONEYE_PLUGIN_ABI_MAJOR, DAEMONEYE_PLUGIN_ABI_MINOR);
  else
    return TRUE;
  return FALSE;
}

gboolean
agent_module_load (AgentModule *self, const char *path, GError **error)
{
  const DaemoneyePlugin *(*describe) (void) = NULL;
  GModule *module = g_module_open (path, G_MODULE_BIND_LOCAL | G_MODULE_BIND_LAZY);

  *self = (AgentModule){ NULL, NULL };
  if (module == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _ ("the module can't be loaded: %s"), g_module_error ());
      return FALSE;
    }
  if (!g_module_symbol (module, DAEMONEYE_PLUGIN_SYMBOL, (gpointer *) &describe) || describe == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _ ("%s has no %s: it is not a DaemonEye module"), path,
                   DAEMONEYE_PLUGIN_SYMBOL);
      g_module_close (module);
      return FALSE;
    }
  /* The broker thread may execute code of the module at any time, so the module is never unloaded. */
  g_module_make_resident (module);
  self->plugin = describe ();
  return module_check_abi (self->plugin, path, error);
}

static void
module_set_error (GError **error, const DaemoneyeError *from)
{
  g_set_error (error, G_IO_ERROR, from->code == 2 ? G_IO_ERROR_ADDRESS_IN_USE : G_IO_ERROR_FAILED, "%s", from->message);
}

gboolean
agent_module_start (AgentModule *self, const char *address, const char *config, GError **error)
{
  DaemoneyeHost host = { .struct_size = sizeof host, .address = address };
  DaemoneyeError failure = { .struct_size = sizeof failure };

  self->bus = self->plugin->start (&host, config, &failure);
  if (self->bus == NULL)
    module_set_error (error, &failure);
  return self->bus != NULL;
}

gintptr
agent_module_connect (AgentModule *self, GError **error)
{
  DaemoneyeError failure = { .struct_size = sizeof failure };
  gintptr handle = self->plugin->connect (self->bus, &failure);

  if (handle < 0)
    module_set_error (error, &failure);
  return handle;
}

const char *
agent_module_address (const AgentModule *self)
{
  return self->plugin->address (self->bus);
}

gboolean
agent_module_is_alive (AgentModule *self)
{
  DaemoneyeBusStats stats = { .struct_size = sizeof stats };

  return self->plugin->stats (self->bus, &stats) == 0;
}

void
agent_module_stop (AgentModule *self)
{
  DaemoneyeError failure = { .struct_size = sizeof failure };
  DaemoneyeBus *bus = g_steal_pointer (&self->bus);

  if (bus == NULL)
    return;
  if (self->plugin->abi_minor == 0) /* this version has no shutdown() */
    self->plugin->stop (bus, STOP_DEADLINE_US);
  else if (self->plugin->shutdown (bus, STOP_DEADLINE_US, &failure) != 0)
    g_warning ("%s", failure.message);
}
