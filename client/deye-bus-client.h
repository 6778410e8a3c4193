/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-error.h"
#include "deye-bus-export.h"
#include "deye-bus-message.h"
#include "deye-bus-options.h"
#include "deye-bus-subscription.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_CLIENT (deye_bus_client_get_type ())
DEYE_BUS_API G_DECLARE_FINAL_TYPE (DeyeBusClient, deye_bus_client, DEYE_BUS, CLIENT, GObject)

typedef enum
{
  DEYE_BUS_CLIENT_STATE_DISCONNECTED,
  DEYE_BUS_CLIENT_STATE_CONNECTING,
  DEYE_BUS_CLIENT_STATE_CONNECTED,
  DEYE_BUS_CLIENT_STATE_CLOSED, /* for good */
} DeyeBusClientState;

typedef enum
{
  DEYE_BUS_ROLE_COLLECTOR = 1,
  DEYE_BUS_ROLE_TOOL = 2,
  DEYE_BUS_ROLE_AGENT = 3, /* only on a connection that the module itself opened */
} DeyeBusRole;

/* Called in the client's context for each message of a subscription, never from inside a library call.
 * @message: (transfer none) */
typedef void (*DeyeBusMessageCallback) (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer user_data);

/* Called in the client's context for each request on a served topic. Answer with deye_bus_client_respond() or
 * _respond_error(), now or later (keep a reference to @request then). @request: (transfer none) */
typedef void (*DeyeBusRequestCallback) (DeyeBusSubscription *subscription, DeyeBusMessage *request, gpointer user_data);

/* What became of a publish with an acknowledgement. */
typedef struct
{
  guint64 sequence; /* the broker's order of acceptance */
  guint matched;    /* receivers that matched */
  guint queued;     /* of these, queued */
  guint refused;    /* of these, refused because they were full; they are told by a gap */
} DeyeBusPublishResult;

/* Properties: id, type, role, address, state, broker-epoch (guint64), broker-version, largest-payload (guint64).
 * Signals: "notify::state"; "closed" (GError: why; the client's own close() too); "error" (GError: a publish without
 * acknowledgement was refused). Gaps are signalled by the subscription.
 *
 * @id: one topic segment, unique on this broker. @type: the kind of collector ("procmond"); NULL for a tool or an agent.
 * @address: path of the socket, NULL: $DAEMONEYE_BROKER_SOCKET, else the default. */
DEYE_BUS_API DeyeBusClient *deye_bus_client_new (const char *address, const char *id, const char *type);
DEYE_BUS_API DeyeBusClient *deye_bus_client_new_tool (const char *address, const char *id);
/* @fd: a connected socket, taken over (an agent's from the module's connect(), or an inherited one). */
DEYE_BUS_API DeyeBusClient *deye_bus_client_new_for_fd (int fd, const char *id, const char *type);

DEYE_BUS_API const char *deye_bus_client_get_id (DeyeBusClient *self);
DEYE_BUS_API DeyeBusClientState deye_bus_client_get_state (DeyeBusClient *self);
DEYE_BUS_API DeyeBusRole deye_bus_client_get_role (DeyeBusClient *self); /* as granted */
DEYE_BUS_API guint64 deye_bus_client_get_broker_epoch (DeyeBusClient *self);
DEYE_BUS_API guint64 deye_bus_client_get_largest_payload (DeyeBusClient *self);

