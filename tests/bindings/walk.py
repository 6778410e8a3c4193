#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls every function in the typelib with valid, missing, empty, extreme and wrong arguments, on objects in every state:
`walk.py AGENT MODULE`.

A call may return or raise. It must not crash, hang, or log a critical (G_DEBUG=fatal-criticals makes that a crash). The list of
functions is read from the typelib, so a new function is called without a change of this file. Each function runs in a child
process for each kind of object.
"""
import os
import random
import signal
import sys
import threading

import gi
gi.require_version("DeyeBus", "1.0")
gi.require_version("GIRepository", "2.0")
from gi.repository import DeyeBus, Gio, GLib, GObject  # noqa: E402
from gi.repository import GIRepository as Gir  # noqa: E402

from broker import Broker  # noqa: E402

CALL_S = 60  # the watchdog of one call
RANDOM_CALLS = 12
EVENT = "events.process.started"
PATTERN = "events.process.#"
WAITED = "control.collector.task.process"


# --- functions and arguments ---

class Argument:
    """An argument that Python passes: its name, tag, name of its type, and whether it may be None."""

    def __init__(self, info):
        kind = Gir.arg_info_get_type(info)
        self.name = info.get_name()
        self.tag = Gir.type_tag_to_string(Gir.type_info_get_tag(kind))
        self.nullable = Gir.arg_info_may_be_null(info)
        self.type = self.tag
        if self.tag == "interface":
            interface = Gir.type_info_get_interface(kind)
            self.type = interface.get_name()
            self.tag = interface.get_type().value_nick


class Function:
    """A function of the library. @call calls it from Python."""

    def __init__(self, owner, info):
        arguments = [Gir.callable_info_get_arg(info, i) for i in range(Gir.callable_info_get_n_args(info))]
        hidden = {Gir.arg_info_get_destroy(argument) for argument in arguments}
        hidden |= {Gir.type_info_get_array_length(Gir.arg_info_get_type(argument)) for argument in arguments}
        self.name = info.get_name()
        self.is_method = Gir.callable_info_is_method(info)
        self.call = getattr(getattr(DeyeBus, owner) if owner else DeyeBus, self.name)
        self.arguments = [Argument(argument) for i, argument in enumerate(arguments)
                          if i not in hidden and Gir.arg_info_get_direction(argument) != Gir.Direction.OUT]


class Properties:
    """Reads and sets all properties of an object, constructs others with them, and emits its signals."""

    name = "properties"
    arguments = []

    def __init__(self, owner):
        self.type = getattr(DeyeBus, owner)

    def call(self, instance):
        for pspec in self.type.list_properties():
            values = [None, "", "x", "bad name!", "ü" * 300, 0, 1, 77, 2 ** 32 - 1, object(), instance.get_property(pspec.name)]
            for value in values:
                attempt(lambda value=value, name=pspec.name: instance.set_property(name, value))
                # GObject itself logs a critical for a property that can't be set; Python does not check it before.
                if pspec.flags & GObject.ParamFlags.WRITABLE:
                    attempt(lambda value=value, name=pspec.name: self.type(**{name: value}))
        for name in GObject.signal_list_names(self.type):
            count = len(GObject.signal_query(name, self.type).param_types)
            for value in (None, 0, "text", GLib.Error("text")):
                attempt(lambda value=value, name=name, count=count: instance.emit(name, *[value] * count))


def attempt(function):
    """True unless Python refuses the arguments."""
    try:
        function()
    except GLib.Error:
        pass
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def described():
    """{name of a type, or "": its functions}"""
    found = {"": []}
    repository = Gir.Repository.get_default()
    listed = {"object": (Gir.object_info_get_n_methods, Gir.object_info_get_method),
              "struct": (Gir.struct_info_get_n_methods, Gir.struct_info_get_method),
              "enum": (Gir.enum_info_get_n_methods, Gir.enum_info_get_method)}
    for i in range(repository.get_n_infos("DeyeBus")):
        info = repository.get_info("DeyeBus", i)
        kind = info.get_type().value_nick
        if kind == "function":
            found[""].append(Function("", info))
        elif kind in listed and not info.get_name().endswith("Class"):
            count, get = listed[kind]
            found[info.get_name()] = [Function(info.get_name(), get(info, k)) for k in range(count(info))]
    return found


# --- objects in every state ---

class Scene:
    """The objects for one call, which are made in the process that calls."""

    count = 0

    def __init__(self, address):
        self.address = address
        self.kept = []

    @property
    def name(self):
        Scene.count += 1
        return f"walker-{os.getpid()}-{Scene.count}"

    @staticmethod
    def connect(client):
        """Connects the client with reconnect switched off, because with it a client first waits for a random time."""
        client.set_reconnect(False)
        client.connect(None)
        client.set_reconnect(True)
        return client

    def connected(self):
        client = self.connect(DeyeBus.Client.new(self.address, self.name, "procmond"))
        self.kept.append(client)
        return client

    def disposed(self):
        client = self.connected()
        client.run_dispose()
        return client

    def closed(self):
        client = self.connected()
        client.close(None)
        return client

    def tool(self):
        client = self.connect(DeyeBus.Client.new_tool(self.address, self.name))
        self.kept.append(client)
        return client

    def subscription(self, callback=None):
        return self.tool().subscribe(PATTERN, None, callback, None, None)

    def ended(self):
        subscription = self.subscription()
        subscription.unsubscribe(None)
        return subscription

    def orphan(self):
        subscription = self.subscription()
        del self.kept[:]
        return subscription

    def service(self):
        service = DeyeBus.Service.new("org.example.Walked", "A service.")
        service.add_property("there", 1, True, None)
        return service

    def added(self):
        service = self.service()
        self.connected().add_service(service)
        return service

    def answers(self, topic):
        if topic == WAITED:
            self.connected().serve(topic, None, lambda *_: None, None)
        options = DeyeBus.Options.new()
        options.set_timeout(100000)
        return self.tool().request_stream(topic, None, options, 0, 0)

    def message(self):
        subscription = self.subscription()
        self.connected().publish(EVENT, GLib.Bytes.new(b"text"), None, None)
        return subscription.next(-1, None)

    def peer(self):
        return self.tool().wait_for_peer(self.connected().get_id(), None, None)

    def watch(self, pattern=None):
        return self.tool().watch_peers(pattern)

    def refused_watch(self):
        return self.connected().watch_peers(None)

    def stopped_watch(self):
        watch = self.watch()
        watch.stop()
        return watch

    def submitted(self):
        """A task that ends soon, because the broker has no tasks or no collector is capable of it."""
        client = DeyeBus.Client.new(self.address, self.name, "procmond")
        client.connect_async(None, None)
        self.kept.append(client)
        spec = DeyeBus.TaskSpec.new("nothing")
        spec.set_timeout(100000)
        return client.submit(spec)

    def abandoned(self):
        task = self.submitted()
        self.kept.pop().run_dispose()
        return task

    def stopped_collector(self):
        """A collector that has stopped, so that run() and stop() end at once."""
        collector = DeyeBus.Collector.new_for_client(self.connected())
        collector.start()
        collector.stop(1)
        self.kept.append(collector)
        return collector

    def question(self):
        spec = DeyeBus.GatherSpec.new("nothing")
        spec.set_require_any()
        spec.set_timeout(100000)
        return spec

    def asked(self):
        """A question that ends soon, because no collector has the operation."""
        return self.tool().gather_begin(self.question())

    def gathered(self):
        """A question that one collector has answered, and its manifest."""
        collector = DeyeBus.Collector.new_for_client(self.connected())
        collector.add_operation("walk", None, DeyeBus.OperationFlags.IDEMPOTENT, answer_work, None)
        collector.start()
        self.kept.append(collector)
        spec = DeyeBus.GatherSpec.new("walk")
        spec.set_require_any()
        ended = []

        def on_ended(client, result):
            ended.append(None)
            ended[0] = client.gather_finish(result)
        self.tool().gather_async(spec, None, on_ended)
        while not ended:
            GLib.MainContext.default().iteration(True)
        return ended[0]

    def answer(self):
        return self.gathered().get_answers()[0]

    def sender(self, client=None):
        return DeyeBus.Sender.new(client or self.connected(), 2, 0)

    def closed_sender(self):
        sender = self.sender()
        sender.close()
        return sender

    def orphaned_sender(self):
        client = self.connected()
        sender = self.sender(client)
        client.run_dispose()
        return sender

    def task(self):
        return Gio.Task.new(self.kept[0] if self.kept else None, None, None, None)


def once(client):
    """A client that does not wait for a broker."""
    client.set_reconnect(False)
    return client


def answer_work(collector, work, *_):
    work.set_rows(3)
    work.succeed(GLib.Bytes.new(b"three"), None)


KINDS = {
    "Client": {
        "bare": lambda scene: DeyeBus.Client(),
        "by-properties": lambda scene: once(DeyeBus.Client(id="x-1", type="x")),
        "not-connected": lambda scene: once(DeyeBus.Client.new(scene.address + ".none", scene.name, "x")),
        "no-socket": lambda scene: DeyeBus.Client.new_for_fd(-1, scene.name, "x"),
        "connected": Scene.connected,
        "closed": Scene.closed,
        "disposed": Scene.disposed,
    },
    "Sender": {
        "bare": lambda scene: DeyeBus.Sender(),
        "not-connected": lambda scene: scene.sender(once(DeyeBus.Client.new(scene.address + ".none", scene.name, "x"))),
        "connected": Scene.sender,
        "closed": Scene.closed_sender,
        "orphaned": Scene.orphaned_sender,
    },
    "Service": {
        "bare": lambda scene: DeyeBus.Service(),
        "bad-name": lambda scene: DeyeBus.Service(name="bad name!"),
        "made": Scene.service,
        "added": Scene.added,
    },
    "Subscription": {
        "bare": lambda scene: DeyeBus.Subscription(),
        "inbox": Scene.subscription,
        "callback": lambda scene: scene.subscription(lambda *_: None),
        "ended": Scene.ended,
        "orphan": Scene.orphan,
    },
    "Answers": {
        "bare": lambda scene: DeyeBus.Answers(),
        "waiting": lambda scene: scene.answers(WAITED),
        "refused": lambda scene: scene.answers("control.collector.task.nobody"),
        "answered": lambda scene: scene.answers("control.bus.ping"),
    },
    "Peer": {"received": Scene.peer},
    "PeerWatch": {
        "bare": lambda scene: DeyeBus.PeerWatch(),
        "all": Scene.watch,
        "one": lambda scene: scene.watch("x"),
        "refused": Scene.refused_watch,
        "stopped": Scene.stopped_watch,
    },
    "Task": {"bare": lambda scene: DeyeBus.Task(), "submitted": Scene.submitted, "abandoned": Scene.abandoned},
    "Collector": {"bare": lambda scene: DeyeBus.Collector(), "stopped": Scene.stopped_collector,
                  "of-closed-client": lambda scene: DeyeBus.Collector.new_for_client(scene.closed())},
    "Work": {"bare": lambda scene: DeyeBus.Work()},
    "StandingTask": {"made": lambda scene: DeyeBus.StandingTask.new("s-1", "watch", None, None)},
    "TaskSpec": {"made": lambda scene: DeyeBus.TaskSpec.new("scan")},
    "GatherSpec": {"made": Scene.question},
    "Gather": {"bare": lambda scene: DeyeBus.Gather(), "asked": Scene.asked, "ended": Scene.gathered},
    "GatherAnswer": {"received": Scene.answer},
    "Extent": {"received": lambda scene: scene.answer().dup_extent()},
    "Manifest": {"received": lambda scene: scene.gathered().dup_manifest()},
    "ManifestEntry": {"received": lambda scene: scene.gathered().dup_manifest().list_entries()[0]},
    "Message": {"received": Scene.message},
    "Options": {"zeroed": lambda scene: DeyeBus.Options(), "made": lambda scene: DeyeBus.Options.new()},
    "SubscribeOptions": {"zeroed": lambda scene: DeyeBus.SubscribeOptions(),
                         "made": lambda scene: DeyeBus.SubscribeOptions.new()},
    "PublishResult": {"zeroed": lambda scene: DeyeBus.PublishResult()},
}
# Objects that are also used in a thread other than that of their context.
ELSEWHERE = {"Answers": "waiting", "Client": "connected", "Collector": "stopped", "Gather": "asked", "PeerWatch": "all",
             "Sender": "connected", "Service": "added",
             "Subscription": "inbox", "Task": "submitted"}


# --- arguments ---

def bad_options():
    options = DeyeBus.Options()
    options.set_timeout(-1)
    options.set_trace(GLib.Bytes.new(b"short"), None)
    options.add_tag("no=key", "value")
    return options


def bad_subscribe_options():
    options = DeyeBus.SubscribeOptions()
    options.set_window_bytes(2 ** 64 - 1)
    return options


def cancelled():
    cancellable = Gio.Cancellable()
    cancellable.cancel()
    return cancellable


IDS = ["x", "there"]  # the TEXTS that could be ids of peers
TEXTS = ["x", "", "bad name!", EVENT, PATTERN, "#.#", "ü" * 300, "control.bus.stats", "there"]
OBJECTS = {
    "Bytes": [lambda scene: GLib.Bytes.new(b""), lambda scene: GLib.Bytes.new(b"garbage"),
              lambda scene: GLib.Bytes.new(b"\x0a\x03\x0a\x01a"), lambda scene: GLib.Bytes.new(bytes(300 * 1024))],
    "Options": [lambda scene: DeyeBus.Options(), lambda scene: bad_options()],
    "SubscribeOptions": [lambda scene: DeyeBus.SubscribeOptions(), lambda scene: bad_subscribe_options()],
    "TaskSpec": [lambda scene: DeyeBus.TaskSpec.new("scan"), lambda scene: DeyeBus.TaskSpec.new("bad name!")],
    "GatherSpec": [Scene.question, lambda scene: DeyeBus.GatherSpec.new("bad name!")],
    "Client": [make for make in KINDS["Client"].values()],
    "Service": [make for make in KINDS["Service"].values()],
    "Message": [Scene.message],
    "Peer": [Scene.peer],
    "PublishResult": [lambda scene: DeyeBus.PublishResult()],
    "Cancellable": [lambda scene: cancelled(), lambda scene: Gio.Cancellable()],
    "AsyncResult": [Scene.task, lambda scene: Gio.Task.new(None, None, None, None),
                    lambda scene: Gio.Task.new(scene.connected(), None, None, None)],
    "Value": [lambda scene: GObject.Value(), lambda scene: 7, lambda scene: "text", lambda scene: 0.5,
              lambda scene: True, lambda scene: object(), lambda scene: GObject.Value(GObject.TYPE_STRING),
              lambda scene: Gio.Cancellable()],
    "error": [lambda scene: GLib.Error("text")],
}
BITS = {"gint8": 8, "gint16": 16, "gint32": 32, "gint64": 64, "guint8": -8, "guint16": -16, "guint32": -32, "guint64": -64}


def integers(bits):
    """The extreme values of an integer type with this number of bits; negative: unsigned."""
    if bits < 0:
        return [0, 1, 2 ** 7, 2 ** -bits - 1]
    return [0, 1, -1, 2 ** (bits - 1) - 1, -2 ** (bits - 1)]


def constants(values):
    return [lambda scene, value=value: value for value in values]


def values_of(enum):
    return [value for value in vars(enum).values() if isinstance(value, enum)]


def candidates_of(argument):
    """Functions that make a value for the argument, from a scene. The first value is the most usual one."""
    by_tag = {"callback": [lambda *_: None], "void": ["data"], "utf8": TEXTS,
              "filename": TEXTS, "gboolean": [True, False]}
    if argument.tag in by_tag:
        found = constants(by_tag[argument.tag])
    elif argument.tag == "enum":
        found = constants(values_of(getattr(DeyeBus, argument.type)))
    elif argument.tag == "flags":
        flags = getattr(DeyeBus, argument.type)
        found = constants([flags(0), flags(1), flags(3)])
    elif argument.tag in BITS:
        found = constants(integers(BITS[argument.tag]))
    elif argument.tag == "array":
        found = [lambda scene: [GLib.Bytes.new(b"one"), GLib.Bytes.new(b"")], lambda scene: []]
    else:
        found = OBJECTS[argument.type]
    return found + constants([None])


def combinations(function, chance):
    """Varies each argument over all its values, one argument at a time; afterwards all arguments have random values."""
    choices = [candidates_of(argument) for argument in function.arguments]
    usual = [choice[-1] if argument.nullable else choice[0] for choice, argument in zip(choices, function.arguments)]
    yield usual
    for index, choice in enumerate(choices):
        for value in choice:
            yield usual[:index] + [value] + usual[index + 1:]
    for _ in range(RANDOM_CALLS if len(choices) > 1 else 0):
        yield [chance.choice(choice) for choice in choices]


# --- calls ---

def waits_for_ever(kind, function, arguments):
    """True if the call waits, as documented: next() without a timeout and a message, and wait_for_peer() for 30 s."""
    if function.name == "wait_for_peer":
        return kind == "connected" and arguments[0] in IDS and not (arguments[2] is not None and arguments[2].is_cancelled())
    return (kind in ("inbox",) and function.name == "next" and arguments[0] not in (0, 1)
            and not (arguments[1] is not None and arguments[1].is_cancelled()))


def waits_for_context(instance, function, arguments):
    """True for the flush of a sender: in another thread it waits for 30 s while the context of the client does not run."""
    return (isinstance(instance, DeyeBus.Sender) and function.name == "flush"
            and not (arguments[2] is not None and arguments[2].is_cancelled()))


def finishers(instance):
    return [getattr(instance, name) for name in dir(instance) if name.endswith("_finish")]


def on_end(source, result, *_):
    """Passes every result to every finish function, twice."""
    for finish in finishers(source) * 2:
        attempt(lambda finish=finish: finish(result))


def run_context():
    for _ in range(100):
        if not GLib.MainContext.default().iteration(False):
            return


def call(function, instance, arguments):
    for index, argument in enumerate(function.arguments):
        if argument.type == "AsyncReadyCallback" and arguments[index] is not None:
            arguments[index] = on_end
    return attempt(lambda: function.call(*([instance] if instance is not None else []), *arguments))


def call_elsewhere(function, instance, arguments):
    """Calls in another thread, while this thread owns the context of the object."""
    reached = []
    assert GLib.MainContext.default().acquire()
    thread = threading.Thread(target=lambda: reached.append(call(function, instance, arguments)))
    thread.start()
    thread.join()
    GLib.MainContext.default().release()
    return reached[0]


def walk(address, kind, make, function, note, elsewhere):
    """Runs in the child: calls every combination, and writes each down before the call."""
    chance = random.Random(function.name + kind)
    reached = False
    for makers in combinations(function, chance):
        scene = Scene(address)
        instance = make(scene) if make is not None else None
        arguments = [maker(scene) for maker in makers]
        if waits_for_ever(kind, function, arguments) or (elsewhere and waits_for_context(instance, function, arguments)):
            continue
        note(f"{arguments!r}")
        signal.alarm(CALL_S)
        reached = (call_elsewhere if elsewhere else call)(function, instance, arguments) or reached
        del instance, arguments, scene
        run_context()
        signal.alarm(0)
    assert reached, "Python refuses every combination"


def in_child(work):
    """Runs a child. Returns None, or the reason of its failure and the call."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        os.close(receiver)
        try:
            work(lambda text: os.write(sender, (text[:1000] + "\n").encode()))
            status = 0
        except BaseException as error:  # set by the parent
            os.write(sender, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(status)
    os.close(sender)
    with os.fdopen(receiver, errors="replace") as pipe:
        notes = pipe.read().splitlines()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return None if status == 0 else f"status {status} at {notes[-1] if notes else 'the start'}"


def tests():
    """(path, kind, make, function, elsewhere)"""
    found = []
    for owner, functions in described().items():
        kinds = KINDS.get(owner, {})
        for function in functions:
            path = f"/bindings/walk/{owner or 'functions'}/{function.name.replace('_', '-')}"
            if not function.is_method:
                found.append((path, "none", None, function, False))
                continue
            assert kinds, f"no object of type {owner}"
            for kind, make in kinds.items():
                found.append((f"{path}/{kind}", kind, make, function, False))
            if owner in ELSEWHERE:
                kind = ELSEWHERE[owner]
                found.append((f"{path}/{kind}-in-another-thread", kind, kinds[kind], function, True))
    for owner in ELSEWHERE:
        for kind, make in KINDS[owner].items():
            found.append((f"/bindings/walk/{owner}/properties-and-signals/{kind}", kind, make, Properties(owner), False))
    return found


def main():
    broker = Broker(sys.argv[1], sys.argv[2])
    chosen = [test for test in tests() if len(sys.argv) < 4 or sys.argv[3] in test[0]]
    print(f"1..{len(chosen)}", flush=True)
    failed = 0
    try:
        for number, (path, kind, make, function, elsewhere) in enumerate(chosen, 1):
            problem = in_child(lambda note: walk(broker.address, kind, make, function, note, elsewhere))
            print("not ok" if problem else "ok", number, path, flush=True)
            if problem:
                failed += 1
                print("#", problem, flush=True)
    finally:
        status = broker.end()
    return 1 if failed or status != 0 or not chosen else 0


sys.exit(main())
