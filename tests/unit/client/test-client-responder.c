/* SPDX-License-Identifier: Apache-2.0 */
#include "answers-fixture.h"

/* The responder of a request with several answers: cancelled requests, and answers in parts. */

typedef struct
{
  Fixture *f;
  guint handled;
  DeyeBusMessage *request;
} Served;

/* --- as responder --- */

static void
on_request (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Served *served = data;

  served->handled++;
  g_clear_pointer (&served->request, deye_bus_message_unref);
  served->request = deye_bus_message_ref (message);
}

static DeyeBusSubscription *
serve (Served *served, const ScriptWelcome *welcome)
{
  DeyeBusSubscription *subscription;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (served->f, welcome);
  script_subscribe_reply (served->f->in, 2, 100, 10000);
  client_fixture_send (served->f);
  subscription = deye_bus_client_serve (served->f->client, TOPIC, NULL, on_request, served, NULL, NULL, &error);
  g_assert_no_error (error);
  g_ptr_array_unref (client_fixture_receive (served->f));
  return subscription;
}

static void
script_cancel (Fixture *f, guint64 route)
{
  WireEnvelope cancel;

  wire_envelope_init (&cancel);
  cancel.route_id = route;
  script_frame (f->in, WIRE_KIND_CANCEL, 0, &cancel);
}

