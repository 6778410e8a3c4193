/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-peer-watch.h"

#include "deye-bus-answers-private.h"
#include "deye-bus-client-private.h"
#include "deye-bus-message-private.h"
#include "deye-bus-pack.h"
#include "deye-bus-peer-private.h"

#include <glib/gi18n-lib.h>

/*
 * A watch of peers: the answers of a standing request, turned into signals.
 *
 * The broker sends a list and then changes. After a reconnect, or when the client has not read for a while, it sends the list
 * again. The watch compares each list with the peers that it has reported, so that the program only gets differences. The
 * broker does not support patterns: the watch asks for all peers and selects those that match.
 *
 * The pending next_async() has a weak reference to the watch. So the last reference to the watch may be released in any thread:
 * that cancels the call, which ends in the client's context and releases the request.
 *
 * Invariant: @peers contains the peers that were reported as appeared and not as gone.
 */

typedef Daemoneye__Eventbus__V1__WaitReply WaitReply;

struct _DeyeBusPeerWatch
{
  GObject parent_instance;

  DeyeBusClient *client;   /* NULL: not made by watch_peers() */
  DeyeBusAnswers *answers; /* NULL: ended */
  GCancellable *stopping;
  char *pattern;      /* NULL: all */
  GPatternSpec *spec; /* NULL: the pattern selects all peers, or is the id of one */
  GHashTable *peers;  /* id -> DeyeBusPeer */
  GHashTable *listed; /* set of ids, while a list arrives; NULL: no list arrives */
  guint64 sequence;
  guint64 complete_origin; /* connection on which the last complete list arrived; 0: there was none */
};

G_DEFINE_FINAL_TYPE (DeyeBusPeerWatch, deye_bus_peer_watch, G_TYPE_OBJECT)

enum
{
  WATCH_SIGNAL_APPEARED,
  WATCH_SIGNAL_GONE,
  WATCH_SIGNAL_COMPLETE,
  WATCH_SIGNAL_ENDED,
  WATCH_N_SIGNALS
};
static guint watch_signals[WATCH_N_SIGNALS];

static void
deye_bus_peer_watch_init (DeyeBusPeerWatch *self)
{
  self->stopping = g_cancellable_new ();
  self->peers = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) deye_bus_peer_unref);
}

/* Cancels the pending call, which also has a reference to the answers: they are released when it has ended. */
static void
peer_watch_release (DeyeBusPeerWatch *self)
{
  g_cancellable_cancel (self->stopping);
  g_clear_object (&self->answers);
  g_clear_pointer (&self->listed, g_hash_table_unref);
}

static void
deye_bus_peer_watch_dispose (GObject *object)
{
  DeyeBusPeerWatch *self = DEYE_BUS_PEER_WATCH (object);

  peer_watch_release (self);
  g_clear_object (&self->client);
  G_OBJECT_CLASS (deye_bus_peer_watch_parent_class)->dispose (object);
}

static void
deye_bus_peer_watch_finalize (GObject *object)
{
  DeyeBusPeerWatch *self = DEYE_BUS_PEER_WATCH (object);

  g_clear_object (&self->stopping);
  g_clear_pointer (&self->peers, g_hash_table_unref);
  g_clear_pointer (&self->spec, g_pattern_spec_free);
  g_free (self->pattern);
  G_OBJECT_CLASS (deye_bus_peer_watch_parent_class)->finalize (object);
}

static guint
peer_watch_new_signal (const char *name, GType argument)
{
  return g_signal_new (name, DEYE_BUS_TYPE_PEER_WATCH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                       argument != G_TYPE_NONE ? 1 : 0, argument);
}

static void
deye_bus_peer_watch_class_init (DeyeBusPeerWatchClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = deye_bus_peer_watch_dispose;
  G_OBJECT_CLASS (klass)->finalize = deye_bus_peer_watch_finalize;

  watch_signals[WATCH_SIGNAL_APPEARED] = peer_watch_new_signal ("appeared", DEYE_BUS_TYPE_PEER);
  watch_signals[WATCH_SIGNAL_GONE] = peer_watch_new_signal ("gone", DEYE_BUS_TYPE_PEER);
  watch_signals[WATCH_SIGNAL_COMPLETE] = peer_watch_new_signal ("complete", G_TYPE_NONE);
  watch_signals[WATCH_SIGNAL_ENDED] = peer_watch_new_signal ("ended", G_TYPE_ERROR);
}

/* --- signals; a handler may stop the watch --- */

static gboolean
peer_watch_is_over (const DeyeBusPeerWatch *self)
{
  return self->answers == NULL;
}

