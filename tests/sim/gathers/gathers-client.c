/* SPDX-License-Identifier: Apache-2.0 */
#include "gathers-world.h"

/*
 * The frames that a client receives: decodes them, and passes them to the functions of askers and collectors.
 */

void
gathers_client_reset (GathersClient *client)
{
  wire_frame_reader_clear (&client->reader);
  wire_frame_reader_init (&client->reader, 1u << 26);
  client->is_frozen = client->is_writable = FALSE;
  client->is_registered = client->is_draining = client->has_left = FALSE;
  client->next_id = 0;
  client->n_jobs = 0;
}

static void
client_handle_reply (GathersClient *client, guint8 flags, const WireEnvelope *envelope)
{
  if (client->slot >= GATHERS_ASKERS || gathers_model_find (client->world, client, envelope->answers) == NULL)
    return;
  if (flags & WIRE_FLAG_FINAL)
    gathers_model_got_manifest (client->world, client, envelope);
  else
    gathers_model_got_answer (client->world, client, envelope);
}

static void
client_answer_ping (GathersClient *client, const WireEnvelope *envelope)
{
  WireEnvelope pong;

  wire_envelope_init (&pong);
  pong.id = envelope->id;
  gathers_world_send (client, WIRE_KIND_PONG, 0, &pong,
                      &(const GathersInput){ .kind = GATHERS_INPUT_OTHER, .client = client });
}

static void
client_handle (GathersClient *client, const WireFrame *frame)
{
  WireEnvelope envelope;

  if (wire_envelope_read (frame->body, frame->kind, WIRE_FROM_BROKER, &envelope).status != WIRE_STATUS_OK)
    {
      gathers_fail (client->world, "the broker sent an envelope that cannot be read");
      return;
    }
  switch (frame->kind)
    {
    case WIRE_KIND_REQUEST:
      gathers_collector_got_execute (client, &envelope);
      break;
    case WIRE_KIND_CANCEL:
      gathers_collector_got_cancel (client, envelope.route_id);
      break;
    case WIRE_KIND_REPLY:
      client_handle_reply (client, frame->flags, &envelope);
      break;
    case WIRE_KIND_ERROR:
      gathers_model_got_error (client->world, client, &envelope);
      break;
    case WIRE_KIND_PING:
      client_answer_ping (client, &envelope);
      break;
    default:
      break;
    }
}

void
gathers_client_received (GathersClient *client, const guint8 *bytes, gsize len)
{
  WireSpan input = wire_span (bytes, len);
  WireFrame frame;
  WireFrameResult result;

  while (client->peer != NULL
         && (result = wire_frame_reader_next (&client->reader, &input, &frame)) == WIRE_FRAME_COMPLETE)
    if (frame.kind != WIRE_KIND_WELCOME && frame.kind != WIRE_KIND_GOODBYE)
      client_handle (client, &frame);
}
