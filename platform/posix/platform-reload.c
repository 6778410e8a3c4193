/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-reload.h"

#include <glib-unix.h>
#include <signal.h>

guint
platform_reload_add (GSourceFunc callback, gpointer data)
{
  return g_unix_signal_add (SIGHUP, callback, data);
}
