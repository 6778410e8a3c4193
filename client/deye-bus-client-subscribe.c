/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"
#include "deye-bus-client-subscribe.h"

#include "control.pb-c.h"
#include "deye-bus-pack.h"
#include "deye-bus-subscribe-options-private.h"
#include "deye-bus-subscription-private.h"
#include "service/deye-bus-standard.h"
#include "session/deye-bus-session-restore.h"
#include "session/deye-bus-session-send.h"
#include "wire-feature.h"

#include <glib/gi18n-lib.h>

/*
 * Subscribe and serve: requests to the broker's method control.bus.subscribe.
 *
 * The channel enters the session's table before the request is sent, so that no message that follows the answer is missed.
 */

typedef struct
{
  const char *pattern;
  const char *group;
  gboolean serve;
  gboolean serves_methods; /* the topic of the client's own methods */
  GCallback callback;
  gpointer user_data;
  GDestroyNotify destroy;
  const DeyeBusSubscribeOptions *options; /* nullable */
  gboolean is_task;                       /* its requests give tasks to this client */
} SubscribeSpec;

/* --- the broker's calls --- */

/* protobuf-c has no const in its structs, and does not write to them when it packs. */
static char *
subscribe_text (const char *text)
{
  return (char *) (gsize) (text != NULL ? text : "");
}

static void
subscribe_fill_filter (const DeyeBusSubscribeOptions *options, Daemoneye__Eventbus__V1__Filter *filter)
{
  daemoneye__eventbus__v1__filter__init (filter);
  filter->correlation_id = subscribe_text (options->filter_correlation_id);
  filter->root_id = subscribe_text (options->filter_root_id);
  filter->stage = subscribe_text (options->filter_stage);
  if (options->filter_tags == NULL)
    return;
  filter->n_tags = options->filter_tags->len;
  filter->tags = (char **) options->filter_tags->pdata;
}

static GBytes *
subscribe_pack (guint32 id, const SubscribeSpec *spec)
{
  Daemoneye__Eventbus__V1__SubscribeRequest request = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REQUEST__INIT;
  g_autofree char *pattern = g_strdup (spec->pattern);
  g_autofree char *group = g_strdup (spec->group != NULL ? spec->group : "");

  Daemoneye__Eventbus__V1__Filter filter;

  request.subscription = id;
  request.pattern = pattern;
  request.group = group;
  request.serve = spec->serve;
  request.methods = spec->serves_methods;
  if (spec->options != NULL)
    {
      request.policy = spec->options->policy;
      request.queue_messages = spec->options->queue_messages;
      request.queue_bytes = spec->options->queue_bytes;
      request.window_messages = spec->options->window_messages;
      request.window_bytes = spec->options->window_bytes;
      request.strategy = (Daemoneye__Eventbus__V1__Strategy) spec->options->strategy;
      request.weight = (guint32) spec->options->weight; /* checked */
      request.in_flight = spec->options->in_flight;
      if (deye_bus_subscribe_options_has_filter (spec->options))
        {
          subscribe_fill_filter (spec->options, &filter);
          request.filter = &filter;
        }
    }
  return deye_bus_pack (&request.base);
}

DeyeBusPending *
deye_bus_client_new_broker_pending (void)
{
  return deye_bus_pending_new (DEYE_BUS_PENDING_REPLY, g_get_monotonic_time () + DEYE_BUS_TIMEOUT_DEFAULT_US);
}

gboolean
deye_bus_client_ask_broker (DeyeBusClient *self,
                            const char *topic,
                            const char *type_name,
                            GBytes *payload,
                            DeyeBusPending *pending,
                            GError **error)
{
  const DeyeBusCall call
      = { .kind = WIRE_KIND_REQUEST, .own = TRUE, .topic = topic, .type_name = type_name, .payload = payload };

  return deye_bus_session_call (self->session, &call, pending, error);
}

/* --- subscribe --- */

static void
subscribe_free_data (const SubscribeSpec *spec)
{
  if (spec->destroy != NULL)
    spec->destroy (spec->user_data);
}

/* FALSE: the program must not serve the topic of its own methods. The library serves it, and each of two servers would get
 * every other request. */
