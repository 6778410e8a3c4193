/* SPDX-License-Identifier: Apache-2.0 */
#include "chaos-scene.h"

#include "raw-peer.h"

#define DEATH_STATUS  9 /* as in chaos-worker.c, like the next one */
#define LOSS_STATUS   1
#define STORM         40u
#define TURN_TIMER_MS 3

static const char *const operations[] = { "scan", "quiet", "harm" };

G_STATIC_ASSERT (G_N_ELEMENTS (operations) == G_N_ELEMENTS (((ChaosScene *) NULL)->resume_us));

static G_GNUC_PRINTF (2, 3) void scene_log (const ChaosScene *self, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_test_message ("%8.3f s: %s", (double) (g_get_monotonic_time () - self->begin_us) / G_TIME_SPAN_SECOND, text);
}

/* --- collectors --- */

static void
collector_start (ChaosScene *self, ChaosCollector *collector)
{
  const char *argv[] = { bus_fixture_program ("TEST_CHAOS_WORKER"),
                         self->tasks.bus.address,
                         collector->id,
                         collector->instance,
                         self->ledger_path,
                         NULL };

  g_snprintf (collector->instance, sizeof collector->instance, "%s.%u", collector->id, ++collector->number);
  collector->process = test_process_spawn (argv, -1, NULL);
  collector->is_suspended = collector->is_killed = collector->is_asked = FALSE;
  collector->resume_us = collector->leave_us = collector->kill_us = 0;
  collector->n_ends_of_agent = self->n_ends_of_agent;
}

/* Checks how a collector ended: it killed itself, or stopped as asked. A collector that has just started is ended by the signal. If
 * the agent has ended since the collector was started, its last messages may be lost, and it reports this by its status. */
static void
collector_reap (ChaosScene *self, ChaosCollector *collector)
{
  const int status = test_process_end (collector->process);
  const gboolean died = status == DEATH_STATUS || (collector->is_killed && status == TEST_SYSTEM_KILLED);
  const gboolean may_leave
      = collector->is_asked || collector->announcing > 0 || collector->announced == collector->number;
  const gboolean may_lose = collector->n_ends_of_agent != self->n_ends_of_agent;
  const gboolean has_left = (may_leave && (status == 0 || (status == LOSS_STATUS && may_lose)))
                            || (collector->is_asked && status == TEST_SYSTEM_ASKED_TO_STOP);

  if (!died && !has_left)
    g_error ("collector %s ended with %d and was not asked to", collector->instance, status);
  if (!died)
    chaos_ledger_write (self->ledger, "left %s", collector->instance);
  g_clear_pointer (&collector->process, test_process_free);
}

static void
collector_kill (ChaosScene *self, ChaosCollector *collector)
{
  chaos_ledger_write (self->ledger, "dead %s", collector->instance);
  collector->is_killed = TRUE;
  test_process_kill (collector->process);
}

static void
collector_resume (ChaosScene *self, ChaosCollector *collector)
{
  scene_log (self, "%s continues", collector->instance);
  collector->is_suspended = FALSE;
  test_process_resume (collector->process);
}

static void
collector_leave (ChaosCollector *collector)
{
  collector->is_asked = TRUE;
  test_process_ask_to_stop (collector->process);
}

static gboolean
is_due (gint64 due_us, gint64 now_us)
{
  return due_us != 0 && due_us <= now_us;
}

static void
collector_turn (ChaosScene *self, ChaosCollector *collector, gint64 now_us)
{
  if (test_process_has_ended (collector->process))
    {
      collector_reap (self, collector);
      collector_start (self, collector);
      return;
    }
  if (collector->is_suspended && is_due (collector->resume_us, now_us))
    collector_resume (self, collector);
  if (is_due (collector->leave_us, now_us) && !collector->is_asked)
    collector_leave (collector);
  if (is_due (collector->kill_us, now_us) && !collector->is_killed)
    collector_kill (self, collector);
}

/* A collector for a fault. NULL: it is about to end, or suspended. */
static ChaosCollector *
find_victim (ChaosScene *self, guint number)
{
  ChaosCollector *victim = &self->collectors[number % CHAOS_COLLECTORS];
  const gboolean is_free = !victim->is_suspended && !victim->is_killed && !victim->is_asked && victim->leave_us == 0
                           && victim->kill_us == 0;

  return is_free ? victim : NULL;
}

