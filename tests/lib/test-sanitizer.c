/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <limits.h>

/*
 * For builds with -fsanitize=undefined only: checks that the sanitizer reports undefined behaviour. Compiler options that define
 * an overflow or an offset from NULL would silence it.
 */

static volatile int largest = INT_MAX;
static char *volatile nothing = NULL;
static volatile gsize zero = 0;

static void
overflow (void)
{
  largest = largest + 1;
}

static void
add_to_null (void)
{
  nothing = nothing + zero;
}

static void
assert_reported (void (*fault) (void))
{
  if (g_test_subprocess ())
    {
      fault ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_stderr ("*runtime error*");
}

static void
test_overflow (void)
{
  assert_reported (overflow);
}

/* Only clang reports it. */
static void
test_null (void)
{
#ifdef __clang__
  assert_reported (add_to_null);
#else
  if (g_test_subprocess ())
    add_to_null ();
  else
    g_test_skip ("only clang reports an offset of 0 from NULL");
#endif
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lib/sanitizer/overflow", test_overflow);
  g_test_add_func ("/lib/sanitizer/null", test_null);
  return g_test_run ();
}
