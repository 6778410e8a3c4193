/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-verbs.h"

/*
 * The table of verbs: the name, the arguments, the options and the function of each.
 *
 * A name is one word, or two words that a space separates: a group ("task") and a verb of it ("task show").
 *
 * Invariant: of the words of a command line, at most one row has the longest name that they begin with.
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

/* The verb of that name; NULL: there is none. */
const CtlVerb *ctl_verb_find (const char *name);
/* The verb that the two words name, or the first one alone. @second: (nullable). @n_words: number of words of the name. */
const CtlVerb *ctl_verb_find_words (const char *first, const char *second, guint *n_words);
/* TRUE if verbs have names that begin with the word @name and a space. */
gboolean ctl_verb_is_group (const char *name);
/* FALSE with the error that there is no such verb. @second: (nullable). */
gboolean ctl_verb_fail_unknown (const char *first, const char *second, GError **error);

/* All verbs, in the order of the help. */
const CtlVerb *ctl_verb_table (guint *n);

/* Translated, or "". */
const char *ctl_verb_arguments (const CtlVerb *verb);
