/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-fixture.h"
#include "ctl-type-map.h"

#include <collection.pb-c.h>
#include <control.pb-c.h>
#include <descriptor-subset.pb-c.h>
#include <envelope.pb-c.h>
#include <health.pb-c.h>
#include <string.h>
#include <task.pb-c.h>

/* Tests of the registry of types: sets that protoc made must give the same types as protoc-c, and bad sets must be refused. */

/* --- sets made by hand --- */

typedef Daemoneye__Descriptor__FileDescriptorSet FileSetProto;
typedef Daemoneye__Descriptor__FileDescriptorProto FileProto;
typedef Daemoneye__Descriptor__DescriptorProto MessageProto;
typedef Daemoneye__Descriptor__FieldDescriptorProto FieldProto;
typedef Daemoneye__Descriptor__EnumDescriptorProto EnumProto;
typedef Daemoneye__Descriptor__EnumValueDescriptorProto ValueProto;

/* One proto3 file with message "m.M" of two fields and enum "m.E" of two values; tests break it. */
typedef struct
{
  FileSetProto set;
  FileProto file, *files[2];
  MessageProto message, *messages[1];
  FieldProto a, b, *fields[2];
  EnumProto e, *enums[1];
  ValueProto zero, one, *values[2];
  Daemoneye__Descriptor__MessageOptions options;
  Daemoneye__Descriptor__OneofDescriptorProto oneof, *oneofs[1];
} Made;

static char *
text (const char *constant)
{
  return (char *) (guintptr) constant; /* messages are only packed */
}

static void
make_field (FieldProto *field, const char *name, int number, int type, const char *type_name)
{
  daemoneye__descriptor__field_descriptor_proto__init (field);
  field->name = text (name);
  field->number = number;
  field->label = 1;
  field->type = type;
  field->type_name = text (type_name);
}

static void
make_value (ValueProto *value, const char *name, int number)
{
  daemoneye__descriptor__enum_value_descriptor_proto__init (value);
  value->name = text (name);
  value->number = number;
}

static void
make (Made *made)
{
  daemoneye__descriptor__file_descriptor_set__init (&made->set);
  daemoneye__descriptor__file_descriptor_proto__init (&made->file);
  daemoneye__descriptor__descriptor_proto__init (&made->message);
  daemoneye__descriptor__enum_descriptor_proto__init (&made->e);
  daemoneye__descriptor__message_options__init (&made->options);
  daemoneye__descriptor__oneof_descriptor_proto__init (&made->oneof);
  make_field (&made->a, "a", 1, 5, "");
  make_field (&made->b, "b", 2, 14, ".m.E");
  make_value (&made->zero, "ZERO", 0);
  make_value (&made->one, "ONE", 1);
  made->fields[0] = &made->a;
  made->fields[1] = &made->b;
  made->values[0] = &made->zero;
  made->values[1] = &made->one;
  made->files[0] = made->files[1] = &made->file;
  made->messages[0] = &made->message;
  made->enums[0] = &made->e;
  made->oneofs[0] = &made->oneof;
  made->set.n_file = made->file.n_message_type = made->file.n_enum_type = 1;
  made->set.file = made->files;
  made->file.name = text ("m.proto");
  made->file.package = text ("m");
  made->file.syntax = text ("proto3");
  made->file.message_type = made->messages;
  made->file.enum_type = made->enums;
  made->message.name = text ("M");
  made->message.field = made->fields;
  made->message.n_field = 2;
  made->e.name = text ("E");
  made->e.value = made->values;
  made->e.n_value = 2;
}

static gboolean
add_made (CtlTypes *types, const Made *made, GError **error)
{
  gsize len = daemoneye__descriptor__file_descriptor_set__get_packed_size (&made->set);
  guint8 *bytes = g_malloc (len + 1);
  g_autoptr (GBytes) set = NULL;

  daemoneye__descriptor__file_descriptor_set__pack (&made->set, bytes);
  set = g_bytes_new_take (bytes, len);
  return ctl_types_add_set (types, set, error);
}

