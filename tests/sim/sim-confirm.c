/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-confirm.h"

#include "wire-status.h"

typedef struct
{
  GArray *holders; /* of guint: connections that received the message, or to which it is in transit */
  gboolean is_confirmed;
} ConfirmRoute;

typedef struct
{
  SimFrameName waiting; /* connection 0: none */
  guint n_routes;       /* 0: not known */
  guint n_confirmed;
  gint64 due_us;
  gint64 held_until_us; /* 0: it is never held */
  gboolean was_held;    /* when it was accepted */
  guint64 gone;         /* connections that had ended when it was accepted */
  gboolean has_asked;   /* the first frame asked for a confirmation, not only one that sent the message again */
  gboolean has_status;
  guint status;       /* status of the received answer; OK: the message was handled */
  GHashTable *routes; /* route id -> ConfirmRoute */
} ConfirmMessage;

struct SimConfirms
{
  GHashTable *messages; /* number -> ConfirmMessage */
  GHashTable *routes;   /* route id -> ConfirmMessage; not owned */
  GHashTable *waiting;  /* frame -> ConfirmMessage; not owned */
  guint64 gone;         /* connections that have ended */
};

static void
confirm_free_route (gpointer data)
{
  ConfirmRoute *route = data;

  g_array_unref (route->holders);
  g_free (route);
}

static void
confirm_free_message (gpointer data)
{
  ConfirmMessage *message = data;

  g_hash_table_unref (message->routes);
  g_free (message);
}

SimConfirms *
sim_confirms_new (void)
{
  SimConfirms *confirms = g_new0 (SimConfirms, 1);

  confirms->messages = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, confirm_free_message);
  confirms->routes = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  confirms->waiting = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  return confirms;
}

void
sim_confirms_free (SimConfirms *confirms)
{
  g_hash_table_unref (confirms->waiting);
  g_hash_table_unref (confirms->routes);
  g_hash_table_unref (confirms->messages);
  g_free (confirms);
}

/* --- input of the broker --- */

static ConfirmMessage *
confirm_message (SimConfirms *confirms, guint64 number)
{
  ConfirmMessage *message = g_hash_table_lookup (confirms->messages, &number);

  if (message == NULL)
    {
      message = g_new0 (ConfirmMessage, 1);
      message->routes = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, confirm_free_route);
      message->gone = confirms->gone;
      g_hash_table_insert (confirms->messages, g_memdup2 (&number, sizeof number), message);
    }
  return message;
}

static guint64
confirm_key (SimFrameName frame)
{
  return (guint64) frame.connection << 32 | frame.id;
}

static void
confirm_set_waiting (SimConfirms *confirms, ConfirmMessage *message, SimFrameName frame)
{
  guint64 old = confirm_key (message->waiting), key = confirm_key (frame);

  g_hash_table_remove (confirms->waiting, &old);
  message->waiting = frame;
  if (frame.connection != 0)
    g_hash_table_insert (confirms->waiting, g_memdup2 (&key, sizeof key), message);
}

void
sim_confirms_ask (SimConfirms *confirms, guint64 number, SimFrameName frame, guint routes, gint64 due_us)
{
  ConfirmMessage *message = confirm_message (confirms, number);

  confirm_set_waiting (confirms, message, frame);
  message->n_routes = routes;
  message->due_us = due_us;
  message->has_asked = TRUE;
}

void
sim_confirms_hold (SimConfirms *confirms, guint64 number, gint64 until_us, gboolean is_held)
{
  ConfirmMessage *message = confirm_message (confirms, number);

  message->held_until_us = until_us;
  message->was_held = is_held;
}

void
sim_confirms_ask_again (SimConfirms *confirms, guint64 number, SimFrameName frame)
{
  confirm_set_waiting (confirms, confirm_message (confirms, number), frame);
}

/* NULL: it is the route of another message. */
static ConfirmRoute *
confirm_add_route (SimConfirms *confirms, ConfirmMessage *message, guint64 route_id)
{
  ConfirmRoute *route = g_hash_table_lookup (message->routes, &route_id);

  if (route != NULL || g_hash_table_contains (confirms->routes, &route_id))
    return route;
  route = g_new0 (ConfirmRoute, 1);
  route->holders = g_array_new (FALSE, FALSE, sizeof (guint));
  g_hash_table_insert (message->routes, g_memdup2 (&route_id, sizeof route_id), route);
  g_hash_table_insert (confirms->routes, g_memdup2 (&route_id, sizeof route_id), message);
  return route;
}

static ConfirmRoute *
confirm_find_route (const SimConfirms *confirms, guint64 route_id)
{
  ConfirmMessage *message = g_hash_table_lookup (confirms->routes, &route_id);

  return message != NULL ? g_hash_table_lookup (message->routes, &route_id) : NULL;
}

void
sim_confirms_learn (SimConfirms *confirms, guint64 route_id, guint64 number)
{
  confirm_add_route (confirms, confirm_message (confirms, number), route_id);
}

