/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-gather-answer-private.h"

#include "deye-bus-extent-private.h"
#include "deye-bus-pack.h"
#include "gather.pb-c.h"

typedef Daemoneye__Eventbus__V1__GatherAnswer Answer;

struct _DeyeBusGatherAnswer
{
  gatomicrefcount refs;
  const Answer *message;
  WireGuard *guard; /* owns @message; NULL: @payload owns it */
  GBytes *payload;
  DeyeBusExtent *extent; /* NULL: not set */
};

G_DEFINE_BOXED_TYPE (DeyeBusGatherAnswer,
                     deye_bus_gather_answer,
                     deye_bus_gather_answer_ref,
                     deye_bus_gather_answer_unref)

static gboolean
answer_is_valid (const Answer *message)
{
  return *message->id != '\0' && message->outcome != NULL
         && message->outcome->kind == DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED;
}

/* A small payload is a part of the unpacked message, and keeps it. */
static GBytes *
answer_keep_small (const Answer *message, WireGuard *guard)
{
  return g_bytes_new_with_free_func (message->outcome->payload.data, message->outcome->payload.len,
                                     (GDestroyNotify) wire_guard_free, guard);
}

DeyeBusGatherAnswer *
deye_bus_gather_answer_new (DeyeBusMessage *message)
{
  static const guint path[] = { 5, 3, 0 }; /* the payload of the outcome */
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (WireGuard) guard
      = deye_bus_unpack_apart (&daemoneye__eventbus__v1__gather_answer__descriptor, message, path, &payload);
  const Answer *answer_message = guard != NULL ? wire_guard_message (guard) : NULL;
  DeyeBusGatherAnswer *answer;

  if (answer_message == NULL || !answer_is_valid (answer_message))
    return NULL;
  answer = g_new0 (DeyeBusGatherAnswer, 1);
  g_atomic_ref_count_init (&answer->refs);
  answer->message = answer_message;
  answer->extent = deye_bus_extent_new_from_message (answer_message->outcome->extent);
  if (payload != NULL)
    {
      answer->guard = g_steal_pointer (&guard);
      answer->payload = g_steal_pointer (&payload);
    }
  else
    answer->payload = answer_keep_small (answer_message, g_steal_pointer (&guard));
  return answer;
}

DeyeBusGatherAnswer *
deye_bus_gather_answer_ref (DeyeBusGatherAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, NULL);

  g_atomic_ref_count_inc (&answer->refs);
  return answer;
}

void
deye_bus_gather_answer_unref (DeyeBusGatherAnswer *answer)
{
  g_return_if_fail (answer != NULL);

  if (!g_atomic_ref_count_dec (&answer->refs))
    return;
  g_clear_pointer (&answer->extent, deye_bus_extent_unref);
  g_bytes_unref (answer->payload);
  wire_guard_free (answer->guard);
  g_free (answer);
}

/* --- reading --- */

const char *
deye_bus_gather_answer_get_id (const DeyeBusGatherAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, NULL);
  return answer->message->id;
}

guint64
deye_bus_gather_answer_get_incarnation (const DeyeBusGatherAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, 0);
  return answer->message->incarnation;
}

guint
deye_bus_gather_answer_get_index (const DeyeBusGatherAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, 0);
  return answer->message->index;
}

guint
deye_bus_gather_answer_get_attempt (const DeyeBusGatherAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, 0);
  return answer->message->attempt;
}

GBytes *
deye_bus_gather_answer_dup_payload (const DeyeBusGatherAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, NULL);
  return g_bytes_ref (answer->payload);
}

const char *
deye_bus_gather_answer_get_payload_type (const DeyeBusGatherAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, NULL);
  return *answer->message->outcome->payload_type != '\0' ? answer->message->outcome->payload_type : NULL;
}

DeyeBusExtent *
deye_bus_gather_answer_dup_extent (const DeyeBusGatherAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, NULL);
  return answer->extent != NULL ? deye_bus_extent_ref (answer->extent) : NULL;
}
