/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-health.h"

#include "base/bus-text.h"

void
bus_health_begin (BusHealth *health, gint64 period_us, gint64 now_us)
{
  health->is_tracked = TRUE;
  health->state = health->before = BUS_HEALTH_HEALTHY;
  health->since_us = now_us;
  health->round_due_us = now_us + period_us;
  health->answered_us = health->queue_us = now_us;
}

void
bus_health_clear (BusHealth *health)
{
  g_clear_pointer (&health->units, g_ptr_array_unref);
}

gboolean
bus_health_on (BusHealth *health, BusHealthEvent event, gint64 now_us)
{
  const BusHealthStep *step = bus_health_step (health->state, event);

  g_assert (step->kind == BUS_HEALTH_STEP_NEXT || step->kind == BUS_HEALTH_STEP_IGNORED);
  if (step->kind == BUS_HEALTH_STEP_IGNORED)
    return FALSE;
  health->before = health->state;
  health->state = step->next;
  health->since_us = now_us;
  health->transitions++;
  return TRUE;
}

/* --- signals --- */

static void
health_miss (BusHealth *health, BusHealthSignal signal)
{
  health->missed[signal] = MIN (health->missed[signal] + 1, BUS_HEALTH_MISSES_MAX);
}

/* QUEUE is checked at the end of each round, but a round can be shorter than the period. So the interval of QUEUE can last several
 * rounds, and the time by which it exceeds the period counts for the next miss. */
static void
health_end_round_of_queue (BusHealth *health, gsize queued, gint64 period_us, gint64 now_us)
{
  if (health->was_queued && queued > 0 && !health->is_taken)
    {
      if (now_us - health->queue_us < period_us)
        return;
      health_miss (health, BUS_HEALTH_QUEUE);
      health->queue_us = MAX (health->queue_us + period_us, now_us - period_us);
      return;
    }
  health->missed[BUS_HEALTH_QUEUE] = 0;
  health->queue_us = now_us;
  health->was_queued = queued > 0;
  health->is_taken = FALSE;
}

gboolean
bus_health_end_round (BusHealth *health, guint64 received, gsize queued, gint64 period_us, gint64 now_us)
{
  const gboolean was_asked = health->is_asked;

  health_end_round_of_queue (health, queued, period_us, now_us);
  health->round_due_us = (health->is_answered ? health->answered_us : now_us) + period_us;
  if (!health->is_answered)
    {
      if (was_asked)
        health_miss (health, BUS_HEALTH_LOOP);
      if (was_asked && received == health->frames_before)
        health_miss (health, BUS_HEALTH_CONNECTION);
      health->is_asked = TRUE;
    }
  health->is_answered = FALSE;
  health->is_silent = health->missed[BUS_HEALTH_CONNECTION] > 0;
  health->frames_before = received;
  return health->is_asked && !was_asked;
}

void
bus_health_extend_round (BusHealth *health, gint64 more_us, gint64 now_us)
{
  health->round_due_us = now_us + more_us;
  health->queue_us = now_us;
}

static gboolean
health_end_misses (BusHealth *health, BusHealthSignal signal)
{
  const gboolean had_missed = health->missed[signal] > 0;

  health->missed[signal] = 0;
  return had_missed;
}

gboolean
bus_health_note_frame (BusHealth *health)
{
  health->is_silent = FALSE;
  return health_end_misses (health, BUS_HEALTH_CONNECTION);
}

gboolean
bus_health_answered (BusHealth *health, gint64 now_us)
{
  gboolean had_missed;

  health->is_answered = TRUE;
  health->is_asked = FALSE;
  health->answered_us = now_us;
  had_missed = bus_health_note_frame (health);
  return health_end_misses (health, BUS_HEALTH_LOOP) || had_missed;
}

gboolean
bus_health_taken (BusHealth *health)
{
  health->is_taken = TRUE;
  return health_end_misses (health, BUS_HEALTH_QUEUE);
}

guint
bus_health_missed (const BusHealth *health, BusHealthSignal *signal)
{
  BusHealthSignal worst = 0;

  for (BusHealthSignal other = 1; other < BUS_HEALTH_N_SIGNALS; other++)
    if (health->missed[other] > health->missed[worst])
      worst = other;
  if (signal != NULL)
    *signal = worst;
  return health->missed[worst];
}

