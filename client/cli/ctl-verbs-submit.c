/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-console.h"
#include "ctl-input.h"
#include "ctl-json.h"
#include "ctl-reconnect.h"
#include "ctl-result.h"
#include "ctl-submit-spec.h"
#include "ctl-task-words.h"
#include "platform-stop.h"
#include "terminal-text.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/*
 * The verb `task submit`: submits a task and follows it to its end. The result is on standard output; each change of the state
 * and the progress are on standard error, or with --json on standard output as well.
 *
 * The task does not depend on this program: it continues when the program is stopped, when --timeout expires, and with --no-wait.
 * When the connection ends, the program connects again and keeps following the task.
 */

typedef struct
{
  Ctl *ctl;
  GMainLoop *loop;
  DeyeBusTask *task;
  DeyeBusTaskState shown_state;
  guint shown_reason;
  guint shown_attempt;
  gboolean is_stopped;
} Submitter;

/* Reads --payload before the time of --timeout begins. @given: NULL if there is no payload. */
static gboolean
submit_read_payload (Ctl *ctl, GBytes **given, GError **error)
{
  const char *argument = ctl->options.payload;
  g_autoptr (CtlInput) input = argument != NULL ? ctl_input_open (argument, error) : NULL;

  *given = input != NULL ? ctl_input_read (input, error) : NULL;
  ctl_start_clock (ctl);
  return argument == NULL || *given != NULL;
}

/* --- states and outcome --- */

static const char *
submitter_state_name (const Submitter *self)
{
  return ctl_words_name (CTL_WORDS_TASK_STATES, deye_bus_task_get_state (self->task));
}

static void
submitter_show_object (Submitter *self)
{
  JsonObject *object = json_object_new ();
  const char *holder = deye_bus_task_get_holder (self->task);
  guint64 done, total;
  const char *text = deye_bus_task_get_progress (self->task, &done, &total);

  json_object_set_string_member (object, "id", deye_bus_task_get_id (self->task));
  json_object_set_string_member (object, "state", ctl_words_json_state (deye_bus_task_get_state (self->task)));
  json_object_set_string_member (object, "reason", ctl_words_json_reason (deye_bus_task_get_wait_reason (self->task)));
  json_object_set_string_member (object, "holder", holder != NULL ? holder : "");
  json_object_set_int_member (object, "attempt", deye_bus_task_get_attempt (self->task));
  ctl_json_set_counter (object, "done", done);
  ctl_json_set_counter (object, "total", total);
  json_object_set_string_member (object, "text", text != NULL ? text : "");
  ctl_output_json_object (&self->ctl->output, object);
  ctl_output_flush (&self->ctl->output);
}

static char *
submitter_describe_state (const Submitter *self)
{
  const char *awaited = ctl_words_awaited (deye_bus_task_get_wait_reason (self->task));
  const char *holder = deye_bus_task_get_holder (self->task);

  if (*awaited != '\0')
    return g_strdup_printf (_ ("%s, waits for %s"), submitter_state_name (self), awaited);
  if (holder == NULL)
    return g_strdup (submitter_state_name (self));
  if (deye_bus_task_get_state (self->task) == DEYE_BUS_TASK_STATE_OFFERED)
    return g_strdup_printf (_ ("%s to %s"), submitter_state_name (self), holder);
  return g_strdup_printf (_ ("%s on %s, attempt %u"), submitter_state_name (self), holder,
                          deye_bus_task_get_attempt (self->task));
}

static void
submitter_print (const Submitter *self, const char *text)
{
  g_autofree char *safe = terminal_text_safe (text);

  g_printerr ("%s: %s\n", deye_bus_task_get_id (self->task), safe);
}

