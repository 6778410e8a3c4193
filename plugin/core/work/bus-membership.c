/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-membership.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-member-news.h"
#include "work/bus-roster-profile.h"
#include "work/bus-trust.h"

/* --- parts --- */

BusAbility *
bus_ability_new (guint64 seed, WireSpan name, const char *payload_type)
{
  BusAbility *ability = g_new0 (BusAbility, 1);

  ability->name = bus_key (seed, wire_span_str (g_strndup ((const char *) name.data, name.len)));
  ability->payload_type = g_strdup (payload_type);
  return ability;
}

void
bus_ability_free (gpointer ability)
{
  BusAbility *self = ability;

  g_free ((gpointer) (gsize) self->name.text.data);
  g_free (self->payload_type);
  g_free (self);
}

static void
membership_clear_claim (gpointer claim)
{
  g_free (((BusClaim *) claim)->task_id);
}

GArray *
bus_claims_new (void)
{
  GArray *claims = g_array_new (FALSE, TRUE, sizeof (BusClaim));

  g_array_set_clear_func (claims, membership_clear_claim);
  return claims;
}

void
bus_member_spec_clear (BusMemberSpec *spec)
{
  g_clear_pointer (&spec->abilities, g_ptr_array_unref);
  g_clear_pointer (&spec->tags, g_ptr_array_unref);
  g_clear_pointer (&spec->claims, g_array_unref);
}

/* --- begin --- */

static void
membership_charge (BusMember *member, gsize size)
{
  BusPeer *peer = member->peer;

  bus_quota_unkeep (&peer->core->quota, &peer->ledger.usage, member->charged);
  member->charged = size;
  bus_quota_keep (&peer->core->quota, &peer->ledger.usage, member->charged);
}

static BusMember *
membership_new (BusPeer *peer)
{
  BusCore *core = peer->core;
  BusMember *member = g_new0 (BusMember, 1);

  member->peer = peer;
  member->id = g_ref_string_acquire (peer->id);
  member->key = bus_key (core->seed, wire_span_str (member->id));
  member->type = g_strdup (peer->type);
  member->incarnation = peer->incarnation;
  member->hold_timer = (BusTimer){ .kind = BUS_TIMER_HOLD, .owner = member };
  member->link.data = member;
  member->past = bus_past_open (&core->work->pasts, core->seed, wire_span_str (member->id), core->now_us);
  return member;
}

static gboolean
membership_has_abilities (const BusMember *member, const GPtrArray *wanted)
{
  if (member->abilities == NULL || member->abilities->len != wanted->len)
    return FALSE;
  for (guint i = 0; i < wanted->len; i++)
    {
      const BusAbility *ability = g_ptr_array_index (member->abilities, i);
      const BusAbility *other = g_ptr_array_index (wanted, i);

      if (!wire_span_equal (ability->name.text, other->name.text)
          || !g_str_equal (ability->payload_type, other->payload_type))
        return FALSE;
    }
  return TRUE;
}

static gboolean
membership_has_tags (const BusMember *member, const GPtrArray *wanted)
{
  if (member->tags == NULL || member->tags->len != wanted->len)
    return FALSE;
  for (guint i = 0; i < wanted->len; i++)
    if (!g_str_equal (g_ptr_array_index (member->tags, i), g_ptr_array_index (wanted, i)))
      return FALSE;
  return TRUE;
}

/* Applies the spec. The revision, which makes the queues check all waiting tasks, is raised only for other abilities or tags. */
static void
membership_take (BusMember *member, BusMemberSpec *spec)
{
  if ((spec->abilities != NULL && !membership_has_abilities (member, spec->abilities))
      || (spec->tags != NULL && !membership_has_tags (member, spec->tags)))
    member->revision++;
  if (spec->abilities != NULL)
    {
      g_clear_pointer (&member->abilities, g_ptr_array_unref);
      member->abilities = g_steal_pointer (&spec->abilities);
    }
  if (spec->tags != NULL)
    {
      g_clear_pointer (&member->tags, g_ptr_array_unref);
      member->tags = g_steal_pointer (&spec->tags);
    }
  if (spec->max_concurrent > 0)
    member->max_concurrent = spec->max_concurrent;
}

static void
membership_fill (BusMember *member, BusMemberSpec *spec)
{
  BusCore *core = member->peer->core;

  membership_take (member, spec);
  member->revision++;
  member->lowest = spec->lowest;
  member->highest = spec->highest;
  g_clear_pointer (&member->claims, g_array_unref);
  member->claims = g_steal_pointer (&spec->claims);
  member->registration_id = ++core->work->last_registration;
  member->registered_us = core->now_us;
  member->n_completed = 0;
  member->has_started = FALSE;
  member->drain_until_us = 0;
  member->expects_exit = FALSE;
  member->cause[0] = '\0';
  core->work->members_reached[member->state][BUS_MEMBER_ON_REGISTER]++;
  bus_member_on (member, BUS_MEMBER_ON_REGISTER);
}

