/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-adoption.h"

#include "peer/bus-account.h"
#include "peer/bus-state.h"
#include "work/bus-attempt.h"
#include "work/bus-course.h"
#include "work/bus-gather-entry.h"
#include "work/bus-member-news.h"
#include "work/bus-registry.h"
#include "work/bus-work.h"

gint64
bus_adoption_end_us (const BusCore *core)
{
  return core->started_us + (gint64) core->limits.task_recovery_us;
}

/* --- the task of a claim --- */

/* Returns the task of a claim; NULL: there is none. A claim does not name the account of its task, but the hash in the token
 * identifies it. */
static BusTask *
adoption_find_task (const BusCore *core, const BusClaim *claim, const BusTokenParts *parts)
{
  const WireSpan id = wire_span_str (claim->task_id);
  GHashTableIter iter;
  gpointer account;

  g_hash_table_iter_init (&iter, core->accounts);
  while (g_hash_table_iter_next (&iter, NULL, &account))
    {
      BusTask *task = bus_task_store_find (&core->work->tasks, ((const BusAccount *) account)->number, id);

      if (task != NULL && parts->task_hash == bus_token_task_hash (wire_span_str (task->account->name), id))
        return task;
    }
  return NULL;
}

static gboolean
adoption_is_holder (const BusTask *task, const BusMember *member)
{
  return task->holder != NULL && strcmp (task->holder, member->id) == 0;
}

/* --- one claim --- */

/* Gives the task to the member. If the member does not serve its task topic yet, the task waits for it: otherwise another
 * member would get the task in the meantime, and both would work on it. This hold lasts task_offer_us, and there is only one
 * between two leases: a member that registers again and again and never serves the topic could otherwise block its task
 * forever. */
static BusClaimState
adoption_give (BusCore *core, BusMember *member, const BusClaim *claim, BusTask *task, gint64 now_us)
{
  if (!task->was_claimed)
    bus_course_await_holder (core, task, now_us + (gint64) core->limits.task_offer_us);
  task->was_claimed = TRUE;
  if (task->is_awaited)
    task->claimed_by = member->registration_id;
  if (!bus_attempt_adopt (core, task, member, claim, now_us))
    return BUS_CLAIM_WAITS; /* it does not serve its task topic yet */
  core->work->claims_adopted++;
  return BUS_CLAIM_SETTLED;
}

/* The member still has a lease of the task, because it has registered again on the same connection. */
static BusClaimState
adoption_confirm (BusCore *core, const BusClaim *claim, BusLease *lease, gint64 now_us)
{
  if (lease->member->state == BUS_MEMBER_GONE)
    return BUS_CLAIM_WAITS; /* the lease of its former registration is not settled yet */
  if (claim->is_finished)
    return BUS_CLAIM_SETTLED; /* its answer is on the way */
  return bus_attempt_claim (core, lease, now_us) ? BUS_CLAIM_SETTLED : BUS_CLAIM_FENCED;
}

/* TRUE if the claim is about the newest lease. A member that was adopted keeps the token of its claim until Execute{adopt}
 * arrives, which may be lost with the connection, so this token counts as well. */
static gboolean
adoption_is_newest (const BusTask *task, const BusClaim *claim)
{
  const WireSpan token = wire_span (claim->token, claim->token_len);

  return bus_token_equal (task->token, token) || bus_token_equal (task->claimed_token, token);
}

/* TRUE if this broker has leased the task. Then no claim of an older lease counts, not even one of the previous broker. */
static gboolean
adoption_was_leased (const BusTask *task)
{
  static const guint8 none[BUS_TOKEN_LEN] = { 0 };

  return memcmp (task->token, none, BUS_TOKEN_LEN) != 0;
}

/* TRUE if the attempt is over although its token is the newest: the member has answered, or was asked to stop when the run limit
 * was over. A late result still counts. If the limit was over while the member was disconnected, the attempt has not expired yet:
 * it is adopted, and expires at once, so that the expiry is counted. */
static gboolean
adoption_is_spent (const BusTask *task, const BusClaim *claim, gint64 now_us)
{
  if (task->state != BUS_TASK_QUEUED)
    return FALSE;
  return task->is_answered || (task->is_expired && task->run_due_us <= now_us && !claim->is_finished);
}

/* Decides a claim of a task with a token of this broker, or with the token by which the task was adopted. */
static BusClaimState
adoption_take_current (BusCore *core, BusMember *member, const BusClaim *claim, BusTask *task, gint64 now_us)
{
  gboolean is_newest = adoption_is_newest (task, claim);

  if (!is_newest || adoption_is_spent (task, claim, now_us) || !adoption_is_holder (task, member))
    bus_course_on (core, task, BUS_TASK_ON_STALE, member->id, now_us);
  else if (task->lease != NULL)
    return adoption_confirm (core, claim, task->lease, now_us);
  else if (task->state == BUS_TASK_QUEUED)
    return adoption_give (core, member, claim, task, now_us);
  else
    bus_course_on (core, task, BUS_TASK_ON_CLAIM, member->id, now_us); /* refused, and counted */
  if (claim->is_finished)
    bus_gather_refused (task);
  return BUS_CLAIM_FENCED;
}

static BusClaimState
adoption_refuse (BusCore *core)
{
  core->work->claims_unmatched++;
  return BUS_CLAIM_FENCED;
}

