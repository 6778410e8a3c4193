/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-will.h"

#include "control.pb-c.h"
#include "core-view.h"
#include "sim-ops-private.h"
#include "wire-guard.h"

#include <string.h>

#define PAYLOAD_MOST  4096u /* repeats the number of the core on purpose */
#define PAYLOAD_USUAL 300u
#define NUMBER_MARK   (G_GUINT64_CONSTANT (1) << 63) /* no other message has it */

typedef enum
{
  SIM_WILL_FIRST = 1,
  SIM_WILL_REPLACES,
  SIM_WILL_REFUSED,
} SimWillAnswer;

SimWills *
sim_wills_new (void)
{
  SimWills *wills = g_new0 (SimWills, 1);

  wills->calls = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  wills->incarnations = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  return wills;
}

void
sim_wills_free (SimWills *wills)
{
  g_hash_table_unref (wills->calls);
  g_hash_table_unref (wills->incarnations);
  g_free (wills);
}

SimWill *
sim_will_of (const SimWorld *world, const SimClient *client)
{
  for (guint i = 0; i < SIM_RIVALS; i++)
    if (client == &world->rivals[i])
      return &world->wills->wills[SIM_CLIENTS + i];
  return &world->wills->wills[client->slot];
}

/* --- operations --- */

/* Draws the topic of the frame, and notes whether the broker has to refuse the call. */
static void
will_draw (SimWorld *world, const SimClient *client, SimFrame *frame)
{
  static const char *const refused[] = { "system.x", "events..x", "nobody.knows" };
  const gboolean is_procmond = client->role == SIM_COLLECTOR && client->type[0] == 'p';
  guint dice = sim_below (&world->random, 100);

  frame->topic = dice % 2 == 0                  ? "health.last"
                 : dice % 3 == 0 && is_procmond ? "events.process.last"
                                                : "control.health.diagnostics";
  frame->payload_len = 8 + sim_below (&world->random, PAYLOAD_USUAL);
  frame->is_retained = world->retains && sim_chance (&world->random, 50);
  if (dice < 5)
    frame->payload_len = PAYLOAD_MOST;
  else if (dice < 20)
    frame->topic = "";
  else if (dice < 25)
    frame->topic = refused[sim_below (&world->random, G_N_ELEMENTS (refused))];
  else if (dice < 28)
    frame->payload_len = PAYLOAD_MOST + 1;
  else if (dice < 32 && !world->retains)
    frame->is_retained = TRUE;
  frame->is_refused = (dice >= 20 && dice < 28) || (frame->is_retained && !world->retains && frame->topic[0] != '\0');
}

void
sim_will_run (SimWorld *world, SimClient *client)
{
  SimFrame frame = { .kind = SIM_FRAME_WILL };
  guint8 payload[PAYLOAD_MOST + 1] = { 0 };
  guint8 call[PAYLOAD_MOST + 200];
  Daemoneye__Eventbus__V1__WillRequest request;

  if (!sim_client_has_credit (client, WIRE_CLASS_CONTROL))
    return;
  will_draw (world, client, &frame);
  frame.message_id = client->next_id + 1;
  frame.number = NUMBER_MARK | (guint64) client->number << 32 | frame.message_id;
  memcpy (payload, &frame.number, sizeof frame.number);
  daemoneye__eventbus__v1__will_request__init (&request);
  request.topic = (char *) (gsize) frame.topic;
  request.payload.data = payload;
  request.payload.len = frame.payload_len;
  request.retain = frame.is_retained;
  sim_client_call (client, "control.bus.will",
                   wire_span (call, daemoneye__eventbus__v1__will_request__pack (&request, call)), &frame);
}

void
sim_will_send_goodbye (SimWorld *world, SimClient *client)
{
  sim_client_goodbye (client);
}

/* --- input of the broker --- */

