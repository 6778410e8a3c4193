/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The options of the command line. Every verb takes the common options, such as --address; other sets of options belong only
 * to some verbs.
 */

/* Options whose value is a number. They are kept as text until ctl_options_check(), because GOption would read 010 as eight and
 * accept nan as a time. */
typedef enum
{
  CTL_NUMBER_TIMEOUT,
  CTL_NUMBER_WAIT,
  CTL_NUMBER_COUNT,
  CTL_NUMBER_QUEUE_MESSAGES,
  CTL_NUMBER_QUEUE_BYTES,
  CTL_NUMBER_STALL,
  CTL_NUMBER_HOLD,
  CTL_NUMBER_EXPECT, /* or the word "all" */
  CTL_NUMBER_PRIORITY,
  CTL_NUMBER_DEADLINE,
  CTL_NUMBER_DELAY,
  CTL_NUMBER_RUN_LIMIT,
  CTL_NUMBER_ATTEMPTS,
  CTL_NUMBER_GRACE,
  CTL_NUMBER_SOME,
  CTL_NUMBER_SHARDS,
  CTL_N_NUMBERS,
} CtlNumber;

/* The separator of payloads on standard output. */
typedef enum
{
  CTL_FRAMING_NONE,
  CTL_FRAMING_NEWLINE, /* after each payload */
  CTL_FRAMING_NUL,     /* after each payload */
  CTL_FRAMING_LENGTH,  /* before each payload its length as a protobuf varint */
} CtlFraming;

/* Values of the options; 0 and NULL: not given. */
typedef struct
{
  char *numbers[CTL_N_NUMBERS];
  char *framing_name;
  CtlFraming framing;
  char *address;
  char *type_name;
  char *group;
  char *policy;
  char *correlation_id;
  char *parent_id;
  char *root_id;
  char *stage;
  char *traceparent;
  char **tags; /* of "key=value" */
  char *filter_correlation;
  char *filter_root;
  char *filter_stage;
  char **filter_tags; /* of "key=value" or "key" */
  char *operation;
  char *collector_type;
  char **states;
  char *holder;
  char *account;
  char *task_id;
  char *payload; /* any bytes */
  char *payload_type;
  char *target;
  char *strategy;
  char *cause;
  char *require;
  gdouble timeout_s;
  gdouble wait_s;
  guint64 queue_messages;
  guint64 queue_bytes;
  guint64 count;
  gdouble stall_s;
  gdouble hold_s;
  guint64 expect; /* G_MAXUINT32: all */
  guint64 priority;
  guint64 attempts;
  guint64 some;
  guint64 shards;
  gdouble deadline_s;
  gdouble delay_s;
  gdouble run_limit_s;
  gdouble grace_s;
  gboolean json;
  gboolean xml;
  gboolean raw;
  gboolean headers;
  gboolean timestamp;
  gboolean delivered;
  gboolean trace;
  gboolean retain;
  gboolean at_least_once;
  gboolean confirm;
  gboolean subscriptions;
  gboolean groups;
  gboolean domains;
  gboolean hex;
  gboolean exclusive;
  gboolean no_wait;
  gboolean cancel_when_gone;
  gboolean expect_exit;
  gboolean missing;
  gboolean help;
} CtlOptions;

typedef enum
{
  CTL_TAKES_JSON = 1 << 0,
  CTL_TAKES_XML = 1 << 1,
  CTL_TAKES_TYPE = 1 << 2,
  CTL_TAKES_RAW = 1 << 3,
  CTL_TAKES_WATCH = 1 << 4, /* --headers --timestamp --group --policy --queue-messages --queue-bytes --framing */
  CTL_TAKES_DELIVERED = 1 << 5,
  CTL_TAKES_VIEW = 1 << 6,    /* --subscriptions --groups --domains */
  CTL_TAKES_CONTEXT = 1 << 7, /* --correlation-id --parent-id --root-id --stage --tag --traceparent */
  CTL_TAKES_FILTER = 1 << 8,  /* --filter-correlation --filter-root --filter-stage --filter-tag */
  CTL_TAKES_ANSWERS = 1 << 9, /* --expect --stall */
  CTL_TAKES_TRACE = 1 << 10,
  CTL_TAKES_END = 1 << 11, /* --count --wait */
  CTL_TAKES_RETAIN = 1 << 12,
  CTL_TAKES_HOLD = 1 << 13,
  CTL_TAKES_ASSURANCE = 1 << 14,  /* --at-least-once --confirm */
  CTL_TAKES_COLLECTORS = 1 << 15, /* --operation --type --state --tag */
  CTL_TAKES_TASKS = 1 << 16,      /* --operation --state --holder --account */
  CTL_TAKES_SUBMIT = 1 << 17,     /* the specification of a task */
  CTL_TAKES_ACCOUNT = 1 << 18,
  CTL_TAKES_DRAIN = 1 << 19, /* --grace --expect-exit */
  CTL_TAKES_STRATEGY = 1 << 20,
  CTL_TAKES_CAUSE = 1 << 21,
  CTL_TAKES_ASK = 1 << 22, /* the question, and the answers that suffice */
  CTL_TAKES_FRAMING = 1 << 23,
  CTL_TAKES_PAYLOAD = CTL_TAKES_TYPE | CTL_TAKES_RAW,
} CtlOptionSets;

/* Returns a context with the common options and those of @sets; it stores the values in @options. @arguments: the arguments in the
 * usage line, translated. (transfer full) */
GOptionContext *ctl_options_context_new (CtlOptions *options, CtlOptionSets sets, const char *arguments);

/* Parses options and removes them from @words, whose first word is the name of the program. Words after -- are not options;
 * with @keep_mark the -- is kept. */
gboolean ctl_options_parse (GOptionContext *context, GPtrArray *words, gboolean keep_mark, GError **error);

/* Reads the numbers, and checks all values. */
gboolean ctl_options_check (CtlOptions *options, GError **error);

void ctl_options_clear (CtlOptions *options);
