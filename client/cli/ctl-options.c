/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-options.h"

#include "ctl-error.h"

#include <glib/gi18n.h>
#include <stddef.h>
#include <string.h>

/* Letters of the short options that have a value. */
#define VALUED_OPTIONS "atnw"

/* One option. GOption needs its address, so the entries are made for each context. */
typedef struct
{
  CtlOptionSets set; /* 0: every verb takes it */
  const char *name;
  char letter; /* 0: none */
  GOptionArg arg;
  gsize at; /* of its value in CtlOptions */
  const char *description;
  const char *value; /* NULL: it has none */
} OptionRow;

#define AT(field) offsetof (CtlOptions, field)

static const OptionRow option_rows[] = {
  { 0, "address", 'a', G_OPTION_ARG_FILENAME, AT (address), N_ ("Socket of the bus"), N_ ("PATH") },
  { 0, "timeout", 't', G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_TIMEOUT]),
    N_ ("Time for connecting and replies (default: 30)"), N_ ("SECONDS") },
  { CTL_TAKES_JSON, "json", 'j', G_OPTION_ARG_NONE, AT (json), N_ ("Print one JSON object per line"), NULL },
  { CTL_TAKES_XML, "xml", 0, G_OPTION_ARG_NONE, AT (xml), N_ ("Print D-Bus introspection XML"), NULL },
  { CTL_TAKES_TYPE, "type", 0, G_OPTION_ARG_STRING, AT (type_name), N_ ("Full protobuf name of the payload's type"),
    N_ ("NAME") },
  { CTL_TAKES_RAW, "raw", 0, G_OPTION_ARG_NONE, AT (raw), N_ ("Do not convert payloads to or from JSON"), NULL },
  { CTL_TAKES_END, "count", 'n', G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_COUNT]),
    N_ ("Exit after this number of messages or changes"), N_ ("COUNT") },
  { CTL_TAKES_END, "wait", 'w', G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_WAIT]), N_ ("Exit after this time"),
    N_ ("SECONDS") },
  { CTL_TAKES_WATCH, "headers", 0, G_OPTION_ARG_NONE, AT (headers), N_ ("Also show the other fields of a message"),
    NULL },
  { CTL_TAKES_WATCH, "timestamp", 0, G_OPTION_ARG_NONE, AT (timestamp), N_ ("Show the time of acceptance"), NULL },
  { CTL_TAKES_WATCH, "group", 0, G_OPTION_ARG_STRING, AT (group), N_ ("Join this queue group"), N_ ("NAME") },
  { CTL_TAKES_WATCH, "policy", 0, G_OPTION_ARG_STRING, AT (policy),
    N_ ("When the queue is full: block, drop-oldest, drop-newest, error, conflate"), N_ ("NAME") },
  { CTL_TAKES_WATCH, "queue-messages", 0, G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_QUEUE_MESSAGES]),
    N_ ("Limit of queued messages in the broker"), N_ ("COUNT") },
  { CTL_TAKES_WATCH, "queue-bytes", 0, G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_QUEUE_BYTES]),
    N_ ("Limit of queued bytes in the broker"), N_ ("BYTES") },
  { CTL_TAKES_WATCH | CTL_TAKES_FRAMING, "framing", 0, G_OPTION_ARG_STRING, AT (framing_name),
    N_ ("With --raw, the separator of payloads: none, newline, nul, length"), N_ ("NAME") },
  { CTL_TAKES_FILTER, "filter-correlation", 0, G_OPTION_ARG_STRING, AT (filter_correlation),
    N_ ("Only messages with this correlation id"), N_ ("ID") },
  { CTL_TAKES_FILTER, "filter-root", 0, G_OPTION_ARG_STRING, AT (filter_root),
    N_ ("Only the message with this id, and those that it caused"), N_ ("ID") },
  { CTL_TAKES_FILTER, "filter-stage", 0, G_OPTION_ARG_STRING, AT (filter_stage), N_ ("Only messages of this stage"),
    N_ ("STAGE") },
  { CTL_TAKES_FILTER, "filter-tag", 0, G_OPTION_ARG_STRING_ARRAY, AT (filter_tags),
    N_ ("Only messages with this tag; may be given several times"), N_ ("KEY[=VALUE]") },
  { CTL_TAKES_CONTEXT, "correlation-id", 0, G_OPTION_ARG_STRING, AT (correlation_id),
    N_ ("Correlation id of the message"), N_ ("ID") },
  { CTL_TAKES_CONTEXT, "parent-id", 0, G_OPTION_ARG_STRING, AT (parent_id),
    N_ ("Correlation id of the message that caused it"), N_ ("ID") },
  { CTL_TAKES_CONTEXT, "root-id", 0, G_OPTION_ARG_STRING, AT (root_id),
    N_ ("Correlation id of the first message of the chain"), N_ ("ID") },
  { CTL_TAKES_CONTEXT, "stage", 0, G_OPTION_ARG_STRING, AT (stage), N_ ("Stage of a workflow"), N_ ("STAGE") },
  { CTL_TAKES_CONTEXT, "tag", 0, G_OPTION_ARG_STRING_ARRAY, AT (tags), N_ ("A tag; may be given several times"),
    N_ ("KEY=VALUE") },
  { CTL_TAKES_CONTEXT, "traceparent", 0, G_OPTION_ARG_STRING, AT (traceparent), N_ ("W3C trace context of the message"),
    N_ ("TEXT") },
  { CTL_TAKES_VIEW, "subscriptions", 0, G_OPTION_ARG_NONE, AT (subscriptions), N_ ("Show the queues of subscriptions"),
    NULL },
  { CTL_TAKES_VIEW, "groups", 0, G_OPTION_ARG_NONE, AT (groups), N_ ("Show counters of queue groups"), NULL },
  { CTL_TAKES_VIEW, "domains", 0, G_OPTION_ARG_NONE, AT (domains), N_ ("Show counters by the first segment of topics"),
    NULL },
  { CTL_TAKES_TRACE, "trace", 0, G_OPTION_ARG_NONE, AT (trace),
    N_ ("Record the time at each station on the way of the message"), NULL },
  { CTL_TAKES_RETAIN, "retain", 0, G_OPTION_ARG_NONE, AT (retain),
    N_ ("Retain the message for later subscribers; without a payload, clear the retained message"), NULL },
  { CTL_TAKES_ASSURANCE, "at-least-once", 0, G_OPTION_ARG_NONE, AT (at_least_once),
    N_ ("Let the broker keep the message until a member of each queue group has handled it"), NULL },
  { CTL_TAKES_ASSURANCE, "confirm", 0, G_OPTION_ARG_NONE, AT (confirm),
    N_ ("Wait until a member of each queue group has handled the message"), NULL },
  { CTL_TAKES_DELIVERED, "delivered", 0, G_OPTION_ARG_NONE, AT (delivered),
    N_ ("Wait until the peer has handled the message"), NULL },
  { CTL_TAKES_ANSWERS, "expect", 0, G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_EXPECT]),
    N_ ("Ask all peers that serve the topic, until this number has answered; 1: ask one peer, and show all parts of "
        "its answer"),
    N_ ("COUNT|all") },
  { CTL_TAKES_ANSWERS, "stall", 0, G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_STALL]),
    N_ ("With --expect, the longest time between two answers"), N_ ("SECONDS") },
  { CTL_TAKES_HOLD, "hold", 0, G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_HOLD]),
    N_ ("If no queue group has a member, hold the message until one joins, at most for this time"), N_ ("SECONDS") },
  { CTL_TAKES_COLLECTORS | CTL_TAKES_TASKS, "operation", 0, G_OPTION_ARG_STRING, AT (operation),
    N_ ("Only those with this operation"), N_ ("NAME") },
  { CTL_TAKES_COLLECTORS | CTL_TAKES_ASK, "type", 0, G_OPTION_ARG_STRING, AT (collector_type),
    N_ ("Only collectors of this type"), N_ ("TYPE") },
  { CTL_TAKES_COLLECTORS | CTL_TAKES_TASKS, "state", 0, G_OPTION_ARG_STRING_ARRAY, AT (states),
    N_ ("Only those in this state"), N_ ("STATE") },
  { CTL_TAKES_COLLECTORS | CTL_TAKES_ASK, "tag", 0, G_OPTION_ARG_STRING_ARRAY, AT (tags),
    N_ ("Only collectors with this tag; may be given several times"), N_ ("KEY=VALUE") },
  { CTL_TAKES_TASKS, "holder", 0, G_OPTION_ARG_STRING, AT (holder),
    N_ ("Only tasks whose last attempt was given to this collector"), N_ ("PEER") },
  { CTL_TAKES_SUBMIT, "id", 0, G_OPTION_ARG_STRING, AT (task_id), N_ ("Id of the task (default: a new one)"),
    N_ ("ID") },
  { CTL_TAKES_SUBMIT, "payload", 0, G_OPTION_ARG_FILENAME, AT (payload),
    N_ ("Payload: JSON, @FILE, or - for standard input"), N_ ("JSON") },
  { CTL_TAKES_SUBMIT | CTL_TAKES_ASK, "payload-type", 0, G_OPTION_ARG_STRING, AT (payload_type),
    N_ ("Full protobuf name of the payload's type (default: that of the operation)"), N_ ("NAME") },
  { CTL_TAKES_SUBMIT | CTL_TAKES_ASK, "hex", 0, G_OPTION_ARG_NONE, AT (hex), N_ ("The payload is bytes in hexadecimal"),
    NULL },
  { CTL_TAKES_SUBMIT, "type", 0, G_OPTION_ARG_STRING, AT (collector_type),
    N_ ("Only a collector of this type may take the task"), N_ ("TYPE") },
  { CTL_TAKES_SUBMIT, "target", 0, G_OPTION_ARG_STRING, AT (target), N_ ("Only this collector may take the task"),
    N_ ("PEER") },
  { CTL_TAKES_SUBMIT, "tag", 0, G_OPTION_ARG_STRING_ARRAY, AT (tags),
    N_ ("Only a collector with this tag may take the task; may be given several times"), N_ ("KEY=VALUE") },
  { CTL_TAKES_SUBMIT, "exclusive", 0, G_OPTION_ARG_NONE, AT (exclusive),
    N_ ("Run the task alone: its collector gets no other task meanwhile"), NULL },
  { CTL_TAKES_SUBMIT | CTL_TAKES_ASK, "priority", 0, G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_PRIORITY]),
    N_ ("Priority, 0 (default) to 255 (most urgent)"), N_ ("NUMBER") },
  { CTL_TAKES_SUBMIT, "deadline", 0, G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_DEADLINE]),
    N_ ("Longest time of the task, with waiting and all attempts"), N_ ("SECONDS") },
  { CTL_TAKES_SUBMIT, "delay", 0, G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_DELAY]),
    N_ ("Delay the task by this time"), N_ ("SECONDS") },
  { CTL_TAKES_SUBMIT, "run-limit", 0, G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_RUN_LIMIT]),
    N_ ("Longest time of an attempt (default: that of the operation)"), N_ ("SECONDS") },
  { CTL_TAKES_SUBMIT, "attempts", 0, G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_ATTEMPTS]),
    N_ ("Number of failures after which the task is not tried again"), N_ ("COUNT") },
  { CTL_TAKES_SUBMIT, "cancel-when-gone", 0, G_OPTION_ARG_NONE, AT (cancel_when_gone),
    N_ ("Cancel the task when no submitter has been connected for some time"), NULL },
  { CTL_TAKES_SUBMIT, "no-wait", 0, G_OPTION_ARG_NONE, AT (no_wait), N_ ("Do not wait for the end of the task"), NULL },
  { CTL_TAKES_ACCOUNT | CTL_TAKES_TASKS, "account", 0, G_OPTION_ARG_STRING, AT (account),
    N_ ("Account of the submitter, as `deyebusctl tasks` shows it"), N_ ("NAME") },
  { CTL_TAKES_CAUSE, "cause", 0, G_OPTION_ARG_STRING, AT (cause), N_ ("Reason, for the log of the broker"),
    N_ ("TEXT") },
  { CTL_TAKES_DRAIN, "grace", 0, G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_GRACE]),
    N_ ("For a collector: time after which its tasks are given to others"), N_ ("SECONDS") },
  { CTL_TAKES_DRAIN, "expect-exit", 0, G_OPTION_ARG_NONE, AT (expect_exit),
    N_ ("For a collector: let it exit when it has drained"), NULL },
  { CTL_TAKES_ASK, "require", 0, G_OPTION_ARG_STRING, AT (require),
    N_ ("Answers that are required: all, at least a number of them, or any"), N_ ("all|COUNT|any") },
  { CTL_TAKES_ASK, "some", 0, G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_SOME]),
    N_ ("Ask this number of collectors (default: all)"), N_ ("COUNT") },
  { CTL_TAKES_ASK, "shards", 0, G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_SHARDS]),
    N_ ("Divide the question into this number of shards"), N_ ("COUNT") },
  { CTL_TAKES_ASK, "stall", 0, G_OPTION_ARG_STRING, AT (numbers[CTL_NUMBER_STALL]),
    N_ ("The longest time between two answers"), N_ ("SECONDS") },
  { CTL_TAKES_ASK, "missing", 0, G_OPTION_ARG_NONE, AT (missing),
    N_ ("List the collectors that did not answer, instead of the answers"), NULL },
  { CTL_TAKES_STRATEGY, "strategy", 0, G_OPTION_ARG_STRING, AT (strategy),
    N_ ("How a collector is chosen: round-robin, least-loaded, random, first-available"), N_ ("NAME") },
  { 0, "help", 'h', G_OPTION_ARG_NONE, AT (help), N_ ("Show this help"), NULL },
};

