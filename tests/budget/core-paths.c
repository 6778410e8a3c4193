/* SPDX-License-Identifier: Apache-2.0 */
#include "path.h"
#include "task-fixture.h"

#include "base/bus-overflow.h"
#include "peer/bus-peer.h"

/* The paths of the core: a message from the bytes of its publisher to the bytes for its receivers, and a task from submission to
 * result. */

#define TOPIC       "events.process.lifecycle"
#define PAYLOAD     128u
#define BATCH       64u /* messages that arrive together */
#define WINDOW      65536u
#define READERS_MAX 10u

/* --- publish and deliver --- */

typedef struct
{
  Core core;
  Client *publisher;
  Client *readers[READERS_MAX];
  guint n_readers;
  guint64 published;
  GByteArray *frames; /* BATCH of them */
} Delivery;

static void
delivery_add_frame (GByteArray *bytes, guint number)
{
  guint8 frame[PAYLOAD + 256] = { 0 };
  guint8 payload[PAYLOAD] = { 0 };
  WireEnvelope envelope;
  guint8 *end;

  wire_envelope_init (&envelope);
  envelope.id = 2 * number;
  envelope.topic = wire_span_str (TOPIC);
  envelope.payload = wire_span (payload, PAYLOAD);
  end = wire_envelope_write (&envelope, frame + WIRE_FRAME_HEADER_LEN) + PAYLOAD;
  wire_frame_put_header (frame, WIRE_KIND_PUBLISH, 0, (guint32) (end - frame - WIRE_FRAME_HEADER_LEN));
  g_byte_array_append (bytes, frame, (guint) (end - frame));
}

static gpointer
delivery_begin (guint n_readers)
{
  Delivery *delivery = g_new0 (Delivery, 1);

  core_setup (&delivery->core, NULL);
  delivery->publisher = client_ready (&delivery->core, "procmond-1", "procmond");
  delivery->n_readers = n_readers;
  for (guint i = 0; i < n_readers; i++)
    {
      g_autofree char *id = g_strdup_printf ("reader-%u", i);

      delivery->readers[i] = client_ready (&delivery->core, id, "netmond");
      client_subscribe_full (delivery->readers[i], 1, "events.#", NULL, FALSE, WINDOW, (guint64) WINDOW * PAYLOAD,
                             WIRE_STATUS_OK);
    }
  delivery->frames = g_byte_array_new ();
  for (guint i = 1; i <= BATCH; i++)
    delivery_add_frame (delivery->frames, i);
  return delivery;
}

static gpointer
delivery_begin_one (void)
{
  return delivery_begin (1);
}

static gpointer
delivery_begin_ten (void)
{
  return delivery_begin (READERS_MAX);
}

static void
delivery_drain (Delivery *delivery, const Client *client)
{
  WireSpan spans[64];
  guint n;

  while ((n = bus_core_gather (delivery->core.core, client->peer, spans, G_N_ELEMENTS (spans))) > 0)
    {
      gsize total = 0;

      for (guint i = 0; i < n; i++)
        total += spans[i].len;
      bus_core_sent (delivery->core.core, client->peer, total, delivery->core.now_us);
    }
}

/* Returns credit like a client: when a quarter of the window is used. */
static void
delivery_return_credit (Delivery *delivery)
{
  const guint64 messages = delivery->published + WINDOW;

  for (guint i = 0; i < delivery->n_readers; i++)
    client_credit (delivery->readers[i], 1, messages, messages * PAYLOAD);
}

static void
delivery_run (gpointer state, guint messages)
{
  Delivery *delivery = state;

  for (guint done = 0; done < messages; done += BATCH)
    {
      if (delivery->published % (WINDOW / 4) == 0)
        delivery_return_credit (delivery);
      bus_core_received (delivery->core.core, delivery->publisher->peer, delivery->frames->data, delivery->frames->len,
                         delivery->core.now_us);
      for (guint i = 0; i < delivery->n_readers; i++)
        delivery_drain (delivery, delivery->readers[i]);
      delivery_drain (delivery, delivery->publisher);
      delivery->published += BATCH;
    }
  g_assert_cmpuint (delivery->readers[0]->peer->flow.delivered, ==, delivery->published);
}

static void
delivery_end (gpointer state)
{
  Delivery *delivery = state;

  core_teardown (&delivery->core, NULL);
  g_byte_array_unref (delivery->frames);
  g_free (delivery);
}

/* --- publish, wait for credit, and deliver --- */

