/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-deadline.h"

/*
 * A deadline with a name: what is due, and whose it is. bus-core looks at the kind when it pops one; nothing is called
 * back from here.
 */
typedef enum
{
  BUS_ALARM_HELLO,   /* owner: BusPeer: has not said hello */
  BUS_ALARM_FRAME,   /* owner: BusPeer: a frame has begun and does not end */
  BUS_ALARM_REQUEST, /* owner: BusRequest */
  BUS_ALARM_EXPIRY,  /* owner: BusSlot: its message's time to live is over */
  BUS_ALARM_BLOCK,   /* owner: BusSubscription: holds publishers' credit */
  BUS_ALARM_ALERT,   /* owner: BusSubscription: something is to be said about it */
  BUS_ALARM_QUEUE,   /* owner: BusPeer: the same, about its queue */
  BUS_ALARM_RETRY,   /* owner: BusPeer: there was no memory to encode what waits */
  BUS_ALARM_UID,     /* owner: BusUid: holds much */
  BUS_ALARM_BROKER,  /* owner: BusCore: holds much */
} BusAlarmKind;

typedef struct
{
  BusDeadline deadline; /* first: a BusDeadline of our set is a BusAlarm */
  BusAlarmKind kind;
  gpointer owner;
} BusAlarm;