BusMember *
bus_membership_begin (BusPeer *peer, BusMemberSpec *spec)
{
  BusCore *core = peer->core;
  BusMember *member = peer->member;
  g_autoptr (GPtrArray) before = NULL;

  if (member == NULL)
    member = peer->member = membership_new (peer);
  else
    {
      bus_registry_remove (core->work, member);
      before = g_ptr_array_ref (member->abilities);
    }
  membership_charge (member, sizeof *member + spec->size);
  membership_fill (member, spec);
  bus_registry_add (core->work, member);
  bus_trust_registered (core, member);
  if (before != NULL)
    bus_trust_withdrawn (core, member, before);
  return member;
}

void
bus_membership_update (BusMember *member, BusMemberSpec *spec)
{
  BusCore *core = member->peer->core;
  g_autoptr (GPtrArray) before = g_ptr_array_ref (member->abilities);

  bus_registry_remove_abilities (core->work, member);
  membership_charge (member, sizeof *member + spec->size);
  membership_take (member, spec);
  bus_registry_add_abilities (core->work, member);
  bus_member_news_record (core, member);
  bus_trust_slots (core, member);
  bus_trust_withdrawn (core, member, before);
}

/* --- drain, end --- */

void
bus_membership_drain (BusMember *member, gint64 grace_us, gboolean asked, gboolean expects_exit)
{
  BusCore *core = member->peer->core;

  member->expects_exit = member->expects_exit || expects_exit;
  if (member->state != BUS_MEMBER_DRAINING)
    member->drain_until_us = core->now_us + (grace_us > 0 ? grace_us : (gint64) core->limits.task_drain_us);
  bus_trust_apply (core, member, BUS_MEMBER_ON_DRAIN, asked ? "it was asked to drain" : "it drains at its own request");
  if (asked)
    bus_member_news_drain (core, member);
}

static const char *
membership_cause_of_end (BusMemberEnd end)
{
  static const char *const causes[] = {
    [BUS_MEMBER_END_NONE] = "",
    [BUS_MEMBER_END_EOF] = "its connection ended without announcement",
    [BUS_MEMBER_END_ANNOUNCED] = "it announced its end",
    [BUS_MEMBER_END_CLOSED] = "the broker closed its connection",
    [BUS_MEMBER_END_DEREGISTERED] = "it deregistered",
  };

  return causes[end];
}

void
bus_membership_end (BusMember *member, BusMemberEnd end)
{
  BusPeer *peer = member->peer;
  BusCore *core = peer->core;

  member->end = end;
  bus_trust_stop_timer (core, member);
  bus_registry_remove (core->work, member);
  if (end == BUS_MEMBER_END_EOF)
    bus_past_died (member->past, member->incarnation, member->n_running > 0, core->now_us);
  bus_trust_apply (core, member, BUS_MEMBER_ON_END, membership_cause_of_end (end));
  member->past->incarnation = member->incarnation;
  if (end == BUS_MEMBER_END_EOF || end == BUS_MEMBER_END_CLOSED)
    member->past->profile = bus_profile_new (core->seed, member);
  bus_past_close (&core->work->pasts, g_steal_pointer (&member->past), peer->account->number,
                  core->limits.max_connections_per_uid, core->now_us);
  membership_charge (member, 0);
  bus_registry_note_ended (core->work, member);
  peer->member = NULL;
  member->peer = NULL;
}

void
bus_membership_forget_peer (BusPeer *peer)
{
  BusMember *member = peer->member;
  BusMemberEnd end = BUS_MEMBER_END_CLOSED;

  if (member == NULL)
    return;
  if (peer->close_status == WIRE_STATUS_OK || member->expects_exit)
    end = BUS_MEMBER_END_ANNOUNCED;
  else if (peer->close_status == WIRE_STATUS_ABSENT)
    end = BUS_MEMBER_END_EOF;
  bus_membership_end (member, end);
}

void
bus_member_free (BusMember *member)
{
  g_assert (member->state == BUS_MEMBER_GONE && member->leases.length == 0);
  g_ptr_array_unref (member->abilities);
  g_ptr_array_unref (member->tags);
  g_clear_pointer (&member->claims, g_array_unref);
  g_ref_string_release (member->id);
  g_free (member->type);
  g_free (member);
}
