/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "deye-bus-context.h"
#include "deye-bus-locale.h"
#include "deye-bus-senders.h"
#include "platform-place.h"
#include "platform-process.h"
#include "wire-feature.h"
#include "wire-hot.h"

#include <glib/gi18n-lib.h>
#include <stdatomic.h>

/*
 * The client object: construction, properties, ownership of its context, and the state of the connection.
 *
 * It opens no connection and reads no bytes; other files of the client do (see deye-bus-client-private.h). At the end of each
 * public call this file decides whether the bytes that the call has added are written at once, or with those of later calls.
 *
 * Invariant: a call uses the connection only between enter() and leave(), in the process that made the client, and in the one
 * thread that owns the context at that time.
 */

G_DEFINE_FINAL_TYPE (DeyeBusClient, deye_bus_client, G_TYPE_OBJECT)

#define COALESCE_US 20 /* messages that follow a write within this time are written together */

enum
{
  PROP_ID = 1,
  PROP_TYPE,
  PROP_ROLE,
  PROP_ADDRESS,
  PROP_STATE,
  PROP_BROKER_EPOCH,
  PROP_BROKER_VERSION,
  PROP_LARGEST_PAYLOAD,
  PROP_UNSENT,
  PROP_RECONNECT,
  PROP_COALESCE,
  PROP_FLUSHER,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
guint deye_bus_client_signals[DEYE_BUS_N_SIGNALS];

/* --- state --- */

G_STATIC_ASSERT ((int) DEYE_BUS_CLIENT_STATE_DISCONNECTED == (int) DEYE_BUS_CONNECTION_IS_DISCONNECTED);
G_STATIC_ASSERT ((int) DEYE_BUS_CLIENT_STATE_CONNECTING == (int) DEYE_BUS_CONNECTION_IS_CONNECTING);
G_STATIC_ASSERT ((int) DEYE_BUS_CLIENT_STATE_CONNECTED == (int) DEYE_BUS_CONNECTION_IS_CONNECTED);
G_STATIC_ASSERT ((int) DEYE_BUS_CLIENT_STATE_CLOSED == (int) DEYE_BUS_CONNECTION_IS_CLOSED);
G_STATIC_ASSERT ((int) DEYE_BUS_CLIENT_STATE_READY == (int) DEYE_BUS_CONNECTION_IS_READY);

static void
client_set_state (DeyeBusClient *self, DeyeBusConnectionState state)
{
  g_debug ("client %s: %s -> %s", self->id, deye_bus_connection_state_name ((DeyeBusConnectionState) self->state),
           deye_bus_connection_state_name (state));
  self->state = (DeyeBusClientState) state;
  deye_bus_events_push (&self->events, (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_STATE });
  if (self->senders != NULL)
    deye_bus_senders_update (self->senders);
  if (state == DEYE_BUS_CONNECTION_IS_READY)
    deye_bus_client_ready_health (self);
}

void
deye_bus_client_apply_event (DeyeBusClient *self, DeyeBusConnectionEvent event)
{
  DeyeBusConnectionCell cell = deye_bus_connection_cell ((DeyeBusConnectionState) self->state, event);

  g_assert (cell.kind == DEYE_BUS_CONNECTION_CELL_MOVES || cell.kind == DEYE_BUS_CONNECTION_CELL_IGNORED);
  if (cell.kind == DEYE_BUS_CONNECTION_CELL_MOVES)
    client_set_state (self, cell.next);
}

void
deye_bus_client_notify_state (DeyeBusClient *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STATE]);
}

/* --- process and thread --- */

static gboolean
client_is_owner (DeyeBusClient *self)
{
  return atomic_load_explicit (&self->owner, memory_order_relaxed) == deye_bus_context_this_thread ();
}

/* Acquires the context for the calling thread. FALSE: another thread owns it. */
static gboolean
client_acquire_context (DeyeBusClient *self)
{
  if (!deye_bus_context_acquire (self->context))
    return FALSE;
  atomic_store_explicit (&self->owner, deye_bus_context_this_thread (), memory_order_relaxed);
  return TRUE;
}