/* The window covers one batch, so each batch waits until the credit for it arrives. */
static gpointer
waiting_begin (void)
{
  Delivery *delivery = g_new0 (Delivery, 1);

  core_setup (&delivery->core, NULL);
  delivery->publisher = client_ready (&delivery->core, "procmond-1", "procmond");
  delivery->n_readers = 1;
  delivery->readers[0] = tool_ready (&delivery->core, "reader-1");
  client_subscribe_with (delivery->readers[0], .subscription = 1, .pattern = "events.#", .policy = BUS_OVERFLOW_BLOCK,
                         .window_messages = BATCH, .window_bytes = BATCH * PAYLOAD);
  delivery->frames = g_byte_array_new ();
  for (guint i = 1; i <= BATCH; i++)
    delivery_add_frame (delivery->frames, i);
  bus_core_received (delivery->core.core, delivery->publisher->peer, delivery->frames->data, delivery->frames->len,
                     delivery->core.now_us);
  return delivery;
}

/* Without the fixture, which would read and keep the messages. */
static void
waiting_send_credit (Delivery *delivery, guint64 messages)
{
  guint8 frame[128];
  WireEnvelope credit;
  gsize len;

  wire_envelope_init (&credit);
  credit.subscription = 1;
  credit.credit_messages = messages;
  credit.credit_bytes = messages * PAYLOAD;
  len = (gsize) (wire_envelope_write (&credit, frame + WIRE_FRAME_HEADER_LEN) - frame);
  wire_frame_put_header (frame, WIRE_KIND_CREDIT, 0, (guint32) (len - WIRE_FRAME_HEADER_LEN));
  bus_core_received (delivery->core.core, delivery->readers[0]->peer, frame, len, delivery->core.now_us);
}

static void
waiting_run (gpointer state, guint messages)
{
  Delivery *delivery = state;
  const BusFlow *flow = &delivery->readers[0]->peer->flow;

  for (guint done = 0; done < messages; done += BATCH)
    {
      bus_core_received (delivery->core.core, delivery->publisher->peer, delivery->frames->data, delivery->frames->len,
                         delivery->core.now_us);
      g_assert_cmpuint (flow->waiting_messages, ==, BATCH);
      delivery_drain (delivery, delivery->readers[0]);
      delivery->published += BATCH;
      waiting_send_credit (delivery, delivery->published + BATCH);
      delivery_drain (delivery, delivery->publisher);
    }
  g_assert_cmpuint (flow->delivered, ==, delivery->published + BATCH);
}

/* --- submit and settle --- */

typedef struct
{
  Core core;
  Client *submitter;
  Client *worker;
  guint64 last;
  guint64 bytes; /* of the requests to the worker */
} Settling;

static gpointer
settling_begin (void)
{
  Settling *settling = g_new0 (Settling, 1);

  tasks_setup (&settling->core, NULL);
  settling->submitter = submitter_ready (&settling->core);
  settling->worker = worker_ready (&settling->core, "w1", 2);
  return settling;
}

static void
settling_return_credit (Settling *settling)
{
  const ClientAccount *account = g_hash_table_lookup (settling->worker->accounts, GUINT_TO_POINTER (1));

  client_credit (settling->worker, 1, settling->last + account->window_messages,
                 settling->bytes + account->window_bytes);
}

static void
settling_run (gpointer state, guint messages)
{
  Settling *settling = state;

  for (guint i = 0; i < messages; i++)
    {
      g_autofree char *id = g_strdup_printf ("task-%08" G_GUINT64_FORMAT, ++settling->last);
      g_autoptr (Job) job = NULL;

      tasks_submit (settling->submitter, id);
      job = worker_run (settling->worker, id);
      settling->bytes += protobuf_c_message_get_packed_size (&job->execute->base);
      worker_finish (settling->worker, job, BUS_OUTCOME_SUCCEEDED, "done");
      if (settling->last % BATCH == 0)
        settling_return_credit (settling);
      g_assert_cmpuint (worker_member (settling->worker)->n_completed, ==, settling->last);
    }
}

static void
settling_end (gpointer state)
{
  Settling *settling = state;

  core_teardown (&settling->core, NULL);
  g_free (settling);
}

int
main (int argc, char **argv)
{
  static const BudgetPath paths[] = {
    { "core-deliver", delivery_begin_one, delivery_run, delivery_end },
    { "core-wait", waiting_begin, waiting_run, delivery_end },
    { "core-fan-out", delivery_begin_ten, delivery_run, delivery_end },
    { "core-task", settling_begin, settling_run, settling_end },
  };

  return budget_main (argc, argv, paths, G_N_ELEMENTS (paths));
}
