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
} DeyeBusWish;

/* --- the broker's calls --- */

/* protobuf-c has no const in its structs, and does not write to them when it packs. */
static char *
wish_text (const char *text)
{
  return (char *) (gsize) (text != NULL ? text : "");
}

static void
wish_fill_filter (const DeyeBusSubscribeOptions *options, Daemoneye__Eventbus__V1__Filter *filter)
{
  daemoneye__eventbus__v1__filter__init (filter);
  filter->correlation_id = wish_text (options->filter_correlation_id);
  filter->root_id = wish_text (options->filter_root_id);
  filter->stage = wish_text (options->filter_stage);
  if (options->filter_tags == NULL)
    return;
  filter->n_tags = options->filter_tags->len;
  filter->tags = (char **) options->filter_tags->pdata;
}

static GBytes *
wish_pack (guint32 id, const DeyeBusWish *wish)
{
  Daemoneye__Eventbus__V1__SubscribeRequest request = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REQUEST__INIT;
  g_autofree char *pattern = g_strdup (wish->pattern);
  g_autofree char *group = g_strdup (wish->group != NULL ? wish->group : "");

  Daemoneye__Eventbus__V1__Filter filter;

  request.subscription = id;
  request.pattern = pattern;
  request.group = group;
  request.serve = wish->serve;
  request.methods = wish->serves_methods;
  if (wish->options != NULL)
    {
      request.policy = wish->options->policy;
      request.queue_messages = wish->options->queue_messages;
      request.queue_bytes = wish->options->queue_bytes;
      request.window_messages = wish->options->window_messages;
      request.window_bytes = wish->options->window_bytes;
      request.strategy = (Daemoneye__Eventbus__V1__Strategy) wish->options->strategy;
      request.weight = (guint32) wish->options->weight; /* checked */
      request.in_flight = wish->options->in_flight;
      if (deye_bus_subscribe_options_has_filter (wish->options))
        {
          wish_fill_filter (wish->options, &filter);
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
  DeyeBusCall call = { .kind = WIRE_KIND_REQUEST, .topic = topic, .type_name = type_name, .payload = payload };

  return deye_bus_session_call (self->session, &call, pending, error);
}

/* --- subscribe --- */

static void
wish_free_data (const DeyeBusWish *wish)
{
  if (wish->destroy != NULL)
    wish->destroy (wish->user_data);
}

/* FALSE: the program must not serve the topic of its own methods. The library serves it, and each of two servers would get
 * every other request. */
static gboolean
wish_check_not_own_methods (DeyeBusClient *self, const DeyeBusWish *wish, GError **error)
{
  if (!wish->serve || wish->serves_methods
      || !(deye_bus_session_welcome (self->session)->features & WIRE_FEATURE_PEER_METHODS)
      || !g_str_has_prefix (wish->pattern, DEYE_BUS_METHODS_PREFIX)
      || !g_str_equal (wish->pattern + strlen (DEYE_BUS_METHODS_PREFIX), self->id))
    return TRUE;
  g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DUPLICATE_ID,
               _ ("%s is served by the library: add methods with deye_bus_client_add_service()"), wish->pattern);
  return FALSE;
}

/* The broker would close the connection for text that is not UTF-8. */
static gboolean
wish_check_text (const DeyeBusWish *wish, GError **error)
{
  if (g_utf8_validate (wish->pattern, -1, NULL) && (wish->group == NULL || g_utf8_validate (wish->group, -1, NULL)))
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_BAD_PATTERN,
                       _ ("Topics, ids and options are UTF-8 text; other bytes belong in the payload"));
  return FALSE;
}

/* FALSE: a member of a group cannot have a filter. Members hand messages on to each other, so each has to take all of them. */
static gboolean
wish_check_group (const DeyeBusWish *wish, GError **error)
{
  if (wish->group == NULL || !deye_bus_subscribe_options_has_filter (wish->options))
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                       _ ("A subscription with a filter cannot be in a queue group"));
  return FALSE;
}

/* A filter, and the weight of a member in its group, need a feature. While there is no connection, the client does not know the
 * features; a broker without the feature will refuse the request. */
