/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"
#include "deye-bus-gather-answer.h"
#include "deye-bus-gather-spec.h"
#include "deye-bus-manifest.h"

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_GATHER (deye_bus_gather_get_type ())
DEYE_BUS_API
G_DECLARE_FINAL_TYPE (DeyeBusGather, deye_bus_gather, DEYE_BUS, GATHER, GObject)

/**
 * DeyeBusGather:
 *
 * One question to many collectors: the answers that have arrived, and the manifest, which has an entry for each expected answer.
 *
 * deye_bus_client_gather() asks and waits for the end. deye_bus_gather_get_answers() then returns the answers, if they meet the
 * requirement of the question. If they do not, it fails with %DEYE_BUS_ERROR_PARTIAL, whose message names the collectors that are
 * missing. No answer is lost then: deye_bus_gather_dup_manifest() returns which answers are missing and why, and
 * deye_bus_gather_accept_partial() returns the answers that have arrived, for a caller that can use them.
 *
 * |[<!-- language="C" -->
 * g_autoptr (DeyeBusGather) gather = deye_bus_client_gather (client, spec, NULL, &error);
 * g_autolist (DeyeBusGatherAnswer) answers = gather != NULL ? deye_bus_gather_get_answers (gather, &error) : NULL;
 * ]|
 *
 * deye_bus_client_gather_begin() does not wait: deye_bus_gather_next() or deye_bus_gather_next_async() return the answers as they
 * arrive. They are provisional: whether the requirement is met is only known after the last one.
 *
 * The object holds a reference to its client. If it is freed before the question has ended, the question is cancelled, and the
 * collectors are notified. All functions are called in the thread of the client's context.
 *
 * Since: 0.1
 */

