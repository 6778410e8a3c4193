/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Optional features, one bit each: HELLO says which ones the client knows, WELCOME which ones both do. What is not in
 * WELCOME must not be used on the connection.
 */

/* The peer serves its standard methods on control.collector.{id} by itself, with SubscribeRequest.methods. */
#define WIRE_FEATURE_PEER_METHODS 1ull

#define WIRE_FEATURES_KNOWN WIRE_FEATURE_PEER_METHODS
