/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-fixture.h"

#include "ctl-json-parse.h"
#include "ctl-json-text.h"

#include <string.h>

GBytes *
ctl_fixture_set (const char *variable)
{
  g_autoptr (GError) error = NULL;
  char *contents = NULL;
  gsize len = 0;

  g_assert_nonnull (g_getenv (variable));
  g_file_get_contents (g_getenv (variable), &contents, &len, &error);
  g_assert_no_error (error);
  return g_bytes_new_take (contents, len);
}

CtlTypes *
ctl_fixture_types (void)
{
  static const char *const variables[] = { "CTL_BUS_SET", "CTL_ZOO_SET" };
  CtlTypes *types = ctl_types_new ();

  for (guint i = 0; i < G_N_ELEMENTS (variables); i++)
    {
      g_autoptr (GBytes) set = ctl_fixture_set (variables[i]);
      g_autoptr (GError) error = NULL;

      ctl_types_add_set (types, set, &error);
      g_assert_no_error (error);
    }
  return types;
}

const ProtobufCMessageDescriptor *
ctl_fixture_type (CtlTypes *types, const char *full_name)
{
  const ProtobufCMessageDescriptor *type = ctl_types_find (types, full_name);

  g_assert_nonnull (type);
  return type;
}

GBytes *
ctl_fixture_pack (const ProtobufCMessageDescriptor *type, const char *json, GError **error)
{
  g_autoptr (GError) parse_error = NULL;
  g_autoptr (CtlJsonValue) value = ctl_json_parse (json, strlen (json), &parse_error);

  g_assert_no_error (parse_error);
  return ctl_json_to_payload (type, value, error);
}

char *
ctl_fixture_unpack (const ProtobufCMessageDescriptor *type, GBytes *payload, GError **error)
{
  g_autoptr (JsonNode) node = ctl_json_from_payload (type, payload, error);

  return node != NULL ? ctl_json_text (node, FALSE) : NULL;
}
