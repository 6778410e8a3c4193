/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The options of the command line. Every verb takes a few, such as --address; further sets of options belong to some verbs.
 */

/* Values of the options; 0 and NULL: not given. */
typedef struct
{
  char *address;
  char *type_name;
  char *group;
  char *policy;
  gdouble timeout_s;
  gdouble wait_s;
  gint64 queue_messages;
  gint64 queue_bytes;
  gint count;
  gboolean json;
  gboolean xml;
  gboolean raw;
  gboolean headers;
  gboolean timestamp;
  gboolean delivered;
  gboolean subscriptions;
  gboolean groups;
  gboolean domains;
  gboolean help;
} CtlOptions;

typedef enum
{
  CTL_TAKES_JSON = 1 << 0,
  CTL_TAKES_XML = 1 << 1,
  CTL_TAKES_TYPE = 1 << 2,
  CTL_TAKES_RAW = 1 << 3,
  CTL_TAKES_WATCH = 1 << 4, /* --count --wait --headers --timestamp --group --policy --queue-messages --queue-bytes */
  CTL_TAKES_DELIVERED = 1 << 5,
  CTL_TAKES_VIEW = 1 << 6, /* --subscriptions --groups --domains */
  CTL_TAKES_PAYLOAD = CTL_TAKES_TYPE | CTL_TAKES_RAW,
} CtlOptionSets;

/* A context with the options of @sets and those that every verb takes, which stores values in @options. @arguments: of the
 * usage line, translated. (transfer full) */
GOptionContext *ctl_options_context_new (CtlOptions *options, CtlOptionSets sets, const char *arguments);

/* Parses options and removes them from @words, whose first one is the name of the program. */
gboolean ctl_options_parse (GOptionContext *context, GPtrArray *words, GError **error);

/* Checks the ranges of numbers. */
gboolean ctl_options_check (const CtlOptions *options, GError **error);

void ctl_options_clear (CtlOptions *options);
