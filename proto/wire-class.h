/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-frame.h"
#include "wire-span.h"

/*
 * Which lane a message goes in and which credit it costs: one frozen table, the same on both sides.
 *
 * Nobody chooses a lane; it follows from kind, topic and payload length, so sender, broker and receiver agree without
 * a word. REPLY and DELIVERED take the lane of what they answer: ask for that with the request's kind and topic.
 */

typedef enum
{
  WIRE_LANE_CONTROL,
  WIRE_LANE_DATA,
} WireLane;
#define WIRE_N_LANES 2u

typedef enum
{
  WIRE_CLASS_NONE = 0,
  WIRE_CLASS_CONTROL = 1,
  WIRE_CLASS_MUST_KEEP = 2,
  WIRE_CLASS_MAY_DROP = 3,
} WireClass;
#define WIRE_N_CLASSES 4u

#define WIRE_CONTROL_PAYLOAD_MAX 16384u /* a larger one on a control topic travels as data */

typedef struct
{
  WireLane lane;
  WireClass credit_class;
} WireClassOf;

WireClassOf wire_class_of (guint8 kind, WireSpan topic, gsize payload_len);
const char *wire_class_name (WireClass credit_class);