/* The end is reported by the result, or the error. */
static void
submitter_on_state (DeyeBusTask *task, GParamSpec *pspec, gpointer data)
{
  Submitter *self = data;
  DeyeBusTaskState state = deye_bus_task_get_state (task);
  guint reason = deye_bus_task_get_wait_reason (task), attempt = deye_bus_task_get_attempt (task);
  g_autofree char *text = NULL;

  if (deye_bus_task_is_finished (task) || state == DEYE_BUS_TASK_STATE_SUBMITTED
      || (state == self->shown_state && reason == self->shown_reason && attempt == self->shown_attempt))
    return;
  self->shown_state = state;
  self->shown_reason = reason;
  self->shown_attempt = attempt;
  if (self->ctl->options.no_wait)
    g_main_loop_quit (self->loop);
  else if (self->ctl->output.json)
    submitter_show_object (self);
  else
    submitter_print (self, text = submitter_describe_state (self));
}

static void
submitter_on_progress (DeyeBusTask *task, guint64 done, guint64 total, const char *text, gpointer data)
{
  Submitter *self = data;
  g_autofree char *of
      = total > 0 ? g_strdup_printf (_ ("%" PRIu64 " of %" PRIu64), done, total) : g_strdup_printf ("%" PRIu64, done);
  g_autofree char *line = g_strdup_printf ("%s%s%s", of, text != NULL ? ": " : "", text != NULL ? text : "");

  if (self->ctl->options.no_wait)
    return;
  if (!self->ctl->output.json)
    submitter_print (self, line);
  else if (!deye_bus_task_is_finished (task)) /* the end is shown as one object, by submitter_end() */
    submitter_show_object (self);
}

static void
submitter_on_finished (DeyeBusTask *task, gpointer data)
{
  g_main_loop_quit (((Submitter *) data)->loop);
}

