/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * The schemas of this folder as one serialized google.protobuf.FileDescriptorSet, put into the program when it is built:
 * so a peer can say what its messages look like, and a tool can read them.
 *
 * Invariant: it holds every message that broker, library and our collectors use as a payload.
 */
WireSpan wire_descriptors (void);
