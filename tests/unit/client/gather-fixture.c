/* SPDX-License-Identifier: Apache-2.0 */
#include "gather-fixture.h"

#define ENTRIES_MAX 8u

static void
pack_and_reply (GByteArray *out, guint8 flags, guint32 status, const ProtobufCMessage *message)
{
  g_autofree guint8 *bytes = g_malloc (protobuf_c_message_get_packed_size (message) + 1);

  gather_script_reply (out, flags, status, bytes, protobuf_c_message_pack (message, bytes));
}

void
gather_script_reply (GByteArray *out, guint8 flags, guint32 status, const void *payload, gsize len)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.answers = GATHER_REQUEST;
  envelope.sender = WIRE_SPAN_LITERAL ("bus");
  envelope.payload = wire_span (payload, len);
  envelope.status = status;
  script_frame (out, WIRE_KIND_REPLY, flags, &envelope);
}

void
gather_script_answer (GByteArray *out, guint index, const char *id, const char *payload, ScriptExtent *extent)
{
  g_autofree char *own_id = g_strdup (id);
  g_autofree char *own_payload = g_strdup (payload);
  char type[] = "org.example.Rows";
  ScriptAnswer answer = DAEMONEYE__EVENTBUS__V1__GATHER_ANSWER__INIT;
  Daemoneye__Eventbus__V1__Outcome outcome = DAEMONEYE__EVENTBUS__V1__OUTCOME__INIT;

  answer.index = index;
  answer.id = own_id;
  answer.incarnation = 77;
  answer.attempt = 1;
  answer.outcome = &outcome;
  outcome.kind = DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED;
  outcome.payload = (ProtobufCBinaryData){ strlen (payload), (guint8 *) own_payload };
  outcome.payload_type = type;
  outcome.extent = extent;
  pack_and_reply (out, WIRE_FLAG_PROGRESS, WIRE_STATUS_OK, &answer.base);
}

/* --- the manifest --- */

static guint32 *
manifest_count (ScriptManifest *manifest, guint answer)
{
  guint32 *counts[] = { NULL,
                        &manifest->answered,
                        &manifest->empty,
                        &manifest->failed,
                        &manifest->timed_out,
                        &manifest->died,
                        &manifest->cancelled,
                        &manifest->refused,
                        &manifest->never_asked };

  return counts[answer];
}

static gboolean
manifest_has_all (const ScriptManifest *manifest)
{
  return manifest->expected > 0 && manifest->answered + manifest->empty == manifest->expected
         && manifest->truncated == 0;
}

ScriptManifest *
gather_script_manifest (const ScriptEntry *entries, gboolean is_met)
{
  static ScriptManifest manifest;
  static ScriptMember members[ENTRIES_MAX];
  static ScriptMember *listed[ENTRIES_MAX];
  static ScriptExtent extents[ENTRIES_MAX];

  daemoneye__eventbus__v1__manifest__init (&manifest);
  for (guint i = 0; entries[i].id != NULL; i++)
    {
      listed[i] = &members[i];
      daemoneye__eventbus__v1__manifest_member__init (&members[i]);
      daemoneye__eventbus__v1__extent__init (&extents[i]);
      members[i].index = i;
      members[i].id = (char *) (guintptr) entries[i].id;
      members[i].answer = (Daemoneye__Eventbus__V1__AnswerClass) entries[i].answer;
      members[i].never_asked = (Daemoneye__Eventbus__V1__NeverAsked) entries[i].never_asked;
      if (entries[i].text != NULL)
        members[i].text = (char *) (guintptr) entries[i].text;
      extents[i].is_truncated = entries[i].truncated;
      extents[i].rows = 1;
      members[i].extent = &extents[i];
      manifest.expected++;
      ++*manifest_count (&manifest, entries[i].answer);
      manifest.truncated += entries[i].truncated ? 1 : 0;
    }
  manifest.members = listed;
  manifest.n_members = manifest.expected;
  manifest.roster_is_sure = TRUE;
  manifest.verdict = manifest_has_all (&manifest) ? DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_COMPLETE
                                                  : DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_PARTIAL;
  manifest.is_met = is_met;
  return &manifest;
}

void
gather_script_end (GByteArray *out, const ScriptManifest *manifest)
{
  pack_and_reply (out, WIRE_FLAG_FINAL, manifest->is_met ? WIRE_STATUS_OK : WIRE_STATUS_PARTIAL, &manifest->base);
}