void
sim_will_reached (SimWorld *world, const SimClient *client, const SimFrame *frame)
{
  SimWill *will = sim_will_of (world, client);
  guint64 call = (guint64) client->number << 32 | frame->message_id;
  SimWillAnswer answer = frame->is_refused ? SIM_WILL_REFUSED : will->is_left ? SIM_WILL_REPLACES : SIM_WILL_FIRST;

  g_hash_table_insert (world->wills->calls, g_memdup2 (&call, sizeof call), GUINT_TO_POINTER (answer));
  if (frame->is_refused)
    return;
  if (answer == SIM_WILL_REPLACES)
    sim_cover (world, frame->topic[0] != '\0' ? SIM_COVER_WILL_REPLACED : SIM_COVER_WILL_REMOVED);
  *will = (SimWill){ .is_left = frame->topic[0] != '\0',
                     .topic = frame->topic,
                     .number = frame->number,
                     .payload_len = frame->payload_len,
                     .retain = frame->is_retained };
}

void
sim_will_goodbye (SimWorld *world, const SimClient *client)
{
  SimWill *will = sim_will_of (world, client);

  will->sent_goodbye = TRUE;
  if (will->is_left)
    sim_cover (world, SIM_COVER_WILL_GOODBYE);
}

void
sim_will_shut_down (SimWorld *world)
{
  world->wills->is_stopping = TRUE;
}

gboolean
sim_will_is_due (const SimWorld *world, const SimClient *client)
{
  const SimWill *will = sim_will_of (world, client);

  return will->is_left && !will->was_published && !will->sent_goodbye && !world->wills->is_stopping;
}

/* A rival has the id of the client now. */
static gboolean
will_is_taken_over (const SimWorld *world, const SimClient *client)
{
  for (guint i = 0; i < SIM_RIVALS; i++)
    if (client != &world->rivals[i] && sim_view_is_ready (&world->rivals[i]) && world->rivals[i].slot == client->slot)
      return TRUE;
  return FALSE;
}

void
sim_will_gone (SimWorld *world, const SimClient *client)
{
  const SimWill *will = sim_will_of (world, client);

  if (will_is_taken_over (world, client))
    {
      if (will->was_replaced)
        sim_world_fail (world, "the last message of %s was published although its id was taken over", client->id);
      if (sim_will_is_due (world, client))
        sim_cover (world, SIM_COVER_WILL_TAKEN_OVER);
    }
  else if (sim_will_is_due (world, client))
    sim_world_fail (world, "%s has disconnected, but its last message was not published", client->id);
  *sim_will_of (world, client) = (SimWill){ .is_left = FALSE };
}

/* --- output of the broker --- */

void
sim_will_answered (const SimClient *client, const WireEnvelope *envelope, gboolean is_error)
{
  SimWorld *world = client->world;
  guint64 call = (guint64) client->number << 32 | envelope->answers;
  SimWillAnswer answer = GPOINTER_TO_UINT (g_hash_table_lookup (world->wills->calls, &call));
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__WillReply *reply;

  if (answer == 0)
    return;
  if (is_error != (answer == SIM_WILL_REFUSED))
    sim_world_fail (world, "a last message of %s was %s", client->id, is_error ? "refused" : "not refused");
  if (is_error)
    return;
  guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__will_reply__descriptor, envelope->payload, 0, NULL);
  reply = guard != NULL ? wire_guard_message (guard) : NULL;
  if (reply == NULL || (reply->replaced != 0) != (answer == SIM_WILL_REPLACES))
    sim_world_fail (world, "the answer to a last message of %s is wrong about a replacement", client->id);
}

void
sim_will_came (const SimClient *client, guint64 number, const WireEnvelope *envelope)
{
  const guint64 *incarnation = g_hash_table_lookup (client->world->wills->incarnations, &number);

  if ((number & NUMBER_MARK) == 0 || wire_span_equal (envelope->sender, WIRE_SPAN_LITERAL ("bus")))
    return; /* an event of the broker has no number */
  if (incarnation == NULL || *incarnation != envelope->incarnation)
    sim_world_fail (client->world, "a last message came to %s with the incarnation %" G_GUINT64_FORMAT, client->id,
                    envelope->incarnation);
}