static gboolean
subscribe_check_not_own_methods (DeyeBusClient *self, const SubscribeSpec *spec, GError **error)
{
  if (!spec->serve || spec->serves_methods
      || !(deye_bus_session_welcome (self->session)->features & WIRE_FEATURE_PEER_METHODS)
      || !g_str_has_prefix (spec->pattern, DEYE_BUS_METHODS_PREFIX)
      || !g_str_equal (spec->pattern + strlen (DEYE_BUS_METHODS_PREFIX), self->id))
    return TRUE;
  g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DUPLICATE_ID,
               _ ("%s is served by the library: add methods with deye_bus_client_add_service()"), spec->pattern);
  return FALSE;
}

/* The broker would close the connection for text that is not UTF-8. */
static gboolean
subscribe_check_text (const SubscribeSpec *spec, GError **error)
{
  if (g_utf8_validate (spec->pattern, -1, NULL) && (spec->group == NULL || g_utf8_validate (spec->group, -1, NULL)))
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_BAD_PATTERN,
                       _ ("Topics, ids and options are UTF-8 text; other bytes belong in the payload"));
  return FALSE;
}

/* FALSE: a member of a group cannot have a filter. The broker may give a message of one member to another one, so each member
 * has to accept all messages. */
static gboolean
subscribe_check_group (const SubscribeSpec *spec, GError **error)
{
  if (spec->group == NULL || !deye_bus_subscribe_options_has_filter (spec->options))
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                       _ ("A subscription with a filter cannot be in a queue group"));
  return FALSE;
}

/* A filter, and the weight of a member in its group, need a feature. While there is no connection, the client does not know the
 * features; a broker without the feature will refuse the request. */
static gboolean
subscribe_check_features (DeyeBusClient *self, const SubscribeSpec *spec, GError **error)
{
  return !deye_bus_subscribe_options_need_delivery (spec->options) || !deye_bus_client_check_ready (self, NULL)
         || deye_bus_session_check_features (self->session, WIRE_FEATURE_DELIVERY, error);
}

/* TRUE if the broker may choose between this subscription and others. A peer's own methods have no other server. */
static gboolean
subscribe_is_balanced (const SubscribeSpec *spec)
{
  return spec->group != NULL || (spec->serve && spec->callback != G_CALLBACK (deye_bus_client_on_method));
}

/* A client that connects may subscribe: the request becomes part of the restore. The library serves its own methods before the
 * client is ready. */
static gboolean
subscribe_check_connected (DeyeBusClient *self, const SubscribeSpec *spec, GError **error)
{
  return spec->serves_methods || deye_bus_client_may_wait (self) || deye_bus_client_check_ready (self, error);
}

/* Begins a subscription. NULL: failed, and the caller still owns the data of the spec. */
static DeyeBusSubscription *
subscribe_begin (DeyeBusClient *self, const SubscribeSpec *spec, DeyeBusPending *pending, GError **error)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (GBytes) payload = NULL;
  DeyeBusChannel *channel;
  guint32 id;

  if (!subscribe_check_connected (self, spec, error) || !deye_bus_subscribe_options_check (spec->options, error)
      || !subscribe_check_group (spec, error) || !subscribe_check_features (self, spec, error)
      || !subscribe_check_text (spec, error) || !subscribe_check_not_own_methods (self, spec, error))
    return NULL;
  id = deye_bus_session_new_channel_id (self->session);
  payload = subscribe_pack (id, spec);
  pending->channel = deye_bus_channel_new (id, spec->serve, spec->callback == NULL);
  pending->channel->balanced = subscribe_is_balanced (spec);
  pending->channel->is_task = spec->is_task;
  pending->channel->request = g_steal_pointer (&payload);
  if (!deye_bus_session_subscribe (self->session, pending, spec->serves_methods, error))
    return NULL;
  channel = pending->channel;
  subscription = deye_bus_subscription_new (self, channel, spec->pattern, spec->group, spec->callback, spec->user_data,
                                            spec->destroy);
  deye_bus_session_add_channel (self->session, channel);
  return g_steal_pointer (&subscription);
}

/* The subscribe call failed: removes the channel. If it failed by a timeout or a cancellation, the broker may nevertheless
 * have made the subscription, so the client also asks it to unsubscribe. */
static void
subscribe_give_up (DeyeBusClient *self,
                   DeyeBusSubscription *subscription,
                   const DeyeBusPending *pending,
                   const GError *error)
{
  gboolean is_refused = error != NULL && error->domain == DEYE_BUS_ERROR && error->code != DEYE_BUS_ERROR_TIMEOUT;
  DeyeBusChannel *channel = subscription->channel;

  if (!channel->cut && pending->sent && !is_refused)
    (void) deye_bus_client_ask_unsubscribe (self, channel->id, NULL, NULL);
  deye_bus_session_remove_channel (self->session, channel);
}

