/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"
#include "deye-bus-message.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define DEYE_BUS_TYPE_SUBSCRIPTION (deye_bus_subscription_get_type ())
/* Made by deye_bus_client_subscribe() and _serve(). Signals: "gap" (from, to, count: guint64, reason: guint). */
DEYE_BUS_API G_DECLARE_FINAL_TYPE (DeyeBusSubscription, deye_bus_subscription, DEYE_BUS, SUBSCRIPTION, GObject)

DEYE_BUS_API const char *deye_bus_subscription_get_pattern (DeyeBusSubscription *self);
DEYE_BUS_API const char *deye_bus_subscription_get_group (DeyeBusSubscription *self); /* nullable */
DEYE_BUS_API guint32 deye_bus_subscription_get_id (DeyeBusSubscription *self);
DEYE_BUS_API guint64 deye_bus_subscription_get_delivered (DeyeBusSubscription *self); /* given to the callback or to next() */
DEYE_BUS_API guint64 deye_bus_subscription_get_missed (DeyeBusSubscription *self);    /* told by gaps */

/* For a subscription without a callback: the next message (transfer full). One call at a time. */
DEYE_BUS_API DeyeBusMessage *deye_bus_subscription_next (DeyeBusSubscription *self, gint64 timeout_us, GCancellable *cancellable, GError **error);
DEYE_BUS_API void deye_bus_subscription_next_async (DeyeBusSubscription *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
DEYE_BUS_API DeyeBusMessage *deye_bus_subscription_next_finish (DeyeBusSubscription *self, GAsyncResult *result, GError **error);

/* Ends it: no callback comes after these return (sync: when called in the client's context) or the async finishes. */
DEYE_BUS_API gboolean deye_bus_subscription_unsubscribe (DeyeBusSubscription *self, GCancellable *cancellable, GError **error);
DEYE_BUS_API void deye_bus_subscription_unsubscribe_async (DeyeBusSubscription *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
DEYE_BUS_API gboolean deye_bus_subscription_unsubscribe_finish (DeyeBusSubscription *self, GAsyncResult *result, GError **error);

G_END_DECLS