/* After the broker has accepted the task, only --timeout ends the wait. */
static gboolean
submitter_on_timeout (gpointer data)
{
  Submitter *self = data;

  if (deye_bus_task_get_state (self->task) != DEYE_BUS_TASK_STATE_SUBMITTED && self->ctl->options.timeout_s <= 0)
    return G_SOURCE_REMOVE;
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

static gboolean
submitter_on_stop (gpointer data)
{
  Submitter *self = data;

  self->is_stopped = TRUE;
  g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

static GSource *
submitter_attach (Submitter *self, GSource *source, GSourceFunc callback)
{
  g_source_set_callback (source, callback, self, NULL);
  g_source_attach (source, NULL);
  return source;
}

static void
submitter_detach (gpointer source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

static void
submitter_run (Submitter *self)
{
  g_autoptr (GPtrArray) sources = g_ptr_array_new_with_free_func (submitter_detach);
  guint wait_ms = (guint) ((ctl_time_left_us (self->ctl) + 999) / 1000);

  g_ptr_array_add (sources, submitter_attach (self, platform_stop_source_new (), submitter_on_stop));
  g_ptr_array_add (sources, submitter_attach (self, g_timeout_source_new (wait_ms), submitter_on_timeout));
  g_signal_connect (self->task, "notify", G_CALLBACK (submitter_on_state), self);
  g_signal_connect (self->task, "progress", G_CALLBACK (submitter_on_progress), self);
  g_signal_connect (self->task, "finished", G_CALLBACK (submitter_on_finished), self);
  if (!deye_bus_task_is_finished (self->task))
    g_main_loop_run (self->loop);
  g_signal_handlers_disconnect_by_data (self->task, self);
}

/* --- the end --- */

static gboolean
submitter_fail_unfinished (const Submitter *self, GError **error)
{
  const char *id = deye_bus_task_get_id (self->task);

  if (deye_bus_task_get_state (self->task) == DEYE_BUS_TASK_STATE_SUBMITTED)
    return ctl_fail (error, self->is_stopped ? CTL_EXIT_FAILED : CTL_EXIT_TIMEOUT,
                     _ ("The broker has not answered: the task %s may or may not have been submitted"), id);
  if (self->ctl->options.cancel_when_gone)
    return ctl_fail (error, self->is_stopped ? CTL_EXIT_FAILED : CTL_EXIT_TIMEOUT,
                     _ ("The task %s will be cancelled, unless it has another submitter"), id);
  return ctl_fail (error, self->is_stopped ? CTL_EXIT_FAILED : CTL_EXIT_TIMEOUT,
                   _ ("The task %s continues: `deyebusctl task show %s` shows it, `deyebusctl task cancel %s` ends it"),
                   id, id, id);
}

/* Converts a refusal into an error with its own exit code and hint. */
static gboolean
submitter_fail (const Submitter *self, GError *ended, GError **error)
{
  const char *id = deye_bus_task_get_id (self->task);
  g_autofree char *name = deye_bus_error_get_name (ended);
  g_autoptr (GError) owned = ended;
  DeyeBusTaskState state = deye_bus_task_get_state (self->task);

  if (state == DEYE_BUS_TASK_STATE_REFUSED || state == DEYE_BUS_TASK_STATE_UNKNOWN)
    {
      g_propagate_error (error, g_steal_pointer (&owned));
      return FALSE;
    }
  return ctl_fail (error, state == DEYE_BUS_TASK_STATE_TIMED_OUT ? CTL_EXIT_TIMEOUT : CTL_EXIT_FAILED,
                   _ ("The task %s has ended as %s: %s%s%s; `deyebusctl task why %s` says more"), id,
                   ctl_words_name (CTL_WORDS_TASK_STATES, state), name != NULL ? name : "", name != NULL ? ": " : "",
                   ctl_error_responder_text (ended), id);
}

/* With --no-wait: the task was accepted, and may even have ended. */
static void
submitter_show_accepted (Submitter *self)
{
  if (self->ctl->output.json)
    submitter_show_object (self);
  else
    ctl_output_line (&self->ctl->output, "%s", deye_bus_task_get_id (self->task));
}

static gboolean
submitter_is_accepted (const Submitter *self)
{
  DeyeBusTaskState state = deye_bus_task_get_state (self->task);

  return state >= DEYE_BUS_TASK_STATE_QUEUED && state < DEYE_BUS_TASK_STATE_REFUSED;
}

static gboolean
submitter_end (Submitter *self, GError **error)
{
  g_autoptr (GError) ended = deye_bus_task_dup_error (self->task);

  if (self->ctl->options.no_wait && submitter_is_accepted (self))
    submitter_show_accepted (self);
  else if (ended != NULL)
    return submitter_fail (self, g_steal_pointer (&ended), error);
  else if (deye_bus_task_is_finished (self->task))
    ctl_result_show (self->ctl, deye_bus_task_get_id (self->task), deye_bus_task_get_result (self->task),
                     deye_bus_task_get_result_type (self->task), deye_bus_task_get_holder (self->task));
  else
    return submitter_fail_unfinished (self, error);
  return TRUE;
}

gboolean
ctl_verb_task_submit (Ctl *ctl, char **args, GError **error)
{
  g_auto (CtlReconnect) reconnect = { 0 };
  g_autoptr (GBytes) given = NULL;
  g_autoptr (DeyeBusTaskSpec) spec = NULL;
  g_autoptr (DeyeBusTask) task = NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Submitter self = { .ctl = ctl, .loop = loop };

  if (!submit_read_payload (ctl, &given, error) || !ctl_connect (ctl, error))
    return FALSE;
  spec = ctl_submit_spec_new (ctl, args[0], given, error);
  if (spec == NULL)
    return FALSE;
  deye_bus_client_set_reconnect (ctl->client, TRUE);
  ctl_reconnect_init (&reconnect, ctl->client, _ ("then the task is followed again"));
  task = self.task = deye_bus_client_submit (ctl->client, spec, error);
  if (task == NULL)
    return FALSE;
  submitter_run (&self);
  return submitter_end (&self, error);
}