static void
client_release_context (DeyeBusClient *self)
{
  atomic_store_explicit (&self->owner, 0, memory_order_relaxed);
  g_main_context_release (self->context);
}

/* A thread may have ended while it held the client. No other thread can release that hold, so the error mentions this case, which
 * nothing else reports. */
static void
client_set_wrong_thread (DeyeBusClient *self, GError **error)
{
  const gboolean in_use = atomic_load_explicit (&self->owner, memory_order_relaxed) != 0;

  g_set_error_literal (
      error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WRONG_THREAD,
      in_use
          ? _ ("Another thread holds this client, or runs one of its calls: create a client per thread; a thread that "
               "holds a client has to release the client before the thread ends")
          : _ ("Another thread runs this client's context: call it from that thread, or create a client per thread"));
}

/* Only one thread at a time may use a client, and in GLib that is the thread that owns the main context. A client cannot
 * require that this is always the thread that created it: a program without a main loop may call it from one thread after the
 * other, and a context may be iterated by different threads. So each public call acquires the context. If another thread owns
 * it, the call fails at once, because that thread may iterate the context for an unknown time, and waiting for it could
 * deadlock.
 *
 * g_main_context_acquire() takes the lock of the context, whose cost is not negligible for a small publish. So the client
 * remembers the owner: in a callback, between hold() and release(), and in a nested call it compares two numbers. A relaxed
 * atomic is enough, because the comparison can only succeed if this thread itself has written its number and has not cleared
 * it. The number is one that no other thread ever gets; an address such as that of a GThread could be used again by a new
 * thread after the owner has ended.
 *
 * A forked child has a copy of the client with the parent's socket. Bytes that it writes would corrupt the parent's stream, so
 * every call in the child fails. */
WIRE_HOT gboolean
deye_bus_client_enter (DeyeBusClient *self, GError **error)
{
  if (G_UNLIKELY (deye_bus_client_is_forked (self)))
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED,
                           _ ("This client belongs to the parent process: create a new one after fork()"));
      return FALSE;
    }
  if (!client_is_owner (self) && !client_acquire_context (self))
    {
      client_set_wrong_thread (self, error);
      return FALSE;
    }
  self->entered++;
  return TRUE;
}

void
deye_bus_client_exit (DeyeBusClient *self)
{
  if (--self->entered == 0 && self->holds == 0)
    client_release_context (self);
}

/* TRUE if the program wants to coalesce writes, and the last write was so recent that more messages are likely to follow.
 * Without a source nothing would write the messages that are left. */
static gboolean
client_coalesces_now (DeyeBusClient *self)
{
  return self->coalesce && self->source != NULL && g_get_monotonic_time () - self->written_us < COALESCE_US;
}

/* TRUE if the call that ends now writes the bytes that it has added to the out-buffer.
 *
 * For small messages a system call costs several times more than the rest of a publish, so many of them should be written
 * together. But a call does not know whether another one follows, and a timer that waits for more messages would delay a single
 * one. So bytes are left in the buffer only if a later write is certain and soon: in a dispatch, which writes when it ends; in
 * a held client, which writes at the release; and, with the property "coalesce", within COALESCE_US after a write, because a
 * message that follows so closely is probably one of many. In all three cases prepare() of the client's source also writes
 * before the context polls.
 *
 * At most DEYE_BUS_HELD_MAX bytes are left. The bytes since the last write are compared, not all bytes of the buffer: when the
 * socket is full, the calls that follow do not try to write again before that many bytes were added. */
static gboolean
client_writes_now (DeyeBusClient *self)
{
  if (self->dispatching == 0 && self->holds == 0 && !client_coalesces_now (self))
    return TRUE;
  return deye_bus_client_unwritten (self) >= DEYE_BUS_HELD_MAX;
}

