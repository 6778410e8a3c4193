/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client-publish.h"

G_BEGIN_DECLS

/* Holding a client: many messages are written to the socket with few writes. */

/**
 * deye_bus_client_hold:
 * @self: a #DeyeBusClient
 *
 * Lets the calls of this client keep their messages in the client's buffer until deye_bus_client_release() is called, so that
 * many messages are written to the socket together. Otherwise each call outside of callbacks writes its messages at once, and
 * for small messages the write costs several times more than the rest of the call.
 *
 * While the client is held, messages are written when 64 KiB have accumulated, before a call waits for anything (credit, an
 * answer, deye_bus_client_flush()), when the client's context runs, and at the release. A program that computes for a long
 * time while it holds the client delays its messages by that time. Nothing is lost or reordered, and no call fails because the
 * client is held.
 *
 * Calls nest: the client is held until deye_bus_client_release() was called as often as this function. #DeyeBusHolder is a
 * guard for C. A client need not be held in callbacks of the library: messages that callbacks send are written together when
 * the dispatch ends.
 *
 * The thread that holds a client owns the client's context until the release, as if it iterated the context, so that the calls
 * in between need no lock. This thread may iterate the context meanwhile. Another thread cannot, and its calls of clients of
 * that context fail with %DEYE_BUS_ERROR_WRONG_THREAD. Release the client in the same thread, and before that thread ends:
 * otherwise no thread can release it, iterate the context or call the client any more.
 *
 * This function does nothing in a forked child, or while another thread has acquired the client's context.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_hold (DeyeBusClient *self);

/**
 * deye_bus_client_release:
 * @self: a #DeyeBusClient
 *
 * Ends one deye_bus_client_hold(). The last release writes the messages that were held, as far as the socket accepts them; the
 * others are written later, like those of every call. A call without a hold does nothing, and neither does a call in a thread
 * that does not hold the client.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_release (DeyeBusClient *self);

/**
 * deye_bus_client_is_held:
 * @self: a #DeyeBusClient
 *
 * Checks if the calls of this client keep their messages in its buffer.
 *
 * Returns: %TRUE if the client is held by deye_bus_client_hold()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_is_held (DeyeBusClient *self);

/**
 * DeyeBusHolder: (skip)
 *
 * A guard that holds a client until it leaves its scope:
 *
 * |[<!-- language="C" -->
 * g_autoptr (DeyeBusHolder) holder G_GNUC_UNUSED = deye_bus_holder_new (client);
 * ]|
 *
 * Since: 0.1
 */
typedef void DeyeBusHolder;

/**
 * deye_bus_holder_new: (skip)
 * @client: a #DeyeBusClient; the guard owns a reference to it
 *
 * Returns: (transfer full): a guard
 *
 * Since: 0.1
 */
static inline DeyeBusHolder *
deye_bus_holder_new (DeyeBusClient *client)
{
  deye_bus_client_hold (client);
  return (DeyeBusHolder *) g_object_ref (client);
}

/**
 * deye_bus_holder_free: (skip)
 * @holder: (transfer full): a guard
 *
 * Releases the client.
 *
 * Since: 0.1
 */
static inline void
deye_bus_holder_free (DeyeBusHolder *holder)
{
  deye_bus_client_release ((DeyeBusClient *) holder);
  g_object_unref (holder);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusHolder, deye_bus_holder_free)

/**
 * deye_bus_client_publish_many:
 * @self: a #DeyeBusClient
 * @topic: topic to publish to, without wildcards
 * @payloads: (array length=n_payloads): the payloads, one of each message
 * @n_payloads: number of @payloads
 * @options: (nullable): further fields of each message, or %NULL; its timeout (default 30 s) limits the wait for credit
 *   of each message
 * @n_published: (out) (optional): location for the number of messages that were published, which are the first ones
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Publishes messages in order, each as deye_bus_client_publish() without a result, while the client is held. A call that fails
 * has published the first @n_published messages and none of the others, so it can be continued with the rest.
 *
 * Returns: %TRUE if all messages were queued; %FALSE with an error as for deye_bus_client_publish()
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_client_publish_many (DeyeBusClient *self,
                                                    const char *topic,
                                                    GBytes **payloads,
                                                    gsize n_payloads,
                                                    DeyeBusOptions *options,
                                                    gsize *n_published,
                                                    GCancellable *cancellable,
                                                    GError **error);

G_END_DECLS
