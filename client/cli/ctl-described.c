/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-described.h"

#include "terminal-text.h"
#include "deye-bus-pack.h"

#include <glib/gi18n.h>

/* Time limit for peers that are asked although their answer may not be needed: a peer that hangs must not delay the user. */
#define PATIENCE_US      (2 * G_TIME_SPAN_SECOND)
#define ASKED_AT_ONCE    32u /* below the broker's max_pending_requests */
#define FAILURE_LASTS_US (5 * G_TIME_SPAN_SECOND)
#define SETS_MAX         64u /* sets of descriptors taken from one peer */

static void
description_free (gpointer data)
{
  CtlDescription *description = data;

  g_clear_pointer (&description->guard, wire_guard_free);
  g_clear_pointer (&description->types, ctl_types_free);
  g_clear_error (&description->error);
  g_free (description->peer);
  g_free (description);
}

const CtlServices *
ctl_description_services (const CtlDescription *description)
{
  return description->guard != NULL ? wire_guard_message (description->guard) : NULL;
}

/* --- the list --- */

/* A failure expires after FAILURE_LASTS_US, so that the peer is asked again. */
static CtlDescription *
described_find (Ctl *ctl, const char *peer)
{
  for (guint i = 0; ctl->described != NULL && i < ctl->described->len; i++)
    {
      CtlDescription *description = g_ptr_array_index (ctl->described, i);

      if (!g_str_equal (description->peer, peer))
        continue;
      if (description->error == NULL || g_get_monotonic_time () - description->asked_us < FAILURE_LASTS_US)
        return description;
      g_ptr_array_remove_index (ctl->described, i);
      return NULL;
    }
  return NULL;
}

static CtlDescription *
described_add (Ctl *ctl, const char *peer)
{
  CtlDescription *description = g_new0 (CtlDescription, 1);

  description->peer = g_strdup (peer);
  description->asked_us = g_get_monotonic_time ();
  if (ctl->described == NULL)
    ctl->described = g_ptr_array_new_with_free_func (description_free);
  g_ptr_array_add (ctl->described, description);
  return description;
}

void
ctl_described_trim (Ctl *ctl, guint most)
{
  for (guint i = 0; ctl->described != NULL && i < ctl->described->len && ctl->described->len > most;)
    if (((const CtlDescription *) g_ptr_array_index (ctl->described, i))->pending)
      i++;
    else
      g_ptr_array_remove_index (ctl->described, i);
}

/* --- the answer --- */

/* A set that can't be read leaves its types unknown; the rest of the description is used. Only the first such set is
 * reported. */
static void
description_learn_types (CtlDescription *description, const CtlServices *services)
{
  g_autoptr (GError) error = NULL;

  description->types = ctl_types_new ();
  for (size_t i = 0; i < MIN (services->n_types, SETS_MAX); i++)
    {
      g_autoptr (GBytes) set = g_bytes_new (services->types[i].data, services->types[i].len);

      if (!ctl_types_add_set (description->types, set, error == NULL ? &error : NULL))
        continue;
    }
  if (error != NULL)
    {
      g_autofree char *why = terminal_text_safe (error->message);

      g_printerr (_ ("deyebusctl: ignoring the types of %s: %s\n"), description->peer, why);
    }
}

/* Takes ownership of @error. */
static void
description_take_answer (CtlDescription *description, DeyeBusMessage *reply, GError *error)
{
  description->pending = FALSE;
  description->error = error;
  if (reply == NULL)
    return;
  description->guard = deye_bus_unpack (&daemoneye__eventbus__v1__introspect_reply__descriptor, reply);
  if (description->guard != NULL)
    description_learn_types (description, wire_guard_message (description->guard));
  else
    ctl_fail (&description->error, CTL_EXIT_FAILED, _ ("The reply of %s can't be read"), description->peer);
}

/* --- the question --- */

typedef struct
{
  char *topic;
  DeyeBusOptions *options;
  GBytes *payload;
} DescribeRequest;