void
deye_bus_client_write_due (DeyeBusClient *self)
{
  if (client_writes_now (self))
    deye_bus_client_write (self);
  if (self->flusher != NULL)
    deye_bus_client_hand_over (self);
}

WIRE_HOT void
deye_bus_client_leave (DeyeBusClient *self)
{
  deye_bus_client_write_due (self);
  deye_bus_client_exit (self);
}

char *
deye_bus_client_dup_address (DeyeBusClient *self)
{
  if (self->is_for_fd)
    return NULL;
  return self->address != NULL ? g_strdup (self->address) : platform_broker_address ();
}

/* --- object --- */

static void
deye_bus_client_init (DeyeBusClient *self)
{
  self->forks = platform_fork_count ();
  deye_bus_client_init_health (self);
  self->socket = DEYE_BUS_SOCKET_NONE;
  self->given_fd = -1;
  self->wants_reconnect = TRUE;
  self->features = WIRE_FEATURES_KNOWN;
  self->incarnation = (guint64) g_random_int () << 32 | g_random_int ();
  self->services = deye_bus_client_new_services ();
  self->made_us = g_get_monotonic_time ();
  self->context = g_main_context_ref_thread_default ();
  self->is_for_default = self->context == g_main_context_default ();
  deye_bus_events_init (&self->events, deye_bus_session_clear_event);
  self->spare_calls = deye_bus_pending_pool_new ();
}

/* Ends holds that the program has not released. */
static void
client_drop_holds (DeyeBusClient *self)
{
  self->holds = 0;
  if (self->entered == 0 && client_is_owner (self))
    client_release_context (self);
}

static void
client_release_all (DeyeBusClient *self)
{
  guint64 unsent;

  deye_bus_client_stop_heartbeat (self);
  deye_bus_client_stop_health (self);
  if (!deye_bus_client_is_forked (self))
    deye_bus_client_send_tasks (self);
  unsent = deye_bus_client_drop_connection (self);
  deye_bus_client_free_tasks (self);
  deye_bus_client_detach (self);
  deye_bus_client_end_flusher (self);
  if (self->senders != NULL)
    deye_bus_senders_detach (self->senders);
  deye_bus_client_dispose_unsent (self, unsent);
  if (self->collector_hooks != NULL)
    self->collector_hooks->disposed (self->collector);
  client_drop_holds (self);
}

static void
deye_bus_client_dispose (GObject *object)
{
  DeyeBusClient *self = DEYE_BUS_CLIENT (object);
  DeyeBusContextRelease release;
  gboolean entered = deye_bus_context_begin_release (&release, self->context);
  gboolean in_callback;

  if (!entered && !deye_bus_client_is_forked (self))
    {
      deye_bus_context_hand_over (self->context, object);
      return;
    }
  /* A dispatch has a reference to the client, so this is g_object_run_dispose() in a callback. Dispose does nothing then,
   * because it would free objects that the callback uses. */
  in_callback = self->dispatching > 0;
  if (!in_callback)
    client_release_all (self);
  if (entered)
    deye_bus_context_end_release (&release);
  if (!in_callback)
    G_OBJECT_CLASS (deye_bus_client_parent_class)->dispose (object);
}

static void
deye_bus_client_finalize (GObject *object)
{
  DeyeBusClient *self = DEYE_BUS_CLIENT (object);

  g_clear_pointer (&self->session, deye_bus_session_free);
  deye_bus_stash_clear (&self->stash);
  /* In a forked child the senders are not freed: another thread of the parent may have held their lock at the fork. */
  if (self->senders != NULL && !deye_bus_client_is_forked (self))
    deye_bus_senders_unref (self->senders);
  deye_bus_client_clear_last_message (self);
  deye_bus_losses_clear (&self->stash.losses);
  g_clear_pointer (&self->reporting, g_ptr_array_unref);
  g_clear_pointer (&self->services, g_ptr_array_unref);
  deye_bus_events_clear (&self->events);
  g_clear_pointer (&self->spare_calls, deye_bus_pending_pool_unref);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_free (self->buffer);
  g_free (self->id);
  g_free (self->type);
  g_free (self->address);
  deye_bus_client_clear_health (self);
  G_OBJECT_CLASS (deye_bus_client_parent_class)->finalize (object);
}

