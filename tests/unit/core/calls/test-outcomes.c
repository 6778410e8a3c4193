/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-drain.h"
#include "calls/bus-later.h"
#include "queue/bus-flow.h"
#include "queue/bus-unsettled.h"
#include "route/bus-assured.h"
#include "route/route-fixture.h"
#include "control.pb-c.h"

/*
 * The outcome of messages that a member of a group has not settled, and of those that wait for it. Each way in which the
 * member can end is tested for messages that are delivered at least once (a reference is kept) and for others (only counts are
 * kept).
 */

typedef Daemoneye__Eventbus__V1__DrainRequest DrainRequest;

#define TOPIC "tasks.procmond"

/* Ways in which the messages of the member end. */
typedef enum
{
  END_EOF,
  END_UNSUBSCRIBE,
  END_DRAIN,
  END_DEADLINE, /* the member settles nothing for settle_timeout_us */
  N_ENDS
} End;

typedef struct
{
  const char *path;
  End end;
  gboolean is_kept;
  gboolean has_taker; /* another member can take the messages */
  /* Messages that are repeated, handed on, unknown and discarded; repeats that the other member was sent; messages that stay. */
  const char *wanted;
} Outcome;

typedef struct
{
  Peers peers;
  BusPeer *publisher;
  BusPeer *peer[2];
  BusSubscription *member[2];
} Members;

static void
setup (Members *f, gconstpointer data)
{
  const Outcome *outcome = data;

  routes_setup (&f->peers, NULL);
  f->publisher = peers_ready (&f->peers, "publisher", 1000);
  for (guint i = 0; i < (outcome->has_taker ? 2 : 1); i++)
    {
      f->peer[i] = peers_ready (&f->peers, i == 0 ? "one" : "two", 1001);
      f->member[i] = routes_subscribe (&f->peers, f->peer[i], 1, "tasks.#", "workers", i == 0 ? 2 : 100);
    }
}

static void
teardown (Members *f, gconstpointer data)
{
  routes_teardown (&f->peers, NULL);
}

/* Three messages for the first member: two are sent, one waits. */
static void
publish (Members *f, gboolean is_kept)
{
  if (f->member[1] != NULL)
    f->member[1]->state = BUS_SUBSCRIPTION_DRAINED; /* not picked */
  for (guint i = 0; i < 3; i++)
    {
      const BusAssurance assurance = { .at_least_once = TRUE };
      g_autoptr (PeerArrival) arrival = peer_arrival_new (&f->peers, f->publisher, TOPIC, NULL, 4);
      BusMatch *match = bus_router_match (f->peers.core, arrival->envelope.topic);
      BusRefusal refusal;

      if (!is_kept)
        routes_publish (&f->peers, f->publisher, TOPIC, 4);
      else
        bus_assured_publish (f->peers.core, &arrival->inbound, match, &assurance, &refusal, f->peers.core->now_us);
    }
  if (f->member[1] != NULL)
    f->member[1]->state = BUS_SUBSCRIPTION_OPEN;
  g_assert_cmpuint (bus_unsettled_messages (f->member[0]), ==, 2);
  g_assert_cmpuint (f->member[0]->fifo->messages, ==, 1);
}

static void
drain (Members *f)
{
  char empty[] = "";
  const DrainRequest request
      = { PROTOBUF_C_MESSAGE_INIT (&daemoneye__eventbus__v1__drain_request__descriptor), empty, empty, 1, FALSE };
  const BusCall call
      = { .peer = f->peer[0], .core = f->peers.core, .id = 55, .request = &request, .now_us = f->peers.core->now_us };

  bus_drain_answer (&call);
  bus_drain_settle (f->peers.core);
  bus_later_forget_peer (f->peer[0]);
}

static void
end_member (Members *f, End end, BusLeave *leave)
{
  BusCore *core = f->peers.core;

  switch (end)
    {
    case END_EOF:
      routes_disconnect (&f->peers, f->peer[0], leave);
      break;
    case END_UNSUBSCRIBE:
      routes_unsubscribe (&f->peers, f->member[0], leave);
      break;
    case END_DRAIN:
      drain (f);
      break;
    case END_DEADLINE:
      core->now_us += (gint64) core->limits.settle_timeout_us;
      if (bus_deadline_is_armed (&f->member[0]->records->settle_timer.deadline))
        bus_reroute_unsettled_due (core, f->member[0], core->now_us);
      break;
    case N_ENDS:
    default:
      g_assert_not_reached ();
    }
}

static guint
count_repeats (BusPeer *peer)
{
  g_autoptr (GPtrArray) frames = peers_take (peer);
  guint n = 0;

  for (guint i = 0; i < frames->len; i++)
    n += ((const PeerFrame *) g_ptr_array_index (frames, i))->envelope.attempt > 1 ? 1 : 0;
  return n;
}