/* @id: a key of @peers. */
static void
peer_watch_report_gone (DeyeBusPeerWatch *self, const char *id)
{
  g_autoptr (DeyeBusPeer) last = deye_bus_peer_ref (g_hash_table_lookup (self->peers, id));
  g_autoptr (DeyeBusPeer) gone = deye_bus_peer_new_gone (last);

  g_hash_table_remove (self->peers, deye_bus_peer_get_id (last));
  g_signal_emit (self, watch_signals[WATCH_SIGNAL_GONE], 0, gone);
}

/* Takes @peer. */
static void
peer_watch_report_appeared (DeyeBusPeerWatch *self, DeyeBusPeer *peer)
{
  g_autoptr (DeyeBusPeer) held = deye_bus_peer_ref (peer);

  g_hash_table_replace (self->peers, (char *) deye_bus_peer_get_id (peer), peer);
  g_signal_emit (self, watch_signals[WATCH_SIGNAL_APPEARED], 0, held);
}

/* --- reports of the broker --- */

static gboolean
peer_watch_matches (const DeyeBusPeerWatch *self, const char *id)
{
  return self->spec == NULL || g_pattern_spec_match_string (self->spec, id);
}

static void
peer_watch_take_present (DeyeBusPeerWatch *self, const Daemoneye__Eventbus__V1__PeerState *state)
{
  DeyeBusPeer *known = g_hash_table_lookup (self->peers, state->id);

  if (self->listed != NULL)
    g_hash_table_add (self->listed, g_strdup (state->id));
  if (known != NULL && deye_bus_peer_get_incarnation (known) == state->incarnation)
    return;
  if (known != NULL)
    peer_watch_report_gone (self, state->id);
  if (!peer_watch_is_over (self))
    peer_watch_report_appeared (self, deye_bus_peer_new (state));
}

static void
peer_watch_take_state (DeyeBusPeerWatch *self, const Daemoneye__Eventbus__V1__PeerState *state)
{
  if (!peer_watch_matches (self, state->id))
    return;
  if (state->present)
    peer_watch_take_present (self, state);
  else if (g_hash_table_contains (self->peers, state->id))
    peer_watch_report_gone (self, state->id);
}

/* The list is complete: reports the peers that it does not contain as gone. */
static void
peer_watch_end_list (DeyeBusPeerWatch *self, guint64 origin)
{
  g_autoptr (GHashTable) listed = g_steal_pointer (&self->listed);
  g_autoptr (GPtrArray) reported = deye_bus_peer_watch_list_peers (self);

  for (guint i = 0; i < reported->len && !peer_watch_is_over (self); i++)
    {
      const char *id = deye_bus_peer_get_id (reported->pdata[i]);

      if (!g_hash_table_contains (listed, id))
        peer_watch_report_gone (self, id);
    }
  if (peer_watch_is_over (self))
    return;
  self->complete_origin = origin;
  g_signal_emit (self, watch_signals[WATCH_SIGNAL_COMPLETE], 0);
}

static void
peer_watch_take_reply (DeyeBusPeerWatch *self, const WaitReply *reply, guint64 origin)
{
  self->sequence = reply->accept_seq;
  if (reply->restart)
    {
      g_clear_pointer (&self->listed, g_hash_table_unref);
      self->listed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      self->complete_origin = 0;
    }
  for (gsize i = 0; i < reply->n_peers && !peer_watch_is_over (self); i++)
    peer_watch_take_state (self, reply->peers[i]);
  if (reply->complete && self->listed != NULL && !peer_watch_is_over (self))
    peer_watch_end_list (self, origin);
}

/* --- the end --- */

static void
peer_watch_end (DeyeBusPeerWatch *self, const GError *error)
{
  if (peer_watch_is_over (self))
    return;
  peer_watch_release (self);
  g_signal_emit (self, watch_signals[WATCH_SIGNAL_ENDED], 0, error);
}

void
deye_bus_peer_watch_stop (DeyeBusPeerWatch *self)
{
  g_return_if_fail (DEYE_BUS_IS_PEER_WATCH (self));
  peer_watch_release (self);
}

/* --- reading --- */

static void
peer_watch_weak_free (GWeakRef *weak)
{
  g_weak_ref_clear (weak);
  g_free (weak);
}

static void peer_watch_read_on (DeyeBusPeerWatch *self);

static void
peer_watch_take (DeyeBusPeerWatch *self, DeyeBusMessage *message)
{
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__wait_reply__descriptor, message);

  if (guard != NULL)
    peer_watch_take_reply (self, wire_guard_message (guard), message->origin);
  else
    {
      g_autoptr (GError) malformed = deye_bus_peer_error_malformed ();

      peer_watch_end (self, malformed);
    }
  if (!peer_watch_is_over (self))
    peer_watch_read_on (self);
}