/* --- the agent --- */

static gboolean
agent_runs (const ChaosScene *self)
{
  return self->agent_due_us == 0;
}

static void
agent_end (ChaosScene *self, gboolean is_kill)
{
  self->n_ends_of_agent++;
  chaos_load_note_end_of_agent (self->load);
  chaos_questions_note_end_of_agent (self->questions);
  if (is_kill)
    {
      bus_fixture_kill_broker (&self->tasks.bus);
      return;
    }
  test_process_ask_to_stop (self->tasks.bus.broker);
  g_assert_cmpint (test_process_end (self->tasks.bus.broker), ==, 0);
  g_clear_pointer (&self->tasks.bus.broker, test_process_free);
  deye_bus_client_close (self->tasks.bus.controller, NULL, NULL);
  g_clear_object (&self->tasks.bus.controller);
}

static void
agent_resume (ChaosScene *self)
{
  self->agent_due_us = 0;
  if (!self->is_suspended)
    bus_fixture_start_broker (&self->tasks.bus, self->options);
  else
    test_process_resume (self->tasks.bus.broker);
  self->is_suspended = FALSE;
  scene_log (self, "the agent continues");
}

/* --- calls --- */

/* @collector: the call announces its end, or the end of a newer instance with its id; NULL: another call */
static void
on_answer (GObject *source, GAsyncResult *result, gpointer collector)
{
  ChaosCollector *announced = collector;
  DeyeBusMessage *reply = deye_bus_client_request_finish (DEYE_BUS_CLIENT (source), result, NULL);

  g_clear_pointer (&reply, deye_bus_message_unref);
  if (announced == NULL)
    return;
  announced->announcing--;
  announced->announced = announced->number;
}

/* Has no effect while the agent is down. */
static void
scene_call (ChaosScene *self,
            const char *topic,
            const char *method,
            const ProtobufCMessage *request,
            ChaosCollector *announced)
{
  g_autofree guint8 *packed = g_malloc (protobuf_c_message_get_packed_size (request) + 1);
  g_autoptr (GBytes) payload = g_bytes_new (packed, protobuf_c_message_pack (request, packed));
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();

  deye_bus_options_set_method (options, method);
  deye_bus_client_request_async (self->tool, topic, payload, options, NULL, on_answer, announced);
}

static void
call_operation (ChaosScene *self, guint operation, const char *method)
{
  Daemoneye__Eventbus__V1__OperationRequest request = DAEMONEYE__EVENTBUS__V1__OPERATION_REQUEST__INIT;

  request.operation = (char *) (gsize) operations[operation];
  scene_call (self, "control.bus.task", method, &request.base, NULL);
}

static void
call_drain (ChaosScene *self, ChaosCollector *collector, gboolean expect_exit)
{
  Daemoneye__Eventbus__V1__CollectorDrainRequest request = DAEMONEYE__EVENTBUS__V1__COLLECTOR_DRAIN_REQUEST__INIT;

  request.id = (char *) (gsize) collector->id;
  request.expect_exit = expect_exit;
  collector->announcing += expect_exit ? 1 : 0;
  scene_call (self, "control.bus.collectors", "Drain", &request.base, expect_exit ? collector : NULL);
}

/* --- faults; FALSE: the fault has no effect now --- */

static gboolean
put_kill (ChaosScene *self, const ChaosEvent *event)
{
  ChaosCollector *victim = find_victim (self, event->victim);

  if (victim == NULL)
    return FALSE;
  collector_kill (self, victim);
  return TRUE;
}

static gboolean
put_leave (ChaosScene *self, const ChaosEvent *event)
{
  ChaosCollector *victim = find_victim (self, event->victim);

  if (victim == NULL)
    return FALSE;
  collector_leave (victim);
  return TRUE;
}

static gboolean
put_fault_on_half (ChaosScene *self,
                   const ChaosEvent *event,
                   gboolean (*put) (ChaosScene *self, const ChaosEvent *event))
{
  gboolean has_done = FALSE;

  for (guint i = 0; i < CHAOS_COLLECTORS / 2; i++)
    {
      const ChaosEvent one = { .victim = event->victim % CHAOS_COLLECTORS + 2 * i };

      has_done = put (self, &one) || has_done;
    }
  return has_done;
}

