/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

#include "agent-process.h"
#include "collection.pb-c.h"
#include "control.pb-c.h"
#include "deye-bus-pack.h"
#include "job-subscriber-report.h"
#include "job-subscriber.h"

#include <glib/gi18n.h>

/*
 * The step of the demonstration with a slow subscriber. The subscriber is suspended while messages are published, and the broker
 * reports the number of messages by which it is behind. When it is resumed, it receives a gap with the exact number of missed
 * messages. No other peer is affected.
 *
 * The messages are the processes of this machine as procmond-1 lists them, repeated. Only a collector may publish to
 * events.process.*, so the step has a client with that role in this process. The subscriber is a separate process
 * (job-subscriber), which a signal suspends. No result depends on speed.
 */

#define PUBLISHED  500u
#define WAIT_US    (10 * G_TIME_SPAN_SECOND)
#define STATS_ROWS 500u /* of a page */

typedef struct
{
  AgentChild *child;
  GPtrArray *records; /* of GBytes, each a ProcessRecord */
  DeyeBusClient *publisher;
  DeyeBusSubscription *drops;
  gint64 publish_us;
  /* reported by the broker while the subscriber is suspended */
  guint64 sent;
  guint64 waiting;
  guint64 missed;
  guint64 behind_us;
  /* reported by system.drop */
  guint64 drop_events;
  guint64 drop_missed;
} SlowStep;

static gboolean
slow_fail (Job *job, const char *step, const GError *error)
{
  job_report_step (&job->report, step, FALSE, NULL, "%s", error->message);
  return FALSE;
}

/* --- messages of the other peers --- */

static DeyeBusMessage *
slow_last_report (const Job *job, guint *n)
{
  DeyeBusMessage *last = NULL;

  *n = 0;
  for (guint i = 0; i < job->results->len; i++)
    {
      DeyeBusMessage *message = g_ptr_array_index (job->results, i);

      if (g_strcmp0 (deye_bus_message_get_correlation_id (message), JOB_SUBSCRIBER_CORRELATION) != 0)
        continue;
      last = message;
      (*n)++;
    }
  return last;
}

static gboolean
slow_has_reports (Job *job, gpointer data)
{
  guint n;

  slow_last_report (job, &n);
  return n >= GPOINTER_TO_UINT (data);
}

/* The number of published messages that the agent's own subscription to events.process.# received, in order and once
 * each. */
static guint
slow_count_at_agent (const Job *job)
{
  guint n = 0;

  for (guint i = 0; i < job->lifecycle->len; i++)
    {
      DeyeBusMessage *message = g_ptr_array_index (job->lifecycle, i);

      if (g_str_equal (deye_bus_message_get_topic (message), JOB_SUBSCRIBER_TOPIC)
          && deye_bus_message_get_sequence_number (message) == n + 1)
        n++;
    }
  return n;
}

static gboolean
slow_agent_has_all (Job *job, gpointer data)
{
  return slow_count_at_agent (job) == PUBLISHED;
}

static void
slow_on_drop (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  SlowStep *slow = data;
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__drop_event__descriptor, message);
  const Daemoneye__Eventbus__V1__DropEvent *event = guard != NULL ? wire_guard_message (guard) : NULL;

  if (event == NULL || !g_str_equal (event->peer, JOB_SUBSCRIBER_ID))
    return;
  slow->drop_events++;
  slow->drop_missed += event->count;
}

static gboolean
slow_drops_are_reported (Job *job, gpointer data)
{
  const SlowStep *slow = data;

  return slow->drop_missed >= slow->missed;
}

/* --- preparing --- */

static gboolean
slow_start_subscriber (Job *job, SlowStep *slow)
{
  g_autofree char *last = g_strdup_printf ("%u", PUBLISHED);
  const char *options[] = { "--demo-subscriber", last, "--address", agent_module_address (job->module), NULL };
  g_autoptr (GError) error = NULL;

  slow->child = agent_child_start_own_program (JOB_SUBSCRIBER_ID, options, &error);
  if (slow->child == NULL)
    return slow_fail (job, "slow", error);
  return job_wait (job, slow_has_reports, GUINT_TO_POINTER (1), WAIT_US, "slow", _ ("the slow subscriber"));
}

static gboolean
slow_list_processes (Job *job, SlowStep *slow)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__ProcessTable *table;

  deye_bus_options_set_target (options, "procmond-1");
  deye_bus_options_set_method (options, "ListProcesses");
  deye_bus_options_set_timeout (options, WAIT_US);
  reply = deye_bus_client_request (job->client, "control.collector.procmond-1", NULL, options, NULL, &error);
  if (reply == NULL)
    return slow_fail (job, "slow", error);
  guard = deye_bus_unpack (&daemoneye__eventbus__v1__process_table__descriptor, reply);
  table = guard != NULL ? wire_guard_message (guard) : NULL;
  for (gsize i = 0; table != NULL && i < table->n_processes; i++)
    g_ptr_array_add (slow->records, deye_bus_pack (&table->processes[i]->base));
  if (slow->records->len == 0)
    job_report_step (&job->report, "slow", FALSE, NULL, _ ("the reply can't be read"));
  return slow->records->len > 0;
}

