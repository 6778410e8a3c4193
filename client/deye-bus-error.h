/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"

#include <glib.h>

G_BEGIN_DECLS

/**
 * DEYE_BUS_ERROR:
 *
 * Domain of the library's errors, see #DeyeBusError. One's own #GCancellable gives %G_IO_ERROR_CANCELLED instead.
 *
 * Since: 0.1
 */
#define DEYE_BUS_ERROR (deye_bus_error_quark ())

/**
 * DeyeBusError:
 * @DEYE_BUS_ERROR_UNKNOWN: the outcome can't be known: the connection went before the answer
 * @DEYE_BUS_ERROR_PROTOCOL: what came is not our protocol, or ours was refused as malformed
 * @DEYE_BUS_ERROR_VERSION: no common version
 * @DEYE_BUS_ERROR_UNSUPPORTED: the broker, or this object, does not support the call
 * @DEYE_BUS_ERROR_BAD_TOPIC: not a topic
 * @DEYE_BUS_ERROR_BAD_PATTERN: not a pattern
 * @DEYE_BUS_ERROR_DENIED: the broker's policy does not allow it
 * @DEYE_BUS_ERROR_LIMIT: a limit; the message names limit, value and setting
 * @DEYE_BUS_ERROR_WOULD_BLOCK: receivers are full, or no credit within the time given
 * @DEYE_BUS_ERROR_DUPLICATE_ID: the id is in use, or another client took it over
 * @DEYE_BUS_ERROR_NO_MEMORY: out of memory
 * @DEYE_BUS_ERROR_ABSENT: the target is not connected
 * @DEYE_BUS_ERROR_NOT_SUBSCRIBED: the target is connected, but neither subscribes nor serves the topic
 * @DEYE_BUS_ERROR_NO_RESPONDERS: nobody serves the topic
 * @DEYE_BUS_ERROR_RESPONDER_GONE: the responder went before it answered
 * @DEYE_BUS_ERROR_TIMEOUT: not within the time given
 * @DEYE_BUS_ERROR_CANCELLED: by the other side; one's own #GCancellable gives %G_IO_ERROR_CANCELLED
 * @DEYE_BUS_ERROR_EXPIRED: its time was over: a message's time to live, or the longest that a subscription may block
 * @DEYE_BUS_ERROR_SLOW_CONSUMER: closed by the broker: did not read; of a gap: dropped by the subscription's policy
 * @DEYE_BUS_ERROR_SHUTTING_DOWN: closed by the broker: it stops
 * @DEYE_BUS_ERROR_INTERNAL: the broker failed, or gave a reason that this client does not know
 * @DEYE_BUS_ERROR_FAILED: the responder's own error; see deye_bus_error_get_name()
 * @DEYE_BUS_ERROR_NOT_CONNECTED: the call was not sent; this one and those that follow are local
 * @DEYE_BUS_ERROR_NO_BROKER: nobody listens at the address
 * @DEYE_BUS_ERROR_CLOSED: closed by this client
 * @DEYE_BUS_ERROR_WRONG_THREAD: another thread holds the client's context
 * @DEYE_BUS_ERROR_UNTRUSTED: the server at the address is not who it should be
 *
 * Why a call failed. Numbers below 100 are the broker's status codes (doc/protocol) and stay what they are; those from
 * 100 on come from this side. The message says what to do, in the user's language; details of the broker are English.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_ERROR_UNKNOWN = 1,
  DEYE_BUS_ERROR_PROTOCOL = 14,
  DEYE_BUS_ERROR_VERSION = 16,
  DEYE_BUS_ERROR_UNSUPPORTED = 17,
  DEYE_BUS_ERROR_BAD_TOPIC = 20,
  DEYE_BUS_ERROR_BAD_PATTERN = 21,
  DEYE_BUS_ERROR_DENIED = 22,
  DEYE_BUS_ERROR_LIMIT = 23,
  DEYE_BUS_ERROR_WOULD_BLOCK = 24,
  DEYE_BUS_ERROR_DUPLICATE_ID = 25,
  DEYE_BUS_ERROR_NO_MEMORY = 26,
  DEYE_BUS_ERROR_ABSENT = 30,
  DEYE_BUS_ERROR_NOT_SUBSCRIBED = 31,
  DEYE_BUS_ERROR_NO_RESPONDERS = 32,
  DEYE_BUS_ERROR_RESPONDER_GONE = 33,
  DEYE_BUS_ERROR_TIMEOUT = 34,
  DEYE_BUS_ERROR_CANCELLED = 35,
  DEYE_BUS_ERROR_EXPIRED = 36,
  DEYE_BUS_ERROR_SLOW_CONSUMER = 40,
  DEYE_BUS_ERROR_SHUTTING_DOWN = 42,
  DEYE_BUS_ERROR_INTERNAL = 44,
  DEYE_BUS_ERROR_FAILED = 50,
  DEYE_BUS_ERROR_NOT_CONNECTED = 100,
  DEYE_BUS_ERROR_NO_BROKER = 101,
  DEYE_BUS_ERROR_CLOSED = 102,
  DEYE_BUS_ERROR_WRONG_THREAD = 103,
  DEYE_BUS_ERROR_UNTRUSTED = 104,
} DeyeBusError;

/**
 * deye_bus_error_quark:
 *
 * The domain of errors.
 *
 * Returns: the domain of the library's errors, see %DEYE_BUS_ERROR
 *
 * Since: 0.1
 */
DEYE_BUS_API GQuark deye_bus_error_quark (void);

/**
 * deye_bus_error_get_name:
 * @error: any error
 *
 * What a responder called its error. (Python makes a new error of domain, code and message, which has no name.)
 *
 * Returns: (transfer full) (nullable): the name that a responder gave its error (`org.example.NoDisk`) with
 *   deye_bus_client_respond_error(); %NULL for every other error
 *
 * Since: 0.1
 */
DEYE_BUS_API char *deye_bus_error_get_name (const GError *error);

G_END_DECLS
