/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * Returns the schemas of this folder as one serialized google.protobuf.FileDescriptorSet, which is embedded in the program at
 * build time. Peers send it in answer to a description request, so that a tool can decode their messages.
 *
 * Invariant: the set contains every message type that the broker, the library and our collectors use as a payload.
 */
WireSpan wire_descriptors (void);
