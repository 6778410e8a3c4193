/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-trust.h"

#include "base/bus-text.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "route/bus-router.h"
#include "work/bus-member-news.h"

/* --- events --- */

static gboolean
trust_step (BusCore *core, BusMember *member, BusMemberEvent event, const char *cause)
{
  core->work->members_reached[member->state][event]++;
  if (!bus_member_on (member, event))
    {
      core->work->ignored++;
      return FALSE;
    }
  bus_text_copy (member->cause, sizeof member->cause, cause);
  return TRUE;
}

/* Returns the reason to suspect the member; NULL: none. */
static const char *
trust_find_doubt (const BusMember *member)
{
  if (member->peer != NULL && bus_health_is_unresponsive (member->peer->health))
    return "it is unresponsive: its health (system.health) contains the reason";
  if (member->n_zombie >= member->max_concurrent)
    return "every slot waits for an answer that is overdue";
  return NULL;
}

static gboolean
trust_is_capable (const BusMember *member, const BusMember *other, const BusAbility *ability)
{
  return other != member && g_str_equal (other->type, member->type)
         && bus_member_ability (other, ability->name.text) != NULL;
}

/* TRUE if @member is needed for this operation: see bus-trust.h. */
static gboolean
trust_is_needed_for (BusWork *work, const BusMember *member, const BusAbility *ability)
{
  const GPtrArray *members = bus_registry_members_of (work, ability->name.text);
  guint n = 1, n_ready = 0, n_aside = 0;

  for (guint i = 0; i < members->len; i++)
    {
      const BusMember *other = g_ptr_array_index (members, i);

      if (!trust_is_capable (member, other, ability) || other->state == BUS_MEMBER_DRAINING)
        continue;
      n++;
      n_ready += other->state == BUS_MEMBER_READY ? 1 : 0;
      n_aside += other->state == BUS_MEMBER_SET_ASIDE ? 1 : 0;
    }
  return n_ready == 0 || n_aside + 1 > n / 2;
}

static gboolean
trust_is_needed (BusWork *work, const BusMember *member)
{
  for (guint i = 0; i < member->abilities->len; i++)
    if (trust_is_needed_for (work, member, g_ptr_array_index (member->abilities, i)))
      return TRUE;
  return FALSE;
}

/* Enforces the hold of the id: the member is set aside, or probed. */
static void
trust_enforce_hold (BusCore *core, BusMember *member, const char *cause)
{
  member->held_until_us = member->past->held_until_us;
  bus_deadline_arm (&core->deadlines, &member->hold_timer.deadline, member->held_until_us);
  member->is_probed = trust_is_needed (core->work, member);
  if (!member->is_probed)
    trust_step (core, member, BUS_MEMBER_ON_HOLD, cause);
  else
    bus_text_copy (member->cause, sizeof member->cause, cause);
}

/* Checks a member that has just become READY: it may have to leave this state at once. */
static void
trust_examine (BusCore *core, BusMember *member)
{
  const char *doubt = trust_find_doubt (member);

  if (!member->is_serving)
    {
      trust_step (core, member, BUS_MEMBER_ON_UNSERVE, "it does not serve its task topic");
      return;
    }
  if (bus_past_is_held (member->past, core->now_us) && !member->is_probed)
    trust_enforce_hold (core, member, "it failed, died or registered too often");
  if (doubt != NULL && member->state == BUS_MEMBER_READY)
    trust_step (core, member, BUS_MEMBER_ON_DOUBT, doubt);
}

static void
trust_publish (BusCore *core, BusMember *member, BusMemberState before)
{
  bus_registry_note_changed (core->work, member);
  if (member->state == before)
    return;
  core->work->member_states_changed = TRUE;
  if (member->state == BUS_MEMBER_READY && !member->is_probed)
    member->cause[0] = '\0';
  bus_member_news_state (core, member, before);
}

/* Applies an event and its consequences, and publishes the change. FALSE: the state ignores the event. */
static gboolean
trust_change (BusCore *core, BusMember *member, BusMemberEvent event, const char *cause)
{
  const BusMemberState before = member->state;

  if (!trust_step (core, member, event, cause))
    return FALSE;
  if (member->state == BUS_MEMBER_READY && before != BUS_MEMBER_READY)
    trust_examine (core, member);
  trust_publish (core, member, before);
  return TRUE;
}

/* --- protection --- */

/* Returns the member to release for an operation that @left may have left without a READY member: of those that are set aside,
 * the one whose time ends first. NULL: another member is READY, or none is set aside. */
static BusMember *
trust_find_release (BusWork *work, const BusMember *left, const BusAbility *ability)
{
  const GPtrArray *members = bus_registry_members_of (work, ability->name.text);
  BusMember *first = NULL;

  for (guint i = 0; members != NULL && i < members->len; i++)
    {
      BusMember *other = g_ptr_array_index (members, i);

      if (!trust_is_capable (left, other, ability))
        continue;
      if (other->state == BUS_MEMBER_READY)
        return NULL;
      if (other->state == BUS_MEMBER_SET_ASIDE && (first == NULL || other->held_until_us < first->held_until_us))
        first = other;
    }
  return first;
}

/* A member is protected if it is needed at the time when it fails too often. The last READY member may leave later; without
 * this function all tasks of its operations would then wait until the first hold ends, which may take task_max_hold_us. Releasing
 * all members that are set aside would undo the protection, because they are set aside for their failures. So one of them is
 * released: the one whose time ends first, since it would be the first to return anyway. It is probed, that is it gets one task at
 * a time, until its time is over.
 *
 * is_probed is set before the event. On its way to READY the member is checked again while its hold is still in force, and only
 * a probed member passes this check. The loop is over operations, because two operations may need two different members. */