#undef AT

GOptionContext *
ctl_options_context_new (CtlOptions *options, CtlOptionSets sets, const char *arguments)
{
  g_autoptr (GArray) entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));
  GOptionContext *context = g_option_context_new (arguments);

  for (guint i = 0; i < G_N_ELEMENTS (option_rows); i++)
    {
      const OptionRow *row = &option_rows[i];
      const GOptionEntry entry
          = { row->name, row->letter, 0, row->arg, (char *) options + row->at, row->description, row->value };

      if (row->set == 0 || (row->set & sets) != 0)
        g_array_append_val (entries, entry);
    }
  g_option_context_add_main_entries (context, (GOptionEntry *) (gpointer) entries->data, GETTEXT_PACKAGE);
  g_option_context_set_help_enabled (context, FALSE);
  return context;
}

/* Splits a word such as -n1 into -n and 1, because GOption does not accept a value directly after the letter of a short option.
 * Reads the first @n words. */
static char **
options_split_short (const GPtrArray *words, guint n)
{
  g_autoptr (GStrvBuilder) split = g_strv_builder_new ();

  for (guint i = 0; i < n; i++)
    {
      const char *word = g_ptr_array_index (words, i);

      if (word[0] == '-' && word[1] != '\0' && strchr (VALUED_OPTIONS, word[1]) != NULL && word[2] != '\0')
        {
          const char letter[] = { '-', word[1], '\0' };

          g_strv_builder_add (split, letter);
          g_strv_builder_add (split, word + 2);
        }
      else
        g_strv_builder_add (split, word);
    }
  return g_strv_builder_end (split);
}

