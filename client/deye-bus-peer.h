/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_PEER (deye_bus_peer_get_type ())

/**
 * DeyeBusPeer:
 *
 * A peer of the bus, as the broker described it at one moment. It is immutable, and its reference count is atomic, so it
 * can be used in any thread.
 *
 * deye_bus_client_wait_for_peer() and #DeyeBusPeerWatch return peers. The broker reports role, process, user and account only to
 * the agent and to tools.
 *
 * Since: 0.1
 */
typedef struct _DeyeBusPeer DeyeBusPeer;

DEYE_BUS_API GType deye_bus_peer_get_type (void);

/**
 * deye_bus_peer_ref:
 * @peer: a #DeyeBusPeer
 *
 * Increases the reference count of a peer.
 *
 * Returns: (transfer full): @peer
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusPeer *deye_bus_peer_ref (DeyeBusPeer *peer);

/**
 * deye_bus_peer_unref:
 * @peer: (transfer full): a #DeyeBusPeer
 *
 * Decreases the reference count of a peer and frees it when the count reaches zero.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_peer_unref (DeyeBusPeer *peer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusPeer, deye_bus_peer_unref)

/**
 * deye_bus_peer_get_id:
 * @peer: a #DeyeBusPeer
 *
 * Gets the id of the peer.
 *
 * Returns: (transfer none): the id, owned by @peer; never %NULL
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_peer_get_id (DeyeBusPeer *peer);

/**
 * deye_bus_peer_is_present:
 * @peer: a #DeyeBusPeer
 *
 * Gets whether the peer was connected at that moment.
 *
 * Returns: %TRUE if it was connected; %FALSE if no connection had its id any more
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_peer_is_present (DeyeBusPeer *peer);

/**
 * deye_bus_peer_get_incarnation:
 * @peer: a #DeyeBusPeer
 *
 * Gets the incarnation of the peer: a random number of its client object. It stays the same when the client connects again. It
 * changes when the program is restarted, or when another process takes over the id. The order of two incarnations has no
 * meaning.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_peer_get_incarnation (DeyeBusPeer *peer);

/**
 * deye_bus_peer_get_kind:
 * @peer: a #DeyeBusPeer
 *
 * Gets the kind of collector, such as `procmond`: the type with which its client was created.
 *
 * Returns: (transfer none): the kind, owned by @peer; never %NULL, but "" for a peer without one
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_peer_get_kind (DeyeBusPeer *peer);

/**
 * deye_bus_peer_get_role:
 * @peer: a #DeyeBusPeer
 *
 * Gets the role of the peer.
 *
 * Returns: a #DeyeBusRole; 0 if the asking client has the role of a collector
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_peer_get_role (DeyeBusPeer *peer);

/**
 * deye_bus_peer_get_pid:
 * @peer: a #DeyeBusPeer
 *
 * Gets the process of the peer, as the kernel reported it to the broker.
 *
 * Returns: the number of the process; 0 if it is not known, or if the asking client has the role of a collector
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_peer_get_pid (DeyeBusPeer *peer);

/**
 * deye_bus_peer_get_account:
 * @peer: a #DeyeBusPeer
 *
 * Gets the account that the peer belongs to: on Unix the number of its user.
 *
 * Returns: (transfer none): the account, owned by @peer; never %NULL, but "" if the asking client has the role of a
 *   collector
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_peer_get_account (DeyeBusPeer *peer);

/**
 * deye_bus_client_wait_for_peer:
 * @self: a #DeyeBusClient
 * @peer: id of the peer
 * @options: (nullable): options with a timeout, or %NULL; the timeout (default 30 s) limits the whole call. A timeout of
 *   %G_MAXINT64 means no limit
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @error: return location for a #GError, or %NULL
 *
 * Waits until a peer with the id @peer is connected. Returns at once if it is already connected. The peer may have disconnected
 * again when the call returns.
 *
 * The call survives the end of the connection: the client asks again when it has connected again. It may also be called while
 * the client connects.
 *
 * Returns: (transfer full): the peer. Otherwise %NULL with %DEYE_BUS_ERROR_TIMEOUT, %DEYE_BUS_ERROR_UNSUPPORTED (the broker
 *   does not offer it), %DEYE_BUS_ERROR_LIMIT (too many calls are pending), %DEYE_BUS_ERROR_INVALID_ARGUMENT (@peer is not a
 *   valid id, or @options), an error of the connection, or %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusPeer *deye_bus_client_wait_for_peer (DeyeBusClient *self,
                                                         const char *peer,
                                                         DeyeBusOptions *options,
                                                         GCancellable *cancellable,
                                                         GError **error);

/**
 * deye_bus_client_wait_for_peer_async:
 * @self: a #DeyeBusClient
 * @peer: id of the peer
 * @options: (nullable): options with a timeout, or %NULL; the timeout (default 30 s) limits the whole call. A timeout of
 *   %G_MAXINT64 means no limit
 * @cancellable: (nullable): a #GCancellable, or %NULL
 * @callback: (scope async) (closure user_data) (nullable): function to call when the operation is complete
 * @user_data: data to pass to @callback
 *
 * Asynchronous version of deye_bus_client_wait_for_peer().
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_client_wait_for_peer_async (DeyeBusClient *self,
                                                       const char *peer,
                                                       DeyeBusOptions *options,
                                                       GCancellable *cancellable,
                                                       GAsyncReadyCallback callback,
                                                       gpointer user_data);

/**
 * deye_bus_client_wait_for_peer_finish:
 * @self: a #DeyeBusClient
 * @result: the #GAsyncResult that was passed to the callback
 * @error: return location for a #GError, or %NULL
 *
 * Finishes an operation started with deye_bus_client_wait_for_peer_async().
 *
 * Returns: (transfer full): the peer; %NULL with an error as for deye_bus_client_wait_for_peer()
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusPeer *
deye_bus_client_wait_for_peer_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

G_END_DECLS
