/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-deadline.h"

/*
 * A deadline with a name: what is due, and whose it is. bus-core looks at the kind when it pops one; nothing is called
 * back from here.
 */
typedef enum
{
  BUS_ALARM_HELLO,   /* owner: BusPeer: has not said hello */
  BUS_ALARM_FRAME,   /* owner: BusPeer: a frame has begun and does not end */
  BUS_ALARM_REQUEST, /* owner: BusRequest */
} BusAlarmKind;

typedef struct
{
  BusDeadline deadline; /* first: a BusDeadline of our set is a BusAlarm */
  BusAlarmKind kind;
  gpointer owner;
} BusAlarm;
