/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verb-table.h"

#include "ctl-complete.h"

#include <glib/gi18n.h>
#include <string.h>

#define IDS_MAX 1000u /* ids of tasks in one request */

static const CtlVerb verb_rows[] = {
  { "status", "", N_ ("Show a summary of the broker"), 0, 0, ctl_verb_status, CTL_TAKES_JSON },
  { "peers", "", N_ ("List the connected peers"), 0, 0, ctl_verb_peers, CTL_TAKES_JSON },
  { "peer", N_ ("PEER"), N_ ("Show everything about a peer"), 1, 1, ctl_verb_peer, CTL_TAKES_JSON },
  { "topics", N_ ("[PATTERN]"), N_ ("List topics with their counters"), 0, 1, ctl_verb_topics, CTL_TAKES_JSON },
  { "subs", N_ ("[PEER]"), N_ ("List subscriptions and served topics"), 0, 1, ctl_verb_subs, CTL_TAKES_JSON },
  { "groups", "", N_ ("List queue groups and their members"), 0, 0, ctl_verb_groups, CTL_TAKES_JSON },
  { "retained", N_ ("[PATTERN]"), N_ ("List the messages that are kept for later subscribers"), 0, 1, ctl_verb_retained,
    CTL_TAKES_JSON },
  { "clear", N_ ("PATTERN"), N_ ("Clear retained messages"), 1, 1, ctl_verb_clear, CTL_TAKES_JSON },
  { "introspect", N_ ("[PEER|TOPIC]"), N_ ("Show methods, events, properties and types of peers"), 0, 1,
    ctl_verb_introspect, CTL_TAKES_JSON | CTL_TAKES_XML },
  { "call", N_ ("PEER METHOD [JSON]"), N_ ("Call a method of a peer (the broker is the peer \"bus\")"), 2, 3,
    ctl_verb_call, CTL_TAKES_JSON | CTL_TAKES_PAYLOAD | CTL_TAKES_TRACE },
  { "request", N_ ("TOPIC [JSON]"), N_ ("Send a request to a peer that serves a topic"), 1, 2, ctl_verb_request,
    CTL_TAKES_JSON | CTL_TAKES_PAYLOAD | CTL_TAKES_TRACE | CTL_TAKES_CONTEXT | CTL_TAKES_ANSWERS },
  { "publish", N_ ("TOPIC [JSON]"), N_ ("Publish to all subscribers of a topic"), 1, 2, ctl_verb_publish,
    CTL_TAKES_JSON | CTL_TAKES_PAYLOAD | CTL_TAKES_TRACE | CTL_TAKES_CONTEXT | CTL_TAKES_RETAIN | CTL_TAKES_HOLD
        | CTL_TAKES_ASSURANCE | CTL_TAKES_FRAMING },
  { "broadcast", N_ ("TOPIC [JSON]"), N_ ("Publish to all subscribers and all group members"), 1, 2, ctl_verb_broadcast,
    CTL_TAKES_JSON | CTL_TAKES_PAYLOAD | CTL_TAKES_TRACE | CTL_TAKES_CONTEXT | CTL_TAKES_RETAIN },
  { "direct", N_ ("PEER TOPIC [JSON]"), N_ ("Send a message to one peer"), 2, 3, ctl_verb_direct,
    CTL_TAKES_JSON | CTL_TAKES_PAYLOAD | CTL_TAKES_TRACE | CTL_TAKES_DELIVERED | CTL_TAKES_CONTEXT },
  { "subscribe", N_ ("PATTERN"), N_ ("Show messages as they arrive"), 1, 1, ctl_verb_subscribe,
    CTL_TAKES_JSON | CTL_TAKES_RAW | CTL_TAKES_END | CTL_TAKES_WATCH | CTL_TAKES_FILTER },
  { "stats", N_ ("[PEER]"), N_ ("Show counters of all peers, or a peer's own"), 0, 1, ctl_verb_stats,
    CTL_TAKES_JSON | CTL_TAKES_VIEW },
  { "slow", N_ ("[PEER]"), N_ ("Show which receivers are behind, and since when"), 0, 1, ctl_verb_slow,
    CTL_TAKES_JSON },
  { "timeline", N_ ("ID"), N_ ("Show the messages of one chain, and their outcomes"), 1, 1, ctl_verb_timeline,
    CTL_TAKES_JSON },
  { "wait", N_ ("PEER"), N_ ("Wait until a peer is connected"), 1, 1, ctl_verb_wait, CTL_TAKES_JSON },
  { "watch", N_ ("[PEER|PATTERN]"), N_ ("Show the connected peers, and each that connects or disconnects"), 0, 1,
    ctl_verb_watch, CTL_TAKES_JSON | CTL_TAKES_END },
  { "drain", N_ ("PEER [GROUP]"), N_ ("Stop giving tasks to a collector, or messages to a member of a group"), 1, 2,
    ctl_verb_drain, CTL_TAKES_JSON | CTL_TAKES_DRAIN },
  { "resume", N_ ("PEER GROUP"), N_ ("Give a drained member of a group messages again"), 2, 2, ctl_verb_resume,
    CTL_TAKES_JSON },
  { "collectors", "", N_ ("List the collectors that are registered for tasks"), 0, 0, ctl_verb_collectors,
    CTL_TAKES_JSON | CTL_TAKES_COLLECTORS },
  { "health", N_ ("[PEER]"), N_ ("Show how healthy the connected peers are, and why"), 0, 1, ctl_verb_health,
    CTL_TAKES_JSON },
  { "ask", N_ ("OPERATION [JSON]"), N_ ("Ask many collectors, and list those that have not answered"), 1, 2,
    ctl_verb_ask, CTL_TAKES_JSON | CTL_TAKES_ASK | CTL_TAKES_RAW },
  { "operations", "", N_ ("List the operations of tasks"), 0, 0, ctl_verb_operations, CTL_TAKES_JSON },
  { "operations pause", N_ ("NAME"), N_ ("Pause an operation: its tasks wait"), 1, 1, ctl_verb_pause, CTL_TAKES_JSON },
  { "operations resume", N_ ("NAME"), N_ ("End the pause of an operation"), 1, 1, ctl_verb_resume_operation,
    CTL_TAKES_JSON },
  { "operations limit", N_ ("NAME [COUNT]"),
    N_ ("Limit the number of tasks of an operation that run at once; 0: no limit"), 1, 2, ctl_verb_limit,
    CTL_TAKES_JSON | CTL_TAKES_STRATEGY },
  { "tasks", "", N_ ("List the tasks that the broker has"), 0, 0, ctl_verb_tasks, CTL_TAKES_JSON | CTL_TAKES_TASKS },
  { "task submit", N_ ("OPERATION"), N_ ("Submit a task, and show its progress and its result"), 1, 1,
    ctl_verb_task_submit, CTL_TAKES_JSON | CTL_TAKES_SUBMIT | CTL_TAKES_RAW },
  { "task show", N_ ("ID"), N_ ("Show the state of a task"), 1, 1, ctl_verb_task_show,
    CTL_TAKES_JSON | CTL_TAKES_ACCOUNT },
  { "task why", N_ ("ID"), N_ ("Explain why a task waits or has failed, and what to do"), 1, 1, ctl_verb_task_why,
    CTL_TAKES_JSON | CTL_TAKES_ACCOUNT },
  { "task history", N_ ("ID"), N_ ("Show the steps of a task"), 1, 1, ctl_verb_task_history,
    CTL_TAKES_JSON | CTL_TAKES_ACCOUNT },
  { "task result", N_ ("ID"), N_ ("Show the result of a task"), 1, 1, ctl_verb_task_result,
    CTL_TAKES_JSON | CTL_TAKES_ACCOUNT | CTL_TAKES_RAW },
  { "task cancel", N_ ("ID..."), N_ ("Cancel tasks"), 1, IDS_MAX, ctl_verb_task_cancel,
    CTL_TAKES_JSON | CTL_TAKES_ACCOUNT | CTL_TAKES_CAUSE },
  { "task release", N_ ("ID..."), N_ ("Release tasks from quarantine, so that they run again"), 1, IDS_MAX,
    ctl_verb_task_release, CTL_TAKES_JSON | CTL_TAKES_ACCOUNT | CTL_TAKES_CAUSE },
  { "task drop", N_ ("ID..."), N_ ("End tasks that are in quarantine"), 1, IDS_MAX, ctl_verb_task_drop,
    CTL_TAKES_JSON | CTL_TAKES_ACCOUNT | CTL_TAKES_CAUSE },
  { "version", "", N_ ("Show the versions of this tool and the broker"), 0, 0, ctl_verb_version, CTL_TAKES_JSON },
  { "help", N_ ("[VERB]"), N_ ("Show this list, or the options of a verb"), 0, 2, ctl_verb_help, 0 },
  { "complete-words", "", NULL, 1, 2, ctl_complete, 0 },
};

