/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define DAEMONEYE_PLUGIN_BEGIN_DECLS                                                                                   \
  extern "C"                                                                                                           \
  {
#define DAEMONEYE_PLUGIN_END_DECLS }
#else
#define DAEMONEYE_PLUGIN_BEGIN_DECLS
#define DAEMONEYE_PLUGIN_END_DECLS
#endif

DAEMONEYE_PLUGIN_BEGIN_DECLS

/*
 * The ABI of the event bus module: the only header that a host (daemoneye-agent) needs. It has plain C types only, so
 * that a host in any language can load the module.
 *
 * A host loads $libdir/daemoneye/daemoneye-eventbus.so with local binding and makes it resident, because the module
 * can't be unloaded. It looks up the one symbol daemoneye_plugin_describe, compares magic and abi_major, and calls
 * the functions of the table. New fields are only added at the end of a struct; struct_size is the size of the struct that the
 * other side knows.
 *
 * Threads: each instance owns a broker thread and a log thread. Every function may be called from any thread of the host,
 * but not at the same time as stop() or shutdown() of the same instance. Only the log function is called back, from the
 * log thread.
 *
 * fork(): a child process has no copy of the threads. In the child, connect() of an instance that the parent started fails with
 * code 6, stats() returns -1, and stop() and shutdown() do nothing; the parent's broker is not affected. A host that daemonizes
 * must call start() afterwards.
 *
 * Minor 1 adds shutdown(), and the log function is called from the log thread instead of the broker thread. A host that was
 * built for minor 0 works with a module of minor 1.
 */

#define DAEMONEYE_PLUGIN_MAGIC     0x44594550u /* "DYEP" */
#define DAEMONEYE_PLUGIN_ABI_MAJOR 1u          /* a module with another number can't be used */
#define DAEMONEYE_PLUGIN_ABI_MINOR 1u          /* increases when functions are added */
#define DAEMONEYE_PLUGIN_SYMBOL    "daemoneye_plugin_describe"

#if defined(_WIN32)
#define DAEMONEYE_PLUGIN_EXPORT __declspec(dllexport)
#else
#define DAEMONEYE_PLUGIN_EXPORT __attribute__ ((visibility ("default")))
#endif

typedef struct DaemoneyeBus DaemoneyeBus;

typedef enum
{
  DAEMONEYE_LOG_ERROR = 3, /* syslog numbers */
  DAEMONEYE_LOG_WARNING = 4,
  DAEMONEYE_LOG_NOTICE = 5,
  DAEMONEYE_LOG_INFO = 6,
  DAEMONEYE_LOG_DEBUG = 7,
} DaemoneyeLogLevel;

/* One field of a structured log record. */
typedef struct
{
  /* "PEER", "STATUS", "REASON", "PID", "UID"; in refusals "OPERATION", "TOPIC", "RULE"; in drops "SUBSCRIPTION", "TOPIC" (the
   * pattern), "POLICY", "COUNT"; about the address "ADDRESS"; "SUPPRESSED", "LEFT_OUT". Fields that do not apply are absent;
   * there may be further fields. */
  const char *key;
  const char *value; /* UTF-8, escaped */
} DaemoneyeLogField;

/* Services that the host provides. */
typedef struct
{
  size_t struct_size;
  /* The address to listen on, a path. NULL: the one in the configuration, else $DAEMONEYE_BROKER_SOCKET, else the
   * default. */
  const char *address;
  /* Receives log records. It is called in a thread of the module, one call at a time for each instance, with all signals
   * blocked. It may block: further records wait in a bounded ring; records that do not fit are dropped, and a later record
   * reports their number. The arguments are valid only during the call. No call begins after stop() or shutdown() has returned.
   * But if a call still blocks at their deadline, the thread stays in it until it returns; function and user_data must
   * exist until then. NULL: GLib's structured log (domain DeyeBus). */
  void (*log) (void *user_data,
               DaemoneyeLogLevel level,
               const char *message,
               const DaemoneyeLogField *fields,
               size_t n_fields);
  void *user_data;
} DaemoneyeHost;

/* The reason why a function failed. The host owns the struct, and the module fills it. */
typedef struct
{
  size_t struct_size;
  /* 1 configuration, 2 address in use, 3 system, 4 ABI, 5 stopped, 6 in a child of fork(), 7 log function blocked */
  int32_t code;
  char message[512];
} DaemoneyeError;

typedef enum
{
  DAEMONEYE_BUS_STARTING,
  DAEMONEYE_BUS_HEALTHY,
  DAEMONEYE_BUS_UNHEALTHY, /* no client can connect: the files of the address were removed or replaced */
  DAEMONEYE_BUS_SHUTTING_DOWN,
  DAEMONEYE_BUS_STOPPED,
} DaemoneyeBusState;

typedef struct
{
  size_t struct_size;
  int32_t state; /* DaemoneyeBusState */
  uint32_t peers;
  uint32_t connections;
  uint32_t subscriptions;
  uint32_t groups;
  uint32_t pending_requests;
  uint64_t queued_messages;
  uint64_t queued_bytes;
  uint64_t charged_bytes;
  uint64_t accepted;
  uint64_t delivered;
  uint64_t missed;
  uint64_t denied;
  uint64_t malformed;
  uint64_t epoch;
} DaemoneyeBusStats;

typedef struct
{
  uint32_t magic;
  uint16_t abi_major;
  uint16_t abi_minor;
  size_t struct_size;
  const char *name;
  const char *version;

  /* Starts a broker and listens. @config_path: a key file; NULL: built-in defaults. On failure it returns NULL and fills
   * @error. */
  DaemoneyeBus *(*start) (const DaemoneyeHost *host, const char *config_path, DaemoneyeError *error);
  /* Opens a connection with the role of the agent. The host is a client like any other and passes the connection to
   * deye_bus_client_new_for_fd(). Returns a connected socket (a HANDLE on Windows) that the caller owns; -1: failed. */
  intptr_t (*connect) (DaemoneyeBus *bus, DaemoneyeError *error);
  /* The address that the broker listens on; valid until stop(). */
  const char *(*address) (const DaemoneyeBus *bus);
  /* Fills the first struct_size bytes of @stats. Returns 0; -1 in a child of fork(), where @stats is unchanged. */
  int (*stats) (DaemoneyeBus *bus, DaemoneyeBusStats *stats);
  /* Notifies all clients of the end, waits at most @deadline_us until they have disconnected and the log is written, and frees
   * everything. The log gets at least 50 ms, even if the clients used up the time. Does nothing in a child of fork(). */
  void (*stop) (DaemoneyeBus *bus, uint64_t deadline_us);

  /* Since minor 1. */

  /* Does the same as stop(), and returns 0. -1: the host's log function blocked and the log thread was abandoned in it (@error
   * has the code 7 and the number of records that were not written), or this is a child of fork() (code 6). */
  int (*shutdown) (DaemoneyeBus *bus, uint64_t deadline_us, DaemoneyeError *error);
} DaemoneyePlugin;

/* Returns the same constant table each time. */
DAEMONEYE_PLUGIN_EXPORT const DaemoneyePlugin *daemoneye_plugin_describe (void);

DAEMONEYE_PLUGIN_END_DECLS
