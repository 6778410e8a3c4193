/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-answers.h"
#include "deye-bus-gather.h"

/*
 * A question to many collectors: a stream of answers that ends with a manifest.
 *
 * deye-bus-gather.c decodes and keeps the answers; deye-bus-gather-calls.c has the calls that wait.
 *
 * Invariant: there is at most one answer for each entry, and exactly one for each entry that the manifest counts as answered.
 * If this is violated, the question ends with an error. Answers that have arrived are kept however the question ends.
 */

struct _DeyeBusGather
{
  GObject parent_instance;

  DeyeBusAnswers *stream;    /* NULL: not made by gather_begin() */
  GPtrArray *kept;           /* of DeyeBusGatherAnswer, for get_answers() */
  GHashTable *answered;      /* indexes of the entries whose answer has arrived */
  DeyeBusManifest *manifest; /* NULL: none, or none yet */
  gboolean ended;
  GError *error; /* when @ended: NULL: the answers meet the requirement of the question */
};

/* @stream: transfer full */
DeyeBusGather *deye_bus_gather_new (DeyeBusAnswers *stream);

/* Takes @message, which was read from the stream. Returns the answer in it, transfer full. NULL: it contains no answer; the
 * caller reads the next message. */
DeyeBusGatherAnswer *deye_bus_gather_take (DeyeBusGather *self, DeyeBusMessage *message);
/* A read returned no message, with or without @error. TRUE: the stream has ended. FALSE: only the read has failed, and @error
 * is not taken. */
gboolean deye_bus_gather_take_end (DeyeBusGather *self, GError **error);
/* TRUE: the question has ended, and its requirement is met. */
gboolean deye_bus_gather_check (DeyeBusGather *self, GError **error);
