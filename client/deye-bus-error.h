/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"

#include <glib.h>

G_BEGIN_DECLS

/**
 * DEYE_BUS_ERROR:
 *
 * Error domain of the library; see #DeyeBusError for its codes. A call that the caller cancels with its own
 * #GCancellable fails with %G_IO_ERROR_CANCELLED instead.
 *
 * Since: 0.1
 */
#define DEYE_BUS_ERROR (deye_bus_error_quark ())

/**
 * DeyeBusError:
 * @DEYE_BUS_ERROR_UNKNOWN: the outcome is not known, because the connection ended before the answer arrived
 * @DEYE_BUS_ERROR_PROTOCOL: the peer sent data that violates the protocol, or refused data of this client as malformed
 * @DEYE_BUS_ERROR_VERSION: client and broker have no protocol version in common
 * @DEYE_BUS_ERROR_UNSUPPORTED: the broker, or this object, does not support the call
 * @DEYE_BUS_ERROR_BAD_TOPIC: the topic is not valid
 * @DEYE_BUS_ERROR_BAD_PATTERN: the pattern is not valid
 * @DEYE_BUS_ERROR_DENIED: the broker's policy does not allow the call
 * @DEYE_BUS_ERROR_LIMIT: a limit was exceeded; the message names the limit, the value and the setting
 * @DEYE_BUS_ERROR_WOULD_BLOCK: the queues of the receivers are full, or there was no credit within the timeout
 * @DEYE_BUS_ERROR_DUPLICATE_ID: the id is in use, or another client has taken it over
 * @DEYE_BUS_ERROR_NO_MEMORY: out of memory
 * @DEYE_BUS_ERROR_CASCADE: the chain of messages that caused this one is too long, or the message is among its own causes; see
 *   deye_bus_options_child_of()
 * @DEYE_BUS_ERROR_ABSENT: the target is not connected
 * @DEYE_BUS_ERROR_NOT_SUBSCRIBED: the target is connected, but neither subscribes to the topic nor serves it
 * @DEYE_BUS_ERROR_NO_RESPONDERS: no peer serves the topic
 * @DEYE_BUS_ERROR_RESPONDER_GONE: the responder disconnected before it answered
 * @DEYE_BUS_ERROR_TIMEOUT: the timeout expired
 * @DEYE_BUS_ERROR_CANCELLED: the other side cancelled the call
 * @DEYE_BUS_ERROR_EXPIRED: a message's time to live, or the longest time that a subscription may block, has expired
 * @DEYE_BUS_ERROR_SLOW_CONSUMER: the broker closed the connection because the client did not read; as the reason of a
 *   gap: dropped by the subscription's overflow policy
 * @DEYE_BUS_ERROR_SHUTTING_DOWN: the broker closed the connection because it is stopping
 * @DEYE_BUS_ERROR_INTERNAL: the broker failed, or it gave a reason that this client does not know
 * @DEYE_BUS_ERROR_DRAINING: a member of a queue group, or a server, takes no new messages and finishes what it has
 * @DEYE_BUS_ERROR_FAILED: the responder returned an error of its own; see deye_bus_error_get_name()
 * @DEYE_BUS_ERROR_PARTIAL: some of the answers that a request to many peers requires are missing
 * @DEYE_BUS_ERROR_NOT_CONNECTED: the client is not connected, and the call was not sent; this code and the following
 *   ones are local
 * @DEYE_BUS_ERROR_NO_BROKER: no broker is listening at the address
 * @DEYE_BUS_ERROR_CLOSED: this client, or this subscription, has been closed
 * @DEYE_BUS_ERROR_WRONG_THREAD: another thread has acquired the client's context
 * @DEYE_BUS_ERROR_UNTRUSTED: the server at the address runs as a user that the client does not trust
 * @DEYE_BUS_ERROR_INVALID_ARGUMENT: an argument, a field of the options or a property of the object is not valid, or is
 *   missing; the message names it. Nothing was done
 * @DEYE_BUS_ERROR_UNSENT: the connection ended, or the client was closed, before all messages had been sent; the message
 *   of the error contains their number, and so does the property #DeyeBusClient:unsent
 *
 * Error codes of the library. Codes below 100 are status codes of the wire protocol (doc/protocol.md) and never change;
 * codes from 100 on are assigned by the library. The message of an error is in the user's language; details that come
 * from the broker are in English.
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
  DEYE_BUS_ERROR_CASCADE = 27,
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
  DEYE_BUS_ERROR_DRAINING = 47,
  DEYE_BUS_ERROR_FAILED = 50,
  DEYE_BUS_ERROR_PARTIAL = 51,
  DEYE_BUS_ERROR_NOT_CONNECTED = 100,
  DEYE_BUS_ERROR_NO_BROKER = 101,
  DEYE_BUS_ERROR_CLOSED = 102,
  DEYE_BUS_ERROR_WRONG_THREAD = 103,
  DEYE_BUS_ERROR_UNTRUSTED = 104,
  DEYE_BUS_ERROR_INVALID_ARGUMENT = 105,
  DEYE_BUS_ERROR_UNSENT = 106,
} DeyeBusError;

/**
 * deye_bus_error_quark:
 *
 * Gets the error domain of the library; use %DEYE_BUS_ERROR.
 *
 * Returns: the #GQuark of the error domain
 *
 * Since: 0.1
 */
DEYE_BUS_API GQuark deye_bus_error_quark (void);

/**
 * deye_bus_error_get_name:
 * @error: a #GError of any domain
 *
 * Gets the name that a responder gave its error with deye_bus_client_respond_error(). (Python copies the domain, the
 * code and the message of an error only, so the name is not available there.)
 *
 * Returns: (transfer full) (nullable): the name, such as `org.example.NoDisk`; %NULL for any other error
 *
 * Since: 0.1
 */
DEYE_BUS_API char *deye_bus_error_get_name (const GError *error);

G_END_DECLS
