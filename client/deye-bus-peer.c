/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-peer-private.h"

#include "deye-bus-error-private.h"
#include "deye-bus-pack.h"
#include "wire-topic.h"

#include <glib/gi18n-lib.h>

/* The description of a peer by the broker: a boxed value, so that other languages can use it. */

#define ID_BYTES_MAX 255u /* more than the broker allows */

struct _DeyeBusPeer
{
  gatomicrefcount refs;
  char *id;
  char *kind;
  char *account;
  guint64 incarnation;
  guint role;
  guint pid;
  gboolean present;
};

G_DEFINE_BOXED_TYPE (DeyeBusPeer, deye_bus_peer, deye_bus_peer_ref, deye_bus_peer_unref)

DeyeBusPeer *
deye_bus_peer_new (const Daemoneye__Eventbus__V1__PeerState *state)
{
  DeyeBusPeer *peer = g_new0 (DeyeBusPeer, 1);

  g_atomic_ref_count_init (&peer->refs);
  peer->id = g_strdup (state->id);
  peer->kind = g_strdup (state->type);
  peer->account = g_strdup (state->account);
  peer->incarnation = state->incarnation;
  peer->role = (guint) state->role;
  peer->pid = state->pid;
  peer->present = state->present != 0;
  return peer;
}

DeyeBusPeer *
deye_bus_peer_new_gone (const DeyeBusPeer *peer)
{
  DeyeBusPeer *gone = g_memdup2 (peer, sizeof *peer);

  g_atomic_ref_count_init (&gone->refs);
  gone->id = g_strdup (peer->id);
  gone->kind = g_strdup (peer->kind);
  gone->account = g_strdup (peer->account);
  gone->present = FALSE;
  return gone;
}

DeyeBusPeer *
deye_bus_peer_ref (DeyeBusPeer *peer)
{
  g_return_val_if_fail (peer != NULL, NULL);

  g_atomic_ref_count_inc (&peer->refs);
  return peer;
}

void
deye_bus_peer_unref (DeyeBusPeer *peer)
{
  g_return_if_fail (peer != NULL);

  if (!g_atomic_ref_count_dec (&peer->refs))
    return;
  g_free (peer->id);
  g_free (peer->kind);
  g_free (peer->account);
  g_free (peer);
}

/* --- accessors --- */

const char *
deye_bus_peer_get_id (DeyeBusPeer *peer)
{
  g_return_val_if_fail (peer != NULL, NULL);
  return peer->id;
}

gboolean
deye_bus_peer_is_present (DeyeBusPeer *peer)
{
  g_return_val_if_fail (peer != NULL, FALSE);
  return peer->present;
}

guint64
deye_bus_peer_get_incarnation (DeyeBusPeer *peer)
{
  g_return_val_if_fail (peer != NULL, 0);
  return peer->incarnation;
}

const char *
deye_bus_peer_get_kind (DeyeBusPeer *peer)
{
  g_return_val_if_fail (peer != NULL, NULL);
  return peer->kind;
}

guint
deye_bus_peer_get_role (DeyeBusPeer *peer)
{
  g_return_val_if_fail (peer != NULL, 0);
  return peer->role;
}

guint
deye_bus_peer_get_pid (DeyeBusPeer *peer)
{
  g_return_val_if_fail (peer != NULL, 0);
  return peer->pid;
}

const char *
deye_bus_peer_get_account (DeyeBusPeer *peer)
{
  g_return_val_if_fail (peer != NULL, NULL);
  return peer->account;
}

/* --- the request --- */

DeyeBusStanding
deye_bus_peer_standing (const char *id, gboolean watch)
{
  Daemoneye__Eventbus__V1__WaitRequest request = DAEMONEYE__EVENTBUS__V1__WAIT_REQUEST__INIT;

  request.peer = (char *) (gsize) (id != NULL ? id : ""); /* protobuf-c does not write to it */
  request.watch = watch;
  return (DeyeBusStanding){ .topic = "control.bus.wait",
                            .type_name = DEYE_BUS_TYPE_PREFIX "WaitRequest",
                            .payload = deye_bus_pack (&request.base) };
}

gboolean
deye_bus_peer_check_id (const char *id, GError **error)
{
  if (wire_segment_is_valid (wire_span_str (id), ID_BYTES_MAX))
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                       _ ("The id of a peer must be one topic segment of a-z 0-9 - _, such as procmond-1"));
  return FALSE;
}

GError *
deye_bus_peer_error_malformed (void)
{
  return deye_bus_error_new (DEYE_BUS_ERROR_PROTOCOL, _ ("The broker violated the protocol (%s): report it as a bug"),
                             "malformed WaitReply");
}