static DeyeBusSubscription *
subscribe_run_sync (DeyeBusClient *self, const SubscribeSpec *spec, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (DeyeBusPending) pending = deye_bus_client_new_broker_pending ();
  GError *local = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error) || !deye_bus_client_enter (self, error))
    {
      subscribe_free_data (spec);
      return NULL;
    }
  subscription = subscribe_begin (self, spec, pending, &local);
  if (subscription == NULL)
    subscribe_free_data (spec);
  else if (!deye_bus_client_wait_pending (self, pending, cancellable, &local))
    {
      subscribe_give_up (self, subscription, pending, local);
      g_clear_object (&subscription);
    }
  deye_bus_client_leave (self);
  if (local != NULL)
    g_propagate_error (error, local);
  return g_steal_pointer (&subscription);
}

static void
subscribe_on_subscribed (DeyeBusPending *pending)
{
  g_autoptr (GTask) task = deye_bus_pending_steal_task (pending);
  DeyeBusSubscription *subscription = g_task_get_task_data (task);

  if (pending->error == NULL)
    {
      g_task_return_pointer (task, g_object_ref (subscription), g_object_unref);
      return;
    }
  subscribe_give_up (g_task_get_source_object (task), subscription, pending, pending->error);
  g_task_return_error (task, g_steal_pointer (&pending->error));
}

static void
subscribe_run_async (DeyeBusClient *self, const SubscribeSpec *spec, GTask *task)
{
  g_autoptr (DeyeBusPending) pending = deye_bus_client_new_broker_pending ();
  DeyeBusSubscription *subscription;
  GError *error = NULL;

  if (!deye_bus_client_enter_task (self, task, g_task_get_cancellable (task)))
    {
      subscribe_free_data (spec);
      return;
    }
  subscription = subscribe_begin (self, spec, pending, &error);
  if (subscription != NULL)
    g_task_set_task_data (task, subscription, g_object_unref);
  else
    subscribe_free_data (spec);
  deye_bus_client_leave_task (self, task, g_steal_pointer (&pending), subscribe_on_subscribed, error);
}

DeyeBusSubscription *
deye_bus_client_subscribe (DeyeBusClient *self,
                           const char *pattern,
                           const char *group,
                           DeyeBusMessageCallback callback,
                           gpointer user_data,
                           GDestroyNotify destroy,
                           GCancellable *cancellable,
                           GError **error)
{
  SubscribeSpec spec = { pattern, group, FALSE, FALSE, G_CALLBACK (callback), user_data, destroy, NULL, FALSE };

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (pattern != NULL, NULL);

  return subscribe_run_sync (self, &spec, cancellable, error);
}

void
deye_bus_client_subscribe_async (DeyeBusClient *self,
                                 const char *pattern,
                                 const char *group,
                                 DeyeBusMessageCallback callback,
                                 gpointer user_data,
                                 GDestroyNotify destroy,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback ready,
                                 gpointer ready_data)
{
  SubscribeSpec spec = { pattern, group, FALSE, FALSE, G_CALLBACK (callback), user_data, destroy, NULL, FALSE };
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (pattern != NULL);

  task = g_task_new (self, cancellable, ready, ready_data);
  g_task_set_source_tag (task, deye_bus_client_subscribe_async);
  subscribe_run_async (self, &spec, task);
}

DeyeBusSubscription *
deye_bus_client_subscribe_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);

  if (!deye_bus_task_check (self, result, deye_bus_client_subscribe_async, error))
    return NULL;
  return g_task_propagate_pointer (G_TASK (result), error);
}

DeyeBusSubscription *
deye_bus_client_subscribe_full (DeyeBusClient *self,
                                const char *pattern,
                                const char *group,
                                DeyeBusSubscribeOptions *options,
                                DeyeBusMessageCallback callback,
                                gpointer user_data,
                                GDestroyNotify destroy,
                                GCancellable *cancellable,
                                GError **error)
{
  SubscribeSpec spec = { pattern, group, FALSE, FALSE, G_CALLBACK (callback), user_data, destroy, options, FALSE };

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (pattern != NULL, NULL);

  return subscribe_run_sync (self, &spec, cancellable, error);
}

