/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-answers.h"
#include "deye-bus-gather.h"

/*
 * A question: a stream of answers that is decoded as it is read, and that ends with a manifest.
 *
 * deye-bus-gather.c decodes and keeps; deye-bus-gather-calls.c has the calls that wait.
 *
 * Invariant: there is one answer for each entry at most, and one for each entry that the manifest counts as answered; otherwise the
 * question ends with an error. No end drops an answer that has arrived.
 */

struct _DeyeBusGather
{
  GObject parent_instance;

  DeyeBusAnswers *stream;    /* NULL: not made by gather_begin() */
  GPtrArray *kept;           /* of DeyeBusGatherAnswer, for get_answers() */
  GHashTable *answered;      /* indexes of the entries whose answer has arrived */
  DeyeBusManifest *manifest; /* NULL: none, or none yet */
  gboolean ended;
  GError *error; /* when @ended: NULL: the answers are what the question requires */
};

/* @stream: transfer full */
DeyeBusGather *deye_bus_gather_new (DeyeBusAnswers *stream);

/* The stream has given @message. Returns its answer, transfer full. NULL: it is none; then the next one is to be read, if there is
 * one. */
DeyeBusGatherAnswer *deye_bus_gather_take (DeyeBusGather *self, DeyeBusMessage *message);
/* The stream gave nothing, with or without @error. TRUE: that is its end. FALSE: only the call failed, and @error is not taken. */
gboolean deye_bus_gather_take_end (DeyeBusGather *self, GError **error);
/* TRUE: the question ended as it requires. */
gboolean deye_bus_gather_check (DeyeBusGather *self, GError **error);