static gboolean
put_kill_crowd (ChaosScene *self, const ChaosEvent *event)
{
  return put_fault_on_half (self, event, put_kill);
}

static gboolean
put_leave_crowd (ChaosScene *self, const ChaosEvent *event)
{
  return put_fault_on_half (self, event, put_leave);
}

static gboolean
put_stop (ChaosScene *self, const ChaosEvent *event)
{
  ChaosCollector *victim = find_victim (self, event->victim);

  if (victim == NULL || !test_process_try_suspend (victim->process))
    return FALSE;
  victim->is_suspended = TRUE;
  victim->resume_us = g_get_monotonic_time () + event->time_us;
  return TRUE;
}

static gboolean
put_drain (ChaosScene *self, const ChaosEvent *event)
{
  ChaosCollector *victim = find_victim (self, event->victim);

  if (victim == NULL)
    return FALSE;
  call_drain (self, victim, event->fault != CHAOS_DRAIN);
  if (event->fault == CHAOS_DRAIN)
    victim->leave_us = g_get_monotonic_time () + event->time_us;
  if (event->fault == CHAOS_DRAIN_KILL)
    victim->kill_us = g_get_monotonic_time () + event->time_us;
  return TRUE;
}

static gboolean
put_pause (ChaosScene *self, const ChaosEvent *event)
{
  const guint operation = event->victim % G_N_ELEMENTS (operations);

  if (self->resume_us[operation] != 0)
    return FALSE;
  call_operation (self, operation, "PauseOperation");
  self->resume_us[operation] = g_get_monotonic_time () + event->time_us;
  return TRUE;
}

/* Has an effect only while the agent runs: otherwise a connect would block when the backlog of the socket is full. */
static gboolean
put_storm (ChaosScene *self, const ChaosEvent *event)
{
  if (!agent_runs (self))
    return FALSE;
  for (guint i = 0; i < STORM; i++)
    {
      g_autofree char *id = g_strdup_printf ("storm-%u", i);
      g_autoptr (RawPeer) peer = raw_peer_connect (self->tasks.bus.address);

      raw_peer_send_hello (peer, id, "procmond", RAW_VERSION_1, RAW_VERSION_1);
    }
  return TRUE;
}

static gboolean
put_end_of_agent (ChaosScene *self, const ChaosEvent *event)
{
  if (!agent_runs (self))
    return FALSE;
  agent_end (self, event->fault == CHAOS_AGENT_KILL);
  self->agent_due_us = g_get_monotonic_time () + event->time_us;
  return TRUE;
}

static gboolean
put_stop_of_agent (ChaosScene *self, const ChaosEvent *event)
{
  if (!agent_runs (self))
    return FALSE;
  test_process_suspend (self->tasks.bus.broker);
  self->is_suspended = TRUE;
  self->agent_due_us = g_get_monotonic_time () + event->time_us;
  return TRUE;
}

static gboolean
put_submitter_gone (ChaosScene *self, const ChaosEvent *event)
{
  return chaos_load_leave (self->load, event->victim, event->time_us);
}

static gboolean (*const puts_of[CHAOS_N_FAULTS]) (ChaosScene *self, const ChaosEvent *event) = {
  [CHAOS_KILL] = put_kill,
  [CHAOS_KILL_CROWD] = put_kill_crowd,
  [CHAOS_STOP] = put_stop,
  [CHAOS_LEAVE] = put_leave,
  [CHAOS_LEAVE_CROWD] = put_leave_crowd,
  [CHAOS_DRAIN] = put_drain,
  [CHAOS_DRAIN_EXIT] = put_drain,
  [CHAOS_DRAIN_KILL] = put_drain,
  [CHAOS_PAUSE] = put_pause,
  [CHAOS_STORM] = put_storm,
  [CHAOS_AGENT_KILL] = put_end_of_agent,
  [CHAOS_AGENT_LEAVE] = put_end_of_agent,
  [CHAOS_AGENT_STOP] = put_stop_of_agent,
  [CHAOS_SUBMITTER_GONE] = put_submitter_gone,
};