static void
describe_request_clear (DescribeRequest *question)
{
  g_free (question->topic);
  deye_bus_options_free (question->options);
  g_clear_pointer (&question->payload, g_bytes_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DescribeRequest, describe_request_clear)

static void
describe_request_init (DescribeRequest *question,
                       const Ctl *ctl,
                       const char *peer,
                       gboolean patient,
                       gboolean without_types)
{
  gboolean is_bus = g_str_equal (peer, CTL_BUS_ID);
  Daemoneye__Eventbus__V1__IntrospectRequest request;

  daemoneye__eventbus__v1__introspect_request__init (&request);
  request.without_types = without_types;
  question->payload = deye_bus_pack (&request.base);
  question->topic = is_bus ? g_strdup ("control.bus.describe") : g_strconcat ("control.collector.", peer, NULL);
  question->options = ctl_call_options (ctl);
  deye_bus_options_set_type_name (question->options, request.base.descriptor->name);
  if (!is_bus)
    {
      deye_bus_options_set_target (question->options, peer);
      deye_bus_options_set_method (question->options, "Introspect");
    }
  if (!patient)
    deye_bus_options_set_timeout (question->options, MIN (PATIENCE_US, ctl_time_left_us (ctl)));
}

static DeyeBusMessage *
described_ask (Ctl *ctl, const char *peer, gboolean patient, gboolean without_types, GError **error)
{
  g_auto (DescribeRequest) question = { NULL, NULL, NULL };

  if (!ctl_connect (ctl, error))
    return NULL;
  describe_request_init (&question, ctl, peer, patient, without_types);
  return deye_bus_client_request (ctl->client, question.topic, question.payload, question.options, NULL, error);
}

/* TRUE: the request failed because the types made the reply too large. It is then repeated without types: names alone are useful,
 * and the types of the library are always known. */
static gboolean
described_is_too_large (const GError *error)
{
  g_autofree char *name = error != NULL ? deye_bus_error_get_name (error) : NULL;

  return g_strcmp0 (name, "TooLarge") == 0 || g_error_matches (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
}

const CtlDescription *
ctl_described_get (Ctl *ctl, const char *peer, gboolean patient)
{
  CtlDescription *description = described_find (ctl, peer);
  g_autoptr (DeyeBusMessage) reply = NULL;
  GError *error = NULL;

  if (description != NULL)
    return description;
  reply = described_ask (ctl, peer, patient, FALSE, &error);
  if (reply == NULL && described_is_too_large (error))
    {
      g_clear_error (&error);
      reply = described_ask (ctl, peer, patient, TRUE, &error);
    }
  description = described_add (ctl, peer);
  description_take_answer (description, reply, error);
  return description;
}

/* --- without waiting --- */

typedef struct
{
  Ctl *ctl;
  char *peer;
  CtlDescribedFunc done;
  gpointer data;
} DescribeTask;

static void
described_on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree DescribeTask *background = data;
  g_autofree char *peer = background->peer;
  CtlDescription *description = described_find (background->ctl, peer);
  GError *error = NULL;
  g_autoptr (DeyeBusMessage) reply = deye_bus_client_request_finish (DEYE_BUS_CLIENT (source), result, &error);

  if (description != NULL)
    description_take_answer (description, reply, error);
  else
    g_clear_error (&error);
  background->ctl->asking--;
  if (!background->ctl->ending)
    background->done (background->data);
}

gboolean
ctl_described_want (Ctl *ctl, const char *peer, CtlDescribedFunc done, gpointer data)
{
  const CtlDescription *known = described_find (ctl, peer);
  g_auto (DescribeRequest) question = { NULL, NULL, NULL };
  DescribeTask *background;

  if (known != NULL)
    return !known->pending;
  described_add (ctl, peer)->pending = TRUE;
  describe_request_init (&question, ctl, peer, FALSE, FALSE);
  ctl->asking++;
  background = g_new0 (DescribeTask, 1);
  *background = (DescribeTask){ ctl, g_strdup (peer), done, data };
  deye_bus_client_request_async (ctl->client, question.topic, question.payload, question.options, NULL,
                                 described_on_answer, background);
  return FALSE;
}

static void
described_count_down (gpointer data)
{
  --*(guint *) data;
}

static void
described_wait_below (const guint *pending, guint n)
{
  while (*pending >= n)
    g_main_context_iteration (NULL, TRUE);
}

void
ctl_described_ask_all (Ctl *ctl, const CtlTree *peers)
{
  guint pending = 0;

  for (guint i = 0; i < peers->entries->len; i++)
    {
      const CtlPeer *peer = g_ptr_array_index (peers->entries, i);

      if (ctl_is_own_id (ctl, peer->id) || described_find (ctl, peer->id) != NULL)
        continue;
      described_wait_below (&pending, ASKED_AT_ONCE);
      pending++;
      if (ctl_described_want (ctl, peer->id, described_count_down, &pending))
        pending--;
    }
  described_wait_below (&pending, 1);
}
