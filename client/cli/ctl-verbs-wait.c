/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-peer-view.h"

#include <glib/gi18n.h>

/*
 * The verb `wait`: ends when a peer with the id is connected, for scripts that start programs one after the other.
 *
 * It waits for the broker as well, and continues to wait if the broker is restarted. --timeout limits the whole wait.
 */

gboolean
ctl_verb_wait (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (DeyeBusOptions) options = NULL;
  g_autoptr (DeyeBusPeer) peer = NULL;
  g_autofree char *text = NULL;

  if (!ctl_connect_patiently (ctl, error))
    return FALSE;
  options = ctl_call_options (ctl);
  peer = deye_bus_client_wait_for_peer (ctl->client, args[0], options, NULL, error);
  if (peer == NULL)
    return FALSE;
  text = g_strdup_printf (_ ("%s is connected"), deye_bus_peer_get_id (peer));
  ctl_peer_view_show (ctl, peer, text);
  return TRUE;
}