static gboolean
wish_check_features (DeyeBusClient *self, const DeyeBusWish *wish, GError **error)
{
  return !deye_bus_subscribe_options_need_delivery (wish->options) || !deye_bus_client_check_ready (self, NULL)
         || deye_bus_session_check_features (self->session, WIRE_FEATURE_DELIVERY, error);
}

/* TRUE if the broker may choose between this subscription and others. A peer's own methods have no other server. */
static gboolean
wish_is_balanced (const DeyeBusWish *wish)
{
  return wish->group != NULL || (wish->serve && wish->callback != G_CALLBACK (deye_bus_client_on_method));
}

/* A client that connects may subscribe: the request becomes part of the restore. The library serves its own methods before the
 * client is ready. */
static gboolean
wish_check_connected (DeyeBusClient *self, const DeyeBusWish *wish, GError **error)
{
  return wish->serves_methods || deye_bus_client_may_wait (self) || deye_bus_client_check_ready (self, error);
}

/* Begins a subscription. NULL: failed, and the caller still owns the data of the wish. */
static DeyeBusSubscription *
wish_begin (DeyeBusClient *self, const DeyeBusWish *wish, DeyeBusPending *pending, GError **error)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (GBytes) payload = NULL;
  DeyeBusChannel *channel;
  guint32 id;

  if (!wish_check_connected (self, wish, error) || !deye_bus_subscribe_options_check (wish->options, error)
      || !wish_check_group (wish, error) || !wish_check_features (self, wish, error) || !wish_check_text (wish, error)
      || !wish_check_not_own_methods (self, wish, error))
    return NULL;
  id = deye_bus_session_new_channel_id (self->session);
  payload = wish_pack (id, wish);
  pending->channel = deye_bus_channel_new (id, wish->serve, wish->callback == NULL);
  pending->channel->balanced = wish_is_balanced (wish);
  pending->channel->is_task = wish->is_task;
  pending->channel->request = g_steal_pointer (&payload);
  if (!deye_bus_session_subscribe (self->session, pending, wish->serves_methods, error))
    return NULL;
  channel = pending->channel;
  subscription = deye_bus_subscription_new (self, channel, wish->pattern, wish->group, wish->callback, wish->user_data,
                                            wish->destroy);
  deye_bus_session_add_channel (self->session, channel);
  return g_steal_pointer (&subscription);
}

/* The subscribe call failed: removes the channel. If it failed by a timeout or a cancellation, the broker may have subscribed
 * all the same, so the client also asks it to unsubscribe. */
static void
wish_give_up (DeyeBusClient *self,
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
wish_run_sync (DeyeBusClient *self, const DeyeBusWish *wish, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (DeyeBusPending) pending = deye_bus_client_new_broker_pending ();
  GError *local = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error) || !deye_bus_client_enter (self, error))
    {
      wish_free_data (wish);
      return NULL;
    }
  subscription = wish_begin (self, wish, pending, &local);
  if (subscription == NULL)
    wish_free_data (wish);
  else if (!deye_bus_client_wait_pending (self, pending, cancellable, &local))
    {
      wish_give_up (self, subscription, pending, local);
      g_clear_object (&subscription);
    }
  deye_bus_client_leave (self);
  if (local != NULL)
    g_propagate_error (error, local);
  return g_steal_pointer (&subscription);
}

static void
wish_on_subscribed (DeyeBusPending *pending)
{
  g_autoptr (GTask) task = deye_bus_pending_steal_task (pending);
  DeyeBusSubscription *subscription = g_task_get_task_data (task);

  if (pending->error == NULL)
    {
      g_task_return_pointer (task, g_object_ref (subscription), g_object_unref);
      return;
    }
  wish_give_up (g_task_get_source_object (task), subscription, pending, pending->error);
  g_task_return_error (task, g_steal_pointer (&pending->error));
}