static void
peer_watch_on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  GWeakRef *weak = data;
  g_autoptr (DeyeBusPeerWatch) self = g_weak_ref_get (weak);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) message = deye_bus_answers_next_finish (DEYE_BUS_ANSWERS (source), result, &error);

  peer_watch_weak_free (weak);
  if (self == NULL || peer_watch_is_over (self))
    return;
  if (message == NULL && error == NULL)
    error = deye_bus_peer_error_malformed ();
  if (error != NULL)
    peer_watch_end (self, error);
  else
    peer_watch_take (self, message);
}

static void
peer_watch_read_on (DeyeBusPeerWatch *self)
{
  GMainContext *context = self->client->context;
  GWeakRef *weak = g_new (GWeakRef, 1);

  g_weak_ref_init (weak, self);
  g_main_context_push_thread_default (context);
  deye_bus_answers_next_async (self->answers, self->stopping, peer_watch_on_answer, weak);
  g_main_context_pop_thread_default (context);
}

/* --- the start --- */

static gboolean
peer_watch_check_pattern (const char *pattern, GError **error)
{
  g_autofree char *sample = g_strdelimit (g_strdup (pattern), "*?", 'x');

  return deye_bus_peer_check_id (sample, error);
}

static DeyeBusPeerWatch *
peer_watch_new (DeyeBusClient *client, DeyeBusAnswers *answers, const char *pattern, gboolean is_one)
{
  DeyeBusPeerWatch *self = g_object_new (DEYE_BUS_TYPE_PEER_WATCH, NULL);

  self->client = g_object_ref (client);
  self->answers = answers;
  self->pattern = g_strdup (pattern);
  if (pattern != NULL && !is_one)
    self->spec = g_pattern_spec_new (pattern);
  return self;
}

DeyeBusPeerWatch *
deye_bus_client_watch_peers (DeyeBusClient *self, const char *pattern, GError **error)
{
  gboolean is_one = pattern != NULL && strpbrk (pattern, "*?") == NULL;
  DeyeBusStanding standing;
  DeyeBusPeerWatch *watch = NULL;
  DeyeBusAnswers *answers;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);

  if ((pattern != NULL && !peer_watch_check_pattern (pattern, error)) || !deye_bus_client_enter (self, error))
    return NULL;
  standing = deye_bus_peer_standing (is_one ? pattern : NULL, TRUE);
  answers = deye_bus_answers_new_standing (self, &standing, error);
  if (answers != NULL)
    {
      watch = peer_watch_new (self, answers, pattern, is_one);
      peer_watch_read_on (watch);
    }
  g_bytes_unref (standing.payload);
  deye_bus_client_leave (self);
  return watch;
}

/* --- state --- */

const char *
deye_bus_peer_watch_get_pattern (DeyeBusPeerWatch *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_PEER_WATCH (self), NULL);
  return self->pattern;
}

gboolean
deye_bus_peer_watch_is_complete (DeyeBusPeerWatch *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_PEER_WATCH (self), FALSE);
  return !peer_watch_is_over (self) && self->complete_origin != 0 && self->client->state == DEYE_BUS_CLIENT_STATE_READY
         && self->complete_origin == deye_bus_session_origin (self->client->session);
}

guint64
deye_bus_peer_watch_get_sequence (DeyeBusPeerWatch *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_PEER_WATCH (self), 0);
  return self->sequence;
}

DeyeBusPeer *
deye_bus_peer_watch_lookup (DeyeBusPeerWatch *self, const char *id)
{
  DeyeBusPeer *peer;

  g_return_val_if_fail (DEYE_BUS_IS_PEER_WATCH (self), NULL);
  g_return_val_if_fail (id != NULL, NULL);

  peer = g_hash_table_lookup (self->peers, id);
  return peer != NULL ? deye_bus_peer_ref (peer) : NULL;
}

static gint
peer_watch_compare_ids (gconstpointer a, gconstpointer b)
{
  return strcmp (deye_bus_peer_get_id (*(DeyeBusPeer *const *) a), deye_bus_peer_get_id (*(DeyeBusPeer *const *) b));
}

GPtrArray *
deye_bus_peer_watch_list_peers (DeyeBusPeerWatch *self)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_peer_unref);
  GHashTableIter iter;
  gpointer peer;

  g_return_val_if_fail (DEYE_BUS_IS_PEER_WATCH (self), list);

  g_hash_table_iter_init (&iter, self->peers);
  while (g_hash_table_iter_next (&iter, NULL, &peer))
    g_ptr_array_add (list, deye_bus_peer_ref (peer));
  g_ptr_array_sort (list, peer_watch_compare_ids);
  return list;
}