void
bus_trust_withdrawn (BusCore *core, const BusMember *member, const GPtrArray *abilities)
{
  for (guint i = 0; i < abilities->len; i++)
    {
      const BusAbility *ability = g_ptr_array_index (abilities, i);
      BusMember *released;

      if (member->state == BUS_MEMBER_READY && bus_member_ability (member, ability->name.text) != NULL)
        continue;
      released = trust_find_release (core->work, member, ability);
      if (released == NULL)
        continue;
      released->is_probed = TRUE;
      trust_change (core, released, BUS_MEMBER_ON_HOLD_OVER,
                    "no other collector is ready for one of its operations: it gets one task at a time");
    }
}

void
bus_trust_apply (BusCore *core, BusMember *member, BusMemberEvent event, const char *cause)
{
  const BusMemberState before = member->state;

  if (trust_change (core, member, event, cause) && before == BUS_MEMBER_READY)
    bus_trust_withdrawn (core, member, member->abilities);
}

/* --- holds --- */

static void
trust_hold (BusCore *core, BusMember *member, const char *cause)
{
  const BusLimits *limits = &core->limits;
  const BusMemberState before = member->state;

  bus_past_hold (member->past, (gint64) limits->task_hold_us, (gint64) limits->task_max_hold_us, core->now_us);
  trust_enforce_hold (core, member, cause);
  trust_publish (core, member, before);
  if (member->state == before)
    bus_member_news_record (core, member);
  else
    bus_trust_withdrawn (core, member, member->abilities);
}

void
bus_trust_strike (BusCore *core, BusMember *member, const char *cause)
{
  if (member->state != BUS_MEMBER_GONE && bus_past_strike (member->past, core->now_us))
    trust_hold (core, member, cause);
}

/* A member that deregistered has no past any more, and its answer may follow its deregistration. */
void
bus_trust_completed (BusCore *core, BusMember *member)
{
  if (member->state != BUS_MEMBER_GONE)
    bus_past_completed (member->past);
}

void
bus_trust_hold_due (BusCore *core, BusMember *member)
{
  member->held_until_us = 0;
  member->is_probed = FALSE;
  if (member->state == BUS_MEMBER_SET_ASIDE)
    {
      bus_trust_apply (core, member, BUS_MEMBER_ON_HOLD_OVER, "the time for which it was set aside is over");
      return;
    }
  if (member->state == BUS_MEMBER_READY)
    member->cause[0] = '\0';
  bus_registry_note_changed (core->work, member);
  bus_member_news_record (core, member);
}

/* --- health, slots --- */

static void
trust_review (BusCore *core, BusMember *member)
{
  const char *doubt = trust_find_doubt (member);

  bus_registry_note_changed (core->work, member);
  if (doubt != NULL && member->state == BUS_MEMBER_READY)
    bus_trust_apply (core, member, BUS_MEMBER_ON_DOUBT, doubt);
  else if (doubt == NULL && member->state == BUS_MEMBER_SUSPECT)
    bus_trust_apply (core, member, BUS_MEMBER_ON_TRUST, "it answers again");
}

void
bus_trust_slots (BusCore *core, BusMember *member)
{
  trust_review (core, member);
}

void
bus_trust_health (BusCore *core, BusMember *member)
{
  trust_review (core, member);
}

/* --- registration --- */

static gboolean
trust_serves (BusCore *core, const BusMember *member)
{
  g_autofree char *topic = g_strconcat ("control.collector.task.", member->type, ".", member->id, NULL);
  g_autoptr (GPtrArray) servers = bus_router_all_servers (core, wire_span_str (topic), member->peer);

  return servers->len > 0;
}

void
bus_trust_served (BusCore *core, BusMember *member)
{
  const gboolean is_serving = trust_serves (core, member);

  if (is_serving == member->is_serving)
    return;
  member->is_serving = is_serving;
  bus_registry_note_changed (core->work, member); /* even if its state stays the same: its claims may be decided now */
  if (is_serving)
    bus_trust_apply (core, member, BUS_MEMBER_ON_SERVE, "");
  else
    bus_trust_apply (core, member, BUS_MEMBER_ON_UNSERVE, "it does not serve its task topic");
}

void
bus_trust_registered (BusCore *core, BusMember *member)
{
  BusPast *past = member->past;
  const gboolean is_too_often = bus_past_registered (past, member->incarnation, core->now_us);

  member->is_serving = FALSE;
  member->is_probed = FALSE;
  if ((is_too_often || bus_past_dies_at_work (past)) && !bus_past_is_held (past, core->now_us))
    bus_past_hold (past, (gint64) core->limits.task_hold_us, (gint64) core->limits.task_max_hold_us, core->now_us);
  member->held_until_us = bus_past_is_held (past, core->now_us) ? past->held_until_us : 0;
  if (member->held_until_us > 0)
    bus_deadline_arm (&core->deadlines, &member->hold_timer.deadline, member->held_until_us);
  else
    bus_deadline_disarm (&core->deadlines, &member->hold_timer.deadline);
  bus_member_news_registered (core, member);
  bus_registry_note_changed (core->work, member);
  core->work->member_states_changed = TRUE;
  bus_trust_served (core, member);
}

void
bus_trust_stop_timer (BusCore *core, BusMember *member)
{
  bus_deadline_disarm (&core->deadlines, &member->hold_timer.deadline);
}