void
deye_bus_client_subscribe_full_async (DeyeBusClient *self,
                                      const char *pattern,
                                      const char *group,
                                      DeyeBusSubscribeOptions *options,
                                      DeyeBusMessageCallback callback,
                                      gpointer user_data,
                                      GDestroyNotify destroy,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback ready,
                                      gpointer ready_data)
{
  SubscribeSpec spec = { pattern, group, FALSE, FALSE, G_CALLBACK (callback), user_data, destroy, options, FALSE };
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (pattern != NULL);

  task = g_task_new (self, cancellable, ready, ready_data);
  g_task_set_source_tag (task, deye_bus_client_subscribe_full_async);
  subscribe_run_async (self, &spec, task);
}

DeyeBusSubscription *
deye_bus_client_subscribe_full_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);

  if (!deye_bus_task_check (self, result, deye_bus_client_subscribe_full_async, error))
    return NULL;
  return g_task_propagate_pointer (G_TASK (result), error);
}

DeyeBusSubscription *
deye_bus_client_serve (DeyeBusClient *self,
                       const char *topic,
                       const char *group,
                       DeyeBusRequestCallback callback,
                       gpointer user_data,
                       GDestroyNotify destroy,
                       GCancellable *cancellable,
                       GError **error)
{
  SubscribeSpec spec = { topic, group, TRUE, FALSE, G_CALLBACK (callback), user_data, destroy, NULL, FALSE };

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (topic != NULL, NULL);

  return subscribe_run_sync (self, &spec, cancellable, error);
}

void
deye_bus_client_serve_async (DeyeBusClient *self,
                             const char *topic,
                             const char *group,
                             DeyeBusRequestCallback callback,
                             gpointer user_data,
                             GDestroyNotify destroy,
                             GCancellable *cancellable,
                             GAsyncReadyCallback ready,
                             gpointer ready_data)
{
  SubscribeSpec spec = { topic, group, TRUE, FALSE, G_CALLBACK (callback), user_data, destroy, NULL, FALSE };
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (topic != NULL);

  task = g_task_new (self, cancellable, ready, ready_data);
  g_task_set_source_tag (task, deye_bus_client_serve_async);
  subscribe_run_async (self, &spec, task);
}

DeyeBusSubscription *
deye_bus_client_serve_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);

  if (!deye_bus_task_check (self, result, deye_bus_client_serve_async, error))
    return NULL;
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
deye_bus_client_serve_tasks (DeyeBusClient *self,
                             const char *topic,
                             DeyeBusRequestCallback callback,
                             gpointer user_data,
                             GDestroyNotify destroy,
                             GAsyncReadyCallback ready,
                             gpointer ready_data)
{
  const SubscribeSpec spec = { .pattern = topic,
                               .serve = TRUE,
                               .callback = G_CALLBACK (callback),
                               .user_data = user_data,
                               .destroy = destroy,
                               .is_task = TRUE };
  g_autoptr (GTask) task = g_task_new (self, NULL, ready, ready_data);

  g_task_set_source_tag (task, deye_bus_client_serve_async);
  subscribe_run_async (self, &spec, task);
}

/* --- the peer's own methods --- */

static SubscribeSpec
subscribe_for_methods (DeyeBusClient *self, const char *topic, gboolean feature)
{
  return (SubscribeSpec){ topic, NULL, TRUE, feature, G_CALLBACK (deye_bus_client_on_method), self, NULL, NULL, FALSE };
}

DeyeBusSubscription *
deye_bus_client_begin_methods (DeyeBusClient *self, gboolean feature, DeyeBusPending *pending, GError **error)
{
  g_autofree char *topic = g_strconcat (DEYE_BUS_METHODS_PREFIX, self->id, NULL);
  SubscribeSpec spec = subscribe_for_methods (self, topic, feature);

  return subscribe_begin (self, &spec, pending, error);
}

void
deye_bus_client_give_up_methods (DeyeBusClient *self,
                                 DeyeBusSubscription *subscription,
                                 const DeyeBusPending *pending,
                                 const GError *error)
{
  subscribe_give_up (self, subscription, pending, error);
}

gboolean
deye_bus_client_serve_methods (DeyeBusClient *self, gboolean feature, GCancellable *cancellable, GError **error)
{
  g_autofree char *topic = g_strconcat (DEYE_BUS_METHODS_PREFIX, self->id, NULL);
  SubscribeSpec spec = subscribe_for_methods (self, topic, feature);
  g_autoptr (DeyeBusSubscription) subscription = subscribe_run_sync (self, &spec, cancellable, error);

  return subscription != NULL;
}
