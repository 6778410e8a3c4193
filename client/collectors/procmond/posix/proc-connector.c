/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-connector.h"

#include <gio/gio.h>
#include <glib/gi18n.h>

ProcConnector *
proc_connector_open (gsize queue_bytes, const guint8 *request, gsize len, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, _ ("this system does not report processes"));
  return NULL;
}

void
proc_connector_close (ProcConnector *self)
{
}

GSource *
proc_connector_create_source (ProcConnector *self)
{
  g_assert_not_reached ();
}

ProcConnectorResult
proc_connector_read (ProcConnector *self, guint8 *bytes, gsize size, gsize *len)
{
  return PROC_CONNECTOR_BROKEN;
}
