/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-manifest-private.h"

#include "deye-bus-error-private.h"

#include <glib/gi18n-lib.h>

/* A manifest as text: for users, and as the message of an error. */

#define NAMED_MAX 3u /* entries that an error names */

/* --- an entry --- */

static const char *const class_words[DEYE_BUS_N_ANSWER_CLASSES] = {
  [DEYE_BUS_ANSWER_CLASS_ANSWERED] = N_ ("answered"), [DEYE_BUS_ANSWER_CLASS_EMPTY] = N_ ("found nothing"),
  [DEYE_BUS_ANSWER_CLASS_FAILED] = N_ ("failed"),     [DEYE_BUS_ANSWER_CLASS_TIMED_OUT] = N_ ("timed out"),
  [DEYE_BUS_ANSWER_CLASS_DIED] = N_ ("died"),         [DEYE_BUS_ANSWER_CLASS_CANCELLED] = N_ ("cancelled"),
  [DEYE_BUS_ANSWER_CLASS_REFUSED] = N_ ("refused"),   [DEYE_BUS_ANSWER_CLASS_NEVER_ASKED] = N_ ("not asked"),
};

static const char *const reason_words[] = {
  [DEYE_BUS_NEVER_ASKED_NONE] = N_ ("not asked"),
  [DEYE_BUS_NEVER_ASKED_NOT_REGISTERED] = N_ ("not registered"),
  [DEYE_BUS_NEVER_ASKED_DRAINING] = N_ ("draining"),
  [DEYE_BUS_NEVER_ASKED_NO_CAPABILITY] = N_ ("without the operation"),
  [DEYE_BUS_NEVER_ASKED_AT_CAPACITY] = N_ ("busy"),
  [DEYE_BUS_NEVER_ASKED_SET_ASIDE] = N_ ("set aside"),
  [DEYE_BUS_NEVER_ASKED_SUSPECT] = N_ ("without heartbeats"),
  [DEYE_BUS_NEVER_ASKED_PAUSED] = N_ ("operation paused"),
  [DEYE_BUS_NEVER_ASKED_VERSION] = N_ ("too old"),
  [DEYE_BUS_NEVER_ASKED_DENIED] = N_ ("denied"),
};

const char *
deye_bus_manifest_entry_word (const DeyeBusManifestEntry *entry)
{
  return entry->answer == DEYE_BUS_ANSWER_CLASS_NEVER_ASKED ? _ (reason_words[entry->never_asked])
                                                            : _ (class_words[entry->answer]);
}

char *
deye_bus_manifest_entry_name (const DeyeBusManifestEntry *entry)
{
  return entry->id != NULL ? g_strdup (entry->id) : g_strdup_printf ("shard %u", entry->shard);
}

static gboolean
entry_is_truncated (const DeyeBusManifestEntry *entry)
{
  return entry->answer == DEYE_BUS_ANSWER_CLASS_ANSWERED && entry->extent != NULL
         && deye_bus_extent_is_truncated (entry->extent);
}

/* TRUE if there is no answer for the entry, or only a part of it. */
static gboolean
entry_is_incomplete (const DeyeBusManifestEntry *entry)
{
  return !deye_bus_manifest_entry_has_answer (entry) || entry_is_truncated (entry);
}

static const char *
entry_incomplete_word (const DeyeBusManifestEntry *entry)
{
  return entry_is_truncated (entry) ? _ ("truncated") : deye_bus_manifest_entry_word (entry);
}

/* --- all --- */

char **
deye_bus_manifest_list_missing (const DeyeBusManifest *manifest)
{
  g_autoptr (GStrvBuilder) missing = g_strv_builder_new ();

  g_return_val_if_fail (manifest != NULL, NULL);

  for (guint i = 0; i < manifest->n_entries; i++)
    {
      const DeyeBusManifestEntry *entry = &manifest->entries[i];
      g_autofree char *name = deye_bus_manifest_entry_name (entry);

      if (!deye_bus_manifest_entry_has_answer (entry))
        g_strv_builder_add (missing, name);
    }
  return g_strv_builder_end (missing);
}

