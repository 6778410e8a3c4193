/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest-check.h"

#define N_CLASSES 9u

typedef Daemoneye__Eventbus__V1__Manifest Manifest;
typedef Daemoneye__Eventbus__V1__ManifestMember Member;

enum
{
  ANSWERED = 1,
  EMPTY,
  NEVER_ASKED = 8
};

enum
{
  COMPLETE = 1,
  PARTIAL,
  NOBODY,
  FAILED
};

/* --- members --- */

static guint
class_of (const Member *member)
{
  return (guint) member->answer;
}

static gboolean
has_answer (const Member *member)
{
  return class_of (member) == ANSWERED || class_of (member) == EMPTY;
}

static const char *
problem_of_member (const Member *member, guint index)
{
  if (member->index != index)
    return "the members are not in the order of their index";
  if (class_of (member) == 0 || class_of (member) >= N_CLASSES)
    return "a member has no class";
  if ((class_of (member) == NEVER_ASKED) != (member->never_asked != 0))
    return "a member has a reason without the class for it, or the class without a reason";
  if (has_answer (member) != (member->status == 0))
    return "the status of a member does not fit its class";
  if (!has_answer (member) && (member->text[0] == '\0' || member->bytes > 0 || member->extent != NULL))
    return "a member without an answer has a field of one, or no text";
  if (class_of (member) == EMPTY
      && (member->extent == NULL || member->extent->rows > 0 || member->extent->is_truncated
          || member->extent->is_uncounted))
    return "an empty answer has an extent of 0 rows";
  return NULL;
}

static const char *
problem_of_members (const Manifest *manifest, gboolean one_each)
{
  g_autoptr (GHashTable) ids = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < manifest->n_members; i++)
    {
      const char *id = manifest->members[i]->id;
      const char *problem = problem_of_member (manifest->members[i], i);

      if (problem != NULL)
        return problem;
      if (one_each && id[0] != '\0' && !g_hash_table_add (ids, (gpointer) (gsize) id))
        return "a collector is in it twice";
    }
  return NULL;
}

/* --- counts --- */

static guint
count_class (const Manifest *manifest, guint answer)
{
  guint n = 0;

  for (gsize i = 0; i < manifest->n_members; i++)
    n += (guint) manifest->members[i]->answer == answer;
  return n;
}

static guint
count_truncated (const Manifest *manifest)
{
  guint n = 0;

  for (gsize i = 0; i < manifest->n_members; i++)
    n += manifest->members[i]->extent != NULL && manifest->members[i]->extent->is_truncated;
  return n;
}

static const char *
problem_of_counts (const Manifest *manifest)
{
  const guint counts[N_CLASSES] = { 0,
                                    manifest->answered,
                                    manifest->empty,
                                    manifest->failed,
                                    manifest->timed_out,
                                    manifest->died,
                                    manifest->cancelled,
                                    manifest->refused,
                                    manifest->never_asked };
  guint sum = 0;

  for (guint i = 0; i < N_CLASSES; i++)
    {
      sum += counts[i];
      if (count_class (manifest, i) != counts[i])
        return "a count differs from the number of members";
    }
  if (sum != manifest->expected || sum != manifest->n_members)
    return "the sum of the classes is not the expected number";
  return count_truncated (manifest) != manifest->truncated ? "the count of truncated answers is wrong" : NULL;
}

/* --- the verdict --- */

static guint
verdict_of (const Manifest *manifest)
{
  const guint answers = manifest->answered + manifest->empty;

  if (manifest->never_asked == manifest->expected)
    return NOBODY;
  if (answers == 0)
    return FAILED;
  return answers == manifest->expected && manifest->truncated == 0 && manifest->roster_is_sure ? COMPLETE : PARTIAL;
}

static gboolean
is_met (const Manifest *manifest)
{
  const guint whole = manifest->answered + manifest->empty - manifest->truncated;

  switch ((guint) manifest->require)
    {
    case DAEMONEYE__EVENTBUS__V1__GATHER_REQUIRE__GATHER_REQUIRE_ALL:
      return verdict_of (manifest) == COMPLETE;
    case DAEMONEYE__EVENTBUS__V1__GATHER_REQUIRE__GATHER_REQUIRE_AT_LEAST:
      return whole >= manifest->require_n;
    default:
      return TRUE;
    }
}

const char *
manifest_problem (const Manifest *manifest, gboolean one_each)
{
  const char *problem = problem_of_members (manifest, one_each);

  if (problem == NULL)
    problem = problem_of_counts (manifest);
  if (problem != NULL)
    return problem;
  if ((guint) manifest->verdict != verdict_of (manifest))
    return "the verdict does not follow from the counts";
  if (!manifest->is_met != !is_met (manifest))
    return "the requirement does not agree with the counts";
  return manifest->query_id == 0 || manifest->epoch == 0 ? "it names no question" : NULL;
}

/* --- words --- */

const char *
manifest_word (const ProtobufCEnumDescriptor *type, int value)
{
  static char word[64];
  const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value (type, value);
  const char *prefixes[] = { "ANSWER_", "NEVER_ASKED_", "VERDICT_" };
  const char *name = found != NULL ? found->name : "UNKNOWN";

  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (g_str_has_prefix (name, prefixes[i]))
      {
        name += strlen (prefixes[i]);
        break;
      }
  g_strlcpy (word, name, sizeof word);
  g_strdelimit (word, "_", '-');
  for (char *c = word; *c != '\0'; c++)
    *c = g_ascii_tolower (*c);
  return word;
}

char *
manifest_text (const Manifest *manifest)
{
  GString *text
      = g_string_new (manifest_word (&daemoneye__eventbus__v1__gather_verdict__descriptor, (int) manifest->verdict));

  g_string_append (text, manifest->is_met ? " met:" : " unmet:");
  for (gsize i = 0; i < manifest->n_members; i++)
    {
      const Member *member = manifest->members[i];

      g_string_append_printf (text, " %s=", member->id);
      g_string_append (text, manifest_word (&daemoneye__eventbus__v1__answer_class__descriptor, (int) member->answer));
      if (member->never_asked != 0)
        g_string_append_printf (
            text, "/%s", manifest_word (&daemoneye__eventbus__v1__never_asked__descriptor, (int) member->never_asked));
    }
  return g_string_free (text, FALSE);
}
