/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-option-fields.h"

#include "wire-feature.h"
#include "wire-frame.h"

#define FIELDS_MAX 1024u /* longer ones are encoded for each message */

/* A publish is not plain if the session keeps a state for it (a retained message, or one that may be sent again), or if a field
 * differs for each message (hops contain the time of the call). */
static gboolean
option_fields_are_plain (const DeyeBusOptions *options, const DeyeBusEncodedCall *encoded)
{
  return deye_bus_options_check (options, NULL) && options->retain == DEYE_BUS_RETAIN_NONE && !options->at_least_once
         && !options->hold && !options->want_hops && encoded->head_len - WIRE_FRAME_HEADER_LEN <= FIELDS_MAX
         && deye_bus_encoded_call_check (encoded, G_MAXUINT32, NULL);
}

static DeyeBusOptionFields *
option_fields_new (const DeyeBusOptions *options)
{
  const DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH, .topic = "", .target = "", .options = options };
  DEYE_BUS_UNINITIALIZED DeyeBusEncodedCall encoded; /* set by deye_bus_call_encode() */
  DeyeBusOptionFields *fields;
  gboolean plain;
  gsize len;

  deye_bus_call_encode (&call, 0, &encoded);
  plain = option_fields_are_plain (options, &encoded);
  len = plain ? encoded.head_len - WIRE_FRAME_HEADER_LEN : 0;
  fields = g_malloc (sizeof *fields + len);
  fields->plain = plain;
  fields->len = len;
  fields->features = wire_feature_of_frame (WIRE_KIND_PUBLISH, 0, &encoded.envelope);
  if (plain)
    wire_envelope_write (&encoded.envelope, fields->bytes);
  return fields;
}

const DeyeBusOptionFields *
deye_bus_option_fields (const DeyeBusOptions *options)
{
  DeyeBusOptionFields **place = (DeyeBusOptionFields **) &options->fields;
  DeyeBusOptionFields *fields = g_atomic_pointer_get (place);

  if (G_UNLIKELY (fields == NULL))
    {
      fields = option_fields_new (options);
      if (!g_atomic_pointer_compare_and_exchange (place, NULL, fields))
        {
          g_free (fields);
          fields = g_atomic_pointer_get (place);
        }
    }
  return fields->plain ? fields : NULL;
}
