/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "control.pb-c.h"
#include "ctl-tree.h"

#include <glib/gi18n.h>

/*
 * The verb `wait`: ends when a peer with the id is connected, for scripts that start programs one after the other.
 *
 * It waits for the broker as well, and goes on when the broker is restarted meanwhile. The time of --timeout is for all of it.
 */

static void
wait_show (Ctl *ctl, DeyeBusPeer *peer)
{
  Daemoneye__Eventbus__V1__PeerState state = DAEMONEYE__EVENTBUS__V1__PEER_STATE__INIT;

  if (!ctl->output.json)
    {
      ctl_output_line (&ctl->output, _ ("%s is connected"), deye_bus_peer_get_id (peer));
      return;
    }
  state.id = (char *) deye_bus_peer_get_id (peer); /* protobuf-c does not write to them */
  state.present = TRUE;
  state.incarnation = deye_bus_peer_get_incarnation (peer);
  state.type = (char *) deye_bus_peer_get_kind (peer);
  state.role = (Daemoneye__Eventbus__V1__Role) deye_bus_peer_get_role (peer);
  state.pid = deye_bus_peer_get_pid (peer);
  state.account = (char *) deye_bus_peer_get_account (peer);
  {
    g_autoptr (JsonNode) node = ctl_message_json (&state.base);

    ctl_output_json (&ctl->output, node);
  }
}

gboolean
ctl_verb_wait (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (DeyeBusOptions) options = NULL;
  g_autoptr (DeyeBusPeer) peer = NULL;

  if (!ctl_connect_patiently (ctl, error))
    return FALSE;
  options = ctl_call_options (ctl);
  peer = deye_bus_client_wait_for_peer (ctl->client, args[0], options, NULL, error);
  if (peer == NULL)
    return FALSE;
  wait_show (ctl, peer);
  return TRUE;
}
