/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-peer.h"

#include "session/deye-bus-pending.h"

#include "control.pb-c.h"

/* The common part of waiting for a peer and of watching peers. */

/* Copies @state. */
DeyeBusPeer *deye_bus_peer_new (const Daemoneye__Eventbus__V1__PeerState *state);
/* A copy of @peer that describes it as gone. */
DeyeBusPeer *deye_bus_peer_new_gone (const DeyeBusPeer *peer);

/* The standing request control.bus.wait. @id: NULL: all peers. Clear it with g_bytes_unref (payload). */
DeyeBusStanding deye_bus_peer_standing (const char *id, gboolean watch);
/* FALSE: @id cannot be the id of a peer. */
gboolean deye_bus_peer_check_id (const char *id, GError **error);
GError *deye_bus_peer_error_malformed (void);