DEYE_BUS_API gboolean deye_bus_client_connect (DeyeBusClient *self, GCancellable *cancellable, GError **error);
DEYE_BUS_API void deye_bus_client_connect_async (DeyeBusClient *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
DEYE_BUS_API gboolean deye_bus_client_connect_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/* Says goodbye, writes what is owed (bounded), closes. Pending calls end with CLOSED. */
DEYE_BUS_API gboolean deye_bus_client_close (DeyeBusClient *self, GCancellable *cancellable, GError **error);
DEYE_BUS_API void deye_bus_client_close_async (DeyeBusClient *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
DEYE_BUS_API gboolean deye_bus_client_close_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/* Publish. Without @result / with the plain _async no acknowledgement is asked for: TRUE means handed to the socket or
 * its queue within the credit the broker gave. With @result: acknowledged by the broker. @payload: (nullable). */
DEYE_BUS_API gboolean deye_bus_client_publish (DeyeBusClient *self, const char *topic, GBytes *payload, DeyeBusOptions *options, DeyeBusPublishResult *result, GCancellable *cancellable, GError **error);
DEYE_BUS_API void deye_bus_client_publish_async (DeyeBusClient *self, const char *topic, GBytes *payload, DeyeBusOptions *options, gboolean want_ack, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
DEYE_BUS_API gboolean deye_bus_client_publish_finish (DeyeBusClient *self, GAsyncResult *async_result, DeyeBusPublishResult *result, GError **error);

/* Direct: to one named peer that subscribes to (or serves) @topic. ABSENT and NOT_SUBSCRIBED come at once.
 * @want_delivered: ends when the receiver's callback has returned, UNKNOWN when that is not known by the timeout. */
DEYE_BUS_API gboolean deye_bus_client_direct (DeyeBusClient *self, const char *peer_id, const char *topic, GBytes *payload, DeyeBusOptions *options, gboolean want_delivered, GCancellable *cancellable, GError **error);
DEYE_BUS_API void deye_bus_client_direct_async (DeyeBusClient *self, const char *peer_id, const char *topic, GBytes *payload, DeyeBusOptions *options, gboolean want_delivered, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
DEYE_BUS_API gboolean deye_bus_client_direct_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/* Broadcast: to every matching subscriber and every member of matching groups; acknowledged. */
DEYE_BUS_API gboolean deye_bus_client_broadcast (DeyeBusClient *self, const char *topic, GBytes *payload, DeyeBusOptions *options, DeyeBusPublishResult *result, GCancellable *cancellable, GError **error);
DEYE_BUS_API void deye_bus_client_broadcast_async (DeyeBusClient *self, const char *topic, GBytes *payload, DeyeBusOptions *options, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
DEYE_BUS_API gboolean deye_bus_client_broadcast_finish (DeyeBusClient *self, GAsyncResult *async_result, DeyeBusPublishResult *result, GError **error);

/* Subscribe: when it returns (finishes), every later matching publish is seen. @group: (nullable) name of a queue group.
 * @callback: (scope notified) (nullable): NULL: messages are taken with deye_bus_subscription_next(). */
DEYE_BUS_API DeyeBusSubscription *deye_bus_client_subscribe (DeyeBusClient *self, const char *pattern, const char *group, DeyeBusMessageCallback callback, gpointer user_data, GDestroyNotify destroy, GCancellable *cancellable, GError **error);
DEYE_BUS_API void deye_bus_client_subscribe_async (DeyeBusClient *self, const char *pattern, const char *group, DeyeBusMessageCallback callback, gpointer user_data, GDestroyNotify destroy, GCancellable *cancellable, GAsyncReadyCallback ready, gpointer ready_data);
DEYE_BUS_API DeyeBusSubscription *deye_bus_client_subscribe_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/* Serve: requests to @topic come to one of those who serve it. @group: (nullable) as in subscribe. */
DEYE_BUS_API DeyeBusSubscription *deye_bus_client_serve (DeyeBusClient *self, const char *topic, const char *group, DeyeBusRequestCallback callback, gpointer user_data, GDestroyNotify destroy, GCancellable *cancellable, GError **error);
DEYE_BUS_API void deye_bus_client_serve_async (DeyeBusClient *self, const char *topic, const char *group, DeyeBusRequestCallback callback, gpointer user_data, GDestroyNotify destroy, GCancellable *cancellable, GAsyncReadyCallback ready, gpointer ready_data);
DEYE_BUS_API DeyeBusSubscription *deye_bus_client_serve_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/* Request: the final reply (transfer full), or an error: NO_RESPONDERS, RESPONDER_GONE, TIMEOUT, FAILED (the responder's). */
DEYE_BUS_API DeyeBusMessage *deye_bus_client_request (DeyeBusClient *self, const char *topic, GBytes *payload, DeyeBusOptions *options, GCancellable *cancellable, GError **error);
DEYE_BUS_API void deye_bus_client_request_async (DeyeBusClient *self, const char *topic, GBytes *payload, DeyeBusOptions *options, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
DEYE_BUS_API DeyeBusMessage *deye_bus_client_request_finish (DeyeBusClient *self, GAsyncResult *result, GError **error);

/* Respond: one final answer to a request. FALSE: it was answered already, or the requester is gone (harmless). */
DEYE_BUS_API gboolean deye_bus_client_respond (DeyeBusClient *self, DeyeBusMessage *request, GBytes *payload, DeyeBusOptions *options, GError **error);
DEYE_BUS_API gboolean deye_bus_client_respond_error (DeyeBusClient *self, DeyeBusMessage *request, const char *error_name, const char *detail, GError **error);

/* Heartbeat on control.health.heartbeat.{id}: a GSource of the client's context. 0 stops it; 100 ms to 300 s. */
DEYE_BUS_API gboolean deye_bus_client_set_heartbeat (DeyeBusClient *self, gint64 interval_us, GError **error);

G_END_DECLS