/* Decides one claim. The broker must not accept two members for one task, and should not throw away work that can still be
 * used. Comparing the attempts is not enough: if an offer is not answered, the next offer, to another member, begins the same
 * attempt, and the leases of an earlier broker have the same numbers, too. So the token decides, in this order:
 *
 * - A claim with a token of this broker counts only if the token is that of the newest lease, and otherwise is fenced. The same
 *   rule applies to the token of an earlier broker by which the task was adopted.
 * - Any other claim of a task that this broker has leased is fenced, because a member has got the task since.
 * - A claim of an earlier broker is accepted if the task was submitted again with the same holder and attempt.
 * - If the task was not submitted again yet, the claim waits until the recovery window ends: the submitter may take longer to
 *   reconnect than the collector.
 * - Every other claim is fenced. */
static BusClaimState
adoption_take (BusCore *core, BusMember *member, const BusClaim *claim, gint64 now_us)
{
  BusTokenParts parts;
  BusTask *task = NULL;
  gboolean is_token = bus_token_read (wire_span (claim->token, claim->token_len), &parts);

  if (is_token && parts.attempt == claim->attempt)
    task = adoption_find_task (core, claim, &parts);
  if (task != NULL && (parts.epoch == core->epoch || adoption_is_newest (task, claim)))
    return adoption_take_current (core, member, claim, task, now_us);
  if (task != NULL && adoption_was_leased (task))
    return adoption_refuse (core);
  if (task != NULL && task->is_awaited && task->attempt == claim->attempt && adoption_is_holder (task, member))
    return adoption_give (core, member, claim, task, now_us);
  if (is_token && parts.epoch != core->epoch && now_us < bus_adoption_end_us (core))
    return BUS_CLAIM_WAITS;
  return adoption_refuse (core);
}

/* --- all claims of a member --- */

/* Decides the claims that wait. @id: (nullable): only those of such a task */
static void
adoption_review (BusCore *core, BusMember *member, const char *id, gint64 now_us)
{
  for (guint i = 0; member->claims != NULL && i < member->claims->len; i++)
    {
      BusClaim *claim = &g_array_index (member->claims, BusClaim, i);

      if (claim->state == BUS_CLAIM_WAITS && (id == NULL || strcmp (claim->task_id, id) == 0))
        claim->state = adoption_take (core, member, claim, now_us);
    }
}

void
bus_adoption_forget_settled (BusMember *member)
{
  for (guint i = member->claims != NULL ? member->claims->len : 0; i-- > 0;)
    if (g_array_index (member->claims, BusClaim, i).state != BUS_CLAIM_WAITS)
      g_array_remove_index (member->claims, i);
}

static void
adoption_report (BusCore *core, BusMember *member)
{
  if (member->claims != NULL && member->claims->len > 0)
    bus_member_news_fence (core, member, (const BusClaim *) (gconstpointer) member->claims->data, member->claims->len);
  bus_adoption_forget_settled (member);
}

void
bus_adoption_fence (BusCore *core, const BusLease *lease)
{
  const BusTask *task = lease->task;
  const WireSpan id = bus_task_id (task);
  g_autofree char *text = g_strndup ((const char *) id.data, id.len);
  BusClaim claim = { .task_id = text, .attempt = lease->attempt, .state = BUS_CLAIM_FENCED };

  claim.token_len = BUS_TOKEN_LEN;
  memcpy (claim.token, task->claimed_token, BUS_TOKEN_LEN);
  bus_member_news_fence (core, lease->member, &claim, 1);
}

/* --- the events --- */

static gboolean
adoption_has_waiting (const BusMember *member)
{
  for (guint i = 0; member->claims != NULL && i < member->claims->len; i++)
    if (g_array_index (member->claims, BusClaim, i).state == BUS_CLAIM_WAITS)
      return TRUE;
  return FALSE;
}

static void
adoption_arm_window (BusCore *core, const BusMember *member, gint64 now_us)
{
  BusTimer *timer = &core->work->recovery_timer;

  if (now_us >= bus_adoption_end_us (core) || !adoption_has_waiting (member))
    return;
  timer->kind = BUS_TIMER_RECOVERY;
  timer->owner = core;
  bus_deadline_arm (&core->deadlines, &timer->deadline, bus_adoption_end_us (core));
}

/* Tasks that wait for @member, and that it does not claim, stop waiting: it has lost them. */
static void
adoption_release_unclaimed (BusCore *core, const BusMember *member)
{
  const GQueue *tasks = bus_awaited_find (&core->work->awaited, member->key.text);
  GList *next;

  for (GList *link = tasks != NULL ? tasks->head : NULL; link != NULL; link = next)
    {
      BusTask *task = link->data;

      next = link->next;
      if (task->claimed_by != member->registration_id)
        bus_course_stop_awaiting (core, task);
    }
}

void
bus_adoption_registered (BusCore *core, BusMember *member, gint64 now_us)
{
  adoption_review (core, member, NULL, now_us);
  adoption_arm_window (core, member, now_us);
  adoption_release_unclaimed (core, member);
}

void
bus_adoption_continue (BusCore *core, BusMember *member, gint64 now_us)
{
  adoption_review (core, member, NULL, now_us);
  adoption_report (core, member);
}

void
bus_adoption_resubmitted (BusCore *core, BusTask *task, gint64 now_us)
{
  BusMember *member = bus_registry_find (core->work, wire_span_str (task->holder));
  g_autofree char *id = NULL;

  if (member == NULL)
    return;
  id = g_strndup ((const char *) bus_task_id (task).data, bus_task_id (task).len);
  adoption_review (core, member, id, now_us);
  if (task->is_awaited && task->claimed_by != member->registration_id)
    bus_course_stop_awaiting (core, task);
  adoption_report (core, member);
}

void
bus_adoption_window_over (BusCore *core, gint64 now_us)
{
  g_autoptr (GPtrArray) members = bus_registry_all (core->work);

  for (guint i = 0; i < members->len; i++)
    bus_adoption_continue (core, g_ptr_array_index (members, i), now_us);
}