static void
assert_refused (const Made *made, const char *problem)
{
  g_autoptr (CtlTypes) types = ctl_types_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = NULL;

  g_assert_false (add_made (types, made, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  if (strstr (error->message, problem) == NULL)
    g_error ("'%s' instead of '%s'", error->message, problem);
  names = ctl_types_list (types);
  g_assert_cmpuint (names->len, ==, 0);
}

/* --- tests --- */

static void
test_list (void)
{
  g_autoptr (CtlTypes) types = ctl_fixture_types ();
  g_autoptr (GPtrArray) names = ctl_types_list (types);
  gboolean leaf = FALSE;

  for (guint i = 0; i < names->len; i++)
    {
      const char *name = g_ptr_array_index (names, i);

      g_assert_nonnull (ctl_types_find (types, name));
      g_assert_false (g_str_has_suffix (name, "Entry"));
      g_assert_true (i == 0 || strcmp (g_ptr_array_index (names, i - 1), name) < 0);
      leaf |= strcmp (name, "daemoneye.zoo.Tree.Leaf") == 0;
    }
  g_assert_true (leaf);
  g_assert_null (ctl_types_find (types, "daemoneye.zoo.Kind"));
  g_assert_null (ctl_types_find (types, "nothing"));
  g_assert_true (ctl_type_is_map_entry (ctl_fixture_type (types, "daemoneye.zoo.Maps.CountsEntry")));
}

static void
compare_ranges (const ProtobufCIntRange *a, const ProtobufCIntRange *b, guint n)
{
  for (guint i = 0; a != NULL && i <= n; i++)
    {
      g_assert_cmpint (a[i].start_value, ==, b[i].start_value);
      g_assert_cmpuint (a[i].orig_index, ==, b[i].orig_index);
    }
}

static void
compare_types (const ProtobufCMessageDescriptor *built, const ProtobufCMessageDescriptor *generated, guint depth)
{
  g_assert_cmpstr (built->name, ==, generated->name);
  g_assert_cmpstr (built->short_name, ==, generated->short_name);
  g_assert_cmpstr (built->package_name, ==, generated->package_name);
  g_assert_cmpuint (built->n_fields, ==, generated->n_fields);
  g_assert_cmpuint (built->n_field_ranges, ==, generated->n_field_ranges);
  compare_ranges (built->field_ranges, generated->field_ranges, built->n_field_ranges);
  for (guint i = 0; i < built->n_fields; i++)
    {
      const ProtobufCFieldDescriptor *a = &built->fields[i], *b = &generated->fields[i];

      g_assert_cmpuint (built->fields_sorted_by_name[i], ==, generated->fields_sorted_by_name[i]);
      g_assert_cmpstr (a->name, ==, b->name);
      g_assert_cmpuint (a->id, ==, b->id);
      g_assert_cmpint ((int) a->label, ==, (int) b->label);
      g_assert_cmpint ((int) a->type, ==, (int) b->type);
      g_assert_cmpuint (a->flags, ==, b->flags);
      g_assert_cmpuint (a->offset % 8, ==, 0);
      g_assert_cmpuint (a->offset, <, built->sizeof_message);
      g_assert_true ((a->descriptor == NULL) == (b->descriptor == NULL));
      if (a->type == PROTOBUF_C_TYPE_STRING && a->label == PROTOBUF_C_LABEL_NONE
          && !(a->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
        g_assert_true (a->default_value == b->default_value);
      if (a->type == PROTOBUF_C_TYPE_MESSAGE && depth < 8)
        compare_types (a->descriptor, b->descriptor, depth + 1);
    }
}

static const ProtobufCMessageDescriptor *const generated_types[] = {
  &daemoneye__eventbus__v1__hello__descriptor,         &daemoneye__eventbus__v1__process_record__descriptor,
  &daemoneye__eventbus__v1__process_table__descriptor, &daemoneye__eventbus__v1__process_event__descriptor,
  &daemoneye__eventbus__v1__stats_reply__descriptor,   &daemoneye__eventbus__v1__peer_event__descriptor,
  &daemoneye__eventbus__v1__ping_request__descriptor,  &daemoneye__descriptor__file_descriptor_set__descriptor,
};

static void
test_same_as_generated (void)
{
  g_autoptr (CtlTypes) types = ctl_fixture_types ();

  for (guint i = 0; i < G_N_ELEMENTS (generated_types); i++)
    compare_types (ctl_fixture_type (types, generated_types[i]->name), generated_types[i], 0);
}

/* The built type unpacks the bytes of the generated type and packs the same bytes: the set of types itself, twice. */
static void
test_same_bytes (void)
{
  static const char *const variables[] = { "CTL_BUS_SET", "CTL_ZOO_SET" };
  g_autoptr (CtlTypes) types = ctl_fixture_types ();
  const ProtobufCMessageDescriptor *type = ctl_fixture_type (types, "daemoneye.descriptor.FileDescriptorSet");

  for (guint i = 0; i < G_N_ELEMENTS (variables); i++)
    {
      g_autoptr (GBytes) set = ctl_fixture_set (variables[i]);
      gsize len = 0;
      const guint8 *data = g_bytes_get_data (set, &len);
      FileSetProto *generated = daemoneye__descriptor__file_descriptor_set__unpack (NULL, len, data);
      ProtobufCMessage *built = protobuf_c_message_unpack (type, NULL, len, data);
      gsize packed_len = daemoneye__descriptor__file_descriptor_set__get_packed_size (generated);
      g_autofree guint8 *a = g_malloc (packed_len), *b = g_malloc (packed_len);

      g_assert_cmpuint (protobuf_c_message_get_packed_size (built), ==, packed_len);
      g_assert_true (protobuf_c_message_check (built));
      daemoneye__descriptor__file_descriptor_set__pack (generated, a);
      protobuf_c_message_pack (built, b);
      g_assert_cmpmem (a, packed_len, b, packed_len);
      daemoneye__descriptor__file_descriptor_set__free_unpacked (generated, NULL);
      protobuf_c_message_free_unpacked (built, NULL);
    }
}

static void
test_enums (void)
{
  g_autoptr (CtlTypes) types = ctl_fixture_types ();
  const ProtobufCMessageDescriptor *type = ctl_fixture_type (types, "daemoneye.zoo.Scalars");
  const ProtobufCEnumDescriptor *kind = protobuf_c_message_descriptor_get_field_by_name (type, "kind")->descriptor;

  g_assert_cmpstr (kind->name, ==, "daemoneye.zoo.Kind");
  g_assert_cmpuint (kind->n_values, ==, 5);
  g_assert_cmpuint (kind->n_value_names, ==, 6);
  g_assert_cmpuint (kind->n_value_ranges, ==, 4); /* -3, 0 and 1, 5, 2147483647 */
  g_assert_cmpint (protobuf_c_enum_descriptor_get_value_by_name (kind, "KIND_HOUND")->value, ==, 5);
  g_assert_cmpstr (protobuf_c_enum_descriptor_get_value (kind, 5)->name, ==, "KIND_DOG");
  g_assert_cmpstr (protobuf_c_enum_descriptor_get_value (kind, -3)->name, ==, "KIND_NEGATIVE");
  g_assert_null (protobuf_c_enum_descriptor_get_value (kind, 2));
}

static gconstpointer
default_of (const ProtobufCMessageDescriptor *type, const char *name)
{
  gconstpointer value = protobuf_c_message_descriptor_get_field_by_name (type, name)->default_value;

  g_assert_nonnull (value);
  return value;
}

static void
test_defaults (void)
{
  g_autoptr (CtlTypes) types = ctl_fixture_types ();
  const ProtobufCMessageDescriptor *old = ctl_fixture_type (types, "daemoneye.zoo2.Old");
  const ProtobufCBinaryData *raw = default_of (old, "raw");

  g_assert_cmpstr (default_of (old, "greeting"), ==, "hello\n\"you\"");
  g_assert_cmpmem (raw->data, raw->len, "a\0b\377\n\\", 6);
  g_assert_cmpint (*(const gint32 *) default_of (old, "size"), ==, 1);
  g_assert_true (*(const double *) default_of (old, "real") < -G_MAXDOUBLE);
  g_assert_true (*(const float *) default_of (old, "narrow") == -1.5f);
  g_assert_true (*(const protobuf_c_boolean *) default_of (old, "yes"));
  g_assert_cmpint (*(const gint64 *) default_of (old, "far"), ==, G_MININT64);
  g_assert_cmpuint (*(const guint64 *) default_of (old, "high"), ==, G_MAXUINT64);
}

static void
test_add_twice (void)
{
  g_autoptr (CtlTypes) types = ctl_types_new ();
  g_autoptr (GError) error = NULL;
  const ProtobufCMessageDescriptor *type;
  Made made;

  make (&made);
  g_assert_true (add_made (types, &made, NULL));
  type = ctl_types_find (types, "m.M");
  g_assert_nonnull (type);
  g_assert_true (add_made (types, &made, NULL));
  g_assert_true (ctl_types_find (types, "m.M") == type);

  /* The same type in another file. */
  made.file.name = text ("n.proto");
  g_assert_false (add_made (types, &made, &error));
  g_assert_cmpstr (error->message, ==, "type m.E is defined twice");

  /* Another file that refers to a type of an earlier set. */
  made.message.name = text ("N");
  made.file.n_enum_type = 0;
  g_assert_true (add_made (types, &made, NULL));
  g_assert_true (ctl_types_find (types, "m.N")->fields[1].descriptor == type->fields[1].descriptor);
}

static void
test_set_adds_all_or_nothing (void)
{
  g_autoptr (CtlTypes) types = ctl_types_new ();
  g_autoptr (GError) error = NULL;
  FileProto other;
  Made made;

  make (&made);
  other = made.file;
  other.name = text ("other.proto");
  other.package = text ("other");
  other.syntax = text ("editions");
  made.files[1] = &other;
  made.set.n_file = 2;
  g_assert_false (add_made (types, &made, &error));
  g_assert_null (ctl_types_find (types, "m.M"));
  made.set.n_file = 1;
  g_assert_true (add_made (types, &made, NULL));
}

/* Asserts the error for a set that is valid except for @change. */
#define REFUSED(change, problem)                                                                                       \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    make (&made);                                                                                                      \
    change;                                                                                                            \
    assert_refused (&made, problem);                                                                                   \
  }                                                                                                                    \
  G_STMT_END

static void
test_refused_fields (void)
{
  Made made;

  REFUSED (made.a.number = 0, "number is out of range");
  REFUSED (made.a.number = 1 << 29, "number is out of range");
  REFUSED (made.a.number = -1, "number is out of range");
  REFUSED (made.a.number = 2, "two fields of number 2");
  REFUSED (made.a.name = text ("b"), "two fields of name b");
  REFUSED (made.a.name = text ("1b"), "the name is not valid");
  REFUSED (made.a.name = text ("\x1b[31m"), "\\033");
  REFUSED (made.a.type = 10, "groups");
  REFUSED (made.a.type = 0, "unknown type");
  REFUSED (made.a.type = 19, "unknown type");
  REFUSED (made.a.type = -7, "unknown type");
  REFUSED (made.a.type_name = text (".m.E"), "a scalar field names a type");
  REFUSED (made.b.type_name = text (".m.X"), "is not defined");
  REFUSED (made.b.type_name = text ("E"), "is not defined");
  REFUSED (made.b.type = 11, "another kind");
  REFUSED (made.a.label = 0, "neither optional");
  REFUSED (made.a.label = 2, "proto3 does not support");
  REFUSED (made.a.default_value = text ("5"), "can't have a default");
  REFUSED (made.file.syntax = text (""); made.a.default_value = text ("x"), "default can't");
  REFUSED (made.a.oneof_presence_case = 9; made.a.oneof_index = 0, "oneof is not defined");
}

static void
test_refused_types (void)
{
  g_autofree char *long_name = g_strnfill (CTL_TYPES_NAME_MAX, 'x');
  Made made;

  REFUSED (made.message.name = text (""), "is not a valid name");
  REFUSED (made.message.name = text ("E"), "defined twice");
  REFUSED (made.message.name = long_name, "too long");
  REFUSED (made.file.name = text (""), "without a name");
  REFUSED (made.file.package = text ("a..b"), "package");
  REFUSED (made.file.syntax = text ("editions"), "syntax");
  REFUSED (made.e.n_value = 0, "no values");
  REFUSED (made.one.name = text ("ZERO"), "twice");
  REFUSED (made.options.map_entry = TRUE; made.message.options = &made.options, "a map");
  REFUSED (made.options.message_set_wire_format = TRUE; made.message.options = &made.options, "message sets");
}

static void
test_bounds (void)
{
  g_autofree guint8 *zeros = g_malloc0 (CTL_TYPES_SET_MAX + 1);
  g_autoptr (CtlTypes) types = ctl_types_new ();
  g_autoptr (GBytes) large = g_bytes_new_static (zeros, CTL_TYPES_SET_MAX + 1), empty = g_bytes_new (NULL, 0);
  g_autoptr (GError) error = NULL;
  guint n;

  g_assert_true (ctl_types_add_set (types, empty, NULL));
  g_assert_false (ctl_types_add_set (types, large, &error));
  g_assert_nonnull (strstr (error->message, "larger than 1048576"));
  g_clear_error (&error);
  for (n = 0; error == NULL; n++)
    {
      g_autofree char *name = g_strdup_printf ("f%u.proto", n), *package = g_strdup_printf ("p%u", n);
      Made made;

      make (&made);
      made.file.name = name;
      made.file.package = package;
      made.b.type = 5;
      made.b.type_name = text ("");
      add_made (types, &made, &error);
    }
  g_assert_cmpstr (error->message, ==, "more than 4096 files");
  g_assert_cmpuint (n, ==, CTL_TYPES_FILES_MAX + 1);
}

/* Nested messages: those within the limit of the guard are accepted, and a bomb is refused. */
static void
test_nesting (void)
{
  for (guint depth = 1; depth < 40; depth++)
    {
      g_autofree MessageProto *levels = g_new0 (MessageProto, depth);
      g_autofree MessageProto **pointers = g_new0 (MessageProto *, depth);
      g_autoptr (CtlTypes) types = ctl_types_new ();
      g_autoptr (GError) error = NULL;
      Made made;

      make (&made);
      for (guint i = 0; i < depth; i++)
        {
          daemoneye__descriptor__descriptor_proto__init (&levels[i]);
          levels[i].name = text ("L");
          pointers[i] = &levels[i];
          if (i > 0)
            {
              levels[i - 1].nested_type = &pointers[i];
              levels[i - 1].n_nested_type = 1;
            }
        }
      made.messages[0] = &levels[0];
      if (depth <= 5)
        g_assert_true (add_made (types, &made, NULL));
      else if (!add_made (types, &made, &error))
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
      else
        g_assert_cmpuint (depth, <=, CTL_TYPES_NESTING_MAX);
    }
}

/* Uses the built types: every type is walked, packed as an empty message and converted to JSON. */
static void
exercise (CtlTypes *types)
{
  g_autoptr (GPtrArray) names = ctl_types_list (types);

  for (guint i = 0; i < names->len; i++)
    {
      const ProtobufCMessageDescriptor *type = ctl_types_find (types, g_ptr_array_index (names, i));
      g_autoptr (GBytes) payload = ctl_fixture_pack (type, "{}", NULL);
      g_autofree char *json = payload != NULL ? ctl_fixture_unpack (type, payload, NULL) : NULL;
      g_autoptr (GBytes) again = json != NULL ? ctl_fixture_pack (type, json, NULL) : NULL;

      if (payload != NULL && type->n_fields <= 64)
        g_assert_true (again != NULL && json != NULL);
    }
}

static void
try_bytes (const guint8 *data, gsize len)
{
  g_autofree guint8 *copy = g_memdup2 (data, len); /* exactly as long, for the sanitizer */
  g_autoptr (GBytes) set = g_bytes_new_static (copy, len);
  g_autoptr (CtlTypes) types = ctl_types_new ();
  g_autoptr (GError) error = NULL;

  if (ctl_types_add_set (types, set, &error))
    {
      g_assert_no_error (error);
      exercise (types);
      g_assert_true (ctl_types_add_set (types, set, NULL));
    }
  else
    {
      g_autoptr (GPtrArray) names = ctl_types_list (types);

      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_cmpuint (names->len, ==, 0);
    }
}

static void
test_hostile_sets (void)
{
  g_autoptr (GBytes) set = ctl_fixture_set ("CTL_ZOO_SET");
  g_autoptr (GRand) rand = g_rand_new_with_seed (20240601);
  gsize len = 0;
  const guint8 *data = g_bytes_get_data (set, &len);

  for (gsize i = 0; i <= len; i++)
    try_bytes (data, i);
  for (guint i = 0; i < 12000; i++)
    {
      g_autofree guint8 *copy = g_memdup2 (data, len);
      gint32 n = g_rand_int_range (rand, 1, 4);

      for (gint32 j = 0; j < n; j++)
        {
          gsize at = (gsize) g_rand_int_range (rand, 0, (gint32) len);

          copy[at] = g_rand_boolean (rand) ? (guint8) g_rand_int_range (rand, 0, 256)
                                           : (guint8) (copy[at] ^ (1u << g_rand_int_range (rand, 0, 8)));
        }
      try_bytes (copy, len);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cli/types/list", test_list);
  g_test_add_func ("/cli/types/same-as-generated", test_same_as_generated);
  g_test_add_func ("/cli/types/same-bytes", test_same_bytes);
  g_test_add_func ("/cli/types/enums", test_enums);
  g_test_add_func ("/cli/types/defaults", test_defaults);
  g_test_add_func ("/cli/types/add-twice", test_add_twice);
  g_test_add_func ("/cli/types/all-or-nothing", test_set_adds_all_or_nothing);
  g_test_add_func ("/cli/types/refused-fields", test_refused_fields);
  g_test_add_func ("/cli/types/refused-types", test_refused_types);
  g_test_add_func ("/cli/types/bounds", test_bounds);
  g_test_add_func ("/cli/types/nesting", test_nesting);
  g_test_add_func ("/cli/types/F-hostile-sets", test_hostile_sets);
  return g_test_run ();
}
