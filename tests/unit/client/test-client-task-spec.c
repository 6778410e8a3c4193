/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-task-spec-private.h"

#include "deye-bus-error.h"

/* Specification of a task: setters with wrong values, copies, comparison and the message on the wire. */

static void
assert_refused (DeyeBusTaskSpec *spec, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (deye_bus_task_spec_check (spec, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, text));
  deye_bus_task_spec_unref (spec);
}

static void
test_wrong_names (void)
{
  static const char *const wrong[] = { "", "Scan", "a.b", "sp ace", "\xc3\xa4" };
  g_autofree char *too_long = g_strnfill (DEYE_BUS_TASK_NAME_MAX + 1, 'a');
  DeyeBusTaskSpec *spec;

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    assert_refused (deye_bus_task_spec_new (wrong[i]), "operation");
  assert_refused (deye_bus_task_spec_new (too_long), "operation");
  spec = deye_bus_task_spec_new ("scan");
  deye_bus_task_spec_set_id (spec, "a.b");
  deye_bus_task_spec_set_target (spec, "a b"); /* the first error is reported */
  assert_refused (spec, "The id");
  spec = deye_bus_task_spec_new ("scan");
  deye_bus_task_spec_set_target (spec, "a.b");
  assert_refused (spec, "target");
  spec = deye_bus_task_spec_new ("scan");
  deye_bus_task_spec_set_collector_type (spec, "");
  assert_refused (spec, "collector type");
}