void
chaos_scene_put (ChaosScene *self, const ChaosEvent *event)
{
  const gboolean has_done = puts_of[event->fault](self, event);

  self->counts[event->fault] += has_done ? 1 : 0;
  scene_log (self, "%s, %u, %" G_GINT64_FORMAT " ms%s", chaos_fault_name (event->fault),
             event->victim % CHAOS_COLLECTORS, event->time_us / G_TIME_SPAN_MILLISECOND, has_done ? "" : ": not now");
}

/* --- one turn --- */

static gboolean
on_turn_timer (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

void
chaos_scene_turn (ChaosScene *self, gboolean submits)
{
  gint64 now_us;

  g_main_context_iteration (self->tasks.bus.context, TRUE);
  if (self->tasks.bus.broker != NULL && test_process_has_ended (self->tasks.bus.broker))
    g_error ("the agent ended with %d", test_process_end (self->tasks.bus.broker));
  now_us = g_get_monotonic_time ();
  if (is_due (self->agent_due_us, now_us))
    agent_resume (self);
  for (guint i = 0; i < CHAOS_COLLECTORS; i++)
    collector_turn (self, &self->collectors[i], now_us);
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    if (is_due (self->resume_us[i], now_us))
      {
        call_operation (self, i, "ResumeOperation");
        self->resume_us[i] = 0;
      }
  chaos_load_turn (self->load, submits);
  chaos_questions_turn (self->questions, submits);
}

void
chaos_scene_calm (ChaosScene *self)
{
  if (!agent_runs (self))
    agent_resume (self);
  test_watchdog_note ("the tool to be connected");
  while (deye_bus_client_get_state (self->tool) != DEYE_BUS_CLIENT_STATE_READY)
    chaos_scene_turn (self, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      call_operation (self, i, "ResumeOperation");
      self->resume_us[i] = 0;
    }
  for (guint i = 0; i < CHAOS_COLLECTORS; i++)
    {
      if (self->collectors[i].is_suspended)
        collector_resume (self, &self->collectors[i]);
      test_watchdog_note ("the end of %s", self->collectors[i].instance);
      while (find_victim (self, i) == NULL)
        chaos_scene_turn (self, FALSE);
    }
  scene_log (self, "calm");
}

void
chaos_scene_leave (ChaosScene *self)
{
  for (guint i = 0; i < CHAOS_COLLECTORS; i++)
    collector_leave (&self->collectors[i]);
  for (guint i = 0; i < CHAOS_COLLECTORS; i++)
    collector_reap (self, &self->collectors[i]);
  chaos_load_close (self->load);
  chaos_questions_close (self->questions);
  deye_bus_client_close (self->tool, NULL, NULL);
}

void
chaos_scene_set_up (ChaosScene *self, const BusFixtureOptions *options, guint32 seed)
{
  GSource *turn_timer = g_timeout_source_new (TURN_TIMER_MS);

  self->options = options;
  self->seed = seed;
  bus_fixture_set_up (&self->tasks.bus, options);
  g_source_set_callback (turn_timer, on_turn_timer, NULL, NULL);
  g_source_attach (turn_timer, self->tasks.bus.context);
  self->turn_timer = turn_timer;
  self->ledger_path = g_build_filename (self->tasks.bus.dir, "ledger", NULL);
  self->ledger = chaos_ledger_open (self->ledger_path);
  self->load = chaos_load_new (self->tasks.bus.address, self->ledger, seed);
  self->tool = deye_bus_client_new_tool (self->tasks.bus.address, "chaos-tool");
  self->begin_us = g_get_monotonic_time ();
}

void
chaos_scene_start (ChaosScene *self)
{
  deye_bus_client_connect_async (self->tool, NULL, NULL, NULL);
  self->questions = chaos_questions_new (self->tasks.bus.address, self->ledger, self->seed);
  for (guint i = 0; i < CHAOS_COLLECTORS; i++)
    {
      g_snprintf (self->collectors[i].id, sizeof self->collectors[i].id, "w%u", i);
      collector_start (self, &self->collectors[i]);
    }
}

void
chaos_scene_tear_down (ChaosScene *self)
{
  chaos_load_free (self->load);
  chaos_questions_free (self->questions);
  g_clear_object (&self->tool);
  chaos_ledger_free (self->ledger);
  g_free (self->ledger_path);
  g_source_destroy (self->turn_timer);
  g_source_unref (self->turn_timer);
  bus_fixture_tear_down (&self->tasks.bus, self->options);
}
