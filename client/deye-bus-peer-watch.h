/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-peer.h"

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_PEER_WATCH (deye_bus_peer_watch_get_type ())
DEYE_BUS_API
G_DECLARE_FINAL_TYPE (DeyeBusPeerWatch, deye_bus_peer_watch, DEYE_BUS, PEER_WATCH, GObject)

/**
 * DeyeBusPeerWatch:
 *
 * A watch of the peers of the bus: it reports the connected peers, and then each change.
 *
 * deye_bus_client_watch_peers() returns this object. #DeyeBusPeerWatch::appeared is emitted for each peer that is connected,
 * then #DeyeBusPeerWatch::complete once, and from then on #DeyeBusPeerWatch::appeared and #DeyeBusPeerWatch::gone for each
 * change. So a program does not have to read the present state first and then subscribe to changes, and it misses no change.
 * For one id the two signals alternate.
 *
 * The watch survives the end of the connection. When the client has connected again, the watch reports the differences and
 * emits #DeyeBusPeerWatch::complete again. In between deye_bus_peer_watch_is_complete() is %FALSE, and no peer is reported as
 * gone. A peer that has disconnected and connected again meanwhile, with the same incarnation, is not reported. After a restart
 * of the broker the peers connect again one after the other, so some peers that did not stop are reported as gone, and appear
 * again.
 *
 * A watch ends with deye_bus_peer_watch_stop(), when its last reference is released, or when #DeyeBusPeerWatch::ended is
 * emitted. It holds a reference to its client. All functions are called in the thread of the client's context, in which the
 * signals are emitted; the last reference may be released in any thread.
 *
 * Since: 0.1
 */
/**
 * DeyeBusPeerWatch::appeared:
 * @self: the watch
 * @peer: the peer
 *
 * Emitted when a peer has connected, and after the start for each peer that is already connected. If another client object has
 * taken over the id of a peer, #DeyeBusPeerWatch::gone is emitted first.
 *
 * Since: 0.1
 */
/**
 * DeyeBusPeerWatch::gone:
 * @self: the watch
 * @peer: the peer; deye_bus_peer_is_present() is %FALSE
 *
 * Emitted when no connection has the id of the peer any more, or when another client object has taken it over.
 *
 * Since: 0.1
 */
/**
 * DeyeBusPeerWatch::complete:
 * @self: the watch
 *
 * Emitted when every peer that is connected has been reported: once after the start, and once after each reconnect.
 *
 * Since: 0.1
 */
/**
 * DeyeBusPeerWatch::ended:
 * @self: the watch
 * @error: (transfer none): the reason, such as %DEYE_BUS_ERROR_DENIED, or %DEYE_BUS_ERROR_CLOSED when the client was closed
 *
 * Emitted when the watch has ended without deye_bus_peer_watch_stop(): the broker has refused it, or the client does not
 * connect again.
 *
 * Since: 0.1
 */

/**
 * deye_bus_client_watch_peers:
 * @self: a #DeyeBusClient
 * @pattern: (nullable): id of one peer; or a pattern of ids, in which `*` stands for any characters and `?` for one, such as
 *   `procmond-*`; or %NULL for all peers
 * @error: return location for a #GError, or %NULL
 *
 * Watches the peers of the bus. The call never waits; peers are reported by signals of the object that it returns. While the
 * client connects, the watch begins when it is ready.
 *
 * A client with the role of a collector watches one peer: with a pattern, or without one, #DeyeBusPeerWatch::ended reports
 * %DEYE_BUS_ERROR_DENIED.
 *
 * Returns: (transfer full): the watch; %NULL with %DEYE_BUS_ERROR_UNSUPPORTED (the broker does not offer it),
 *   %DEYE_BUS_ERROR_INVALID_ARGUMENT (@pattern is neither an id nor a pattern of ids), or an error of the connection
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusPeerWatch *deye_bus_client_watch_peers (DeyeBusClient *self, const char *pattern, GError **error);

/**
 * deye_bus_peer_watch_get_pattern:
 * @self: a #DeyeBusPeerWatch
 *
 * Gets the id or pattern that is watched.
 *
 * Returns: (transfer none) (nullable): the pattern, owned by the watch; %NULL for all peers
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_peer_watch_get_pattern (DeyeBusPeerWatch *self);

/**
 * deye_bus_peer_watch_is_complete:
 * @self: a #DeyeBusPeerWatch
 *
 * Gets whether the watch knows every peer that is connected and matches. It is %FALSE until the first list is complete, from
 * the end of a connection until the list is complete again, and after the end of the watch.
 *
 * Returns: %TRUE if the list is complete
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_peer_watch_is_complete (DeyeBusPeerWatch *self);

/**
 * deye_bus_peer_watch_get_sequence:
 * @self: a #DeyeBusPeerWatch
 *
 * Gets the sequence number of the last message that the broker had accepted when it sent the last report. Events about peers
 * (`system.peer.*`) with this or a smaller number are contained in the reports of the watch; see
 * deye_bus_message_get_sequence().
 *
 * Returns: the sequence number; 0 before the first report
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_peer_watch_get_sequence (DeyeBusPeerWatch *self);

/**
 * deye_bus_peer_watch_lookup:
 * @self: a #DeyeBusPeerWatch
 * @id: id of a peer
 *
 * Looks up a peer among those that were reported and are not gone.
 *
 * Returns: (transfer full) (nullable): the peer, or %NULL
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusPeer *deye_bus_peer_watch_lookup (DeyeBusPeerWatch *self, const char *id);

/**
 * deye_bus_peer_watch_list_peers:
 * @self: a #DeyeBusPeerWatch
 *
 * Lists the peers that were reported and are not gone, ordered by id.
 *
 * Returns: (transfer container) (element-type DeyeBusPeer): the peers
 *
 * Since: 0.1
 */
DEYE_BUS_API GPtrArray *deye_bus_peer_watch_list_peers (DeyeBusPeerWatch *self);

/**
 * deye_bus_peer_watch_stop:
 * @self: a #DeyeBusPeerWatch
 *
 * Ends the watch: no signal is emitted any more. No effect if it has ended.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_peer_watch_stop (DeyeBusPeerWatch *self);

G_END_DECLS