/**
 * deye_bus_client_gather_begin:
 * @self: a #DeyeBusClient
 * @spec: the specification of the question; it is copied
 * @error: return location for a #GError, or %NULL
 *
 * Asks many collectors, and returns at once. The answers are taken with deye_bus_gather_next() or
 * deye_bus_gather_next_async(). If the broker refuses the question, these fail with its error. Only the agent and tools may ask.
 *
 * Returns: (transfer full): the question; %NULL with %DEYE_BUS_ERROR_INVALID_ARGUMENT (a setter of @spec got a wrong value, or
 *   @spec has no requirement), %DEYE_BUS_ERROR_UNSUPPORTED (the broker has no tasks), or an error as for
 *   deye_bus_client_request_stream()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusGather *deye_bus_client_gather_begin (DeyeBusClient *self, DeyeBusGatherSpec *spec, GError **error);

/**
 * deye_bus_client_gather:
 * @self: a #DeyeBusClient
 * @spec: the specification of the question; it is copied
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, the question is cancelled, too
 * @error: return location for a #GError, or %NULL
 *
 * Asks many collectors, and waits until each expected answer has arrived or is known to be missing, at most for the timeout of
 * @spec. The answers are kept in memory.
 *
 * Returns: (transfer full): the question, which has ended. It is also returned if the answers do not meet the requirement of
 *   @spec, or if the connection ended after some had arrived: deye_bus_gather_get_answers() fails then. %NULL with an error as
 *   of deye_bus_client_gather_begin() or deye_bus_client_request() if nothing arrived, such as %DEYE_BUS_ERROR_DENIED,
 *   %DEYE_BUS_ERROR_LIMIT or %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusGather *
deye_bus_client_gather (DeyeBusClient *self, DeyeBusGatherSpec *spec, GCancellable *cancellable, GError **error);

/**
 * deye_bus_client_gather_async:
 * @self: a #DeyeBusClient
 * @spec: the specification of the question; it is copied
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, the question is cancelled, too
 * @callback: (scope async) (closure user_data) (nullable): function to call when the question has ended
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_client_gather().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_gather_async (DeyeBusClient *self,
                                                DeyeBusGatherSpec *spec,
                                                GCancellable *cancellable,
                                                GAsyncReadyCallback callback,
                                                gpointer user_data);

/**
 * deye_bus_client_gather_finish:
 * @self: a #DeyeBusClient
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_client_gather_async().
 *
 * Returns: (transfer full): the question, which has ended; %NULL with an error as for deye_bus_client_gather()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusGather *deye_bus_client_gather_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_gather_next:
 * @self: a #DeyeBusGather
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, only this call ends, and the question continues
 * @error: return location for a #GError, or %NULL
 *
 * Takes the next answer, in the order of arrival, and waits for it if there is none. The answer is provisional until the
 * question has ended. Like every synchronous call it does not iterate the context.
 *
 * Returns: (transfer full) (nullable): the answer. %NULL without an error if the question has ended, every answer was taken,
 *   and the answers meet the requirement of the question. %NULL with %DEYE_BUS_ERROR_PARTIAL if the question has ended, every
 *   answer was taken, and the answers do not meet the requirement. %NULL with an error as for deye_bus_client_request() if the
 *   question ended without a manifest. At any time %NULL with %G_IO_ERROR_PENDING (deye_bus_gather_next_async() is waiting),
 *   %G_IO_ERROR_CANCELLED or %DEYE_BUS_ERROR_WRONG_THREAD
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusGatherAnswer *deye_bus_gather_next (DeyeBusGather *self, GCancellable *cancellable, GError **error);

/**
 * deye_bus_gather_next_async:
 * @self: a #DeyeBusGather
 * @cancellable: (nullable): a #GCancellable, or %NULL; when cancelled, only this call ends, and the question continues
 * @callback: (scope async) (closure user_data) (nullable): function to call when an answer has arrived or the question has
 *   ended
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_gather_next(). One call waits at a time.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_gather_next_async (DeyeBusGather *self,
                                              GCancellable *cancellable,
                                              GAsyncReadyCallback callback,
                                              gpointer user_data);

/**
 * deye_bus_gather_next_finish:
 * @self: a #DeyeBusGather
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_gather_next_async().
 *
 * Returns: (transfer full) (nullable): the answer; %NULL as for deye_bus_gather_next()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusGatherAnswer *
deye_bus_gather_next_finish (DeyeBusGather *self, GAsyncResult *result, GError **error);

/**
 * deye_bus_gather_cancel:
 * @self: a #DeyeBusGather
 *
 * Ends the question and notifies the collectors. Answers that have arrived can still be taken; then the error is
 * %G_IO_ERROR_CANCELLED. No effect on a question that has ended.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_gather_cancel (DeyeBusGather *self);

/**
 * deye_bus_gather_is_ended:
 * @self: a #DeyeBusGather
 *
 * Checks whether the question has ended for the caller: deye_bus_client_gather() has returned it, or deye_bus_gather_next() has
 * returned %NULL.
 *
 * Returns: %TRUE if it has ended
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_gather_is_ended (DeyeBusGather *self);

/**
 * deye_bus_gather_dup_manifest:
 * @self: a #DeyeBusGather
 *
 * Gets the manifest. It exists after the end of the question, unless the connection ended before, the broker refused the
 * question, or the question was cancelled.
 *
 * Returns: (transfer full) (nullable): the manifest; %NULL: there is none, or none yet
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusManifest *deye_bus_gather_dup_manifest (DeyeBusGather *self);

/**
 * deye_bus_gather_get_answers:
 * @self: a #DeyeBusGather
 * @error: return location for a #GError, or %NULL
 *
 * Gets the answers that deye_bus_gather_next() has not returned, in the order of their entries in the manifest, if they
 * meet the requirement of the question.
 *
 * Returns: (transfer full) (element-type DeyeBusGatherAnswer): the answers; %NULL without an error: there are none. Otherwise
 *   %NULL with %DEYE_BUS_ERROR_PARTIAL (the answers do not meet the requirement: deye_bus_gather_accept_partial()
 *   returns them), the error with which the question ended without a manifest, or %G_IO_ERROR_PENDING (it has not ended)
 *
 * Since: 0.1
 */
DEYE_BUS_API GList *deye_bus_gather_get_answers (DeyeBusGather *self, GError **error);

/**
 * deye_bus_gather_accept_partial:
 * @self: a #DeyeBusGather
 * @error: return location for a #GError, or %NULL
 *
 * Gets the answers like deye_bus_gather_get_answers(), even if they do not meet the requirement of the question, or if it ended
 * without a manifest. This is for programs that can use incomplete answers; the manifest lists the missing ones.
 *
 * Returns: (transfer full) (element-type DeyeBusGatherAnswer): the answers; %NULL without an error: there are none; %NULL with
 *   %G_IO_ERROR_PENDING (the question has not ended)
 *
 * Since: 0.1
 */
DEYE_BUS_API GList *deye_bus_gather_accept_partial (DeyeBusGather *self, GError **error);

G_END_DECLS