static void
deye_bus_client_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  DeyeBusClient *self = DEYE_BUS_CLIENT (object);
  const DeyeBusWelcome *welcome = self->session != NULL ? deye_bus_session_welcome (self->session) : NULL;

  switch (prop_id)
    {
    case PROP_ID:
      g_value_set_string (value, self->id);
      break;
    case PROP_TYPE:
      g_value_set_string (value, self->type);
      break;
    case PROP_ROLE:
      g_value_set_uint (value, deye_bus_client_get_role (self));
      break;
    case PROP_ADDRESS:
      g_value_take_string (value, deye_bus_client_dup_address (self));
      break;
    case PROP_STATE:
      g_value_set_uint (value, self->state);
      break;
    case PROP_BROKER_EPOCH:
      g_value_set_uint64 (value, deye_bus_client_get_broker_epoch (self));
      break;
    case PROP_BROKER_VERSION:
      g_value_set_string (value, welcome != NULL ? welcome->software_version : NULL);
      break;
    case PROP_LARGEST_PAYLOAD:
      g_value_set_uint64 (value, deye_bus_client_get_largest_payload (self));
      break;
    case PROP_UNSENT:
      g_value_set_uint64 (value, deye_bus_client_get_unsent (self));
      break;
    case PROP_RECONNECT:
      g_value_set_boolean (value, self->wants_reconnect);
      break;
    case PROP_COALESCE:
      g_value_set_boolean (value, self->coalesce);
      break;
    case PROP_FLUSHER:
      g_value_set_boolean (value, self->flusher != NULL);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
deye_bus_client_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  DeyeBusClient *self = DEYE_BUS_CLIENT (object);

  switch (prop_id)
    {
    case PROP_ID:
      self->id = g_value_dup_string (value);
      break;
    case PROP_TYPE:
      self->type = g_value_dup_string (value);
      break;
    case PROP_ROLE:
      self->wanted_role = (DeyeBusRole) g_value_get_uint (value);
      break;
    case PROP_ADDRESS:
      self->address = g_value_dup_string (value);
      break;
    case PROP_RECONNECT:
      (void) deye_bus_client_set_reconnect (self, g_value_get_boolean (value));
      break;
    case PROP_COALESCE:
      deye_bus_client_set_coalesce (self, g_value_get_boolean (value));
      break;
    case PROP_FLUSHER:
      (void) deye_bus_client_set_flusher (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

#define READ_ONLY (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)
#define CONSTRUCT (READ_ONLY | G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY)

static void
deye_bus_client_class_init (DeyeBusClientClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  deye_bus_locale_bind ();
  object_class->dispose = deye_bus_client_dispose;
  object_class->finalize = deye_bus_client_finalize;
  object_class->get_property = deye_bus_client_get_property;
  object_class->set_property = deye_bus_client_set_property;

  props[PROP_ID] = g_param_spec_string ("id", NULL, NULL, NULL, CONSTRUCT);
  props[PROP_TYPE] = g_param_spec_string ("type", NULL, NULL, NULL, CONSTRUCT);
  props[PROP_ROLE] = g_param_spec_uint ("role", NULL, NULL, 0, G_MAXUINT, DEYE_BUS_ROLE_COLLECTOR, CONSTRUCT);
  props[PROP_ADDRESS] = g_param_spec_string ("address", NULL, NULL, NULL, CONSTRUCT);
  props[PROP_STATE] = g_param_spec_uint ("state", NULL, NULL, 0, DEYE_BUS_CLIENT_STATE_READY, 0, READ_ONLY);
  props[PROP_BROKER_EPOCH] = g_param_spec_uint64 ("broker-epoch", NULL, NULL, 0, G_MAXUINT64, 0, READ_ONLY);
  props[PROP_BROKER_VERSION] = g_param_spec_string ("broker-version", NULL, NULL, NULL, READ_ONLY);
  props[PROP_LARGEST_PAYLOAD] = g_param_spec_uint64 ("largest-payload", NULL, NULL, 0, G_MAXUINT64, 0, READ_ONLY);
  props[PROP_UNSENT] = g_param_spec_uint64 ("unsent", NULL, NULL, 0, G_MAXUINT64, 0, READ_ONLY);
  props[PROP_COALESCE] = g_param_spec_boolean ("coalesce", NULL, NULL, FALSE, READ_ONLY | G_PARAM_WRITABLE);
  props[PROP_FLUSHER] = g_param_spec_boolean ("flusher", NULL, NULL, FALSE, READ_ONLY | G_PARAM_WRITABLE);
  props[PROP_RECONNECT] = g_param_spec_boolean ("reconnect", NULL, NULL, TRUE, READ_ONLY | G_PARAM_WRITABLE);
  g_object_class_install_properties (object_class, N_PROPS, props);

  deye_bus_client_signals[DEYE_BUS_SIGNAL_CLOSED] = g_signal_new ("closed", DEYE_BUS_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0,
                                                                  NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
  deye_bus_client_signals[DEYE_BUS_SIGNAL_INTERRUPTED] = g_signal_new (
      "interrupted", DEYE_BUS_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
  deye_bus_client_signals[DEYE_BUS_SIGNAL_EPOCH_CHANGED]
      = g_signal_new ("epoch-changed", DEYE_BUS_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  deye_bus_client_signals[DEYE_BUS_SIGNAL_ERROR] = g_signal_new ("error", DEYE_BUS_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0,
                                                                 NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static DeyeBusClient *
client_new (const char *address, const char *id, const char *type, DeyeBusRole role)
{
  return g_object_new (DEYE_BUS_TYPE_CLIENT, "address", address, "id", id, "type", type, "role", role, NULL);
}

DeyeBusClient *
deye_bus_client_new (const char *address, const char *id, const char *type)
{
  g_return_val_if_fail (id != NULL, NULL);

  return client_new (address, id, type, DEYE_BUS_ROLE_COLLECTOR);
}

DeyeBusClient *
deye_bus_client_new_tool (const char *address, const char *id)
{
  g_return_val_if_fail (id != NULL, NULL);

  return client_new (address, id, NULL, DEYE_BUS_ROLE_TOOL);
}

DeyeBusClient *
deye_bus_client_new_for_fd (gintptr fd, const char *id, const char *type)
{
  DeyeBusClient *self;

  g_return_val_if_fail (id != NULL, NULL);

  self = client_new (NULL, id, type, DEYE_BUS_ROLE_COLLECTOR);
  self->given_fd = fd;
  self->is_for_fd = TRUE;
  return self;
}

const char *
deye_bus_client_get_id (DeyeBusClient *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);

  return self->id;
}

WIRE_HOT DeyeBusClientState
deye_bus_client_get_state (DeyeBusClient *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), DEYE_BUS_CLIENT_STATE_CLOSED);

  return self->state;
}

DeyeBusRole
deye_bus_client_get_role (DeyeBusClient *self)
{
  guint32 granted = 0;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), DEYE_BUS_ROLE_COLLECTOR);

  if (self->session != NULL)
    granted = deye_bus_session_welcome (self->session)->role;
  return granted != 0 ? (DeyeBusRole) granted : self->wanted_role;
}

guint64
deye_bus_client_get_broker_epoch (DeyeBusClient *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), 0);

  return self->epoch;
}

guint64
deye_bus_client_get_largest_payload (DeyeBusClient *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), 0);

  return self->session != NULL ? deye_bus_session_welcome (self->session)->largest_payload : 0;
}