/* --- units --- */

BusHealthUnit *
bus_health_unit_new (BusUnitHealth health, const char *name, const char *reason)
{
  BusHealthUnit *unit = g_new (BusHealthUnit, 1);

  unit->health = health;
  unit->name = bus_text_dup (name, BUS_HEALTH_NAME_MAX);
  unit->reason = bus_text_dup (reason, BUS_HEALTH_REASON_MAX);
  return unit;
}

void
bus_health_unit_free (gpointer unit)
{
  BusHealthUnit *self = unit;

  g_free (self->name);
  g_free (self->reason);
  g_free (self);
}

static gboolean
health_has_unit_at (const BusHealth *health, guint at, const BusHealthUnit *wanted)
{
  const BusHealthUnit *unit = g_ptr_array_index (health->units, at);

  return unit->health == wanted->health && g_str_equal (unit->name, wanted->name)
         && g_str_equal (unit->reason, wanted->reason);
}

static gboolean
health_has_units (const BusHealth *health, const GPtrArray *wanted)
{
  if (health->units == NULL || wanted == NULL)
    return health->units == wanted;
  if (health->units->len != wanted->len)
    return FALSE;
  for (guint i = 0; i < wanted->len; i++)
    if (!health_has_unit_at (health, i, g_ptr_array_index (wanted, i)))
      return FALSE;
  return TRUE;
}

gboolean
bus_health_set_units (BusHealth *health, GPtrArray *units, guint dropped)
{
  gboolean is_changed;

  if (units != NULL && units->len == 0)
    g_clear_pointer (&units, g_ptr_array_unref);
  is_changed = dropped != health->units_dropped || !health_has_units (health, units);
  bus_health_clear (health);
  health->units = units;
  health->units_dropped = dropped;
  return is_changed;
}

gsize
bus_health_units_size (const BusHealth *health)
{
  gsize size = 0;

  for (guint i = 0; health->units != NULL && i < health->units->len; i++)
    {
      const BusHealthUnit *unit = g_ptr_array_index (health->units, i);

      size += sizeof *unit + sizeof (gpointer) + strlen (unit->name) + strlen (unit->reason) + 2;
    }
  return size;
}

/* --- the reason --- */

static const BusHealthUnit *
health_find_worst (const BusHealth *health)
{
  const BusHealthUnit *worst = g_ptr_array_index (health->units, 0);

  for (guint i = 1; i < health->units->len; i++)
    {
      const BusHealthUnit *unit = g_ptr_array_index (health->units, i);

      if (unit->health > worst->health)
        worst = unit;
    }
  return worst;
}

static void
health_write_complaint (const BusHealth *health, char cause[BUS_HEALTH_CAUSE_MAX])
{
  const BusHealthUnit *unit = health_find_worst (health);
  const char *word = unit->health == BUS_UNIT_DEGRADED ? "degraded" : "unhealthy";

  g_snprintf (cause, BUS_HEALTH_CAUSE_MAX, "it reports that %s%s is %s%s%s", unit->name[0] != '\0' ? "its unit " : "it",
              unit->name, word, unit->reason[0] != '\0' ? ": " : "", unit->reason);
}

void
bus_health_cause (const BusHealth *health, char cause[BUS_HEALTH_CAUSE_MAX])
{
  static const char *const causes[BUS_HEALTH_N_SIGNALS] = {
    [BUS_HEALTH_CONNECTION] = "it sends nothing, and does not answer a PING",
    [BUS_HEALTH_QUEUE] = "it reads nothing, although messages wait for it",
    [BUS_HEALTH_LOOP] = "it sends messages, but does not answer a PING: its main loop hangs",
  };
  BusHealthSignal signal;

  if (health->state == BUS_HEALTH_HEALTHY)
    cause[0] = '\0';
  else if (bus_health_missed (health, &signal) > 0)
    g_strlcpy (cause, causes[signal], BUS_HEALTH_CAUSE_MAX);
  else if (health->units != NULL)
    health_write_complaint (health, cause);
  else
    g_strlcpy (cause, "no sign of life is missing at present; it is watched for some time before it counts as healthy",
               BUS_HEALTH_CAUSE_MAX);
}
