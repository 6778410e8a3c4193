/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-frame.h"
#include "wire-span.h"

/*
 * The lane and the credit class of a message.
 *
 * Both follow from the frame's kind, the topic and the length of the payload, by one table that never changes. So
 * sender, broker and receiver agree on them without negotiating, and no peer can choose a lane. A REPLY and a DELIVERED
 * have the lane of the message that they answer: the caller passes that message's topic.
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

#define WIRE_CONTROL_PAYLOAD_MAX 16384u /* a larger payload makes a message of a control topic use the data lane */

typedef struct
{
  WireLane lane;
  WireClass credit_class;
} WireClassOf;

WireClassOf wire_class_of (guint8 kind, WireSpan topic, gsize payload_len);
const char *wire_class_name (WireClass credit_class);
