/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-peer-view.h"

#include "control.pb-c.h"
#include "ctl-tree.h"

void
ctl_peer_view_show (Ctl *ctl, DeyeBusPeer *peer, const char *text)
{
  Daemoneye__Eventbus__V1__PeerState state = DAEMONEYE__EVENTBUS__V1__PEER_STATE__INIT;
  g_autoptr (JsonNode) node = NULL;

  if (!ctl->output.json)
    {
      ctl_output_line (&ctl->output, "%s", text);
      return;
    }
  state.id = (char *) deye_bus_peer_get_id (peer); /* protobuf-c does not write to them */
  state.present = deye_bus_peer_is_present (peer);
  state.incarnation = deye_bus_peer_get_incarnation (peer);
  state.type = (char *) deye_bus_peer_get_kind (peer);
  state.role = (Daemoneye__Eventbus__V1__Role) deye_bus_peer_get_role (peer);
  state.pid = deye_bus_peer_get_pid (peer);
  state.account = (char *) deye_bus_peer_get_account (peer);
  node = ctl_message_json (&state.base);
  ctl_output_json (&ctl->output, node);
}