static void
wish_run_async (DeyeBusClient *self, const DeyeBusWish *wish, GTask *task)
{
  g_autoptr (DeyeBusPending) pending = deye_bus_client_new_broker_pending ();
  DeyeBusSubscription *subscription;
  GError *error = NULL;

  if (!deye_bus_client_enter_task (self, task, g_task_get_cancellable (task)))
    {
      wish_free_data (wish);
      return;
    }
  subscription = wish_begin (self, wish, pending, &error);
  if (subscription != NULL)
    g_task_set_task_data (task, subscription, g_object_unref);
  else
    wish_free_data (wish);
  deye_bus_client_leave_task (self, task, g_steal_pointer (&pending), wish_on_subscribed, error);
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
  DeyeBusWish wish = { pattern, group, FALSE, FALSE, G_CALLBACK (callback), user_data, destroy, NULL, FALSE };

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (pattern != NULL, NULL);

  return wish_run_sync (self, &wish, cancellable, error);
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
  DeyeBusWish wish = { pattern, group, FALSE, FALSE, G_CALLBACK (callback), user_data, destroy, NULL, FALSE };
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (pattern != NULL);

  task = g_task_new (self, cancellable, ready, ready_data);
  g_task_set_source_tag (task, deye_bus_client_subscribe_async);
  wish_run_async (self, &wish, task);
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
  DeyeBusWish wish = { pattern, group, FALSE, FALSE, G_CALLBACK (callback), user_data, destroy, options, FALSE };

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (pattern != NULL, NULL);

  return wish_run_sync (self, &wish, cancellable, error);
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
  DeyeBusWish wish = { pattern, group, FALSE, FALSE, G_CALLBACK (callback), user_data, destroy, options, FALSE };
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (pattern != NULL);

  task = g_task_new (self, cancellable, ready, ready_data);
  g_task_set_source_tag (task, deye_bus_client_subscribe_full_async);
  wish_run_async (self, &wish, task);
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
  DeyeBusWish wish = { topic, group, TRUE, FALSE, G_CALLBACK (callback), user_data, destroy, NULL, FALSE };

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (topic != NULL, NULL);

  return wish_run_sync (self, &wish, cancellable, error);
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
  DeyeBusWish wish = { topic, group, TRUE, FALSE, G_CALLBACK (callback), user_data, destroy, NULL, FALSE };
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (topic != NULL);

  task = g_task_new (self, cancellable, ready, ready_data);
  g_task_set_source_tag (task, deye_bus_client_serve_async);
  wish_run_async (self, &wish, task);
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
  const DeyeBusWish wish = { .pattern = topic,
                             .serve = TRUE,
                             .callback = G_CALLBACK (callback),
                             .user_data = user_data,
                             .destroy = destroy,
                             .is_task = TRUE };
  g_autoptr (GTask) task = g_task_new (self, NULL, ready, ready_data);

  g_task_set_source_tag (task, deye_bus_client_serve_async);
  wish_run_async (self, &wish, task);
}

/* --- the peer's own methods --- */

static DeyeBusWish
wish_for_methods (DeyeBusClient *self, const char *topic, gboolean feature)
{
  return (DeyeBusWish){ topic, NULL, TRUE, feature, G_CALLBACK (deye_bus_client_on_method), self, NULL, NULL, FALSE };
}

DeyeBusSubscription *
deye_bus_client_begin_methods (DeyeBusClient *self, gboolean feature, DeyeBusPending *pending, GError **error)
{
  g_autofree char *topic = g_strconcat (DEYE_BUS_METHODS_PREFIX, self->id, NULL);
  DeyeBusWish wish = wish_for_methods (self, topic, feature);

  return wish_begin (self, &wish, pending, error);
}

void
deye_bus_client_give_up_methods (DeyeBusClient *self,
                                 DeyeBusSubscription *subscription,
                                 const DeyeBusPending *pending,
                                 const GError *error)
{
  wish_give_up (self, subscription, pending, error);
}

gboolean
deye_bus_client_serve_methods (DeyeBusClient *self, gboolean feature, GCancellable *cancellable, GError **error)
{
  g_autofree char *topic = g_strconcat (DEYE_BUS_METHODS_PREFIX, self->id, NULL);
  DeyeBusWish wish = wish_for_methods (self, topic, feature);
  g_autoptr (DeyeBusSubscription) subscription = wish_run_sync (self, &wish, cancellable, error);

  return subscription != NULL;
}
