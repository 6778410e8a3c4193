/* SPDX-License-Identifier: Apache-2.0 */
#include "calls-fixture.h"

const ScriptFrame *
calls_fixture_frame_at (GPtrArray *frames, guint i)
{
  g_assert_cmpuint (i, <, frames->len);
  return frames->pdata[i];
}

DeyeBusOptions *
calls_fixture_with_timeout (gint64 timeout_us)
{
  DeyeBusOptions *options = deye_bus_options_new ();

  deye_bus_options_set_timeout (options, timeout_us);
  return options;
}

void
calls_fixture_remember_error (DeyeBusClient *client, const GError *error, gpointer data)
{
  *(GError **) data = g_error_copy (error);
}