static guint
options_find_mark (const GPtrArray *words)
{
  guint i = 0;

  while (i < words->len && !g_str_equal (g_ptr_array_index (words, i), "--"))
    i++;
  return i;
}

/* GOption would keep the mark -- as an argument if the next word begins with a dash, so the words after it are taken out here. */
gboolean
ctl_options_parse (GOptionContext *context, GPtrArray *words, gboolean keep_mark, GError **error)
{
  guint mark = options_find_mark (words);
  g_auto (GStrv) argv = options_split_short (words, mark);
  g_autoptr (GPtrArray) rest = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) local = NULL;

  for (guint i = mark + !keep_mark; i < words->len; i++)
    g_ptr_array_add (rest, g_strdup (g_ptr_array_index (words, i)));
  if (!g_option_context_parse_strv (context, &argv, &local))
    {
      /* The text of this error does not name the argument that is not UTF-8. */
      if (local->domain == G_CONVERT_ERROR)
        return ctl_fail (error, CTL_EXIT_USAGE,
                         _ ("Topics, ids and options are UTF-8 text; other bytes belong in the payload"));
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  g_ptr_array_set_size (words, 0);
  for (char **word = argv; *word != NULL; word++)
    g_ptr_array_add (words, g_strdup (*word));
  g_ptr_array_extend_and_steal (words, g_steal_pointer (&rest));
  return TRUE;
}

