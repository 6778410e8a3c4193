/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-frame.h"
#include "wire-span.h"

/*
 * The lane and the credit class of a message.
 *
 * Both follow from the frame's kind, the topic, the length of the payload and the features of the sender's connection, by
 * one table that never changes. So sender and broker agree on them without negotiating, and no peer can choose a lane. A
 * REPLY and a DELIVERED have the lane of the message that they answer: the caller passes the topic of that message. The
 * features are those of the peer that sends the frame to the broker, or that will send the answer; frames of the broker
 * itself have none.
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

/* @features: the features of the connection that WELCOME granted */
WireClassOf wire_class_of (guint8 kind, WireSpan topic, gsize payload_len, guint64 features);
const char *wire_class_name (WireClass credit_class);
