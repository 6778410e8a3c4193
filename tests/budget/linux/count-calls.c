/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/*
 * A shared object for LD_PRELOAD that counts the system calls, reads of the clock and allocations of a process.
 *
 * The counters are in the file that COUNT_CALLS names, as a table of records { name of 24 bytes, number of 8 bytes }, so that
 * test-calls.py can read them while the process runs. Without that variable they are in the memory of the process.
 *
 * Invariant: every counted function behaves like that of the GNU C library.
 */

enum
{
  COUNT_READ,
  COUNT_WRITE,
  COUNT_POLL,
  COUNT_EPOLL_CTL,
  COUNT_CLOCK,
  COUNT_GETPID,
  COUNT_ALLOCATION,
  N_COUNTS
};

typedef struct
{
  char name[24];
  _Atomic unsigned long long count;
} Counter;

static Counter own[N_COUNTS];
static Counter *counters = own;

static const char *const names[N_COUNTS] = {
  [COUNT_READ] = "read",
  [COUNT_WRITE] = "write",
  [COUNT_POLL] = "poll",
  [COUNT_EPOLL_CTL] = "epoll_ctl",
  [COUNT_CLOCK] = "clock",
  [COUNT_GETPID] = "getpid",
  [COUNT_ALLOCATION] = "allocation",
};

__attribute__ ((constructor)) static void
count_calls_begin (void)
{
  const char *path = getenv ("COUNT_CALLS");
  int fd = path != NULL ? open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
  void *shared = MAP_FAILED;

  if (fd >= 0 && ftruncate (fd, sizeof own) == 0)
    shared = mmap (NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd >= 0)
    close (fd);
  if (shared != MAP_FAILED)
    counters = shared;
  for (int i = 0; i < N_COUNTS; i++)
    strncpy (counters[i].name, names[i], sizeof counters[i].name - 1);
}

static void
count (int which)
{
  atomic_fetch_add (&counters[which].count, 1);
}

/* --- system calls --- */

ssize_t
read (int fd, void *bytes, size_t n)
{
  count (COUNT_READ);
  return syscall (SYS_read, fd, bytes, n);
}

ssize_t
readv (int fd, const struct iovec *spans, int n)
{
  count (COUNT_READ);
  return syscall (SYS_readv, fd, spans, n);
}

ssize_t
recv (int fd, void *bytes, size_t n, int flags)
{
  count (COUNT_READ);
  return syscall (SYS_recvfrom, fd, bytes, n, flags, NULL, NULL);
}

ssize_t
recvmsg (int fd, struct msghdr *message, int flags)
{
  count (COUNT_READ);
  return syscall (SYS_recvmsg, fd, message, flags);
}

ssize_t
write (int fd, const void *bytes, size_t n)
{
  count (COUNT_WRITE);
  return syscall (SYS_write, fd, bytes, n);
}

ssize_t
writev (int fd, const struct iovec *spans, int n)
{
  count (COUNT_WRITE);
  return syscall (SYS_writev, fd, spans, n);
}

ssize_t
send (int fd, const void *bytes, size_t n, int flags)
{
  count (COUNT_WRITE);
  return syscall (SYS_sendto, fd, bytes, n, flags, NULL, 0);
}

ssize_t
sendmsg (int fd, const struct msghdr *message, int flags)
{
  count (COUNT_WRITE);
  return syscall (SYS_sendmsg, fd, message, flags);
}

int
poll (struct pollfd *fds, nfds_t n, int timeout_ms)
{
  count (COUNT_POLL);
  return (int) syscall (SYS_poll, fds, n, timeout_ms);
}

int
epoll_wait (int fd, struct epoll_event *events, int n, int timeout_ms)
{
  count (COUNT_POLL);
  return (int) syscall (SYS_epoll_wait, fd, events, n, timeout_ms);
}

int
epoll_ctl (int fd, int operation, int other, struct epoll_event *event)
{
  count (COUNT_EPOLL_CTL);
  return (int) syscall (SYS_epoll_ctl, fd, operation, other, event);
}

pid_t
getpid (void)
{
  count (COUNT_GETPID);
  return (pid_t) syscall (SYS_getpid);
}

int
clock_gettime (clockid_t clock, struct timespec *time)
{
  count (COUNT_CLOCK);
  return (int) syscall (SYS_clock_gettime, clock, time);
}

/* --- allocations --- */

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *block, size_t size);
extern void *__libc_memalign (size_t alignment, size_t size);

void *
malloc (size_t size)
{
  count (COUNT_ALLOCATION);
  return __libc_malloc (size);
}

void *
calloc (size_t n, size_t size)
{
  count (COUNT_ALLOCATION);
  return __libc_calloc (n, size);
}

void *
realloc (void *block, size_t size)
{
  count (COUNT_ALLOCATION);
  return __libc_realloc (block, size);
}

void *
aligned_alloc (size_t alignment, size_t size)
{
  count (COUNT_ALLOCATION);
  return __libc_memalign (alignment, size);
}

int
posix_memalign (void **block, size_t alignment, size_t size)
{
  count (COUNT_ALLOCATION);
  *block = __libc_memalign (alignment, size);
  return *block != NULL || size == 0 ? 0 : ENOMEM;
}