void
sim_confirms_sent (SimConfirms *confirms, guint connection, guint64 route_id)
{
  ConfirmRoute *route = confirm_find_route (confirms, route_id);

  if (route != NULL)
    g_array_append_val (route->holders, connection);
}

gboolean
sim_confirms_has (const SimConfirms *confirms, guint connection, guint64 route_id)
{
  const ConfirmRoute *route = confirm_find_route (confirms, route_id);

  for (guint i = 0; route != NULL && i < route->holders->len; i++)
    if (g_array_index (route->holders, guint, i) == connection)
      return TRUE;
  return FALSE;
}

void
sim_confirms_confirmed (SimConfirms *confirms, guint connection, guint64 route_id)
{
  ConfirmRoute *route = confirm_find_route (confirms, route_id);

  if (route == NULL || route->is_confirmed || !sim_confirms_has (confirms, connection, route_id))
    return;
  route->is_confirmed = TRUE;
  ((ConfirmMessage *) g_hash_table_lookup (confirms->routes, &route_id))->n_confirmed++;
}

void
sim_confirms_gone (SimConfirms *confirms, guint connection)
{
  GHashTableIter iter;
  gpointer value;

  confirms->gone++;
  g_hash_table_iter_init (&iter, confirms->waiting);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ConfirmMessage *message = value;

      if (message->waiting.connection != connection)
        continue;
      message->waiting.connection = 0;
      g_hash_table_iter_remove (&iter);
    }
}

/* --- input of a client --- */

const char *
sim_confirms_got_message (SimConfirms *confirms, guint connection, guint64 route_id, guint64 number)
{
  ConfirmMessage *message = g_hash_table_lookup (confirms->messages, &number);
  ConfirmRoute *route;

  if (message == NULL || !message->has_asked)
    return "O05: a message has a route, but its publisher does not wait";
  route = confirm_add_route (confirms, message, route_id);
  if (route == NULL)
    return "O05: two messages have the same route";
  g_array_append_val (route->holders, connection);
  if (message->n_routes > 0 && g_hash_table_size (message->routes) > message->n_routes)
    return "O05: a message has more routes than receivers";
  return NULL;
}

/* NULL: no message waits for an answer to that frame. */
static ConfirmMessage *
confirm_find_waiting (const SimConfirms *confirms, SimFrameName frame)
{
  guint64 key = confirm_key (frame);

  return g_hash_table_lookup (confirms->waiting, &key);
}

static const char *
confirm_note_status (SimConfirms *confirms, ConfirmMessage *message, guint status)
{
  if (message->has_status && message->status != status)
    return "O05: a message that was sent again got another answer";
  confirm_set_waiting (confirms, message, (SimFrameName){ 0, 0 });
  message->has_status = TRUE;
  message->status = status;
  return NULL;
}

const char *
sim_confirms_got_delivered (SimConfirms *confirms, SimFrameName frame)
{
  ConfirmMessage *message = confirm_find_waiting (confirms, frame);

  if (message == NULL)
    return "O05: DELIVERED came twice, or without a frame that waits for it";
  if (!message->has_asked || message->n_confirmed == 0
      || (message->n_routes > 0 && message->n_confirmed < message->n_routes))
    return "O05: DELIVERED came before every receiver had confirmed";
  return confirm_note_status (confirms, message, WIRE_STATUS_OK);
}

const char *
sim_confirms_got_error (SimConfirms *confirms, SimFrameName frame, guint status, gint64 now_us)
{
  ConfirmMessage *message = confirm_find_waiting (confirms, frame);

  if (message == NULL)
    return NULL;
  if (!message->has_asked && status != WIRE_STATUS_UNKNOWN)
    return "O05: the broker reported the outcome of a message that does not wait for it";
  if (message->has_asked && status == WIRE_STATUS_UNKNOWN && now_us < message->due_us
      && confirms->gone == message->gone)
    return "O05: UNKNOWN came before the deadline, although every receiver is connected";
  if (message->has_asked && status == WIRE_STATUS_NO_RESPONDERS
      && (message->held_until_us == 0 || now_us < message->held_until_us))
    return "K08: NO_RESPONDERS came for a message that cannot be held, or before its time to live was over";
  return confirm_note_status (confirms, message, status);
}

/* --- queries --- */

gboolean
sim_confirms_was_held (const SimConfirms *confirms, SimFrameName frame)
{
  const ConfirmMessage *message = confirm_find_waiting (confirms, frame);

  return message != NULL && message->was_held;
}

void
sim_confirms_foreach (SimConfirms *confirms,
                      void (*function) (SimFrameName frame, gint64 due_us, gpointer data),
                      gpointer data)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, confirms->waiting);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ConfirmMessage *message = value;

      function (message->waiting, message->due_us, data);
    }
}

guint
sim_confirms_count (const SimConfirms *confirms)
{
  return g_hash_table_size (confirms->waiting);
}
