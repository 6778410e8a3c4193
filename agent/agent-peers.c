/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-peers.h"

#include "agent-log.h"
#include "control.pb-c.h"
#include "deye-bus-pack.h"
#include "wire-status.h"

#define ROLE_COLLECTOR 1u

typedef Daemoneye__Eventbus__V1__PeerEvent AgentPeerEvent;

static void
peers_log_connected (const AgentPeerEvent *event, const char *pid)
{
  AgentLogField fields[] = { { "PEER", event->id }, { "PID", pid }, { "UID", event->account }, { NULL, NULL } };

  agent_log (AGENT_LOG_NOTICE, fields, "collector %s (pid %s, uid %s) connected", event->id, pid, event->account);
}

/* OK: the collector said goodbye. SHUTTING_DOWN: the broker did. */
static gboolean
peers_is_expected (WireStatus status)
{
  return status == WIRE_STATUS_OK || status == WIRE_STATUS_SHUTTING_DOWN;
}

static void
peers_log_gone (const AgentPeerEvent *event, const char *pid)
{
  WireStatus status = (WireStatus) event->status;
  const char *reason = event->detail != NULL && *event->detail != '\0' ? event->detail : wire_status_text (status);
  AgentLogField fields[]
      = { { "PEER", event->id }, { "PID", pid }, { "UID", event->account }, { "STATUS", wire_status_name (status) },
          { "REASON", reason },  { NULL, NULL } };

  agent_log (peers_is_expected (status) ? AGENT_LOG_NOTICE : AGENT_LOG_WARNING, fields,
             "collector %s (pid %s, uid %s) disconnected: %s: %s", event->id, pid, event->account,
             wire_status_name (status), reason);
}

static void
peers_on_event (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  void (*log_event) (const AgentPeerEvent *event, const char *pid) = data;
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__peer_event__descriptor, message);
  const AgentPeerEvent *event = guard != NULL ? wire_guard_message (guard) : NULL;
  g_autofree char *pid = NULL;

  if (event == NULL || event->role != ROLE_COLLECTOR)
    return;
  pid = g_strdup_printf ("%u", event->pid);
  log_event (event, pid);
}

gboolean
agent_peers_watch (DeyeBusClient *client, GError **error)
{
  static const struct
  {
    const char *topic;
    void (*log_event) (const AgentPeerEvent *event, const char *pid);
  } rows[] = { { "system.peer.connected", peers_log_connected }, { "system.peer.gone", peers_log_gone } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (DeyeBusSubscription) subscription = deye_bus_client_subscribe (
          client, rows[i].topic, NULL, peers_on_event, (gpointer) rows[i].log_event, NULL, NULL, error);

      if (subscription == NULL)
        return FALSE;
    }
  return TRUE;
}
