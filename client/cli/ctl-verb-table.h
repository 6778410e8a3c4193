/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-verbs.h"

/*
 * The table of verbs: name, arguments, options and function of each verb.
 *
 * A name has one word, or two words: a group and a verb of it ("task show"). If a command line begins with the names of two rows,
 * the longer name is used.
 *
 * Invariant: no two rows have the same name.
 */

typedef struct
{
  const char *name;
  const char *arguments;
  const char *summary; /* NULL: help does not list the verb */
  guint least, most;   /* number of arguments */
  CtlVerbFunc run;
  CtlOptionSets takes;
} CtlVerb;

/* Finds the verb with that name. NULL: there is none. */
const CtlVerb *ctl_verb_find (const char *name);
/* Finds the verb that the two words name, or the first word alone. @second: (nullable). @n_words: (out): words of the name. */
const CtlVerb *ctl_verb_find_words (const char *first, const char *second, guint *n_words);
/* TRUE: there are verbs whose name begins with the word @name and a space. */
gboolean ctl_verb_is_group (const char *name);
/* Sets the error that there is no such verb; returns FALSE. @second: (nullable). */
gboolean ctl_verb_fail_unknown (const char *first, const char *second, GError **error);

/* Returns all verbs, in the order of the help. */
const CtlVerb *ctl_verb_table (guint *n);

/* Translated, or "". */
const char *ctl_verb_arguments (const CtlVerb *verb);
