/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

/*
 * The handshake: checks the HELLO of a connection, and answers with WELCOME, or with GOODBYE and the reason.
 *
 * HELLO contains the versions that the client supports, its role, its id and its type. No other frame is accepted before it. A
 * client cannot request the role of the agent: only the connection that the module itself opened has it.
 *
 * Invariant: a peer has an id, and is in the table of ids, only after its HELLO was accepted.
 */

#define BUS_VERSION_OLDEST (1u << 16)
#define BUS_VERSION_NEWEST (1u << 16)

/* The versions that one side supports, as major << 16 | minor. */
typedef struct
{
  guint32 oldest;
  guint32 newest;
} BusVersions;

/* TRUE if the two ranges have a version in common. A reversed range contains no version. */
gboolean bus_hello_versions_overlap (BusVersions ours, BusVersions theirs);

typedef enum
{
  BUS_HELLO_REFUSED, /* the peer was closed with a reason */
  BUS_HELLO_ACCEPTED,
  BUS_HELLO_WAITS, /* it waits for the end of the connection that has its id, see bus-takeover.h */
} BusHelloResult;

BusHelloResult bus_hello_accept (BusPeer *peer, const WireFrame *frame);

/* Handles the HELLO of a newcomer again, after the connection that had its id was released. */
BusHelloResult bus_hello_retry (BusPeer *newcomer);

/* The status for closing a connection whose first frame is not HELLO. @kind: of that frame */
WireStatus bus_hello_status_of_stranger (guint8 kind);