/* O06: a request that is cancelled before its handler starts is not handled. */
static void
test_cancelled_before (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  g_autoptr (DeyeBusSubscription) subscription = serve (&served, &with_streams);

  script_request (f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  script_cancel (f, 500);
  script_request (f->in, deye_bus_subscription_get_id (subscription), 504, TOPIC, NULL, "q");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (served.handled, ==, 1);
  g_assert_cmpuint (deye_bus_message_get_data (served.request, NULL)[0], ==, 'q');
  g_clear_pointer (&served.request, deye_bus_message_unref);
}

/* The first handler blocks while the CANCEL of the second request arrives. */
static void
on_request_cancel_next (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Served *served = data;

  if (served->handled++ > 0)
    return;
  script_cancel (served->f, 504);
  client_fixture_send (served->f);
}

static void
test_cancelled_while_another_is_handled (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  g_autoptr (DeyeBusSubscription) subscription = NULL;

  client_fixture_connect (f, &with_streams);
  script_subscribe_reply (f->in, 2, 100, 10000);
  client_fixture_send (f);
  subscription = deye_bus_client_serve (f->client, TOPIC, NULL, on_request_cancel_next, &served, NULL, NULL, NULL);
  script_request (f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  script_request (f->in, deye_bus_subscription_get_id (subscription), 504, TOPIC, NULL, "q");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (served.handled, ==, 1);
}

/* The same for a server without a callback. */
static void
test_cancelled_before_next (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (DeyeBusMessage) request = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &with_streams);
  script_subscribe_reply (f->in, 2, 100, 10000);
  client_fixture_send (f);
  subscription = deye_bus_client_serve (f->client, TOPIC, NULL, NULL, NULL, NULL, NULL, NULL);
  script_request (f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  script_cancel (f, 500);
  client_fixture_send (f);
  g_assert_null (deye_bus_subscription_next (subscription, 0, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
  script_request (f->in, deye_bus_subscription_get_id (subscription), 504, TOPIC, NULL, "q");
  client_fixture_send (f);
  request = deye_bus_subscription_next (subscription, G_TIME_SPAN_MINUTE, NULL, NULL);
  g_assert_cmpuint (deye_bus_message_get_data (request, NULL)[0], ==, 'q');
}

static void
test_watch (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  g_autoptr (DeyeBusSubscription) subscription = serve (&served, &with_streams);
  g_autoptr (GCancellable) watch = NULL;
  g_autoptr (GCancellable) same = NULL;
  g_autoptr (GCancellable) late = NULL;

  script_request (f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  client_fixture_send_and_settle (f);
  watch = deye_bus_client_watch_request (f->client, served.request, NULL);
  same = deye_bus_client_watch_request (f->client, served.request, NULL);
  g_assert_true (watch == same);
  g_assert_false (g_cancellable_is_cancelled (watch));
  script_cancel (f, 500);
  client_fixture_send_and_settle (f);
  g_assert_true (g_cancellable_is_cancelled (watch));
  late = deye_bus_client_watch_request (f->client, served.request, NULL);
  g_assert_true (g_cancellable_is_cancelled (late));
  g_clear_pointer (&served.request, deye_bus_message_unref);
}

static void
test_watch_answered (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  g_autoptr (DeyeBusSubscription) subscription = serve (&served, &with_streams);
  g_autoptr (GCancellable) watch = NULL;

  script_request (f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  client_fixture_send_and_settle (f);
  watch = deye_bus_client_watch_request (f->client, served.request, NULL);
  g_assert_true (deye_bus_client_respond (f->client, served.request, NULL, NULL, NULL));
  client_fixture_disconnect (f);
  client_fixture_settle (f);
  g_assert_false (g_cancellable_is_cancelled (watch));
  g_clear_pointer (&served.request, deye_bus_message_unref);
}

static void
test_watch_disconnected (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  g_autoptr (DeyeBusSubscription) subscription = serve (&served, &with_streams);
  g_autoptr (GCancellable) watch = NULL;

  script_request (f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  client_fixture_send_and_settle (f);
  watch = deye_bus_client_watch_request (f->client, served.request, NULL);
  client_fixture_disconnect (f);
  client_fixture_wait (f, g_cancellable_is_cancelled (watch));
  g_clear_pointer (&served.request, deye_bus_message_unref);
}

static gboolean
respond_part (Served *served, gsize len)
{
  g_autofree guint8 *bytes = g_malloc0 (len);
  g_autoptr (GBytes) payload = g_bytes_new (bytes, len);

  return deye_bus_client_respond_part (served->f->client, served->request, payload, NULL, NULL);
}

/* Takes the sizes of the replies that were sent since the last call: a number for each. */
static char *
receive_replies (Fixture *f)
{
  g_autoptr (GPtrArray) frames = client_fixture_receive (f);
  GString *received = g_string_new (NULL);

  for (guint i = 0; i < frames->len; i++)
    {
      const ScriptFrame *frame = frames->pdata[i];

      if (frame->kind == WIRE_KIND_REPLY)
        g_string_append_printf (received, "%s%" G_GSIZE_FORMAT, received->len > 0 ? " " : "",
                                frame->envelope.payload.len);
    }
  return g_string_free (received, FALSE);
}

/* T07: a small last reply does not overtake a large part that waits for credit of another class. Other calls of the class of the
 * small reply are not delayed. */
static void
test_order_of_parts (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  const ScriptWelcome narrow = { .features = WIRE_FEATURE_STREAM, .window_messages = 2 };
  g_autoptr (DeyeBusSubscription) subscription = serve (&served, &narrow); /* takes one of the class control */
  g_autofree char *rest = NULL;
  g_autoptr (GBytes) last = g_bytes_new_static ("bye", 3);

  script_credit (f->in, WIRE_CLASS_CONTROL, 100, 1 << 20);
  script_request (f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  client_fixture_send_and_settle (f);
  for (guint i = 0; i < 3; i++)
    g_assert_true (respond_part (&served, 20000)); /* above 16 KiB: may-drop, of which there are two */
  g_assert_true (respond_part (&served, 10));
  g_assert_true (deye_bus_client_respond (f->client, served.request, last, NULL, NULL));
  g_assert_true (deye_bus_client_publish (f->client, "health.x", last, NULL, NULL, NULL, NULL));
  client_fixture_settle (f);
  {
    g_autoptr (GPtrArray) frames = client_fixture_receive (f);

    g_assert_cmpuint (script_count (frames, WIRE_KIND_REPLY), ==, 2);
    g_assert_cmpuint (script_count (frames, WIRE_KIND_PUBLISH), ==, 1);
  }
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 100, 1 << 20);
  client_fixture_send_and_settle (f);
  rest = receive_replies (f);
  g_assert_cmpstr (rest, ==, "20000 10 3");
  g_clear_pointer (&served.request, deye_bus_message_unref);
}

/* --- several open requests --- */

static void
receive_request (Served *served, DeyeBusSubscription *subscription, guint64 route)
{
  script_request (served->f->in, deye_bus_subscription_get_id (subscription), route, TOPIC, NULL, "p");
  client_fixture_send_and_settle (served->f);
}

static void
assert_replies (Fixture *f, const guint64 *routes, guint n)
{
  g_autoptr (GPtrArray) frames = client_fixture_receive (f);
  guint found = 0;

  for (guint i = 0; i < frames->len; i++)
    {
      const ScriptFrame *frame = frames->pdata[i];

      if (frame->kind != WIRE_KIND_REPLY)
        continue;
      g_assert_cmpuint (found, <, n);
      g_assert_cmpuint (frame->envelope.route, ==, routes[found++]);
    }
  g_assert_cmpuint (found, ==, n);
}

/* The older request is answered first, and each of them once. */
static void
test_two_open (Fixture *f, gconstpointer data)
{
  static const guint64 routes[] = { 500, 504, 508 };
  Served served = { .f = f };
  g_autoptr (DeyeBusSubscription) subscription = serve (&served, &with_streams);
  g_autoptr (DeyeBusMessage) first = NULL;
  g_autoptr (GError) error = NULL;

  receive_request (&served, subscription, 500);
  first = deye_bus_message_ref (served.request);
  receive_request (&served, subscription, 504);
  g_assert_true (deye_bus_client_respond (f->client, first, NULL, NULL, NULL));
  g_assert_false (deye_bus_client_respond (f->client, first, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CANCELLED);
  g_assert_true (deye_bus_client_respond (f->client, served.request, NULL, NULL, NULL));
  g_assert_false (deye_bus_client_respond (f->client, served.request, NULL, NULL, NULL));
  receive_request (&served, subscription, 508);
  g_assert_true (deye_bus_client_respond (f->client, served.request, NULL, NULL, NULL));
  client_fixture_settle (f);
  assert_replies (f, routes, G_N_ELEMENTS (routes));
  g_clear_pointer (&served.request, deye_bus_message_unref);
}

/* Opens 500 and then 504, and watches both. */
static void
watch_two (Served *served, DeyeBusSubscription *subscription, DeyeBusMessage *requests[2], GCancellable *watches[2])
{
  static const guint64 routes[] = { 500, 504 };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (routes); i++)
    {
      receive_request (served, subscription, routes[i]);
      requests[i] = deye_bus_message_ref (served->request);
      watches[i] = deye_bus_client_watch_request (served->f->client, requests[i], &error);
      g_assert_no_error (error);
    }
  g_assert_true (watches[0] != watches[1]);
  g_clear_pointer (&served->request, deye_bus_message_unref);
}

static void
drop_two (DeyeBusMessage *requests[2], GCancellable *watches[2])
{
  for (guint i = 0; i < 2; i++)
    {
      deye_bus_message_unref (requests[i]);
      g_object_unref (watches[i]);
    }
}

static void
test_watch_two_disconnected (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  g_autoptr (DeyeBusSubscription) subscription = serve (&served, &with_streams);
  DeyeBusMessage *requests[2];
  GCancellable *watches[2];

  watch_two (&served, subscription, requests, watches);
  client_fixture_disconnect (f);
  client_fixture_wait (f, deye_bus_client_get_state (f->client) != DEYE_BUS_CLIENT_STATE_READY);
  client_fixture_settle (f);
  for (guint i = 0; i < G_N_ELEMENTS (watches); i++)
    g_assert_true (g_cancellable_is_cancelled (watches[i]));
  drop_two (requests, watches);
}

/* CANCEL of one of two open requests ends that one only. @data: index of the request: 0: the older one */
static void
test_cancel_one_of_two (Fixture *f, gconstpointer data)
{
  const guint cancelled = GPOINTER_TO_UINT (data);
  const guint64 open[] = { cancelled == 0 ? 504 : 500 };
  Served served = { .f = f };
  g_autoptr (DeyeBusSubscription) subscription = serve (&served, &with_streams);
  DeyeBusMessage *requests[2];
  GCancellable *watches[2];

  watch_two (&served, subscription, requests, watches);
  script_cancel (f, cancelled == 0 ? 500 : 504);
  client_fixture_send_and_settle (f);
  g_assert_true (g_cancellable_is_cancelled (watches[cancelled]));
  g_assert_false (g_cancellable_is_cancelled (watches[1 - cancelled]));
  g_assert_false (deye_bus_client_respond (f->client, requests[cancelled], NULL, NULL, NULL));
  g_assert_true (deye_bus_client_respond (f->client, requests[1 - cancelled], NULL, NULL, NULL));
  client_fixture_settle (f);
  assert_replies (f, open, G_N_ELEMENTS (open));
  g_assert_false (g_cancellable_is_cancelled (watches[1 - cancelled]));
  drop_two (requests, watches);
}

/* --- a payload in two pieces --- */

#define JOINED_LEN 100000

static void
set_true (gpointer flag)
{
  *(gboolean *) flag = TRUE;
}

/* Sends the last reply, which waits for credit: there is one of its class, and a part uses it. The payload sets @released when it
 * is freed. */
static void
respond_joined (Served *served, gboolean *released)
{
  static const guint8 zeros[JOINED_LEN];
  g_autoptr (GBytes) payload = g_bytes_new_with_free_func (zeros, sizeof zeros, set_true, released);
  const DeyeBusReply reply
      = { .flags = WIRE_FLAG_FINAL, .type_name = "t.T", .front = wire_span_str ("front"), .payload = payload };
  g_autoptr (GError) error = NULL;

  g_assert_true (respond_part (served, 20000));
  g_assert_true (deye_bus_client_respond_own (served->f->client, served->request, &reply, &error));
  g_assert_no_error (error);
}

static DeyeBusSubscription *
serve_one (Served *served)
{
  const ScriptWelcome narrow = { .features = WIRE_FEATURE_STREAM, .window_messages = 1 };
  DeyeBusSubscription *subscription = serve (served, &narrow); /* takes the one of the class control */

  script_request (served->f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  client_fixture_send_and_settle (served->f);
  return subscription;
}

/* A reply in two pieces keeps its place while it waits, and refers to its payload until it is written. */
static void
test_joined (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  gboolean released = FALSE;
  g_autoptr (DeyeBusSubscription) subscription G_GNUC_UNUSED = serve_one (&served);
  g_autofree char *first = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  const ScriptFrame *reply;

  respond_joined (&served, &released);
  client_fixture_settle (f);
  first = receive_replies (f);
  g_assert_cmpstr (first, ==, "20000");
  g_assert_false (released);
  script_credit (f->in, WIRE_CLASS_MAY_DROP, 100, 1 << 20);
  client_fixture_send_and_settle (f);
  frames = client_fixture_receive (f);
  reply = script_find (frames, WIRE_KIND_REPLY);
  g_assert_nonnull (reply);
  g_assert_true (reply->flags & WIRE_FLAG_FINAL);
  g_assert_cmpuint (reply->envelope.payload.len, ==, strlen ("front") + JOINED_LEN);
  g_assert_cmpmem (reply->envelope.payload.data, 6, "front", 6);
  g_assert_true (wire_span_equal (reply->envelope.type_name, WIRE_SPAN_LITERAL ("t.T")));
  g_assert_true (released);
  g_clear_pointer (&served.request, deye_bus_message_unref);
}

/* The connection ends while the reply waits: it is dropped, and its payload is freed. */
static void
test_joined_unsent (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  gboolean released = FALSE;
  g_autoptr (DeyeBusSubscription) subscription G_GNUC_UNUSED = serve_one (&served);

  respond_joined (&served, &released);
  client_fixture_settle (f);
  g_assert_false (released);
  client_fixture_disconnect (f);
  client_fixture_wait (f, released);
  g_clear_pointer (&served.request, deye_bus_message_unref);
}

static void
test_part_unsupported (Fixture *f, gconstpointer data)
{
  Served served = { .f = f };
  const ScriptWelcome old = { .features = 0 };
  g_autoptr (DeyeBusSubscription) subscription = serve (&served, &old);
  g_autoptr (GError) error = NULL;

  script_request (f->in, deye_bus_subscription_get_id (subscription), 500, TOPIC, NULL, "p");
  client_fixture_send_and_settle (f);
  g_assert_false (deye_bus_client_respond_part (f->client, served.request, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  g_assert_true (deye_bus_client_respond (f->client, served.request, NULL, NULL, NULL));
  g_clear_pointer (&served.request, deye_bus_message_unref);
}

#define ADD_DATA(path, function, data)                                                                                 \
  g_test_add ("/client/answers/" path, Fixture, data, client_fixture_set_up, function, client_fixture_tear_down)
#define ADD(path, function) ADD_DATA (path, function, NULL)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("cancelled-before", test_cancelled_before);
  ADD ("cancelled-while-another-is-handled", test_cancelled_while_another_is_handled);
  ADD ("cancelled-before-next", test_cancelled_before_next);
  ADD ("watch", test_watch);
  ADD ("watch-answered", test_watch_answered);
  ADD ("watch-disconnected", test_watch_disconnected);
  ADD ("order-of-parts", test_order_of_parts);
  ADD ("two-open", test_two_open);
  ADD ("watch-two-disconnected", test_watch_two_disconnected);
  ADD_DATA ("cancel-older-of-two", test_cancel_one_of_two, GUINT_TO_POINTER (0));
  ADD_DATA ("cancel-newer-of-two", test_cancel_one_of_two, GUINT_TO_POINTER (1));
  ADD ("joined", test_joined);
  ADD ("joined-unsent", test_joined_unsent);
  ADD ("M27-part-unsupported", test_part_unsupported);
  return g_test_run ();
}
