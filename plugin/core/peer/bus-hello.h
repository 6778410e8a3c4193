/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

/*
 * The handshake: HELLO is checked and a version is agreed on; the answer is WELCOME, or GOODBYE with the reason.
 *
 * Nothing else is accepted before it. The role of the agent cannot be requested: it comes with the connection that
 * the module itself opened.
 */

#define BUS_VERSION_OLDEST (1u << 16)
#define BUS_VERSION_NEWEST (1u << 16)

/* Versions that one side speaks: major << 16 | minor. */
typedef struct
{
  guint32 oldest;
  guint32 newest;
} BusVersions;

/* TRUE if both sides speak a common version. A reversed range has none. */
gboolean bus_hello_versions_meet (BusVersions ours, BusVersions theirs);

typedef enum
{
  BUS_HELLO_REFUSED, /* the peer was closed with a reason */
  BUS_HELLO_ACCEPTED,
  BUS_HELLO_WAITS, /* for the connection that has its id, see bus-takeover.h */
} BusHelloResult;

BusHelloResult bus_hello_accept (BusPeer *peer, const WireFrame *frame);

/* Handles the HELLO of a newcomer again, after the connection that had its id was released. */
BusHelloResult bus_hello_retry (BusPeer *newcomer);

/* The status for a first frame that is not HELLO, by its kind. */
WireStatus bus_hello_status_of_stranger (guint8 kind);