static gboolean
slow_join_bus (Job *job, SlowStep *slow)
{
  g_autoptr (GError) error = NULL;

  slow->publisher = deye_bus_client_new (agent_module_address (job->module), "demo-publisher", "procmond");
  slow->drops = deye_bus_client_subscribe (job->client, "system.drop", NULL, slow_on_drop, slow, NULL, NULL, &error);
  if (slow->drops == NULL || !deye_bus_client_connect (slow->publisher, NULL, &error))
    return slow_fail (job, "slow", error);
  return TRUE;
}

/* Subscriptions that are behind, as the broker lists them in pages. */
typedef struct
{
  GPtrArray *pages; /* WireGuard; they own the rows */
  GPtrArray *rows;  /* QueueStats */
  const char *next; /* cursor; it belongs to the last page */
} SlowBehind;

/* --- while the subscriber is suspended --- */

/* Waits for the acknowledgement of the last message only. Messages are accepted in order, so all of them are accepted
 * then. */
static gboolean
slow_publish_record (SlowStep *slow, guint number, GError **error)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  GBytes *record = g_ptr_array_index (slow->records, number % slow->records->len);
  DeyeBusPublishResult result;

  deye_bus_options_set_type_name (options, "daemoneye.eventbus.v1.ProcessRecord");
  deye_bus_options_set_sequence_number (options, number);
  return deye_bus_client_publish (slow->publisher, JOB_SUBSCRIBER_TOPIC, record, options,
                                  number == PUBLISHED ? &result : NULL, NULL, error);
}

static gboolean
slow_publish_all (Job *job, SlowStep *slow)
{
  gint64 start_us = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;

  for (guint number = 1; number <= PUBLISHED; number++)
    if (!slow_publish_record (slow, number, &error))
      return slow_fail (job, "slow", error);
  slow->publish_us = g_get_monotonic_time () - start_us;
  return job_wait (job, slow_agent_has_all, NULL, WAIT_US, "slow", _ ("the messages that the agent subscribed to"));
}

static gboolean
slow_report_behind (Job *job, SlowStep *slow, const SlowBehind *behind)
{
  const Daemoneye__Eventbus__V1__QueueStats *row = behind->rows->len == 1 ? behind->rows->pdata[0] : NULL;
  JsonObject *facts;

  if (row == NULL || !g_str_equal (row->peer, JOB_SUBSCRIBER_ID))
    {
      job_report_step (&job->report, "slow", FALSE, NULL, _ ("%u subscriptions are behind instead of only that of %s"),
                       behind->rows->len, JOB_SUBSCRIBER_ID);
      return FALSE;
    }
  slow->sent = row->delivered;
  slow->waiting = row->queued_messages;
  slow->missed = row->missed;
  slow->behind_us = row->behind_us;
  facts = json_object_new ();
  json_object_set_string_member (facts, "subscriber", row->peer);
  json_object_set_int_member (facts, "pid", slow->child->pid);
  json_object_set_int_member (facts, "published", PUBLISHED);
  json_object_set_int_member (facts, "publish_us", slow->publish_us);
  json_object_set_int_member (facts, "sent", (gint64) slow->sent);
  json_object_set_int_member (facts, "waiting", (gint64) slow->waiting);
  json_object_set_int_member (facts, "bound", (gint64) row->queue_messages);
  json_object_set_int_member (facts, "missed", (gint64) slow->missed);
  json_object_set_int_member (facts, "behind_us", (gint64) slow->behind_us);
  job_report_step (&job->report, "slow",
                   slow->waiting == row->queue_messages && slow->sent + slow->waiting + slow->missed == PUBLISHED,
                   facts,
                   _ ("%s (pid %d) is stopped while %u records are published in %.1f ms: %u are sent, %u are queued, "
                      "%u are dropped; it is %.1f ms behind"),
                   row->peer, (int) slow->child->pid, PUBLISHED, (double) slow->publish_us / 1e3, (guint) slow->sent,
                   (guint) slow->waiting, (guint) slow->missed, (double) slow->behind_us / 1e3);
  return TRUE;
}