void
ctl_options_clear (CtlOptions *options)
{
  g_clear_pointer (&options->address, g_free);
  g_clear_pointer (&options->type_name, g_free);
  g_clear_pointer (&options->group, g_free);
  g_clear_pointer (&options->policy, g_free);
  g_clear_pointer (&options->correlation_id, g_free);
  g_clear_pointer (&options->parent_id, g_free);
  g_clear_pointer (&options->root_id, g_free);
  g_clear_pointer (&options->stage, g_free);
  g_clear_pointer (&options->traceparent, g_free);
  g_clear_pointer (&options->tags, g_strfreev);
  g_clear_pointer (&options->filter_correlation, g_free);
  g_clear_pointer (&options->filter_root, g_free);
  g_clear_pointer (&options->filter_stage, g_free);
  g_clear_pointer (&options->filter_tags, g_strfreev);
  g_clear_pointer (&options->framing_name, g_free);
  g_clear_pointer (&options->operation, g_free);
  g_clear_pointer (&options->collector_type, g_free);
  g_clear_pointer (&options->states, g_strfreev);
  g_clear_pointer (&options->holder, g_free);
  g_clear_pointer (&options->account, g_free);
  g_clear_pointer (&options->task_id, g_free);
  g_clear_pointer (&options->payload, g_free);
  g_clear_pointer (&options->payload_type, g_free);
  g_clear_pointer (&options->target, g_free);
  g_clear_pointer (&options->strategy, g_free);
  g_clear_pointer (&options->cause, g_free);
  g_clear_pointer (&options->require, g_free);
  for (guint i = 0; i < CTL_N_NUMBERS; i++)
    g_clear_pointer (&options->numbers[i], g_free);
}
