/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * States of a client's connection, and every legal change of them: a table of [state][event].
 *
 * The table only gives the next state. deye_bus_client_apply_event() is the only function that changes a client's state.
 *
 * Invariant: each cell has an entry. The entry of an event that cannot happen in a state is FAULT: an error of the library.
 */

/* The values of the client's public enumeration DeyeBusClientState. */
typedef enum
{
  DEYE_BUS_CONNECTION_IS_DISCONNECTED,
  DEYE_BUS_CONNECTION_IS_CONNECTING,
  DEYE_BUS_CONNECTION_IS_CONNECTED,
  DEYE_BUS_CONNECTION_IS_CLOSED,
  DEYE_BUS_CONNECTION_IS_READY,
  DEYE_BUS_CONNECTION_STATES
} DeyeBusConnectionState;

typedef enum
{
  DEYE_BUS_CONNECTION_DIAL,     /* connect() was called */
  DEYE_BUS_CONNECTION_WELCOME,  /* the handshake succeeded */
  DEYE_BUS_CONNECTION_RESTORED, /* subscriptions and other state of an earlier connection are restored */
  DEYE_BUS_CONNECTION_LOST,     /* the attempt failed or the connection ended, and another attempt follows */
  DEYE_BUS_CONNECTION_ENDED,    /* the attempt failed or the connection ended, and no attempt follows */
  DEYE_BUS_CONNECTION_CLOSE,    /* close() was called, or the last reference was released */
  DEYE_BUS_CONNECTION_EVENTS
} DeyeBusConnectionEvent;

typedef enum
{
  DEYE_BUS_CONNECTION_CELL_MISSING,
  DEYE_BUS_CONNECTION_CELL_FAULT,   /* the library never does this */
  DEYE_BUS_CONNECTION_CELL_IGNORED, /* the state stays as it is */
  DEYE_BUS_CONNECTION_CELL_MOVES,   /* to @next */
} DeyeBusConnectionCellKind;

typedef struct
{
  DeyeBusConnectionCellKind kind;
  DeyeBusConnectionState next;
} DeyeBusConnectionCell;

DeyeBusConnectionCell deye_bus_connection_cell (DeyeBusConnectionState state, DeyeBusConnectionEvent event);
/* For the log. */
const char *deye_bus_connection_state_name (DeyeBusConnectionState state);