/* Reads one page. FALSE: failed, and the reason was reported. */
static gboolean
slow_ask_page (Job *job, SlowBehind *behind)
{
  Daemoneye__Eventbus__V1__StatsRequest request;
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) reply = NULL;
  WireGuard *guard;
  const Daemoneye__Eventbus__V1__StatsReply *page;

  daemoneye__eventbus__v1__stats_request__init (&request);
  request.subscriptions = TRUE;
  request.slow = TRUE;
  request.limit = STATS_ROWS;
  request.after = (char *) behind->next;
  payload = deye_bus_pack (&request.base);
  reply = deye_bus_client_request (job->client, "control.bus.stats", payload, NULL, NULL, &error);
  if (reply == NULL)
    return slow_fail (job, "slow", error);
  guard = deye_bus_unpack (&daemoneye__eventbus__v1__stats_reply__descriptor, reply);
  if (guard == NULL)
    {
      job_report_step (&job->report, "slow", FALSE, NULL, _ ("the reply can't be read"));
      return FALSE;
    }
  g_ptr_array_add (behind->pages, guard);
  page = wire_guard_message (guard);
  for (gsize i = 0; i < page->n_subscriptions; i++)
    g_ptr_array_add (behind->rows, page->subscriptions[i]);
  behind->next = page->next;
  return TRUE;
}

static gboolean
slow_ask_stats (Job *job, SlowStep *slow)
{
  g_autoptr (GPtrArray) pages = g_ptr_array_new_with_free_func ((GDestroyNotify) wire_guard_free);
  g_autoptr (GPtrArray) rows = g_ptr_array_new ();
  SlowBehind behind = { pages, rows, "" };

  do
    if (!slow_ask_page (job, &behind))
      return FALSE;
  while (*behind.next != '\0');
  return slow_report_behind (job, slow, &behind);
}

/* The broker keeps serving all other peers; nothing here waits for the suspended one. */
static gboolean
slow_suspend (Job *job, SlowStep *slow)
{
  g_autoptr (GError) error = NULL;

  if (agent_process_suspend (slow->child->process, &error))
    return slow_publish_all (job, slow) && slow_ask_stats (job, slow);
  job_report_step (&job->report, "slow", FALSE, NULL, "%s: %s", JOB_SUBSCRIBER_ID, error->message);
  return FALSE;
}

/* --- after the subscriber was resumed --- */

static void
slow_report_gap (Job *job, const SlowStep *slow)
{
  SubscriberReport report = { 0 };
  guint n;
  JsonObject *facts = job_subscriber_report_read (slow_last_report (job, &n), &report);
  guint agent = slow_count_at_agent (job);
  gboolean exact = report.received + report.missed == PUBLISHED && report.in_gaps == report.missed
                   && report.missed == slow->missed && slow->drop_missed == report.missed && agent == PUBLISHED;

  json_object_set_int_member (facts, "published", PUBLISHED);
  json_object_set_int_member (facts, "drop_events", (gint64) slow->drop_events);
  json_object_set_int_member (facts, "drop_missed", (gint64) slow->drop_missed);
  json_object_set_int_member (facts, "agent_received", agent);
  job_report_step (&job->report, "gap", exact && report.out_of_place == 0 && report.only_dropped, facts,
                   _ ("%s continues: it received %u, and a gap reported %u as missed (sequence %u to %u); system.drop "
                      "reported %u; the agent received %u of %u"),
                   JOB_SUBSCRIBER_ID, (guint) report.received, (guint) report.missed, (guint) report.from,
                   (guint) report.to, (guint) slow->drop_missed, agent, PUBLISHED);
}

/* The broker publishes system.drop once per second, so the complete sum may arrive up to one second later. */
static gboolean
slow_resume (Job *job, SlowStep *slow)
{
  agent_process_resume (slow->child->process);
  if (!job_wait (job, slow_has_reports, GUINT_TO_POINTER (2), WAIT_US, "gap", _ ("the slow subscriber's report"))
      || !job_wait (job, slow_drops_are_reported, slow, WAIT_US, "gap", _ ("the report on system.drop")))
    return FALSE;
  slow_report_gap (job, slow);
  job->missed = slow->missed;
  return TRUE;
}

/* --- the whole --- */

/* A suspended process can't react to the request to end, so it is resumed first. */
static void
slow_clear (SlowStep *slow)
{
  if (slow->child != NULL)
    agent_process_resume (slow->child->process);
  g_clear_pointer (&slow->child, agent_child_free);
  if (slow->drops != NULL)
    deye_bus_subscription_unsubscribe (slow->drops, NULL, NULL);
  g_clear_object (&slow->drops);
  if (slow->publisher != NULL)
    deye_bus_client_close (slow->publisher, NULL, NULL);
  g_clear_object (&slow->publisher);
  g_clear_pointer (&slow->records, g_ptr_array_unref);
}

gboolean
job_show_slow (Job *job)
{
  SlowStep slow = { .records = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref) };
  gboolean ok = slow_start_subscriber (job, &slow) && slow_list_processes (job, &slow) && slow_join_bus (job, &slow)
                && slow_suspend (job, &slow) && slow_resume (job, &slow);

  slow_clear (&slow);
  return ok;
}