static void
test_outcome (Members *f, gconstpointer data)
{
  const Outcome *outcome = data;
  gboolean stays = outcome->end == END_DRAIN || outcome->end == END_DEADLINE;
  BusLeave leave = { 0 };
  g_autofree char *text = NULL;

  publish (f, outcome->is_kept);
  if (outcome->has_taker)
    g_ptr_array_unref (peers_take (f->peer[1]));
  end_member (f, outcome->end, &leave);
  if (stays)
    {
      leave.repeated = f->member[0]->extra->repeated;
      leave.rerouted = f->member[0]->extra->rerouted;
    }
  text = g_strdup_printf ("repeated %" G_GUINT64_FORMAT ", handed on %" G_GUINT64_FORMAT ", unknown %" G_GUINT64_FORMAT
                          ", discarded %" G_GUINT64_FORMAT "; marked %u; stay %" G_GUINT64_FORMAT,
                          leave.repeated, leave.rerouted, leave.unacknowledged, leave.discarded,
                          outcome->has_taker ? count_repeats (f->peer[1]) : 0,
                          stays ? bus_unsettled_messages (f->member[0]) - bus_unsettled_count_withdrawn (f->member[0])
                                      + f->member[0]->fifo->messages
                                : 0);
  g_assert_cmpstr (text, ==, outcome->wanted);
  g_assert_cmpuint (f->peers.core->routes->n_repeated, ==, leave.repeated);
  g_assert_cmpuint (f->peers.core->routes->n_unacknowledged, ==, leave.unacknowledged);
}

/* A message that another member has already taken over does not count as one with an unknown outcome. */
static void
test_withdrawn_before (Members *f, gconstpointer data)
{
  BusLeave leave = { 0 };

  publish (f, TRUE);
  end_member (f, END_DEADLINE, &leave);
  g_assert_cmpuint (f->member[0]->extra->repeated, ==, 2);
  end_member (f, END_EOF, &leave);
  g_assert_cmpuint (leave.repeated, ==, 0);
  g_assert_cmpuint (leave.unacknowledged, ==, 0);
}

static const Outcome outcomes[] = {
  { "kept/eof", END_EOF, TRUE, TRUE, "repeated 2, handed on 1, unknown 0, discarded 0; marked 2; stay 0" },
  { "kept/unsubscribe", END_UNSUBSCRIBE, TRUE, TRUE,
    "repeated 2, handed on 1, unknown 0, discarded 0; marked 2; stay 0" },
  { "kept/drain", END_DRAIN, TRUE, TRUE, "repeated 0, handed on 1, unknown 0, discarded 0; marked 0; stay 2" },
  { "kept/deadline", END_DEADLINE, TRUE, TRUE, "repeated 2, handed on 1, unknown 0, discarded 0; marked 2; stay 0" },
  { "kept/alone/eof", END_EOF, TRUE, FALSE, "repeated 0, handed on 0, unknown 2, discarded 1; marked 0; stay 0" },
  { "kept/alone/unsubscribe", END_UNSUBSCRIBE, TRUE, FALSE,
    "repeated 0, handed on 0, unknown 2, discarded 1; marked 0; stay 0" },
  { "kept/alone/drain", END_DRAIN, TRUE, FALSE, "repeated 0, handed on 0, unknown 0, discarded 0; marked 0; stay 3" },
  { "kept/alone/deadline", END_DEADLINE, TRUE, FALSE,
    "repeated 0, handed on 0, unknown 0, discarded 0; marked 0; stay 3" },
  { "counted/eof", END_EOF, FALSE, TRUE, "repeated 0, handed on 1, unknown 2, discarded 0; marked 0; stay 0" },
  { "counted/unsubscribe", END_UNSUBSCRIBE, FALSE, TRUE,
    "repeated 0, handed on 1, unknown 2, discarded 0; marked 0; stay 0" },
  { "counted/drain", END_DRAIN, FALSE, TRUE, "repeated 0, handed on 1, unknown 0, discarded 0; marked 0; stay 2" },
  { "counted/deadline", END_DEADLINE, FALSE, TRUE,
    "repeated 0, handed on 0, unknown 0, discarded 0; marked 0; stay 3" },
  { "counted/alone/eof", END_EOF, FALSE, FALSE, "repeated 0, handed on 0, unknown 2, discarded 1; marked 0; stay 0" },
  { "counted/alone/unsubscribe", END_UNSUBSCRIBE, FALSE, FALSE,
    "repeated 0, handed on 0, unknown 2, discarded 1; marked 0; stay 0" },
};
static const Outcome late = { "", END_DEADLINE, TRUE, TRUE, "" };

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      g_autofree char *path = g_strconcat ("/core/outcomes/M15-", outcomes[i].path, NULL);

      g_test_add (path, Members, &outcomes[i], setup, test_outcome, teardown);
    }
  g_test_add ("/core/outcomes/withdrawn-before", Members, &late, setup, test_withdrawn_before, teardown);
  return g_test_run ();
}
