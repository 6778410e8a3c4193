/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-gather-private.h"

#include "deye-bus-answers-private.h"
#include "deye-bus-error-private.h"
#include "deye-bus-gather-answer-private.h"
#include "deye-bus-manifest-private.h"

#include <glib/gi18n-lib.h>

/*
 * The object of a question to many collectors: it decodes the replies in the stream of its request, keeps the answers, and
 * decides with which result the question ends.
 *
 * The broker's FINAL reply is the manifest. If the requirement is not met, this reply has the status PARTIAL. Then the stream
 * ends with an error, and the manifest is the payload of its last reply.
 */

G_DEFINE_FINAL_TYPE (DeyeBusGather, deye_bus_gather, G_TYPE_OBJECT)

static void
deye_bus_gather_init (DeyeBusGather *self)
{
  self->kept = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_gather_answer_unref);
  self->answered = g_hash_table_new (NULL, NULL);
}

static void
deye_bus_gather_dispose (GObject *object)
{
  DeyeBusGather *self = DEYE_BUS_GATHER (object);
  g_autoptr (DeyeBusAnswers) stream = g_steal_pointer (&self->stream);

  /* A waiting call has references to this object and to the stream, so it only exists in g_object_run_dispose(). It ends. */
  if (stream != NULL)
    g_object_run_dispose (G_OBJECT (stream));
  G_OBJECT_CLASS (deye_bus_gather_parent_class)->dispose (object);
}

static void
deye_bus_gather_finalize (GObject *object)
{
  DeyeBusGather *self = DEYE_BUS_GATHER (object);

  g_ptr_array_unref (self->kept);
  g_hash_table_unref (self->answered);
  g_clear_pointer (&self->manifest, deye_bus_manifest_unref);
  g_clear_error (&self->error);
  G_OBJECT_CLASS (deye_bus_gather_parent_class)->finalize (object);
}

static void
deye_bus_gather_class_init (DeyeBusGatherClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = deye_bus_gather_dispose;
  G_OBJECT_CLASS (klass)->finalize = deye_bus_gather_finalize;
}

DeyeBusGather *
deye_bus_gather_new (DeyeBusAnswers *stream)
{
  DeyeBusGather *self = g_object_new (DEYE_BUS_TYPE_GATHER, NULL);

  self->stream = stream;
  return self;
}

/* --- replies of the stream --- */

/* Ends the question with @error, unless it has one: the first error counts. Takes @error. */
static void
gather_fail (DeyeBusGather *self, GError *error)
{
  if (self->error == NULL)
    self->error = g_steal_pointer (&error);
  g_clear_error (&error);
}

static void
gather_fail_protocol (DeyeBusGather *self, const char *text)
{
  gather_fail (self, deye_bus_error_new (DEYE_BUS_ERROR_PROTOCOL, "%s", text));
}

static DeyeBusGatherAnswer *
gather_decode_answer (DeyeBusGather *self, DeyeBusMessage *message)
{
  g_autoptr (DeyeBusGatherAnswer) answer = deye_bus_gather_answer_new (message);

  if (answer == NULL)
    gather_fail_protocol (self, _ ("The broker sent an answer that cannot be read"));
  else if (g_hash_table_add (self->answered, GUINT_TO_POINTER (deye_bus_gather_answer_get_index (answer))))
    return g_steal_pointer (&answer);
  else
    gather_fail_protocol (self, _ ("The broker sent a second answer of one collector"));
  return NULL;
}

static void
gather_decode_manifest (DeyeBusGather *self, DeyeBusMessage *message)
{
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (message, &len);

  self->manifest = deye_bus_manifest_read (wire_span (bytes, len));
  if (self->manifest == NULL)
    gather_fail_protocol (self, _ ("The broker sent a manifest that cannot be read or contradicts itself"));
}

DeyeBusGatherAnswer *
deye_bus_gather_take (DeyeBusGather *self, DeyeBusMessage *message)
{
  if (!deye_bus_message_is_final (message))
    return gather_decode_answer (self, message);
  gather_decode_manifest (self, message);
  return NULL;
}

/* --- the end --- */

/* TRUE if every answer that the manifest counts has arrived. */
static gboolean
gather_has_all (DeyeBusGather *self)
{
  const DeyeBusManifest *manifest = self->manifest;

  for (guint i = 0; i < manifest->n_entries; i++)
    if (manifest->entries[i].answer == DEYE_BUS_ANSWER_CLASS_ANSWERED
        && !g_hash_table_contains (self->answered, GUINT_TO_POINTER (i)))
      return FALSE;
  return TRUE;
}

/* Decides the result of the question when its stream has ended. @error: of the stream, taken; NULL: success. */
static void
gather_set_result (DeyeBusGather *self, GError *error)
{
  if (error != NULL && self->manifest == NULL)
    gather_fail (self, g_steal_pointer (&error));
  g_clear_error (&error);
  if (self->manifest == NULL)
    gather_fail_protocol (self, _ ("The broker ended the question without a manifest"));
  else if (!gather_has_all (self))
    gather_fail_protocol (self, _ ("The broker counts an answer that it did not send"));
  else if (!self->manifest->is_met)
    gather_fail (self, deye_bus_manifest_error (self->manifest));
}

gboolean
deye_bus_gather_take_end (DeyeBusGather *self, GError **error)
{
  g_autoptr (DeyeBusMessage) last = NULL;

  if (self->stream == NULL || g_error_matches (*error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WRONG_THREAD)
      || !deye_bus_answers_is_exhausted (self->stream, &last))
    return FALSE;
  if (self->ended)
    {
      g_clear_error (error);
      return TRUE;
    }
  self->ended = TRUE;
  if (last != NULL && g_error_matches (*error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_PARTIAL))
    gather_decode_manifest (self, last);
  gather_set_result (self, g_steal_pointer (error));
  return TRUE;
}

gboolean
deye_bus_gather_check (DeyeBusGather *self, GError **error)
{
  if (self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));
  return self->error == NULL;
}

gboolean
deye_bus_gather_is_ended (DeyeBusGather *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_GATHER (self), TRUE);
  return self->ended || self->stream == NULL;
}

DeyeBusManifest *
deye_bus_gather_dup_manifest (DeyeBusGather *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_GATHER (self), NULL);
  return self->ended && self->manifest != NULL ? deye_bus_manifest_ref (self->manifest) : NULL;
}

/* --- the answers --- */

static gint
gather_compare (gconstpointer a, gconstpointer b)
{
  guint first = deye_bus_gather_answer_get_index (a), second = deye_bus_gather_answer_get_index (b);

  return first < second ? -1 : first > second;
}

static gboolean
gather_check_ended (DeyeBusGather *self, GError **error)
{
  if (self->ended)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING,
                       _ ("The question has not ended: take its answers with deye_bus_gather_next()"));
  return FALSE;
}

static GList *
gather_list (DeyeBusGather *self)
{
  GList *answers = NULL;

  for (guint i = 0; i < self->kept->len; i++)
    answers = g_list_prepend (answers, deye_bus_gather_answer_ref (self->kept->pdata[i]));
  return g_list_sort (answers, gather_compare);
}

GList *
deye_bus_gather_get_answers (DeyeBusGather *self, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_GATHER (self), NULL);

  if (!gather_check_ended (self, error) || !deye_bus_gather_check (self, error))
    return NULL;
  return gather_list (self);
}

GList *
deye_bus_gather_accept_partial (DeyeBusGather *self, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_GATHER (self), NULL);

  return gather_check_ended (self, error) ? gather_list (self) : NULL;
}
