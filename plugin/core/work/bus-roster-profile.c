/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-roster-profile.h"

#include "base/bus-hash.h"

typedef struct
{
  guint64 name;
  guint64 payload_type; /* 0: any */
} ProfileAbility;

struct BusProfile
{
  guint64 type;
  guint8 lowest; /* accepted priorities */
  guint8 highest;
  gboolean is_cut; /* the collector had more operations */
  guint n_abilities;
  guint n_tags;
  guint64 tags[BUS_PROFILE_TAGS];
  ProfileAbility abilities[];
};

static guint64
profile_hash (guint64 seed, WireSpan text)
{
  return text.len > 0 ? bus_hash (seed, text) : 0;
}

BusProfile *
bus_profile_new (guint64 seed, const BusMember *member)
{
  const guint n = MIN (member->abilities->len, BUS_PROFILE_ABILITIES);
  BusProfile *profile = g_malloc0 (sizeof *profile + n * sizeof profile->abilities[0]);

  profile->type = profile_hash (seed, wire_span_str (member->type));
  profile->lowest = member->lowest;
  profile->highest = member->highest;
  profile->is_cut = member->abilities->len > n;
  profile->n_abilities = n;
  profile->n_tags = MIN (member->tags->len, BUS_PROFILE_TAGS);
  for (guint i = 0; i < n; i++)
    {
      const BusAbility *ability = g_ptr_array_index (member->abilities, i);

      profile->abilities[i].name = profile_hash (seed, ability->name.text);
      profile->abilities[i].payload_type = profile_hash (seed, wire_span_str (ability->payload_type));
    }
  for (guint i = 0; i < profile->n_tags; i++)
    profile->tags[i] = profile_hash (seed, wire_span_str (g_ptr_array_index (member->tags, i)));
  return profile;
}

static gboolean
profile_has_ability (const BusProfile *profile, guint64 seed, const BusRosterQuestion *question)
{
  const guint64 name = profile_hash (seed, question->operation.text);
  const guint64 type = profile_hash (seed, question->payload_type);

  for (guint i = 0; i < profile->n_abilities; i++)
    {
      const ProfileAbility *ability = &profile->abilities[i];

      if (ability->name == name && (ability->payload_type == 0 || type == 0 || ability->payload_type == type))
        return TRUE;
    }
  return profile->is_cut;
}

static gboolean
profile_has_tag (const BusProfile *profile, guint64 tag)
{
  for (guint i = 0; i < profile->n_tags; i++)
    if (profile->tags[i] == tag)
      return TRUE;
  return FALSE;
}

gboolean
bus_profile_fits (const BusProfile *profile, guint64 seed, const BusRosterQuestion *question)
{
  if (question->type.len > 0 && profile_hash (seed, question->type) != profile->type)
    return FALSE;
  if (question->priority < profile->lowest || question->priority > profile->highest)
    return FALSE;
  for (guint i = 0; question->tags != NULL && i < question->tags->len; i++)
    if (!profile_has_tag (profile, profile_hash (seed, wire_span_str (g_ptr_array_index (question->tags, i)))))
      return FALSE;
  return profile_has_ability (profile, seed, question);
}

gboolean
bus_roster_fits (const BusMember *member, const BusRosterQuestion *question)
{
  const BusAbility *ability = bus_member_ability (member, question->operation.text);

  return ability != NULL && bus_ability_takes (ability, question->payload_type)
         && (question->type.len == 0 || wire_span_equal (question->type, wire_span_str (member->type)))
         && bus_member_takes_priority (member, question->priority) && bus_member_has_tags (member, question->tags);
}
