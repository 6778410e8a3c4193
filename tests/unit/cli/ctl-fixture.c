/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-fixture.h"

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

static GBytes *
protoc (const char *option, const char *type, GBytes *input)
{
  g_autofree char *what = g_strdup_printf ("--%s=%s", option, type);
  g_autofree char *path = g_strdup_printf ("--proto_path=%s:%s", g_getenv ("CTL_PROTO_DIR"), g_getenv ("CTL_ZOO_DIR"));
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  GBytes *output = NULL;

  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
                              g_getenv ("CTL_PROTOC"), what, path, "envelope.proto", "control.proto", "task.proto",
                              "health.proto", "collection.proto", "zoo.proto", "zoo2.proto", NULL);
  g_assert_no_error (error);
  g_subprocess_communicate (process, input, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_successful (process));
  return output;
}

GBytes *
ctl_fixture_protoc_encode (const char *type, const char *text)
{
  g_autoptr (GBytes) input = g_bytes_new (text, strlen (text));

  return protoc ("encode", type, input);
}

char *
ctl_fixture_protoc_decode (const char *type, GBytes *payload)
{
  g_autoptr (GBytes) output = protoc ("decode", type, payload);

  return g_strndup (g_bytes_get_size (output) > 0 ? g_bytes_get_data (output, NULL) : "", g_bytes_get_size (output));
}

GBytes *
ctl_fixture_pack (const ProtobufCMessageDescriptor *type, const char *json, GError **error)
{
  g_autoptr (GError) parse_error = NULL;
  g_autoptr (JsonNode) node = json_from_string (json, &parse_error);

  g_assert_no_error (parse_error);
  return ctl_json_to_payload (type, node, error);
}

char *
ctl_fixture_unpack (const ProtobufCMessageDescriptor *type, GBytes *payload, GError **error)
{
  g_autoptr (JsonNode) node = ctl_json_from_payload (type, payload, error);

  return node != NULL ? json_to_string (node, FALSE) : NULL;
}
