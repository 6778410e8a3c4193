/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_ANSWERS (deye_bus_answers_get_type ())
DEYE_BUS_API
G_DECLARE_FINAL_TYPE (DeyeBusAnswers, deye_bus_answers, DEYE_BUS, ANSWERS, GObject)

/**
 * DeyeBusAnswers:
 *
 * The answers of one request, in the order in which they arrive: the parts of a long answer of one responder, or the
 * answers of several responders.
 *
 * deye_bus_client_request_stream() sends the request and returns this object. Take the answers with deye_bus_answers_next() or
 * deye_bus_answers_next_async() until the call returns %NULL without an error. At most 64 answers or 1 MiB that were not taken
 * are in the client; then the responders wait. Answers of one responder keep their order.
 *
 * If several responders were asked, each answer contains the id of its responder (deye_bus_message_get_sender()). The failure
 * of a responder is also an answer: deye_bus_message_check() returns its error. deye_bus_answers_get_asked(),
 * deye_bus_answers_get_answered() and deye_bus_answers_get_failed() return the broker's counts of responders.
 *
 * The object holds a reference to its client. If it is freed before the request has ended, the request is cancelled, and
 * the responders are notified. All functions are called in the thread of the client's context.
 *
 * Since: 0.1
 */

/**
 * DEYE_BUS_EXPECT_ALL:
 *
 * For deye_bus_client_request_stream(): every responder of the topic is expected to answer.
 *
 * Since: 0.1
 */
#define DEYE_BUS_EXPECT_ALL (-1)

/**
 * deye_bus_client_request_stream:
 * @self: a #DeyeBusClient
 * @topic: topic of the request
 * @payload: (nullable): payload of the request
 * @options: (nullable): method, target and further fields, or %NULL; its timeout (default 30 s) is the deadline of the whole
 *   request, which the responders receive
 * @expect: 0 or 1: one responder is asked, and its answer may have several parts. A larger number: all responders of the topic
 *   are asked, and the request ends when that number has answered; %DEYE_BUS_EXPECT_ALL (or another negative number): the
 *   request ends when all have answered
 * @stall_us: longest time between two answers, in microseconds; 0: no limit but the timeout
 * @error: return location for a #GError, or %NULL
 *
 * Sends a request with more than one answer. The call never waits: without credit the request is queued. If the broker
 * refuses the request, deye_bus_answers_next() fails with its error.
 *
 * Returns: (transfer full): the answers; %NULL with %DEYE_BUS_ERROR_UNSUPPORTED (the broker does not offer streams),
 *   %DEYE_BUS_ERROR_WOULD_BLOCK (too many calls are waiting for credit), %DEYE_BUS_ERROR_LIMIT,
 *   %DEYE_BUS_ERROR_INVALID_ARGUMENT, or an error of the connection
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusAnswers *deye_bus_client_request_stream (DeyeBusClient *self,
                                                             const char *topic,
                                                             GBytes *payload,
                                                             DeyeBusOptions *options,
                                                             gint expect,
                                                             gint64 stall_us,
                                                             GError **error);

/**
 * deye_bus_answers_next:
 * @self: a #DeyeBusAnswers
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, only this call ends, and the request continues
 * @error: return location for a #GError, or %NULL
 *
 * Takes the next answer, and waits for it if there is none. Like every synchronous call it does not iterate the context.
 *
 * Returns: (transfer full) (nullable): the answer. %NULL without an error if the request has ended and every answer was
 *   taken. Otherwise %NULL with the error that ended the request, an error as for deye_bus_client_request(), after the
 *   answers that arrived before it: with several responders %DEYE_BUS_ERROR_PARTIAL (some did not answer) or
 *   %DEYE_BUS_ERROR_TIMEOUT; or with %G_IO_ERROR_PENDING (deye_bus_answers_next_async() is waiting), %G_IO_ERROR_CANCELLED or
 *   %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusMessage *deye_bus_answers_next (DeyeBusAnswers *self, GCancellable *cancellable, GError **error);

/**
 * deye_bus_answers_next_async:
 * @self: a #DeyeBusAnswers
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, only this call ends, and the request continues
 * @callback: (scope async) (closure user_data) (nullable): function to call when an answer has arrived or the request has
 *   ended
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_answers_next(). One call waits at a time.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_answers_next_async (DeyeBusAnswers *self,
                                               GCancellable *cancellable,
                                               GAsyncReadyCallback callback,
                                               gpointer user_data);

/**
 * deye_bus_answers_next_finish:
 * @self: a #DeyeBusAnswers
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_answers_next_async().
 *
 * Returns: (transfer full) (nullable): the answer; %NULL as for deye_bus_answers_next()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusMessage *deye_bus_answers_next_finish (DeyeBusAnswers *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_answers_cancel:
 * @self: a #DeyeBusAnswers
 *
 * Ends the request and notifies the responders. Answers that have arrived can still be taken; then the error is
 * %G_IO_ERROR_CANCELLED. No effect on a request that has ended.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_answers_cancel (DeyeBusAnswers *self);

/**
 * deye_bus_answers_is_ended:
 * @self: a #DeyeBusAnswers
 *
 * Gets whether the request has ended, so that no further answer arrives. There may be answers that were not taken yet.
 *
 * Returns: %TRUE if it has ended
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_answers_is_ended (DeyeBusAnswers *self);

/**
 * deye_bus_answers_get_asked:
 * @self: a #DeyeBusAnswers
 *
 * Gets how many responders were asked. The number is known when the first of several has answered or failed, or when the
 * request has ended; it is 0 if one responder was asked.
 *
 * Returns: the number of responders
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_answers_get_asked (DeyeBusAnswers *self);

/**
 * deye_bus_answers_get_answered:
 * @self: a #DeyeBusAnswers
 *
 * Gets how many of several responders have sent their last answer.
 *
 * Returns: the number of responders
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_answers_get_answered (DeyeBusAnswers *self);

/**
 * deye_bus_answers_get_failed:
 * @self: a #DeyeBusAnswers
 *
 * Gets how many of several responders have failed: they disconnected, answered with an error, or had no room.
 *
 * Returns: the number of responders
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_answers_get_failed (DeyeBusAnswers *self);

G_END_DECLS