static const char *
manifest_verdict_word (const DeyeBusManifest *manifest)
{
  switch (manifest->verdict)
    {
    case DEYE_BUS_GATHER_VERDICT_COMPLETE:
      return _ ("complete");
    case DEYE_BUS_GATHER_VERDICT_PARTIAL:
      return _ ("partial");
    case DEYE_BUS_GATHER_VERDICT_NOBODY:
      return _ ("no collector was asked");
    case DEYE_BUS_GATHER_VERDICT_FAILED:
    default:
      return _ ("no collector has answered");
    }
}

/* "2 of 4 answered, 1 found nothing, 1 died". */
static void
manifest_append_counts (const DeyeBusManifest *manifest, GString *text)
{
  g_string_append_printf (text, _ ("%u of %u answered"), manifest->counts[DEYE_BUS_ANSWER_CLASS_ANSWERED],
                          manifest->n_entries);
  for (guint i = DEYE_BUS_ANSWER_CLASS_EMPTY; i < DEYE_BUS_N_ANSWER_CLASSES; i++)
    if (manifest->counts[i] > 0)
      g_string_append_printf (text, ", %u %s", manifest->counts[i], _ (class_words[i]));
  if (manifest->truncated > 0)
    g_string_append_printf (text, ", %u %s", manifest->truncated, _ ("truncated"));
  if (manifest->joined_after > 0)
    g_string_append_printf (text, ", %u %s", manifest->joined_after, _ ("registered later"));
  if (!manifest->is_roster_sure)
    g_string_append_printf (text, ", %s", _ ("the broker was restarted and may not know all collectors yet"));
}

char *
deye_bus_manifest_to_string (const DeyeBusManifest *manifest)
{
  GString *text;

  g_return_val_if_fail (manifest != NULL, NULL);

  text = g_string_new (manifest_verdict_word (manifest));
  g_string_append (text, ": ");
  manifest_append_counts (manifest, text);
  for (guint i = 0; i < manifest->n_entries; i++)
    {
      const DeyeBusManifestEntry *entry = &manifest->entries[i];
      g_autofree char *name = deye_bus_manifest_entry_name (entry);

      if (!entry_is_incomplete (entry))
        continue;
      g_string_append_printf (text, "\n  %s: %s", name, entry_incomplete_word (entry));
      if (entry->text != NULL)
        g_string_append_printf (text, " (%s)", entry->text);
    }
  return g_string_free (text, FALSE);
}

/* --- the error --- */

/* "procmond-2 (died), procmond-3 (busy) and 4 more". */
static char *
manifest_name_incomplete (const DeyeBusManifest *manifest)
{
  GString *names = g_string_new (NULL);
  guint n = 0;

  for (guint i = 0; i < manifest->n_entries; i++)
    {
      const DeyeBusManifestEntry *entry = &manifest->entries[i];
      g_autofree char *name = deye_bus_manifest_entry_name (entry);

      if (entry_is_incomplete (entry) && n++ < NAMED_MAX)
        g_string_append_printf (names, "%s%s (%s)", n > 1 ? ", " : "", name, entry_incomplete_word (entry));
    }
  if (n > NAMED_MAX)
    {
      g_string_append_c (names, ' ');
      g_string_append_printf (names, _ ("and %u more"), n - NAMED_MAX);
    }
  return g_string_free (names, FALSE);
}

GError *
deye_bus_manifest_error (const DeyeBusManifest *manifest)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *incomplete = manifest_name_incomplete (manifest);

  manifest_append_counts (manifest, text);
  if (*incomplete == '\0')
    return deye_bus_error_new (DEYE_BUS_ERROR_PARTIAL,
                               _ ("The answers do not meet the requirement of the question: %s. To use the answers "
                                  "that arrived, call deye_bus_gather_accept_partial()"),
                               text->str);
  return deye_bus_error_new (DEYE_BUS_ERROR_PARTIAL,
                             _ ("The answers do not meet the requirement of the question: %s; missing: %s. To use the "
                                "answers that arrived, call deye_bus_gather_accept_partial()"),
                             text->str, incomplete);
}
