/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <glib.h>

/*
 * For builds with -fsanitize=thread only: reports GLib's locks and reference counts to the sanitizer.
 *
 * GLib is not built with the sanitizer, and its locks are atomic operations and futexes, so the sanitizer would see no order
 * between two threads that use the same GMutex, and report every field that it protects. It would also report an object that is
 * freed by another thread than its last user. These functions replace those of GLib in the code of this program: they call them,
 * and report the order to the sanitizer. No report is suppressed. GLib's slices are not covered: run with G_SLICE=always-malloc.
 */

void __tsan_mutex_pre_lock (void *mutex, unsigned flags);
void __tsan_mutex_post_lock (void *mutex, unsigned flags, int depth);
int __tsan_mutex_pre_unlock (void *mutex, unsigned flags);
void __tsan_mutex_post_unlock (void *mutex, unsigned flags);
void __tsan_acquire (void *address);
void __tsan_release (void *address);

/* Of <sanitizer/tsan_interface.h>, which not every compiler installs. */
#define TSAN_TRY_LOCK        (1u << 4)
#define TSAN_TRY_LOCK_FAILED (1u << 5)

/* Set before main(), by the first call: constructors of GLib use locks before the constructors of this program run. */
static void (*real_lock) (GMutex *mutex);
static gboolean (*real_trylock) (GMutex *mutex);
static void (*real_unlock) (GMutex *mutex);
static void (*real_wait) (GCond *cond, GMutex *mutex);
static gboolean (*real_wait_until) (GCond *cond, GMutex *mutex, gint64 end_us);
static gboolean (*real_count_dec) (gatomicrefcount *count);
static void (*real_bytes_unref) (GBytes *bytes);

static void __attribute__ ((constructor)) tsan_find_functions (void)
{
  real_lock = (void (*) (GMutex *)) dlsym (RTLD_NEXT, "g_mutex_lock");
  real_trylock = (gboolean (*) (GMutex *)) dlsym (RTLD_NEXT, "g_mutex_trylock");
  real_unlock = (void (*) (GMutex *)) dlsym (RTLD_NEXT, "g_mutex_unlock");
  real_wait = (void (*) (GCond *, GMutex *)) dlsym (RTLD_NEXT, "g_cond_wait");
  real_wait_until = (gboolean (*) (GCond *, GMutex *, gint64)) dlsym (RTLD_NEXT, "g_cond_wait_until");
  real_count_dec = (gboolean (*) (gatomicrefcount *)) dlsym (RTLD_NEXT, "g_atomic_ref_count_dec");
  real_bytes_unref = (void (*) (GBytes *)) dlsym (RTLD_NEXT, "g_bytes_unref");
}

static void
tsan_begin (void)
{
  if (real_lock == NULL)
    tsan_find_functions ();
}

static void
tsan_announce_unlock (GMutex *mutex)
{
  (void) __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
}

static void
tsan_announce_lock (GMutex *mutex)
{
  __tsan_mutex_pre_lock (mutex, 0);
  __tsan_mutex_post_lock (mutex, 0, 0);
}

#undef g_mutex_lock
#undef g_mutex_trylock
#undef g_mutex_unlock
#undef g_atomic_ref_count_dec

__attribute__ ((visibility ("default"))) void
g_mutex_lock (GMutex *mutex)
{
  tsan_begin ();
  __tsan_mutex_pre_lock (mutex, 0);
  real_lock (mutex);
  __tsan_mutex_post_lock (mutex, 0, 0);
}

__attribute__ ((visibility ("default"))) gboolean
g_mutex_trylock (GMutex *mutex)
{
  gboolean locked;

  tsan_begin ();
  __tsan_mutex_pre_lock (mutex, TSAN_TRY_LOCK);
  locked = real_trylock (mutex);
  __tsan_mutex_post_lock (mutex, TSAN_TRY_LOCK | (locked ? 0 : TSAN_TRY_LOCK_FAILED), 0);
  return locked;
}

__attribute__ ((visibility ("default"))) void
g_mutex_unlock (GMutex *mutex)
{
  (void) __tsan_mutex_pre_unlock (mutex, 0);
  real_unlock (mutex);
  __tsan_mutex_post_unlock (mutex, 0);
}

__attribute__ ((visibility ("default"))) void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  tsan_announce_unlock (mutex);
  real_wait (cond, mutex);
  tsan_announce_lock (mutex);
}

__attribute__ ((visibility ("default"))) gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_us)
{
  gboolean in_time;

  tsan_announce_unlock (mutex);
  in_time = real_wait_until (cond, mutex, end_us);
  tsan_announce_lock (mutex);
  return in_time;
}

/* The thread that frees is ordered after all others that had a reference. */
__attribute__ ((visibility ("default"))) gboolean
g_atomic_ref_count_dec (gatomicrefcount *count)
{
  gboolean last;

  tsan_begin ();
  __tsan_release ((void *) (gsize) count);
  last = real_count_dec (count);
  if (last)
    __tsan_acquire ((void *) (gsize) count);
  return last;
}

/* Uses one lock for all GBytes: the call may free @bytes, so they cannot be named to the sanitizer after it. */
__attribute__ ((visibility ("default"))) void
g_bytes_unref (GBytes *bytes)
{
  static GRecMutex lock;

  g_rec_mutex_lock (&lock);
  __tsan_acquire (&lock);
  if (bytes != NULL)
    real_bytes_unref (bytes);
  __tsan_release (&lock);
  g_rec_mutex_unlock (&lock);
}