const CtlVerb *
ctl_verb_table (guint *n)
{
  *n = G_N_ELEMENTS (verb_rows);
  return verb_rows;
}

const CtlVerb *
ctl_verb_find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (verb_rows); i++)
    if (g_str_equal (verb_rows[i].name, name))
      return &verb_rows[i];
  return NULL;
}

const CtlVerb *
ctl_verb_find_words (const char *first, const char *second, guint *n_words)
{
  g_autofree char *both = second != NULL ? g_strdup_printf ("%s %s", first, second) : NULL;
  const CtlVerb *verb = both != NULL ? ctl_verb_find (both) : NULL;

  *n_words = verb != NULL ? 2 : 1;
  return verb != NULL ? verb : ctl_verb_find (first);
}

gboolean
ctl_verb_is_group (const char *name)
{
  gsize len = strlen (name);

  for (guint i = 0; i < G_N_ELEMENTS (verb_rows); i++)
    if (strncmp (verb_rows[i].name, name, len) == 0 && verb_rows[i].name[len] == ' ')
      return TRUE;
  return FALSE;
}

gboolean
ctl_verb_fail_unknown (const char *first, const char *second, GError **error)
{
  if (!ctl_verb_is_group (first))
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("Unknown verb %s: `deyebusctl help` lists all verbs"), first);
  if (second == NULL)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("%s needs another word: `deyebusctl help %s` lists its verbs"), first,
                     first);
  return ctl_fail (error, CTL_EXIT_USAGE, _ ("Unknown verb %s %s: `deyebusctl help %s` lists the verbs of %s"), first,
                   second, first, first);
}

/* The translation of an empty text would be the header of the catalogue. */
const char *
ctl_verb_arguments (const CtlVerb *verb)
{
  return *verb->arguments != '\0' ? _ (verb->arguments) : "";
}
