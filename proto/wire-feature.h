/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-envelope.h"

/*
 * Optional features of a connection, one bit for each. HELLO lists the features that the client knows, WELCOME those
 * that both sides know. A connection uses only features that are in its WELCOME: the library refuses a call that needs
 * another feature before it sends anything, and the broker refuses such a frame with UNSUPPORTED. Both call
 * wire_feature_of_frame(), so they agree on the feature that a frame needs.
 *
 * wire_feature_of_method() lists the methods control.bus.* that need a feature; both sides call it as well. Fields in the
 * payloads of methods may need a feature too: doc/protocol lists them, and the code of each method checks them.
 */

/* The client serves its standard methods on control.collector.{id} itself, with SubscribeRequest.methods. */
#define WIRE_FEATURE_PEER_METHODS G_GUINT64_CONSTANT (1)
/* A REQUEST gives its answers a window; several members may answer it. */
#define WIRE_FEATURE_STREAM G_GUINT64_CONSTANT (2)
/* The last message of a topic is kept for later subscribers. */
#define WIRE_FEATURE_RETAIN G_GUINT64_CONSTANT (4)
/* Registration of collectors, and tasks with leases. With the feature control.collector.registration and control.collector.task
 * are methods of the broker; without it they are ordinary topics. */
#define WIRE_FEATURE_TASKS G_GUINT64_CONSTANT (8)
/* Delivery at least once, strategies of groups, filters, lineage, last messages, waiting for peers. */
#define WIRE_FEATURE_DELIVERY G_GUINT64_CONSTANT (16)
/* The feature of bits that only a later version may define. It is never offered. */
#define WIRE_FEATURE_UNNUMBERED (G_GUINT64_CONSTANT (1) << 63)

/* The features that this build implements, as broker and as client. */
#define WIRE_FEATURES_KNOWN                                                                                            \
  (WIRE_FEATURE_PEER_METHODS | WIRE_FEATURE_STREAM | WIRE_FEATURE_RETAIN | WIRE_FEATURE_TASKS | WIRE_FEATURE_DELIVERY)

/* Returns the features that a client's frame needs. */
guint64 wire_feature_of_frame (guint8 kind, guint8 flags, const WireEnvelope *envelope);

/* Returns the features that a request to the broker itself needs; 0 for any other topic. */
guint64 wire_feature_of_method (WireSpan topic);

/* Returns the name of the lowest feature in @features, in capitals: "STREAM". */
const char *wire_feature_name (guint64 features);
