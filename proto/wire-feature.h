/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Optional features of a connection, one bit for each. HELLO lists the features that the client knows, WELCOME those
 * that both sides know. A connection uses only features that are in its WELCOME.
 */

/* The client itself serves its standard methods on control.collector.{id}, with SubscribeRequest.methods. */
#define WIRE_FEATURE_PEER_METHODS 1ull

#define WIRE_FEATURES_KNOWN WIRE_FEATURE_PEER_METHODS