static void
test_longest_names (void)
{
  g_autofree char *longest = g_strnfill (DEYE_BUS_TASK_NAME_MAX, 'a');
  g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_spec_new (longest);
  g_autoptr (GError) error = NULL;

  deye_bus_task_spec_set_id (spec, "the-id_0");
  g_assert_true (deye_bus_task_spec_check (spec, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (deye_bus_task_spec_get_operation (spec), ==, longest);
  g_assert_cmpstr (deye_bus_task_spec_get_id (spec), ==, "the-id_0");
}

static void
test_wrong_times (void)
{
  static void (*const setters[]) (DeyeBusTaskSpec *, gint64)
      = { deye_bus_task_spec_set_timeout, deye_bus_task_spec_set_delay, deye_bus_task_spec_set_run_limit };

  for (guint i = 0; i < G_N_ELEMENTS (setters); i++)
    {
      DeyeBusTaskSpec *spec = deye_bus_task_spec_new ("scan");

      setters[i](spec, -1);
      assert_refused (spec, "negative");
    }
}

/* 0 attempts mean neither the default nor an unlimited number. */
static void
test_no_attempts (void)
{
  DeyeBusTaskSpec *spec = deye_bus_task_spec_new ("scan");
  Daemoneye__Eventbus__V1__TaskSpec message;

  deye_bus_task_spec_fill (spec, &message);
  g_assert_cmpint (message.attempts_presence_case, ==, DAEMONEYE__EVENTBUS__V1__TASK_SPEC__ATTEMPTS_PRESENCE__NOT_SET);
  deye_bus_task_spec_set_attempts (spec, 0);
  assert_refused (spec, "0 attempts");
}

static void
test_wrong_tags (void)
{
  g_autofree char *too_long = g_strnfill (127, 'v');
  DeyeBusTaskSpec *spec = deye_bus_task_spec_new ("scan");

  deye_bus_task_spec_add_tag (spec, "a=b", "c");
  assert_refused (spec, "tag");
  spec = deye_bus_task_spec_new ("scan");
  deye_bus_task_spec_add_tag (spec, "k", too_long);
  assert_refused (spec, "128 bytes");
  spec = deye_bus_task_spec_new ("scan");
  for (guint i = 0; i < 17; i++)
    deye_bus_task_spec_add_tag (spec, "key", "value");
  assert_refused (spec, "16 tags");
  spec = deye_bus_task_spec_new ("scan");
  deye_bus_task_spec_set_payload (spec, NULL, "\xff");
  assert_refused (spec, "payload");
}

static DeyeBusTaskSpec *
new_full_spec (void)
{
  DeyeBusTaskSpec *spec = deye_bus_task_spec_new ("scan");
  g_autoptr (GBytes) payload = g_bytes_new_static ("pay", 3);

  deye_bus_task_spec_set_id (spec, "one");
  deye_bus_task_spec_set_collector_type (spec, "procmond");
  deye_bus_task_spec_set_target (spec, "procmond-1");
  deye_bus_task_spec_set_payload (spec, payload, "example.Pay");
  deye_bus_task_spec_set_priority (spec, 7);
  deye_bus_task_spec_set_timeout (spec, 1000);
  deye_bus_task_spec_set_delay (spec, 2000);
  deye_bus_task_spec_set_run_limit (spec, 3000);
  deye_bus_task_spec_set_attempts (spec, 4);
  deye_bus_task_spec_add_tag (spec, "os", "linux");
  deye_bus_task_spec_set_exclusive (spec, TRUE);
  deye_bus_task_spec_set_cancel_when_gone (spec, TRUE);
  return spec;
}

static void
test_fill (void)
{
  g_autoptr (DeyeBusTaskSpec) spec = new_full_spec ();
  Daemoneye__Eventbus__V1__TaskSpec message;

  deye_bus_task_spec_fill (spec, &message);
  g_assert_cmpstr (message.id, ==, "one");
  g_assert_cmpstr (message.operation, ==, "scan");
  g_assert_cmpstr (message.type, ==, "procmond");
  g_assert_cmpstr (message.target, ==, "procmond-1");
  g_assert_cmpmem (message.payload.data, message.payload.len, "pay", 3);
  g_assert_cmpstr (message.payload_type, ==, "example.Pay");
  g_assert_cmpuint (message.priority, ==, 7);
  g_assert_cmpuint (message.deadline_us, ==, 1000);
  g_assert_cmpuint (message.not_before_us, ==, 2000);
  g_assert_cmpuint (message.run_limit_us, ==, 3000);
  g_assert_cmpint (message.attempts_presence_case, ==, DAEMONEYE__EVENTBUS__V1__TASK_SPEC__ATTEMPTS_PRESENCE_ATTEMPTS);
  g_assert_cmpuint (message.attempts, ==, 4);
  g_assert_cmpuint (message.n_tags, ==, 1);
  g_assert_cmpstr (message.tags[0], ==, "os=linux");
  g_assert_true (message.exclusive);
  g_assert_cmpint (message.on_submitter_gone, ==, 1);
  g_assert_false (message.resubmit);
}

static void
change_operation (DeyeBusTaskSpec *spec)
{
  g_free (spec->operation);
  spec->operation = g_strdup ("other");
}

static void
change_payload (DeyeBusTaskSpec *spec)
{
  g_autoptr (GBytes) payload = g_bytes_new_static ("pax", 3);

  deye_bus_task_spec_set_payload (spec, payload, "example.Pay");
}

static void
change_payload_type (DeyeBusTaskSpec *spec)
{
  deye_bus_task_spec_set_payload (spec, spec->payload, NULL);
}

static void
change_type (DeyeBusTaskSpec *spec)
{
  deye_bus_task_spec_set_collector_type (spec, NULL);
}

static void
change_priority (DeyeBusTaskSpec *spec)
{
  deye_bus_task_spec_set_priority (spec, 8);
}

static void
change_target (DeyeBusTaskSpec *spec)
{
  deye_bus_task_spec_set_target (spec, NULL);
}

static void
change_tags (DeyeBusTaskSpec *spec)
{
  deye_bus_task_spec_add_tag (spec, "os", "hurd");
}

static void
change_exclusive (DeyeBusTaskSpec *spec)
{
  deye_bus_task_spec_set_exclusive (spec, FALSE);
}

static void
change_run_limit (DeyeBusTaskSpec *spec)
{
  deye_bus_task_spec_set_run_limit (spec, 0);
}

static void
change_gone (DeyeBusTaskSpec *spec)
{
  deye_bus_task_spec_set_cancel_when_gone (spec, FALSE);
}

static void
change_attempts (DeyeBusTaskSpec *spec)
{
  deye_bus_task_spec_set_attempts (spec, 1);
}

static void
test_difference (void)
{
  static const struct
  {
    const char *name;
    void (*change) (DeyeBusTaskSpec *spec);
  } rows[] = {
    { "operation", change_operation },
    { "type", change_type },
    { "payload", change_payload },
    { "payload_type", change_payload_type },
    { "priority", change_priority },
    { "target", change_target },
    { "tags", change_tags },
    { "exclusive", change_exclusive },
    { "run_limit_us", change_run_limit },
    { "on_submitter_gone", change_gone },
    { "attempts", change_attempts },
  };
  g_autoptr (DeyeBusTaskSpec) spec = new_full_spec ();

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (DeyeBusTaskSpec) copy = deye_bus_task_spec_copy (spec);

      g_assert_null (deye_bus_task_spec_difference (spec, copy));
      rows[i].change (copy);
      g_assert_cmpstr (deye_bus_task_spec_difference (spec, copy), ==, rows[i].name);
    }
}

/* Times differ when a submit is repeated later; the broker does not compare them either. */
static void
test_same_with_other_times (void)
{
  g_autoptr (DeyeBusTaskSpec) spec = new_full_spec ();
  g_autoptr (DeyeBusTaskSpec) copy = deye_bus_task_spec_copy (spec);

  deye_bus_task_spec_set_timeout (copy, 5);
  deye_bus_task_spec_set_delay (copy, 6);
  g_assert_null (deye_bus_task_spec_difference (spec, copy));
}

static void
test_copy (void)
{
  g_autoptr (DeyeBusTaskSpec) spec = new_full_spec ();
  g_autoptr (DeyeBusTaskSpec) copy = deye_bus_task_spec_copy_with_id (spec, "drawn");

  g_assert_cmpstr (deye_bus_task_spec_get_id (copy), ==, "drawn");
  g_assert_cmpstr (deye_bus_task_spec_get_id (spec), ==, "one");
  deye_bus_task_spec_set_priority (spec, 9);
  deye_bus_task_spec_add_tag (spec, "os", "hurd");
  g_assert_cmpuint (deye_bus_task_spec_get_priority (copy), ==, 7);
  g_assert_cmpuint (copy->tags->len, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/task-spec/wrong-names", test_wrong_names);
  g_test_add_func ("/client/task-spec/longest-names", test_longest_names);
  g_test_add_func ("/client/task-spec/wrong-times", test_wrong_times);
  g_test_add_func ("/client/task-spec/wrong-tags", test_wrong_tags);
  g_test_add_func ("/client/task-spec/S25-no-attempts", test_no_attempts);
  g_test_add_func ("/client/task-spec/fill", test_fill);
  g_test_add_func ("/client/task-spec/difference", test_difference);
  g_test_add_func ("/client/task-spec/same-with-other-times", test_same_with_other_times);
  g_test_add_func ("/client/task-spec/copy", test_copy);
  return g_test_run ();
}
