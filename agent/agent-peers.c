/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-peers.h"

#include "agent-log.h"
#include "control.pb-c.h"
#include "deye-bus-pack.h"
#include "wire-status.h"

#define ROLE_COLLECTOR     1u
#define RECORDS_PER_SECOND 50u /* for each account */

typedef Daemoneye__Eventbus__V1__PeerEvent AgentPeerEvent;

/* The records of an account. There are few accounts, because only those of the broker's configuration may connect. */
typedef struct
{
  gint64 since_us; /* start of the current second */
  guint n;         /* records written in this second */
  guint64 left_out;
} PeersCap;

typedef struct
{
  GHashTable *caps; /* char *account -> PeersCap; shared by both subscriptions */
  void (*log_event) (const AgentPeerEvent *event, const char *pid, const char *left_out);
} PeersWatch;

static gboolean
peers_cap_admit (PeersCap *cap, gint64 now_us)
{
  if (now_us - cap->since_us >= G_TIME_SPAN_SECOND)
    {
      cap->since_us = now_us;
      cap->n = 0;
    }
  if (cap->n < RECORDS_PER_SECOND)
    {
      cap->n++;
      return TRUE;
    }
  cap->left_out++;
  return FALSE;
}

static PeersCap *
peers_cap_of (PeersWatch *self, const char *account)
{
  PeersCap *cap = g_hash_table_lookup (self->caps, account);

  if (cap == NULL)
    {
      cap = g_new0 (PeersCap, 1);
      cap->since_us = g_get_monotonic_time ();
      g_hash_table_insert (self->caps, g_strdup (account), cap);
    }
  return cap;
}

static void
peers_log_connected (const AgentPeerEvent *event, const char *pid, const char *left_out)
{
  AgentLogField fields[] = { { "PEER", event->id }, { "PID", pid }, { "UID", event->account }, { NULL, NULL } };

  agent_log (AGENT_LOG_NOTICE, fields, "collector %s (pid %s, uid %s) connected%s", event->id, pid, event->account,
             left_out);
}

/* OK: the collector has sent GOODBYE. SHUTTING_DOWN: the broker has sent GOODBYE. */
static gboolean
peers_is_expected (WireStatus status)
{
  return status == WIRE_STATUS_OK || status == WIRE_STATUS_SHUTTING_DOWN;
}

static void
peers_log_gone (const AgentPeerEvent *event, const char *pid, const char *left_out)
{
  WireStatus status = (WireStatus) event->status;
  const char *reason = event->detail != NULL && *event->detail != '\0' ? event->detail : wire_status_text (status);
  AgentLogField fields[]
      = { { "PEER", event->id }, { "PID", pid }, { "UID", event->account }, { "STATUS", wire_status_name (status) },
          { "REASON", reason },  { NULL, NULL } };

  agent_log (peers_is_expected (status) ? AGENT_LOG_NOTICE : AGENT_LOG_WARNING, fields,
             "collector %s (pid %s, uid %s) disconnected: %s: %s%s", event->id, pid, event->account,
             wire_status_name (status), reason, left_out);
}

static void
peers_log (PeersWatch *self, const AgentPeerEvent *event)
{
  PeersCap *cap = peers_cap_of (self, event->account);
  g_autofree char *pid = g_strdup_printf ("%u", event->pid);
  g_autofree char *left_out = NULL;

  if (!peers_cap_admit (cap, g_get_monotonic_time ()))
    return;
  left_out = cap->left_out > 0
                 ? g_strdup_printf ("; %" G_GUINT64_FORMAT " records were suppressed before this one", cap->left_out)
                 : g_strdup ("");
  cap->left_out = 0;
  self->log_event (event, pid, left_out);
}

static void
peers_on_event (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__peer_event__descriptor, message);
  const AgentPeerEvent *event = guard != NULL ? wire_guard_message (guard) : NULL;

  if (event != NULL && event->role == ROLE_COLLECTOR)
    peers_log (data, event);
}

static void
peers_watch_free (gpointer data)
{
  PeersWatch *self = data;

  g_hash_table_unref (self->caps);
  g_free (self);
}

gboolean
agent_peers_watch (DeyeBusClient *client, GError **error)
{
  static const struct
  {
    const char *topic;
    void (*log_event) (const AgentPeerEvent *event, const char *pid, const char *left_out);
  } rows[] = { { "system.peer.connected", peers_log_connected }, { "system.peer.gone", peers_log_gone } };
  g_autoptr (GHashTable) caps = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      PeersWatch *watch = g_new0 (PeersWatch, 1);
      g_autoptr (DeyeBusSubscription) subscription = NULL;

      watch->caps = g_hash_table_ref (caps);
      watch->log_event = rows[i].log_event;
      subscription = deye_bus_client_subscribe (client, rows[i].topic, NULL, peers_on_event, watch, peers_watch_free,
                                                NULL, error);
      if (subscription == NULL)
        return FALSE;
    }
  return TRUE;
}
