/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-envelope.h"

/*
 * Optional features of a connection, one bit for each. HELLO lists the features that the client knows, WELCOME those
 * that both sides know. A connection uses only features that are in its WELCOME: the library refuses a call that needs
 * another one before it sends anything, and the broker refuses the frame with UNSUPPORTED. Both ask
 * wire_feature_of_frame(), so they agree about what belongs to a feature.
 *
 * The methods control.bus.* that need a feature are in wire_feature_of_method(), which both sides ask as well. The features
 * of fields in the payloads of methods are listed in doc/protocol; the code of each method checks them.
 */

/* The client itself serves its standard methods on control.collector.{id}, with SubscribeRequest.methods. */
#define WIRE_FEATURE_PEER_METHODS G_GUINT64_CONSTANT (1)
/* A REQUEST gives its answers a window; several members may answer it. */
#define WIRE_FEATURE_STREAM G_GUINT64_CONSTANT (2)
/* The last message of a topic is kept for later subscribers. */
#define WIRE_FEATURE_RETAIN G_GUINT64_CONSTANT (4)
/* Registration of collectors, and tasks with leases. control.collector.registration and control.collector.task are methods of
 * the broker then; without the feature they are topics like any other. The feature is not part of WIRE_FEATURES_KNOWN yet. */
#define WIRE_FEATURE_TASKS G_GUINT64_CONSTANT (8)
/* At least once, strategies of groups, filters, lineage, last message, waiting for peers. */
#define WIRE_FEATURE_DELIVERY G_GUINT64_CONSTANT (16)
/* No feature that has a number: bits of a field that a later version may define. */
#define WIRE_FEATURE_UNNUMBERED (G_GUINT64_CONSTANT (1) << 63)

/* The features that this build implements, as broker and as client. */
#define WIRE_FEATURES_KNOWN                                                                                            \
  (WIRE_FEATURE_PEER_METHODS | WIRE_FEATURE_STREAM | WIRE_FEATURE_RETAIN | WIRE_FEATURE_TASKS | WIRE_FEATURE_DELIVERY)

/* The features that a frame of a client needs. */
guint64 wire_feature_of_frame (guint8 kind, guint8 flags, const WireEnvelope *envelope);

/* The features that a request to the broker itself needs; 0 for any other topic. */
guint64 wire_feature_of_method (WireSpan topic);

/* The name of the lowest feature in @features, in capitals: "STREAM". */
const char *wire_feature_name (guint64 features);
